//! Exit codes, and the failures that lead to them.

mod causes;

use std::error::Error;
use std::io;
use std::process::ExitCode;

use schemas::Problem;
use schemas::problem::Fault;

/// What the exit codes mean; printed by `--help`.
pub const HELP: &str = "\
Exit codes:
  0  done
  1  refused: the ledger's rules, an unknown thing, or a bad line of an import
  2  usage: the command line or the body of the command cannot be read
  3  verification failed: damage, a broken law, or read models that differ from the log
  4  no answer: the server cannot be reached or cannot serve now; try again with the same id
  5  the machine or billfold itself failed: disk, permissions, a folder in use, a fault of ours

Every flag has an environment variable, shown beside it. Data goes to stdout, talk to stderr.";

/// Why a command line did not end well.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line says something that cannot be.
    #[error("{0}")]
    Usage(String),
    /// The ledger, or a door of it, said no.
    #[error("{}", .0.detail)]
    Problem(Box<Problem>),
    /// What was asked was done in part; the rest was reported.
    #[error("{0}")]
    Refused(String),
    /// An audit found something wrong.
    #[error("{0}")]
    Verification(String),
    /// No server answers.
    #[error("{0}")]
    Unreachable(String),
    /// Another process has what is needed.
    #[error("{0}")]
    InUse(String),
    /// A file or folder cannot be used.
    #[error("{what}")]
    Io {
        /// What was being done, with its path.
        what: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The reader of stdout has gone; nobody is left to tell.
    #[error("the reader of the output has gone")]
    BrokenPipe,
    /// Anything else: a fault of the machine or of ours.
    #[error("{0}")]
    Internal(String),
}

impl Failure {
    /// The exit code of this failure.
    pub fn code(&self) -> u8 {
        match self {
            Self::BrokenPipe => 0,
            Self::Refused(_) => 1,
            Self::Problem(problem) => code_of(problem),
            Self::Usage(_) => 2,
            Self::Verification(_) => 3,
            Self::Unreachable(_) => 4,
            Self::Io { .. } | Self::InUse(_) | Self::Internal(_) => 5,
        }
    }

    /// The same as the process reports it.
    pub fn exit(&self) -> ExitCode {
        ExitCode::from(self.code())
    }

    /// A failed operation on a file or folder.
    pub fn io(what: impl Into<String>, source: io::Error) -> Self {
        Self::Io { what: what.into(), source }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}

/// Rejections are refusals; faults of a door are told apart by what the caller can do.
pub(crate) fn code_of(problem: &Problem) -> u8 {
    let Some(fault) = Fault::ALL.iter().find(|fault| fault.code() == problem.code) else {
        return 1;
    };
    match fault {
        Fault::NotFound
        | Fault::CursorExpired
        | Fault::UnknownBook
        | Fault::IdempotencyKeyReused
        | Fault::DeadlineExceeded => 1,
        Fault::Malformed | Fault::TooLarge | Fault::UnknownSubject => 2,
        Fault::Busy
        | Fault::ProjectionBehind
        | Fault::ProjectionRebuilding
        | Fault::Unavailable
        | Fault::UnknownOutcome => 4,
        Fault::KeysMissing | Fault::DiskFull | Fault::LogDamaged | Fault::Internal => 5,
    }
}

/// An error with its causes, each once.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_is_1_a_malformed_body_2_and_a_busy_ledger_4() {
        let rejection =
            Problem::rejection(&schemas::Rejection::NothingToChange, "log:1".to_owned());
        assert_eq!(Failure::from(rejection).code(), 1);
        let code = |fault| Failure::from(Problem::fault(fault, "so")).code();
        assert_eq!(code(Fault::Malformed), 2);
        assert_eq!(code(Fault::Busy), 4);
        assert_eq!(code(Fault::DiskFull), 5);
        assert_eq!(Failure::BrokenPipe.code(), 0);
    }
}
