//! What stored commits are folded into, before anything is decided on it.

use ledger_core::process::{Job, is_parking};
use ledger_core::{FoldError, Unmade};
use schemas::record::DecodeError;
use schemas::{CommitView, Event, StreamId, Timestamp};

use crate::decider::State;
use crate::jobs::{Jobs, Tried};
use crate::panics::guarded;

/// Why a stored commit does not continue the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// It cannot be read.
    #[error("the commit at position {position} cannot be read")]
    Unreadable {
        /// Where it lies.
        position: u64,
        /// What is wrong.
        #[source]
        source: DecodeError,
    },
    /// It says another position than the log does.
    #[error(
        "the commit at position {position} says that it is at {found}; restore the log from a copy"
    )]
    Position {
        /// Where it lies.
        position: u64,
        /// What it says.
        found: u64,
    },
    /// Revisions of its stream are not contiguous.
    #[error(
        "the commit at position {position} has revision {found} of {stream}, not {expected}; restore the log from a copy"
    )]
    Revision {
        /// Where it lies.
        position: u64,
        /// Its stream.
        stream: StreamId,
        /// The revision that should follow.
        expected: u64,
        /// The one it has.
        found: u64,
    },
    /// Its events do not follow from those before.
    #[error("the commit at position {position} does not follow from those before it")]
    Impossible {
        /// Where it lies.
        position: u64,
        /// What it names that was never made.
        #[source]
        source: Unmade,
    },
    /// Folding it in met a fault of the ledger.
    #[error(
        "folding the commit at position {position} in panicked; report it with what was printed"
    )]
    Panicked {
        /// Where it lies.
        position: u64,
    },
    /// It was recorded before the one in front of it.
    #[error(
        "the commit at position {position} was recorded before the one in front of it; restore the log from a copy"
    )]
    Time {
        /// Where it lies.
        position: u64,
    },
}

/// The state, how far jobs are, where the log stands.
///
/// The engine decides on it. The follower that makes snapshots folds the same commits in the same
/// way into one that holds only the customers that changed.
#[derive(Debug)]
pub(crate) struct Fold<S> {
    pub(crate) state: S,
    pub(crate) jobs: Jobs,
    pub(crate) next_position: u64,
    pub(crate) recorded_at: Option<Timestamp>,
}

impl<S> Fold<S> {
    /// Before the first commit.
    pub(crate) fn new(state: S) -> Self {
        Self { state, jobs: Jobs::default(), next_position: 1, recorded_at: None }
    }
}

impl<S: State> Fold<S> {
    /// Folds a stored commit in that was read at `position`.
    pub(crate) fn replay(
        &mut self,
        position: u64,
        commit: &CommitView<'_>,
    ) -> Result<(), ReplayError> {
        let unreadable = |source| ReplayError::Unreadable { position, source };
        self.check_continuity(position, commit)?;
        // After a panic the state is not used any more.
        let folded = guarded("folding a commit in", &position, || self.state.evolve_commit(commit));
        folded.ok_or(ReplayError::Panicked { position })?.map_err(|error| match error {
            FoldError::Decode(source) => unreadable(source),
            FoldError::Unmade(source) => ReplayError::Impossible { position, source },
        })?;
        self.replay_jobs(commit).map_err(unreadable)?;
        self.recorded_at = Some(commit.recorded_at);
        self.next_position = position + 1;
        Ok(())
    }

    fn check_continuity(&self, position: u64, commit: &CommitView<'_>) -> Result<(), ReplayError> {
        if commit.position != position || position != self.next_position {
            return Err(ReplayError::Position { position, found: commit.position });
        }
        let expected = self.state.revision(commit.stream) + 1;
        if commit.revision != expected {
            let (stream, found) = (commit.stream, commit.revision);
            return Err(ReplayError::Revision { position, stream, expected, found });
        }
        if self.recorded_at.is_some_and(|before| commit.recorded_at < before) {
            return Err(ReplayError::Time { position });
        }
        Ok(())
    }

    /// A commit of the book may begin a job; one of a customer that has a cause may be of one.
    fn replay_jobs(&mut self, commit: &CommitView<'_>) -> Result<(), DecodeError> {
        match (commit.stream, commit.cause) {
            (StreamId::Book, _) => {
                for raw in commit.events() {
                    self.begin_job(&Event::decode(raw?)?, commit.position);
                }
            }
            (StreamId::Customer(subject), Some(cause)) => {
                let mut tried = Tried::Done;
                for raw in commit.events() {
                    if is_parking(raw?) {
                        tried = Tried::Parked { now: true };
                    }
                }
                self.jobs.replayed(cause.position, subject, tried);
            }
            (StreamId::Customer(_), None) => {}
        }
        Ok(())
    }

    /// Begins the job that an event of the commit at `cause` begins, if it begins one.
    pub(crate) fn begin_job(&mut self, event: &Event, cause: u64) {
        if let Some(job) = Job::begun_by(event) {
            let subjects = self.state.subjects(job.subjects());
            self.jobs.begin(job, cause, subjects);
        }
    }
}
