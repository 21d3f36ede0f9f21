//! The engine: the one writer of a book.
//!
//! *Shape.* [`EngineCore`] decides; it knows no thread, no disk and no channel, and a simulation
//! steps it. A driver feeds it on the engine's thread, and a writer's thread syncs.

mod bringing_back;
mod copying;
mod decided;
mod deciding_ahead;
mod drafting;
pub(crate) mod driver;
mod ending;
mod handed_out;
mod handing_out;
pub(crate) mod intake;
pub(crate) mod large;
mod previewed;
pub(crate) mod reading;
mod room;
mod step;
mod stepping;
mod stopping;
mod working;
mod write_error;
pub(crate) mod writer;

pub use decided::{Answer, Decided, Offer, Offered, Verdict};
pub use stepping::EngineCore;
pub use working::Work;
