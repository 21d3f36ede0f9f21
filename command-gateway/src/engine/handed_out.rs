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
    /// Those whose turn has not come, with what was decided; nothing while it is not back.
    pub(super) found: BTreeMap<CustomerId, Option<DecidedAhead>>,
}

impl HandedOut {
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
