//! What happens by itself.
//!
//! # Shape
//!
//! A **process** is a pure function from an event, or from a day that has come, to what is to be
//! done then. [`PROCESSES`] is the table of all of them. There are two kinds:
//!
//! - An event on the book's stream begins a [`Job`]: one command for each of its subjects. The
//!   engine works jobs off and knows neither the event nor the command.
//! - On its day a process takes a **step** of a customer's billing. The next day on which there is
//!   something to do is state: it is set by an event with the commit that moves it, so a billing
//!   run looks it up and a replay rebuilds it.
//!
//! # Ordering
//!
//! Billing takes the steps in the order of the table; the first ones come before anything is
//! billed, each on the customer as the one before left it. What an agreement lets happen
//! (scheduled changes, then renewals, then cycles) comes at its own instant and in the order of
//! time.
//!
//! # Correctness
//!
//! The id of a command is derived from process, subject and step, so a restart repeats nothing.
//! What a process cannot do for a subject (a refusal, a commit that is too large, a fault) parks
//! the subject by a command of its own: an event that says why, and that is taken back by
//! `customer.release`. A step that cannot be taken refuses the billing that it is a part of.

pub(crate) mod activations;
mod asked;
pub(crate) mod billing_run;
mod days;
pub(crate) mod due;
mod job;
mod table;
mod task;

pub use billing_run::bill_command_id;
pub use job::Job;
pub use table::{PROCESSES, Process};
pub(crate) use table::{Step, first_steps, own_first_steps};
pub use task::{Subjects, Task, Unable, is_parking};
