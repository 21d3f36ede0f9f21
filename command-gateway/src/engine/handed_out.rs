//! What was handed out of a job, and what came back.

use std::collections::BTreeMap;

use schemas::ids::CustomerId;

use crate::ahead::DecidedAhead;
use crate::jobs::Next;

/// Subjects of one job that were handed out.
#[derive(Debug, Default)]
pub(super) struct HandedOut {
    /// The job.
    pub(super) cause: u64,
    /// The last of them.
    pub(super) last: Option<CustomerId>,
    /// Who was at rest when its turn came.
    rested: Option<CustomerId>,
    /// Those whose turn has not come, with what was decided; nothing while it is not back.
    pub(super) found: BTreeMap<CustomerId, Option<DecidedAhead>>,
}

/// So many subjects are handed out or wait for their turn at most: what they take is memory, and
/// what waits for long is decided again.
const MOST: usize = 192;

impl HandedOut {
    /// Nothing yet of a job.
    pub(super) fn of(cause: u64) -> Self {
        Self { cause, ..Self::default() }
    }

    /// Whether no more may be handed out.
    pub(super) fn is_full(&self) -> bool {
        self.found.len() >= MOST
    }

    /// A subject was at rest when its turn came; true also of the next try of that turn.
    pub(super) fn note_rest(&mut self, subject: CustomerId, rests: bool) -> bool {
        if rests {
            self.rested = Some(subject);
        }
        self.rested == Some(subject)
    }

    /// Whether a subject is handed out and nothing came back.
    pub(super) fn is_out(&self, next: &Next) -> bool {
        self.cause == next.cause && matches!(self.found.get(&next.subject), Some(None))
    }

    /// What was decided for a subject, which is not waited for any more.
    pub(super) fn take(&mut self, next: &Next) -> Option<DecidedAhead> {
        if self.cause != next.cause {
            return None;
        }
        self.found.remove(&next.subject).flatten()
    }
}
