//! Room on the disk, reserved before a block is begun.

use std::time::Instant;

use event_log::AppendError;

use crate::outcome::Refusal;

/// Whether there is room for the next block.
pub(super) enum Room {
    Reserved,
    Missing { refusal: Refusal, asked: Instant },
}

pub(super) fn room_of(reserved: Result<(), AppendError>) -> Room {
    match reserved {
        Ok(()) => Room::Reserved,
        Err(error) => {
            tracing::warn!(%error, "no room for another block, commands are refused");
            let refusal = match error {
                AppendError::DiskFull { .. } => Refusal::DiskFull,
                AppendError::NoSegment { .. }
                | AppendError::PositionConflict { .. }
                | AppendError::LockLost { .. }
                | AppendError::UnknownOutcome { .. }
                | AppendError::Poisoned
                | AppendError::Closed => Refusal::Unavailable,
            };
            Room::Missing { refusal, asked: Instant::now() }
        }
    }
}
