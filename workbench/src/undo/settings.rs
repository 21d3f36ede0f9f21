//! What is to be taken back, and whether it is only shown.

use schemas::Timestamp;
use schemas::ids::{BatchId, CommandId, SessionId};
use schemas::text::Actor;

/// The most commits that are taken back at once.
pub const MAX_COMMITS: usize = 1_000;

/// Which commits are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// These, by position or command id.
    Each(Vec<CommitName>),
    /// All of a batch.
    Batch(BatchId),
    /// All of a session.
    Session(SessionId),
    /// What somebody did.
    By {
        /// Who.
        actor: Actor,
        /// The first commit, or the first instant.
        since: Bound,
        /// The last commit, or the last instant; up to now if none.
        until: Option<Bound>,
    },
}

/// How a commit is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitName {
    /// By its position.
    Position(u64),
    /// By the id of its command.
    Command(CommandId),
}

/// A place in the log, or in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// The commit at this position.
    Position(u64),
    /// This instant.
    At(Timestamp),
}

/// Whether something is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committing {
    /// Nothing: it is only shown.
    Preview,
    /// What is found now.
    Now,
    /// What a preview with this token showed, or nothing.
    Shown(String),
}

/// What is to be taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoSettings {
    /// Which commits.
    pub chosen: Chosen,
    /// Whether something is written.
    pub committing: Committing,
    /// Why; kept with every commit.
    pub reason: Option<String>,
}
