//! Commits read back from the log, for answers that name the events behind an amount.
//!
//! *Correctness.* A commit that rows reflect is durable and never changes, so it may be read when
//! batches are no longer held off.
//! *Limits.* One reader for each process; who asks for commits waits for the one before. A block
//! is read once for all commits that are asked for together, from a place at most 64 blocks
//! before it, or from its segment's start the first time.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use event_log::{LogReader, ReadError};

/// Is shown a commit: its position and its bytes.
pub type EachCommit<'a> = dyn FnMut(u64, &[u8]) + 'a;

/// The commits of a log, by position.
pub trait Commits: Send + Sync {
    /// Shows the commits at these positions, in order. One that is not durable is left out.
    ///
    /// # Errors
    /// [`ReadError`] when the log cannot be read.
    fn read(&self, positions: &BTreeSet<u64>, each: &mut EachCommit<'_>) -> Result<(), ReadError>;
}

impl Commits for Mutex<LogReader> {
    fn read(&self, positions: &BTreeSet<u64>, each: &mut EachCommit<'_>) -> Result<(), ReadError> {
        let mut reader = self.lock().unwrap_or_else(PoisonError::into_inner);
        let mut wanted = positions.iter().copied().peekable();
        while let Some(position) = wanted.peek().copied() {
            let Some(block) = reader.block_of(position)? else { break };
            for (at, bytes) in block.commits() {
                if wanted.next_if_eq(&at).is_some() {
                    each(at, bytes);
                }
            }
            // A block that does not hold it would be read for ever.
            wanted.next_if_eq(&position);
        }
        Ok(())
    }
}
