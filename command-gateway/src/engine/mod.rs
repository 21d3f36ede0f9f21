//! The engine: the one writer of a book.
//!
//! *Shape.* [`EngineCore`] decides; it knows no thread, no disk and no channel, and a simulation
//! steps it. [`driver`] is the thread that feeds it, and [`writer`] the thread that syncs.

pub(crate) mod driver;
mod stepping;
pub(crate) mod writer;

pub use stepping::{
    Answer, Decided, EngineCore, FirstOutcome, Offer, Offered, ReplayError, Verdict,
};
