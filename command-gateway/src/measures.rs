//! What the engine measures of itself: counts, and distributions over the last minute.
//!
//! *Limits.* A block costs one lock; a command costs none beyond its block's.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use schemas::status::{CommandCounts, Figures, Window};

use crate::outcome::Refusal;

/// What is measured. Clones see the same.
#[derive(Debug, Clone)]
pub struct Measures(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    started: Instant,
    busy: AtomicU64,
    repeats_refused: AtomicU64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    accepted: u64,
    rejected: u64,
    duplicates: u64,
    undecided: u64,
    sync_us: Window,
    block_commits: Window,
    block_bytes: Window,
}

/// What a durable block came to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct BlockCounts {
    pub(crate) commits: u64,
    pub(crate) bytes: u64,
    pub(crate) rejected: u64,
    pub(crate) undecided: u64,
    pub(crate) duplicates: u64,
    /// How long writing and syncing took; none if there was nothing to write.
    pub(crate) took: Option<Duration>,
}

impl BlockCounts {
    /// A command of the block was refused.
    pub(crate) fn refused(&mut self, refusal: &Refusal) {
        match refusal {
            Refusal::Rejected { .. } | Refusal::IdempotencyKeyReused { .. } => self.rejected += 1,
            Refusal::KeysMissing { .. }
            | Refusal::Busy { .. }
            | Refusal::DeadlineExceeded { .. }
            | Refusal::Unavailable
            | Refusal::DiskFull
            | Refusal::LogDamaged { .. }
            | Refusal::UnknownOutcome
            | Refusal::Internal => self.undecided += 1,
        }
    }
}

/// Figures of blocks, recent and since the start.
#[derive(Debug, Clone)]
pub struct BlockFigures {
    /// Writing and syncing a block, in microseconds.
    pub sync_us: Figures,
    /// Commits in a block.
    pub block_commits: Figures,
    /// Bytes of commits in a block.
    pub block_bytes: Figures,
    /// Commits made durable in a second.
    pub commits_per_second: u64,
    /// Every sync since the start, in microseconds.
    pub syncs: schemas::status::Buckets,
}

impl Default for Measures {
    fn default() -> Self {
        Self(Arc::new(Inner {
            started: Instant::now(),
            busy: AtomicU64::new(0),
            repeats_refused: AtomicU64::new(0),
            state: Mutex::default(),
        }))
    }
}

impl Measures {
    /// How long the engine has run.
    pub fn uptime(&self) -> Duration {
        self.0.started.elapsed()
    }

    /// A command found the queue full.
    pub(crate) fn busy(&self) {
        self.0.busy.fetch_add(1, Ordering::Relaxed);
    }

    /// How many commands found the queue full.
    pub(crate) fn was_busy(&self) -> u64 {
        self.0.busy.load(Ordering::Relaxed)
    }

    /// A repeated command found no room to wait for its first outcome.
    pub(crate) fn repeat_refused(&self) {
        self.0.repeats_refused.fetch_add(1, Ordering::Relaxed);
    }

    /// How many repeated commands found no room.
    pub(crate) fn repeats_refused(&self) -> u64 {
        self.0.repeats_refused.load(Ordering::Relaxed)
    }

    /// A block is durable.
    pub(crate) fn block(&self, block: BlockCounts) {
        let now = self.uptime().as_secs();
        let mut state = self.state();
        state.accepted += block.commits;
        state.rejected += block.rejected;
        state.duplicates += block.duplicates;
        if let Some(took) = block.took {
            state.sync_us.record(now, u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
            state.block_commits.record(now, block.commits);
            state.block_bytes.record(now, block.bytes);
        }
        state.undecided += block.undecided;
    }

    /// What became of commands.
    pub fn commands(&self) -> CommandCounts {
        let state = self.state();
        CommandCounts {
            accepted: state.accepted,
            rejected: state.rejected,
            duplicates: state.duplicates,
            busy: self.was_busy() + self.repeats_refused(),
            undecided: state.undecided,
        }
    }

    /// Figures of blocks.
    pub fn blocks(&self) -> BlockFigures {
        let now = self.uptime().as_secs();
        let state = self.state();
        BlockFigures {
            sync_us: state.sync_us.figures(now),
            block_commits: state.block_commits.figures(now),
            block_bytes: state.block_bytes.figures(now),
            commits_per_second: state.block_commits.per_second(now),
            syncs: state.sync_us.total().clone(),
        }
    }

    /// Counts are added one by one, so a panicking thread leaves usable ones.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
