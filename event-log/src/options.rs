//! How a log is opened to be written, and why it can't be.

use std::io;
use std::path::PathBuf;

use crate::append::AppendError;
use crate::damage::ReadError;
use crate::identity::LogIdentity;
use crate::recover::CheckOnOpen;

const DEFAULT_SEGMENT_BYTES: u64 = 64 << 20;

/// How a log is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogOptions {
    /// A segment's full length in bytes; rounded up to sectors.
    pub segment_bytes: u64,
    /// Whether the next segment is made ahead on a thread of its own. Without, it is made when
    /// it is needed, which keeps a simulation deterministic.
    pub prepare_ahead: bool,
    /// How much is checked before the log is written.
    pub check: CheckOnOpen,
    /// The time of the takeover block, in microseconds since 1970 UTC.
    pub time: i64,
}

impl LogOptions {
    /// The usual options. `time` is in microseconds since 1970 UTC.
    pub fn at(time: i64) -> Self {
        Self {
            segment_bytes: DEFAULT_SEGMENT_BYTES,
            prepare_ahead: true,
            check: CheckOnOpen::Everything,
            time,
        }
    }
}

/// Why a log can't be written.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is a log already.
    #[error("{} holds {found} already; open that, or choose another folder", path.display())]
    AlreadyThere {
        /// The folder.
        path: PathBuf,
        /// The log that is there.
        found: Box<LogIdentity>,
    },
    /// Another process, or another part of this one, writes the log.
    #[error("{} is held by another writer{}; stop that one first", path.display(), of_pid(*pid))]
    InUse {
        /// The lock file.
        path: PathBuf,
        /// The other's process id, if it left one.
        pid: Option<u32>,
    },
    /// The folder can't be written.
    #[error("{} is read-only; make it writable, or only read the log", path.display())]
    ReadOnly {
        /// The file that could not be written.
        path: PathBuf,
    },
    /// There is no room.
    #[error("no room to write {}; free some and try again", path.display())]
    DiskFull {
        /// The file that could not be written.
        path: PathBuf,
    },
    /// The log can't be read, because it is damaged or not there.
    #[error(transparent)]
    Read(ReadError),
    /// The disk said no.
    #[error("{} can't be written", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the disk said.
        #[source]
        source: io::Error,
    },
    /// The takeover block could not be appended.
    #[error("the log can't be taken over")]
    Takeover(#[source] AppendError),
}

fn of_pid(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}

impl From<ReadError> for OpenError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io { path, source } => Self::from_io(path, source),
            other @ (ReadError::NoLog { .. } | ReadError::Corrupt(_)) => Self::Read(other),
        }
    }
}

impl OpenError {
    pub(crate) fn from_io(path: PathBuf, source: io::Error) -> Self {
        if is_read_only(&source) {
            Self::ReadOnly { path }
        } else if is_full(&source) {
            Self::DiskFull { path }
        } else {
            Self::Io { path, source }
        }
    }
}

fn is_read_only(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem)
}

pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    )
}
