//! Why work did not come to its end.

use std::io;
use std::path::PathBuf;

use client::AskError;
use client::edge::WrongClock;
use command_gateway::GatewayError;
use event_log::ReadError;
use host::HostError;
use host::audit::Findings;
use terminal::PrintError;

/// Why work did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
    /// A book cannot be made, opened or looked at.
    #[error(transparent)]
    Host(#[from] HostError),
    /// A door gave no answer, or a problem that was not planned for.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// Nothing can be printed.
    #[error(transparent)]
    Print(#[from] PrintError),
    /// The machine's clock is wrong.
    #[error(transparent)]
    Clock(#[from] WrongClock),
    /// An audit found something.
    #[error(transparent)]
    Findings(#[from] Findings),
    /// A file or folder cannot be used.
    #[error("{what}")]
    Io {
        /// What was being done, with its path.
        what: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The demo's folder has something in it.
    #[error("{} is not empty; name a fresh folder, or leave --dir out", path.display())]
    NotFresh {
        /// The folder.
        path: PathBuf,
    },
    /// The folder to measure in has something in it.
    #[error("{} is not empty; choose another folder", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The demo would end after the year 9999.
    #[error("{months} months leave the calendar")]
    OutOfCalendar {
        /// How many were asked for.
        months: i16,
    },
    /// A file's name is no name of a source.
    #[error("{stem:?} cannot name the source of the rows; give it as --source")]
    NoSource {
        /// The file's name.
        stem: String,
    },
    /// Some lines of a file were not imported.
    #[error("{count} lines were bad; the others are imported")]
    BadLines {
        /// How many.
        count: usize,
    },
    /// The books or the read models are not what they must be.
    #[error("{0}")]
    Wrong(String),
    /// What was asked cannot be done, or not all of it; nothing was.
    #[error("{0}")]
    Refused(String),
    /// A server that was started for the work does not answer.
    #[error("{0}")]
    Unreachable(String),
    /// Something happened that the work does not plan for.
    #[error("{0}")]
    Unplanned(String),
}

impl WorkError {
    /// A failed operation on a file or folder.
    pub(crate) fn io(what: impl Into<String>, source: io::Error) -> Self {
        Self::Io { what: what.into(), source }
    }
}

impl From<ReadError> for WorkError {
    fn from(error: ReadError) -> Self {
        Self::Host(error.into())
    }
}

impl From<GatewayError> for WorkError {
    fn from(error: GatewayError) -> Self {
        Self::Host(error.into())
    }
}
