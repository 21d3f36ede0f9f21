//! How a gateway is opened, and why it could not be.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use event_log::{AppendError, Disk, FileDisk, IdentityError, LogOptions, OpenError, ReadError};

use crate::clock::{Clock, SystemClock};
use crate::fold::ReplayError;
use crate::outcome::Refusal;
use crate::snapshot::Snapshots;
use vault::{Place, VaultError};

/// How a gateway is opened.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    /// Where the log is.
    pub disk: Arc<dyn Disk>,
    /// How many commands may wait undecided. The engine decides about 100,000 in a second, so a
    /// full queue of 2,048 is decided within some 20 ms; whoever does not fit is told at once.
    pub queue_capacity: usize,
    /// What the machine takes for the present.
    pub clock: Arc<dyn Clock>,
    /// A segment's full length in bytes; the log's own default if left out.
    pub segment_bytes: Option<u64>,
    /// A customer that has had no commit for so many others keeps in memory what can still change,
    /// and nothing else.
    pub warm_commits: u64,
    /// How many customers stay in memory as they are; the others are packed.
    pub awake_customers: usize,
    /// Where snapshots are, and how often they are made; none if left out.
    pub snapshots: Option<Snapshots>,
    /// Where the keys are that seal what is personal. Left out, texts stay as they come: for tests
    /// of the engine, never for people's books.
    pub keys: Option<Place>,
}

impl GatewayConfig {
    /// The usual settings for a log on `disk`.
    pub fn on(disk: Arc<dyn Disk>) -> Self {
        Self {
            disk,
            queue_capacity: 2_048,
            clock: Arc::new(SystemClock),
            segment_bytes: None,
            warm_commits: 4_096,
            awake_customers: 65_536,
            snapshots: None,
            keys: None,
        }
    }

    /// The usual settings for a log in a folder, which must be there.
    ///
    /// # Errors
    /// [`GatewayError::Folder`] if it cannot be used.
    pub fn at(folder: impl AsRef<Path>) -> Result<Self, GatewayError> {
        let folder = folder.as_ref();
        let disk = FileDisk::open(folder)
            .map_err(|source| GatewayError::Folder { path: folder.to_path_buf(), source })?;
        Ok(Self::on(Arc::new(disk)))
    }

    /// The same with another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The same with another queue.
    #[must_use]
    pub fn with_queue(mut self, capacity: usize) -> Self {
        self.queue_capacity = capacity;
        self
    }

    /// The same with snapshots.
    #[must_use]
    pub fn with_snapshots(mut self, snapshots: Snapshots) -> Self {
        self.snapshots = Some(snapshots);
        self
    }

    /// The same with keys.
    #[must_use]
    pub fn with_keys(mut self, keys: Place) -> Self {
        self.keys = Some(keys);
        self
    }

    pub(crate) fn log_options(&self) -> LogOptions {
        let mut options = LogOptions::at(self.clock.now().micros());
        if let Some(bytes) = self.segment_bytes {
            options.segment_bytes = bytes;
        }
        options
    }
}

/// Why a gateway could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The folder cannot be used.
    #[error("{} cannot be used as a log's folder", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the disk said.
        #[source]
        source: io::Error,
    },
    /// The log could not be opened to be written.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The log's commits do not make a history.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The log has no book in it.
    #[error("the log holds no book; create the book first")]
    NoBook,
    /// The log cannot have this name.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The ledger refused to open the book.
    #[error("the book cannot be opened: {0}")]
    Refused(Refusal),
    /// The first commit could not be written.
    #[error("the book's first commit could not be written")]
    FirstCommit(#[source] AppendError),
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] VaultError),
    /// The machine has no more threads.
    #[error("the engine's threads could not be started")]
    Threads(#[source] io::Error),
}
