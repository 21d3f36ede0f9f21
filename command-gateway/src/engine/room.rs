//! Room on the disk, reserved before a block is begun.

use std::time::Instant;

use super::write_error::WriteError;
use crate::outcome::Refusal;

/// Whether there is room for the next block.
pub(super) enum Room {
    Reserved,
    Missing { refusal: Refusal, asked: Instant },
}

pub(super) fn room_of(reserved: Result<(), WriteError>) -> Room {
    match reserved {
        Ok(()) => Room::Reserved,
        Err(error) => {
            tracing::warn!(%error, "no room for another block, commands are refused");
            let refused = error.refusal();
            // Nothing was written yet.
            let unwritten = refused == Refusal::UnknownOutcome;
            let refusal = if unwritten { Refusal::Unavailable } else { refused };
            Room::Missing { refusal, asked: Instant::now() }
        }
    }
}
