//! Demonstrates, imports and measures: what is done *with* a ledger.
//!
//! # Shape
//!
//! [`demo`] makes up a business and audits it, [`import`] takes over history, [`undo`] takes back
//! what was done, [`mod@bench`] puts load on a book and checks it afterwards. Each has its
//! settings as a plain struct, prints
//! through `terminal` and gives a [`WorkError`].
//!
//! # Architecture invariants
//!
//! - No rule of billing lives here: commands go through a door or to a gateway, answers come from
//!   queries, and what is tried out before it is asked is decided by the core.
//! - No command line is read here.
//! - Nothing here writes to a log but through a gateway.

#![allow(
    clippy::result_large_err,
    reason = "a problem is made once, for a request that failed, and moved into its reply"
)]

pub mod bench;
pub mod demo;
mod error;
pub mod import;
pub mod undo;

pub use error::WorkError;
