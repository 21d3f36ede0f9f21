//! Readable tests of billing, from files: the scenario language and its player.
//!
//! # Shape
//!
//! [`yaml`] reads texts, [`mod@file`] and [`steps`] understand every word of them, [`play()`] plays
//! them against a fresh book and compares what is expected with what the book says.
//!
//! An [`verbs::Verb`] becomes a command by the command's published schema: its keys are the
//! command's fields, an alias stands where an id is expected. Verbs that are shorter than their
//! command are rows of a table, with code for what no row can say. So a new command is a verb,
//! under its public name, without a line here. `docs/scenarios.md` describes the format.
//!
//! # Correctness
//!
//! A file is understood whole before anything is played: a verb, a key or a policy that billfold
//! does not have ends it with its name ([`trouble::Trouble`]), and no expectation is skipped in
//! silence.
//!
//! # Architecture invariants
//!
//! - No number passes through a float.
//! - A book is looked at as any client would, through a door, and by reading its log; no ledger
//!   state and no row of a read model is known here.
//! - Nothing is printed: an [`report::Outcome`] says what differs.

#![allow(
    clippy::result_large_err,
    reason = "a problem is made once, for a request that failed, and moved into its reply"
)]

pub mod case;
mod check;
mod clock;
mod draft;
pub mod expect;
pub mod fields;
pub mod file;
mod names;
mod near;
pub mod report;
mod run;
mod scratch;
mod seen;
mod shape;
mod short;
pub mod steps;
pub mod trouble;
pub mod value;
pub mod verbs;
pub mod yaml;

pub use run::{Stopped, play};
pub use scratch::Scratch;
