//! What may be done: the engine, idempotency, front doors.
//!
//! # Architecture invariants
//!
//! - **No business rule.** What is allowed is `ledger-core`'s to say; nothing here looks into an
//!   amount, a date of a bill or a price.
//! - **No personal text passes in clear.** A gateway with keys seals before anything is queued.
//! - **No read model.** This crate does not know `projections`; queries are services that the
//!   binary registers.
//! - **No answer before durability.** Rejections and duplicates wait like acceptances do.
//! - **No second writer of state.** Only the engine's thread folds events in.
//! - **Questions never run on the engine's thread.** It makes a copy; the rest is done elsewhere.
//! - **No unbounded queue.** When one is full the answer is *busy*, at once.
//! - **No async in the engine**, and no transport in the router.
//! - **No clock but [`clock::Clock`]**, read once for each command.

#![allow(
    clippy::result_large_err,
    reason = "a problem is made once, for a request that failed, and moved into its reply"
)]

pub mod admin;
mod admission;
pub mod ahead;
mod archive;
mod asking;
pub mod clock;
pub mod completion;
pub mod config;
pub mod copies;
pub mod decider;
pub mod door;
pub mod engine;
pub mod feed;
mod first;
mod fold;
pub mod gateway;
pub mod handle;
pub mod history;
pub mod ids;
mod jobs;
pub mod known;
mod measures;
pub mod messages;
mod opening;
pub mod outcome;
mod panics;
pub mod progress;
mod queue;
pub mod reckoning;
mod request;
pub mod router;
mod sealed;
pub mod service;
mod shared_log;
mod sink;
pub mod snapshot;

pub use clock::{Clock, ManualClock, SystemClock};
pub use completion::{BatchTicket, Completion, Ticket, completions};
pub use config::{GatewayConfig, GatewayError};
pub use copies::Excerpt;
pub use decider::Decider;
pub use first::FirstOutcome;
pub use fold::ReplayError;
pub use gateway::{Gateway, fresh_log_id};
pub use handle::GatewayHandle;
pub use jobs::{RunProgress, RunState};
pub use ledger_core::process::bill_command_id;
pub use measures::{BlockFigures, Measures};
pub use opening::read_back;
pub use outcome::{Outcome, Receipt, Refusal};
pub use progress::{Progress, Stopped};
pub use queue::{Place, Places};
pub use request::CommandRequest;
pub use router::{BookDoor, Router};
pub use sealed::Sealed;
pub use service::{Blocking, ReplyFuture, Service};
pub use snapshot::{OpeningReport, SnapshotStatus, Snapshots};
