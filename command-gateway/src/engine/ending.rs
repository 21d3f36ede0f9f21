//! Why an engine ends, and what those who wait are told.

use event_log::AppendError;

use super::decided::{Answer, Decided};
use crate::completion::ReplyTo;
use crate::outcome::Refusal;
use crate::progress::Stopped;

/// Why a turn ends the engine.
pub(super) enum End {
    Asked,
    Failed(Stopped),
}

/// A block could not be written: tells everyone who waits for it what is known.
pub(super) fn failed(decided: Decided<ReplyTo>, error: &AppendError) -> End {
    tracing::error!(%error, first_position = decided.first_position, "a block was not written");
    let refusal = match error {
        AppendError::DiskFull { .. } => Refusal::DiskFull,
        AppendError::NoSegment { .. }
        | AppendError::PositionConflict { .. }
        | AppendError::LockLost { .. }
        | AppendError::Poisoned
        | AppendError::Closed => Refusal::Unavailable,
        AppendError::UnknownOutcome { .. } => Refusal::UnknownOutcome,
    };
    refuse(decided.answers, &refusal);
    End::Failed(Stopped::LogFailed)
}

pub(super) fn refuse(answers: Vec<Answer<ReplyTo>>, refusal: &Refusal) {
    for answer in answers {
        answer.waiter.complete(Err(refusal.clone()));
    }
}
