//! The log as its one writer sees it, whichever home it has.

use std::io;
use std::path::PathBuf;

use crate::block::Block;
use crate::block_header::Hash;
use crate::head::Head;
use crate::identity::LogIdentity;

/// An append-only log of blocks with one writer.
///
/// *Ordering.* [`EventLog::append`] returns when the block is durable, not before, so one call is
/// one sync. A log that was opened has already fenced off the writer before it.
/// *Correctness.* After [`AppendError::UnknownOutcome`] nothing is appended any more, because
/// neither writing again nor syncing again would tell what is durable. Open the log anew: recovery
/// finds out.
pub trait EventLog: Send {
    /// Which log this is.
    fn identity(&self) -> &LogIdentity;

    /// Where it stands. Everything up to here is durable.
    fn head(&self) -> Head;

    /// Appends a block whose first commit gets `expected_position`.
    ///
    /// The block can be read afterwards, and cleared to be used again.
    /// # Errors
    /// See [`AppendError`]; only [`AppendError::UnknownOutcome`] leaves open what happened.
    fn append(
        &mut self,
        expected_position: u64,
        block: &mut Block,
    ) -> Result<Appended, AppendError>;

    /// Makes sure that so many blocks of any size can be appended without running out of room, so
    /// that a writer can ask before it decides anything.
    /// # Errors
    /// [`AppendError::DiskFull`] or [`AppendError::NoSegment`]. Nothing was written either way.
    fn reserve(&mut self, blocks: u32) -> Result<(), AppendError>;

    /// Appends the empty closing block; nothing can be appended afterwards. `time` is in
    /// microseconds since 1970 UTC.
    /// # Errors
    /// As [`EventLog::append`].
    fn close(&mut self, time: i64) -> Result<Head, AppendError>;
}

/// A block that is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The position of its first commit.
    pub first_position: u64,
    /// The position that comes next.
    pub next_position: u64,
    /// Its number.
    pub block_number: u64,
    /// Its hash.
    pub block_hash: Hash,
}

/// Why a block was not appended.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The log stands elsewhere. Nothing was written.
    #[error("the log's next position is {actual}, not {expected}; decide again from there")]
    PositionConflict {
        /// What the caller expected.
        expected: u64,
        /// Where the log stands.
        actual: u64,
    },
    /// There is no room for a new segment. Nothing was written; it can be tried again.
    #[error("no room for {bytes} more bytes at {}; free some and try again", path.display())]
    DiskFull {
        /// The file that could not be made.
        path: PathBuf,
        /// How long it should have been.
        bytes: u64,
    },
    /// A new segment could not be made for another reason. Nothing was written.
    #[error("no new segment can be made at {}", path.display())]
    NoSegment {
        /// The file that could not be made.
        path: PathBuf,
        /// What the disk said.
        #[source]
        source: io::Error,
    },
    /// Someone removed or replaced the lock file, so another writer may be at work. Nothing was
    /// written.
    #[error("the lock {} is gone, so others may write; open the log again", path.display())]
    LockLost {
        /// The lock file.
        path: PathBuf,
    },
    /// A write or a sync failed: the block may be durable or not.
    #[error("it is unknown whether the block at {position} is durable; open the log again")]
    UnknownOutcome {
        /// The position of its first commit.
        position: u64,
        /// The file.
        path: PathBuf,
        /// What the disk said.
        #[source]
        source: io::Error,
    },
    /// An earlier append failed with an unknown outcome. Nothing was written.
    #[error("an earlier write failed, so nothing more is written; open the log again")]
    Poisoned,
    /// The log was closed. Nothing was written.
    #[error("the log is closed; open it again")]
    Closed,
}
