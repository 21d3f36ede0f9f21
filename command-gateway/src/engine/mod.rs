//! The engine: the one writer of a book.
//!
//! *Shape.* [`EngineCore`] decides; it knows no thread, no disk and no channel, and a simulation
//! steps it. A driver feeds it on the engine's thread, and a writer's thread syncs.

mod decided;
pub(crate) mod driver;
mod ending;
mod intake;
mod previewed;
mod replay;
mod room;
mod stepping;
mod stopping;
pub(crate) mod writer;

pub use decided::{Answer, Decided, FirstOutcome, Offer, Offered, Verdict};
pub(crate) use intake::Intake;
pub(crate) use replay::Fold;
pub use replay::ReplayError;
pub use stepping::EngineCore;
