//! The state of one partition and the two functions on it.

use schemas::ids::CustomerId;
use schemas::record::DecodeError;
use schemas::{Command, CommitView, Date, Event, Rejection, StreamId, Timestamp};

use schemas::ids::CommandId;

/// What the engine stamps a command with, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The command's id; ids of what it causes are derived from it.
    pub command_id: CommandId,
    /// When it is committed. On a test book: the test clock.
    pub recorded_at: Timestamp,
    /// When it takes effect.
    pub effective_at: Timestamp,
}

/// All state of one partition: the book's facts and every customer.
#[derive(Debug, Default)]
pub struct Ledger {}

impl Ledger {
    /// Decides a command against the state. Changes nothing.
    ///
    /// # Errors
    /// The [`Rejection`] that says why not.
    pub fn decide(&self, _command: &Command, _stamp: &Stamp) -> Result<Vec<Event>, Rejection> {
        Err(Rejection::BookNotOpen)
    }

    /// Folds one event in. Events of one commit are folded in order, then
    /// [`Ledger::close_commit`] is called once for the commit's stream.
    pub fn evolve(&mut self, _stream: StreamId, _event: &Event, _stamp: &Stamp) {}

    /// Counts one commit on its stream (also a commit without events).
    pub fn close_commit(&mut self, _stream: StreamId) {}

    /// Folds a stored commit in: every event, then the revision.
    ///
    /// # Errors
    /// [`DecodeError`] when a record cannot be read.
    pub fn evolve_commit(&mut self, _commit: &CommitView<'_>) -> Result<(), DecodeError> {
        Ok(())
    }

    /// The stream's revision; 0 before its first commit.
    pub fn revision(&self, _stream: StreamId) -> u64 {
        0
    }

    /// Where the test clock stands, on a test book.
    pub fn test_clock(&self) -> Option<Timestamp> {
        None
    }

    /// Customers with a cycle due up to and on `through`, by id, after `after`.
    pub fn due_customers(
        &self,
        _through: Date,
        _after: Option<CustomerId>,
        _limit: usize,
    ) -> Vec<CustomerId> {
        Vec::new()
    }
}
