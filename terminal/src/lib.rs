//! How data looks on a terminal: answers as pages and tables, JSON for programs, progress.
//!
//! # Shape
//!
//! An [`Output`] has one [`Format`]. [`Output::document`] prints an answer in it; a [`View`] says
//! which rendering a table has. Data goes to stdout and through [`Output`], [`text`] or [`raw`],
//! so that a reader that goes away (`| head`) ends the program quietly
//! ([`PrintError::BrokenPipe`]). Talk goes to stderr: [`say`], [`Progress`].
//!
//! # Architecture invariants
//!
//! - No door is asked here, and no rule of billing is known.
//! - An answer of another release is shown as it is, never refused.
//! - Of our crates it knows the published language, and what an answer is (`client`).

mod answers;
mod chart;
mod output;
mod table;
mod talk;

pub use answers::{View, counted, render};
pub use chart::bars;
pub use output::{Format, Output, PrintError, raw, text};
pub use table::{Rows, grouped, show};
pub use talk::{Progress, say};
