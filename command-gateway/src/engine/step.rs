//! What becomes of one command, between deciding it and answering.

use ledger_core::{Away, Stamp};
use schemas::commit::MAX_COMMIT_BYTES;
use schemas::{Cause, Rejection};

use crate::outcome::{Receipt, Refusal};
use crate::reckoning::Reckoned;
use crate::request::CommandRequest;

/// What a command is stamped and stored with, beside its own content.
pub(super) struct Entry<'a> {
    pub(super) request: CommandRequest,
    pub(super) cause: Option<Cause>,
    pub(super) stamp: &'a Stamp,
    /// Its events are all that was decided: they can be split.
    pub(super) whole: bool,
}

/// What became of a commit that was to go into the open block.
pub(super) enum Pushed {
    Taken,
    /// It has so many bytes.
    TooLarge(usize),
    /// The open block has no room.
    Full,
    /// It could not be folded in.
    Broken,
}

pub(super) enum Step {
    Accepted(Receipt),
    Refused(Refusal),
    /// Too much for the open block; as good as not decided.
    Full(CommandRequest),
    /// It could not be folded in.
    Broken(CommandRequest),
    /// Something has to be read back first; as good as not decided.
    Away(CommandRequest, Away),
    /// It is to be reckoned beside the engine; as good as not decided.
    Heavy(CommandRequest),
    /// A part of it is in the block, and more is to come.
    Drafting(CommandRequest),
}

/// A decision that waits to be committed.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) reckoned: Reckoned,
    /// Where its parts lie that are committed.
    pub(super) parts: Vec<u64>,
}

impl Prepared {
    pub(super) fn new(reckoned: Reckoned) -> Self {
        Self { reckoned, parts: Vec::new() }
    }
}

pub(super) fn too_large(bytes: usize) -> Rejection {
    Rejection::CommitTooLarge { bytes, limit: MAX_COMMIT_BYTES }
}
