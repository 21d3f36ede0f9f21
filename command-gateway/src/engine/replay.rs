//! Folding a stored log in, before anything is decided on it.

use schemas::command::BillingCommand;
use schemas::event::ProcessEvent;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ledger_core::{FoldError, Unmade};
use schemas::record::{DecodeError, RecordKind};
use schemas::{Command, CommitView, Event, StreamId, Timestamp};

use crate::decider::State;
use crate::runs::{BillingRuns, PARKED};

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

/// What stored commits are folded into: the state, how far billing runs are, where the log stands.
///
/// The engine decides on it. The follower that makes snapshots folds the same commits in the same
/// way into one that holds only the customers that changed.
#[derive(Debug)]
pub(crate) struct Fold<S> {
    pub(crate) state: S,
    pub(crate) runs: BillingRuns,
    pub(crate) next_position: u64,
    pub(crate) recorded_at: Option<Timestamp>,
}

impl<S> Fold<S> {
    /// Before the first commit.
    pub(crate) fn new(state: S) -> Self {
        Self { state, runs: BillingRuns::default(), next_position: 1, recorded_at: None }
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
        // The state asserts what history cannot hold; after that it is not used any more.
        let folded = catch_unwind(AssertUnwindSafe(|| self.state.evolve_commit(commit)));
        folded.map_err(|_| ReplayError::Panicked { position })?.map_err(|error| match error {
            FoldError::Decode(source) => unreadable(source),
            FoldError::Unmade(source) => ReplayError::Impossible { position, source },
        })?;
        if is_kind(commit, "billing.run") {
            self.start_replayed_run(commit).map_err(unreadable)?;
        } else if is_kind(commit, "customer.bill")
            && let Command::Billing(BillingCommand::BillCustomer(bill)) =
                Command::decode(commit.command).map_err(unreadable)?
        {
            let parked =
                commit.events().any(|raw| raw.is_ok_and(|raw| raw.type_id == parked_type()));
            self.runs.replay_billed(&bill, parked);
        }
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

    fn start_replayed_run(&mut self, commit: &CommitView<'_>) -> Result<(), DecodeError> {
        for raw in commit.events() {
            self.start_run(&Event::decode(raw?)?, commit.position);
        }
        Ok(())
    }

    pub(crate) fn start_run(&mut self, event: &Event, cause: u64) {
        if let Event::Process(ProcessEvent::BillingRunStarted(started)) = event {
            let customers = self.state.due_customers(started.through);
            self.runs.start(started.clone(), cause, customers);
        }
    }
}

/// The number of the event that says a customer could not be billed.
fn parked_type() -> u16 {
    let kind = Event::KINDS.iter().find(|kind| kind.name == PARKED);
    kind.expect("the event is published").type_id
}

fn is_kind(commit: &CommitView<'_>, name: &str) -> bool {
    let kind = Command::KINDS.iter().find(|kind| kind.name == name);
    kind.is_some_and(|RecordKind { type_id, .. }| *type_id == commit.command.type_id)
}
