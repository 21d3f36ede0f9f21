//! What comes in through the engine's queue.

use super::decided::Offer;
use crate::completion::ReplyTo;
use crate::copies::CopyRequest;

/// One thing that is asked of the engine.
#[derive(Debug)]
pub(crate) enum Intake {
    /// A command.
    Command(Box<Offer<ReplyTo>>),
    /// A copy is wanted.
    Copy(CopyRequest),
    /// Finish what is decided, close the log, stop.
    Stop,
}
