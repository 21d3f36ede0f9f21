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
            let refusal = match error.refusal() {
                // Nothing was written yet.
                Refusal::UnknownOutcome => Refusal::Unavailable,
                refusal => refusal,
            };
            Room::Missing { refusal, asked: Instant::now() }
        }
    }
}
