//! Where the keys of a book are, and what can go wrong with them.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use event_log::{Disk, LockError};

/// The key file's name.
pub(crate) const KEYS: &str = "keys";
/// The lock that the writer holds.
pub(crate) const LOCK: &str = "lock";
/// The master key's name, unless it lies elsewhere.
const MASTER: &str = "master";

/// Where the keys of a book are.
#[derive(Debug, Clone)]
pub struct Place {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) master: Arc<dyn Disk>,
    pub(crate) master_name: String,
    pub(crate) room: u32,
}

impl Place {
    /// A folder of their own, with the master key in it.
    pub fn on(disk: Arc<dyn Disk>) -> Self {
        Self { master: Arc::clone(&disk), disk, master_name: MASTER.to_owned(), room: ROOM }
    }

    /// The same with the master key in another place.
    #[must_use]
    pub fn with_master(mut self, disk: Arc<dyn Disk>, name: impl Into<String>) -> Self {
        (self.master, self.master_name) = (disk, name.into());
        self
    }

    /// The same with room kept for so many new keys.
    #[must_use]
    pub fn with_room(mut self, keys: u32) -> Self {
        self.room = keys;
        self
    }
}

/// Room that is kept for new keys: more than two blocks of the log can need. A commit that makes
/// two keys takes more than 300 bytes, and a block at most 768 KiB.
const ROOM: u32 = 12_288;

/// Why keys cannot be used. Nothing in it says what a key is.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The disk.
    #[error("{} cannot be used: {source}; mend the disk, or restore the keys", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the disk said.
        #[source]
        source: io::Error,
    },
    /// Another process has them.
    #[error("{} is held by another process{}; stop that one first", path.display(), of_pid(*pid))]
    InUse {
        /// The lock file.
        path: PathBuf,
        /// The other's process id, if it left one.
        pid: Option<u32>,
    },
    /// There are keys and no master key that fits.
    #[error(
        "{} does not hold the master key of these keys, and nothing opens them without; put it \
         back there, or name its folder with `--master-keys`; if it is lost, move the keys away \
         and put back a copy that was sealed with it: `billfold keys restore COPY --identity FILE`",
        path.display()
    )]
    Master {
        /// Where it should be.
        path: PathBuf,
    },
    /// They are of another log.
    #[error("{} holds the keys of another book; name the right folder", path.display())]
    OtherLog {
        /// Which file.
        path: PathBuf,
    },
    /// The file's head is damaged.
    #[error("{} is no key file, or its head is damaged; restore it with `billfold keys restore`", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
    },
    /// There are none, and something may be sealed.
    #[error(
        "{} is not there, and texts of this book may be sealed with its keys; put a copy back with \
         `billfold keys restore COPY`, or, if the keys are lost, make new ones with \
         `billfold keys init`: what was sealed then stays unreadable",
        path.display()
    )]
    NoKeys {
        /// Where they should be.
        path: PathBuf,
    },
    /// There are some.
    #[error("{} is there already; to begin with new keys move it away first", path.display())]
    AlreadyThere {
        /// Which file.
        path: PathBuf,
    },
    /// A text came in sealed.
    #[error("a personal text of the command is sealed already; send it in clear")]
    Sealed,
    /// No randomness.
    #[error("the operating system gives no randomness: {0}; nothing can be sealed without")]
    Randomness(String),
}

pub(crate) fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

fn of_pid(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" ({pid})"))
}

impl VaultError {
    /// Whether there was no room on the disk.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::StorageFull)
    }

    pub(crate) fn io(path: PathBuf) -> impl FnOnce(io::Error) -> Self {
        |source| Self::Io { path, source }
    }

    pub(crate) fn of_lock(path: PathBuf, error: LockError) -> Self {
        match error {
            LockError::Held { pid } => Self::InUse { path, pid },
            LockError::Io(source) => Self::Io { path, source },
        }
    }
}
