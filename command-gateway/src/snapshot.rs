//! Snapshots: a book starts from one and from the log behind it, instead of from the whole log.
//!
//! # Shape
//!
//! A follower of the log, on a thread of its own, folds what is durable and writes **layers**: the
//! customers that changed since the layer below, whole, and what was added to taken ids and names.
//! A layer also holds the book and the jobs of processes, so that the layers up to any one of them
//! are a snapshot. Beside them it writes the ids of old commands ([`crate::ids`]). A manifest
//! names the files. Small layers are merged into larger ones.
//!
//! # Correctness
//!
//! **No authority.** Opening compares log id, version of the encoding, SHA-256 of each layer, and
//! the hash of the block that holds the snapshot's position. On any doubt it takes fewer layers,
//! or replays the whole log; it never refuses to start. A ledger from a snapshot and the tail
//! equals the one from the whole log.
//!
//! **Nothing ahead of the disk.** The follower reads up to the durable watermark.
//!
//! # Limits
//!
//! The follower holds the customers that changed since the last layer. It works at most half of the
//! time, at a low priority; under a load that it cannot keep up with the tail grows, and with it
//! the time that a start takes. What has been settled long ago is still state: lines of
//! invoices, payments, taken ids and names are kept in memory for ever.

mod chain;
mod follower;
mod footer;
mod layer;
mod manifest;
mod merging;
mod pages;
mod part;
mod status;
mod write;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use event_log::{Disk, FileDisk};

pub use chain::ChainError;
pub(crate) use chain::{Chain, is_in};
pub(crate) use follower::{Follower, Start};
pub use layer::LayerError;
pub(crate) use manifest::Manifest;
pub(crate) use status::Shelf;
pub use status::{OpeningReport, SnapshotStatus};

/// Where snapshots lie and how often they are made.
#[derive(Debug, Clone)]
pub struct Snapshots {
    /// Their folder; not the log's.
    pub disk: Arc<dyn Disk>,
    /// A layer is made when so many commits are durable since the last; 0 for never.
    pub every_commits: u64,
    /// A layer is made when so many bytes are durable since the last; 0 for never.
    pub every_bytes: u64,
    /// How often the follower looks whether it is time.
    pub look_every: Duration,
}

impl Snapshots {
    /// The usual settings on `disk`: every 250,000 commits or 64 MiB.
    pub fn on(disk: Arc<dyn Disk>) -> Self {
        let look_every = Duration::from_millis(250);
        Self { disk, every_commits: 250_000, every_bytes: 64 << 20, look_every }
    }

    /// The usual settings in a folder, which is made if it is not there.
    ///
    /// # Errors
    /// What the disk says.
    pub fn at(folder: impl AsRef<Path>) -> io::Result<Self> {
        Ok(Self::on(Arc::new(FileDisk::create(folder)?)))
    }

    /// The same with another interval; 0 for never.
    #[must_use]
    pub fn every(mut self, commits: u64) -> Self {
        self.every_commits = commits;
        if commits == 0 {
            self.every_bytes = 0;
        }
        self
    }

    /// Whether none are made. Those that are there are used.
    pub(crate) fn is_off(&self) -> bool {
        self.every_commits == 0 && self.every_bytes == 0
    }

    /// Whether so much is behind the last layer that one is due.
    pub(crate) fn is_due(&self, commits: u64, bytes: u64) -> bool {
        let reached = |value: u64, limit: u64| limit > 0 && value >= limit;
        commits > 0 && (reached(commits, self.every_commits) || reached(bytes, self.every_bytes))
    }

    /// Whether a clean stop is worth a layer: a tenth of the interval, so that a start after it
    /// has next to nothing to replay, and a book with a few commits gets no files at all.
    pub(crate) fn is_due_at_stop(&self, commits: u64, bytes: u64) -> bool {
        let tenth = |limit: u64| if limit > 0 { (limit / 10).max(1) } else { 0 };
        let (every_commits, every_bytes) = (tenth(self.every_commits), tenth(self.every_bytes));
        Self { every_commits, every_bytes, ..self.clone() }.is_due(commits, bytes)
    }
}
