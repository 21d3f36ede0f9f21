//! Readable tests of billing, from files: the scenario language and its player.
//!
//! # Shape
//!
//! [`yaml`] reads texts, [`mod@file`] and [`steps`] understand every word of them, [`commands`]
//! makes commands of steps, [`play()`] plays them against a fresh book and compares what is
//! expected with what the book says. `docs/scenarios.md` describes the format.
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
pub mod commands;
pub mod expect;
pub mod fields;
pub mod file;
pub mod report;
mod run;
mod scratch;
mod seen;
pub mod steps;
pub mod trouble;
pub mod value;
mod world;
pub mod yaml;

pub use run::{Stopped, play};
pub use scratch::Scratch;
