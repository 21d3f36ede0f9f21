//! What stored commits are folded into, before anything is decided on it.

use std::sync::Arc;

use ledger_core::process::{Job, is_parking};
use ledger_core::{Away, FoldError, Stamp, Unmade};
use schemas::ids::CustomerId;
use schemas::parts::{Role, role};
use schemas::record::DecodeError;
use schemas::{CommitView, Event, StreamId, Timestamp};

use crate::archive::{Archive, Cooling, Damaged, Stored};
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
    /// What it changes lies where the log cannot be read.
    #[error(
        "the commit at position {at} cannot be read, and a later one changes what it made; restore the log from a copy"
    )]
    Archived {
        /// Where.
        at: u64,
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
    /// Reads back what is only in the log; none where nothing ever leaves memory.
    pub(crate) archive: Option<Arc<Archive>>,
    /// Who leaves memory, and when; none where all leave it at once.
    pub(crate) cooling: Option<Cooling>,
    pub(crate) jobs: Jobs,
    pub(crate) next_position: u64,
    pub(crate) recorded_at: Option<Timestamp>,
}

impl<S> Fold<S> {
    /// Before the first commit.
    pub(crate) fn new(state: S) -> Self {
        Self {
            state,
            archive: None,
            cooling: None,
            jobs: Jobs::default(),
            next_position: 1,
            recorded_at: None,
        }
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
        let events = commit.events().map(|record| Event::decode(record?));
        let events = events.collect::<Result<Vec<Event>, DecodeError>>().map_err(unreadable)?;
        self.read_back_for(position, commit.stream, &events)?;
        let CommitView { command_id, recorded_at, effective_at, .. } = *commit;
        let stamp = Stamp { command_id, recorded_at, effective_at };
        // After a panic the state is not used any more.
        let state = &mut self.state;
        let fold = || state.fold(position, commit.stream, &stamp, &events);
        let folded = guarded("folding a commit in", &position, fold);
        let folded = folded.ok_or(ReplayError::Panicked { position })?;
        folded.map_err(|source| ReplayError::Impossible { position, source })?;
        self.note(position, commit.stream);
        self.replay_jobs(commit, &events).map_err(unreadable)?;
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

    /// Has read back what a commit changes and is only in the log.
    fn read_back_for(
        &mut self,
        position: u64,
        stream: StreamId,
        events: &[Event],
    ) -> Result<(), ReplayError> {
        while let Some(away) = self.state.away_for(stream, events) {
            let archive = self.archive.as_ref().ok_or(ReplayError::Panicked { position })?;
            let commits =
                archive.read(&away).map_err(|Damaged(at)| ReplayError::Archived { at })?;
            self.restore(&away, &commits)?;
        }
        Ok(())
    }

    /// Brings back what was away.
    pub(crate) fn restore(&mut self, away: &Away, commits: &[Stored]) -> Result<(), ReplayError> {
        let mut views = Vec::with_capacity(commits.len());
        for (position, bytes) in commits {
            let position = *position;
            let unreadable = |source| ReplayError::Unreadable { position, source };
            views.push(CommitView::parse(bytes).map_err(unreadable)?);
        }
        let at = commits.first().map_or(0, |(position, _)| *position);
        let restored = self.state.restore(away, &views);
        restored.map_err(|error| match error {
            FoldError::Decode(source) => ReplayError::Unreadable { position: at, source },
            FoldError::Unmade(source) => ReplayError::Impossible { position: at, source },
        })?;
        self.note(self.next_position - 1, StreamId::Customer(away.customer()));
        Ok(())
    }

    /// A stream has the commit at `position`, or was read back when the log stood there.
    pub(crate) fn note(&mut self, position: u64, stream: StreamId) {
        if let (StreamId::Customer(customer), Some(cooling)) = (stream, &mut self.cooling) {
            cooling.note(position, customer);
        }
    }

    /// Only a job has looked at the customer whose commit is at `position`, which was at rest.
    pub(crate) fn passes(&mut self, position: u64, customer: CustomerId) {
        if let Some(cooling) = &mut self.cooling {
            cooling.passes(position, customer);
        }
    }

    /// Customers that were left alone for long enough leave memory as far as they can; everything
    /// up to `durable` can be read back. So many stay in memory as they are.
    pub(crate) fn cool(&mut self, durable: u64, warm: u64, awake: usize) {
        let (at, Some(cooling)) = (self.next_position - 1, &mut self.cooling) else { return };
        while let Some(customer) = cooling.next_passing(durable) {
            self.state.rest_one(customer);
        }
        while let Some(customer) = cooling.next(at, durable, warm) {
            self.state.archive(customer);
        }
        self.state.rest(awake);
    }

    /// A commit of the book may begin a job; one of a customer that has a cause may be of one.
    fn replay_jobs(
        &mut self,
        commit: &CommitView<'_>,
        events: &[Event],
    ) -> Result<(), DecodeError> {
        match (commit.stream, commit.cause) {
            (StreamId::Book, _) => {
                for event in events {
                    self.begin_job(event, commit.position);
                }
            }
            // A part of what is done for a subject is not all of it.
            (StreamId::Customer(_), Some(_)) if is_part(events) => {}
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

/// Whether a commit is a part of a decision, and not the last.
fn is_part(events: &[Event]) -> bool {
    match role(events) {
        Role::Part(_) => true,
        Role::Whole | Role::Last(_) => false,
    }
}
