//! What can be asked: projector runtime, read models, their queries.
//!
//! # Shape
//!
//! A [`Projection`] folds events into rows of its own [`store::Store`]. One projector thread for
//! each read model tails the log up to the durable watermark and writes rows and checkpoint in
//! one atomic batch. [`Projectors`] starts them and answers queries; [`replay()`] folds the log
//! into scratch stores, whose content hashes must equal the live ones.
//!
//! Each read model is a folder with the same files: `rows.rs` (what is stored), `apply.rs` (how
//! an event changes it), `queries.rs` (what can be asked).
//!
//! # Correctness
//!
//! A fold is strict: an event that names what no event before it made stops the read model, with
//! position and name ([`FoldError::Unknown`]). A store holds nothing that the log cannot rebuild.
//! On any doubt (it cannot be opened or read, its version or its checkpoint does not fit) it is
//! built anew in another folder and swapped in.
//! Rows depend on the order of commits alone, never on where blocks or batches were cut.
//!
//! # Architecture invariants
//!
//! - Nothing here calls `decide`, or knows `command-gateway`: the two sides meet in the log.
//! - Nothing here writes to the log or takes its lock; readers stop at the durable watermark.
//! - Read models share no rows, no checkpoint and no thread.
//! - No wall clock: what is overdue is reckoned from the recorded time of the last commit, or
//!   from the day that a query names.
//! - No amount is priced, rounded or converted here; recognition by day is `ledger-core`'s.
//! - No read model keeps a shadow of the ledger: what an amount follows from is in its event, or in
//!   the events that it names, which a query reads in the log.
//! - No floats, no async, no network.

#![allow(
    clippy::result_large_err,
    reason = "a problem is the answer of a failed query, made once and moved once"
)]

mod answer;
mod balances;
mod checkpoint;
mod commits;
mod directory;
mod edition;
mod fold;
mod heads;
mod home;
mod invoices;
mod lines;
mod live;
mod models;
mod month;
mod page;
mod places;
mod projection;
mod projector;
mod projectors;
mod recognition;
mod replay;
mod revenue;
mod service;
mod step;
pub mod store;
mod table;
mod tail;

pub use balances::Balances;
pub use checkpoint::{Checkpoint, Doubt, Verdict};
pub use commits::{Commits, EachCommit};
pub use edition::{Edition, Editions};
pub use fold::{BATCH_ROWS, Fold};
pub use home::HomeError;
pub use invoices::Invoices;
pub use models::{UnknownView, ViewName};
pub use projection::{Answered, Finish, FoldError, Projection, QueryError, Tables, View};
pub use projectors::{Projectors, StartError};
pub use replay::{Progress, ReplayError, Scratch, Stored, ViewHash, look, replay};
pub use revenue::Revenue;
pub use service::{DEFAULT_PATIENCE, QueryService};
