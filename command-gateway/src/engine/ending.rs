//! Why an engine ends, and what those hear who wait then.

use super::decided::{Answer, Decided};
use super::write_error::WriteError;
use crate::completion::ReplyTo;
use crate::outcome::Refusal;
use crate::progress::Stopped;

/// Why a turn ends the engine.
pub(super) enum End {
    Asked,
    Failed(Stopped),
}

/// A block could not be written: tells everyone who waits for it what is known.
pub(super) fn failed(decided: Decided<ReplyTo>, error: &WriteError) -> End {
    tracing::error!(%error, first_position = decided.first_position, "a block was not written");
    refuse(decided.answers, &error.refusal());
    End::Failed(Stopped::LogFailed)
}

/// Refuses all that wait.
pub(super) fn refuse(answers: Vec<Answer<ReplyTo>>, refusal: &Refusal) {
    for answer in answers {
        answer.waiter.complete(Err(refusal.clone()));
    }
}
