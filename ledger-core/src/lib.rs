//! What billing is: decisions, billing arithmetic, the journal. Pure.
//!
//! # Shape
//!
//! [`Ledger`] is the state of one partition, folded from events. [`Ledger::decide`] turns a
//! command into events or a [`schemas::Rejection`]; [`Ledger::evolve`] folds one event in.
//! [`journal::post`] turns an event into balanced entries.
//!
//! # Architecture invariants
//!
//! - No I/O, no clock, no randomness, no async, no floats, no iteration over unordered maps.
//! - Every rule lives in `decide`; `evolve` refuses nothing and prices nothing.
//! - A journal entry that does not balance cannot be constructed.
//! - This crate knows nothing of logs, queues, read models or wires.

mod billing;
mod book;
mod claims;
mod customer;
pub mod earning;
pub mod journal;
pub mod laws;
pub mod ledger;
mod registry;
mod settlement;
pub mod snapshot;
mod subscription;
mod view;

pub use claims::Claims;
pub use customer::state::{Customer, Invoice, InvoiceState, Line, Payment};
pub use ledger::{Ledger, Stamp};
pub use subscription::state::{Phase, Subscription};
