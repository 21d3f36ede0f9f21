//! Why a book or its read models are not open here, and why a process does not serve.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use command_gateway::door::DoorError;
use command_gateway::door::nats::ServeError;
use command_gateway::{GatewayError, Stopped};
use event_log::{Damage, OpenError, ReadError};
use nats_connection::NatsError;
use projections::{Doubt, HomeError, ReplayError, StartError, ViewName};
use schemas::record::DecodeError;
use schemas::text::BookName;
use tokio::task::JoinError;
use vault::{CopyError, VaultError};

/// Why a book or its read models are not open here, or cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// A file or folder cannot be used.
    #[error("{what}")]
    Io {
        /// What was being done, with its path.
        what: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The folder has no book at all.
    #[error(
        "{} holds no books; make one with `billfold up` or `billfold book create`",
        root.display()
    )]
    NoBooks {
        /// The data folder.
        root: PathBuf,
    },
    /// The folder has other books.
    #[error("{} holds no book {book}; it has {}", root.display(), known.join(", "))]
    NoSuchBook {
        /// The data folder.
        root: PathBuf,
        /// What was asked for.
        book: BookName,
        /// The books that it has.
        known: Vec<String>,
    },
    /// The log is damaged, wherever that is met.
    #[error(
        "{0}; if this is a copy that was made while its log was written, make one with `billfold backup`"
    )]
    Damaged(Box<Damage>),
    /// There is no log.
    #[error(transparent)]
    NoLog(ReadError),
    /// There are keys of a book and no log.
    #[error(
        "book {book} has keys and no log: what was in {} is gone; put it back, or restore a backup with `billfold restore`",
        log.display()
    )]
    LogLost {
        /// Whose.
        book: BookName,
        /// Where it should be.
        log: PathBuf,
    },
    /// A commit of the log cannot be read.
    #[error("commit {position}")]
    Commit {
        /// Which.
        position: u64,
        /// What does not fit.
        #[source]
        source: DecodeError,
    },
    /// The gateway did not open.
    #[error(transparent)]
    Gateway(Box<GatewayError>),
    /// The keys cannot be used.
    #[error(transparent)]
    Keys(#[from] VaultError),
    /// The copy is not one of these keys, or cannot be opened here.
    #[error(transparent)]
    KeyCopy(CopyError),
    /// The copy is sealed.
    #[error("{} is sealed for somebody; give the identity that opens it", path.display())]
    SealedCopy {
        /// The copy.
        path: PathBuf,
    },
    /// A read model did not start.
    #[error(transparent)]
    Views(StartError),
    /// A read model cannot be built from the log.
    #[error(transparent)]
    Rebuild(ReplayError),
    /// A read model stands where the log does not.
    #[error("the read model {view} does not fit the log: {doubt}; its projector builds it anew")]
    Doubtful {
        /// Which.
        view: ViewName,
        /// Why.
        doubt: Doubt,
    },
    /// An engine stopped by itself.
    #[error(
        "the engine of book {book} stopped ({why:?}); start again: opening the log tells what is durable"
    )]
    EngineStopped {
        /// Whose.
        book: BookName,
        /// Why.
        why: Stopped,
    },
}

impl HostError {
    /// A failed operation on a file or folder.
    pub fn io(what: impl Into<String>, source: io::Error) -> Self {
        Self::Io { what: what.into(), source }
    }

    /// Another process has what is needed; it may be done with it later.
    pub fn is_in_use(&self) -> bool {
        match self {
            Self::Gateway(error) => {
                matches!(**error, GatewayError::Log(OpenError::InUse { .. }))
            }
            Self::Views(error) => matches!(error, StartError::Home(HomeError::InUse { .. })),
            Self::Keys(error) => matches!(error, VaultError::InUse { .. }),
            Self::Io { .. }
            | Self::NoBooks { .. }
            | Self::NoSuchBook { .. }
            | Self::Damaged(_)
            | Self::NoLog(_)
            | Self::LogLost { .. }
            | Self::Commit { .. }
            | Self::Rebuild(_)
            | Self::KeyCopy(_)
            | Self::SealedCopy { .. }
            | Self::Doubtful { .. }
            | Self::EngineStopped { .. } => false,
        }
    }
}

impl From<ReadError> for HostError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Corrupt(damage) => Self::Damaged(Box::new(damage)),
            ReadError::Io { path, source } => {
                Self::io(format!("{} cannot be read", path.display()), source)
            }
            none @ ReadError::NoLog { .. } => Self::NoLog(none),
        }
    }
}

impl From<GatewayError> for HostError {
    fn from(error: GatewayError) -> Self {
        match error {
            GatewayError::Log(OpenError::Read(read)) | GatewayError::Read(read) => read.into(),
            GatewayError::Keys(error) => error.into(),
            other @ (GatewayError::Folder { .. }
            | GatewayError::Log(
                OpenError::AlreadyThere { .. }
                | OpenError::InUse { .. }
                | OpenError::ReadOnly { .. }
                | OpenError::DiskFull { .. }
                | OpenError::Io { .. }
                | OpenError::Takeover(_),
            )
            | GatewayError::Replay(_)
            | GatewayError::NoBook
            | GatewayError::Identity(_)
            | GatewayError::Refused(_)
            | GatewayError::FirstCommit(_)
            | GatewayError::Threads(_)) => Self::Gateway(Box::new(other)),
        }
    }
}

impl From<StartError> for HostError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Log(read) => read.into(),
            other @ (StartError::Home(_) | StartError::Thread { .. }) => Self::Views(other),
        }
    }
}

impl From<ReplayError> for HostError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Log(read) => read.into(),
            other @ (ReplayError::Fold(_) | ReplayError::Store(_) | ReplayError::Home(_)) => {
                Self::Rebuild(other)
            }
        }
    }
}

/// Why a process does not serve, or no longer.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// A book, or its engine.
    #[error(transparent)]
    Host(#[from] HostError),
    /// Nobody could end it.
    #[error("signals cannot be heard")]
    Signals(#[source] io::Error),
    /// A socket cannot be listened on.
    #[error(transparent)]
    Socket(#[from] DoorError),
    /// NATS cannot be used.
    #[error(transparent)]
    Nats(#[from] NatsError),
    /// A service on NATS cannot be started.
    #[error(transparent)]
    Service(#[from] ServeError),
    /// The machine has no threads.
    #[error("no thread for the connection to NATS")]
    NatsThread(#[source] io::Error),
    /// The port of the metrics is taken.
    #[error("{address} cannot be listened on")]
    Metrics {
        /// Where.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A door met a fault of ours.
    #[error("a socket's task")]
    Task(#[source] JoinError),
}
