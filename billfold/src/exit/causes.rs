//! Which failure of the command line each error of a library is.

use client::edge::WrongClock;
use client::nats::{ContextError, Unanswered};
use client::{AskError, SocketError};
use command_gateway::GatewayError;
use event_log::{CopyError, OpenError, ReadError};
use host::audit::Findings;
use host::backup::BackupError;
use host::{HostError, ProcessError};
use nats_connection::NatsError;
use projections::{HomeError, ReplayError, StartError};
use scenarios::Stopped;
use terminal::PrintError;
use vault::VaultError;
use workbench::WorkError;

use super::{Failure, chain};

impl From<AskError> for Failure {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Problem(problem) => Self::Problem(problem),
            AskError::Socket(error) => Self::Unreachable(chain(&error)),
            AskError::Nats(error) => error.into(),
            AskError::Connection(error) => error.into(),
            AskError::Threads(source) => Self::io("no threads for the connection", source),
            other @ (AskError::NotJson(_)
            | AskError::Unreadable { .. }
            | AskError::NoJsonForm(_)
            | AskError::Miscounted { .. }
            | AskError::NeverWhole) => Self::Internal(chain(&other)),
        }
    }
}

impl From<SocketError> for Failure {
    fn from(error: SocketError) -> Self {
        AskError::from(error).into()
    }
}

impl From<Unanswered> for Failure {
    fn from(error: Unanswered) -> Self {
        let said = error.to_string();
        match error {
            Unanswered::NoResponders { .. }
            | Unanswered::TimedOut { .. }
            | Unanswered::Connection { .. } => Self::Unreachable(said),
            Unanswered::TooLarge { .. } | Unanswered::Header { .. } => Self::Usage(said),
        }
    }
}

/// Nobody there is 4, a wrong file or address 2.
impl From<NatsError> for Failure {
    fn from(error: NatsError) -> Self {
        let said = chain(&error);
        match error {
            NatsError::Unreachable { .. } | NatsError::Refused { .. } | NatsError::Tls { .. } => {
                Self::Unreachable(said)
            }
            NatsError::NoServers
            | NatsError::Address { .. }
            | NatsError::NotA { .. }
            | NatsError::HalfCertificate
            | NatsError::File { .. } => Self::Usage(said),
        }
    }
}

impl From<ContextError> for Failure {
    fn from(error: ContextError) -> Self {
        match error {
            ContextError::File { path, source } => {
                Self::io(format!("the NATS context {} cannot be read", path.display()), source)
            }
            other @ (ContextError::NotName(_)
            | ContextError::NoHome
            | ContextError::NotContext { .. }
            | ContextError::UnknownWay { .. }) => Self::Usage(chain(&other)),
        }
    }
}

impl From<WrongClock> for Failure {
    fn from(error: WrongClock) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<PrintError> for Failure {
    fn from(error: PrintError) -> Self {
        match error {
            PrintError::BrokenPipe => Self::BrokenPipe,
            PrintError::Io(source) => Self::io("stdout cannot be written", source),
        }
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        HostError::from(error).into()
    }
}

/// Damage is a failed verification, wherever it is met; the rest is about the machine.
impl From<HostError> for Failure {
    fn from(error: HostError) -> Self {
        match error {
            HostError::Io { what, source } => Self::Io { what, source },
            HostError::Gateway(error) => not_opened(*error),
            HostError::Views(error) => not_started(&error),
            HostError::Keys(error) => keys(&error),
            HostError::Rebuild(error) => match error {
                ReplayError::Log(read) => read.into(),
                ReplayError::Fold(error) => Self::Verification(chain(&error)),
                other @ (ReplayError::Store(_) | ReplayError::Home(_)) => {
                    Self::Internal(chain(&other))
                }
            },
            other @ (HostError::NoBooks { .. }
            | HostError::NoSuchBook { .. }
            | HostError::KeyCopy(_)
            | HostError::SealedCopy { .. }
            | HostError::NoLog(_)) => Self::Refused(other.to_string()),
            other @ (HostError::Damaged(_)
            | HostError::LogLost { .. }
            | HostError::Commit { .. }
            | HostError::Doubtful { .. }) => Self::Verification(chain(&other)),
            other @ HostError::EngineStopped { .. } => Self::Internal(other.to_string()),
        }
    }
}

fn not_opened(error: GatewayError) -> Failure {
    match error {
        GatewayError::Log(OpenError::Read(read)) | GatewayError::Read(read) => read.into(),
        GatewayError::Replay(error) => Failure::Verification(chain(&error)),
        GatewayError::Log(there @ OpenError::AlreadyThere { .. }) => {
            Failure::Refused(there.to_string())
        }
        GatewayError::Log(held @ OpenError::InUse { .. }) => Failure::InUse(held.to_string()),
        GatewayError::Keys(error) => keys(&error),
        GatewayError::Refused(refusal) => Failure::Refused(refusal.to_string()),
        other @ (GatewayError::Folder { .. }
        | GatewayError::Log(
            OpenError::ReadOnly { .. }
            | OpenError::DiskFull { .. }
            | OpenError::Io { .. }
            | OpenError::Takeover(_),
        )
        | GatewayError::NoBook
        | GatewayError::Identity(_)
        | GatewayError::FirstCommit(_)
        | GatewayError::Threads(_)) => Failure::Internal(chain(&other)),
    }
}

/// Keys in use may be free later; keys that are not there, of another book, or without their master
/// key, are refused.
fn keys(error: &VaultError) -> Failure {
    match error {
        VaultError::InUse { .. } => Failure::InUse(error.to_string()),
        VaultError::Damaged { .. } => Failure::Verification(error.to_string()),
        VaultError::NoKeys { .. }
        | VaultError::AlreadyThere { .. }
        | VaultError::Master { .. }
        | VaultError::OtherLog { .. }
        | VaultError::Sealed => Failure::Refused(error.to_string()),
        VaultError::Io { .. } | VaultError::Randomness(_) => Failure::Internal(error.to_string()),
    }
}

fn not_started(error: &StartError) -> Failure {
    match error {
        StartError::Home(held @ HomeError::InUse { .. }) => Failure::InUse(held.to_string()),
        StartError::Log(_) | StartError::Home(HomeError::Io { .. }) | StartError::Thread { .. } => {
            Failure::Internal(chain(error))
        }
    }
}

impl From<ProcessError> for Failure {
    fn from(error: ProcessError) -> Self {
        match error {
            ProcessError::Host(error) => error.into(),
            ProcessError::Nats(error) => error.into(),
            ProcessError::Signals(source) => Self::io("signals cannot be heard", source),
            ProcessError::NatsThread(source) => {
                Self::io("no thread for the connection to NATS", source)
            }
            ProcessError::Metrics { address, source } => {
                Self::io(format!("{address} cannot be listened on"), source)
            }
            other
            @ (ProcessError::Socket(_) | ProcessError::Service(_) | ProcessError::Task(_)) => {
                Self::Internal(chain(&other))
            }
        }
    }
}

impl From<Findings> for Failure {
    fn from(findings: Findings) -> Self {
        Self::Verification(findings.to_string())
    }
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Host(error) => error.into(),
            BackupError::Findings(findings) => findings.into(),
            BackupError::NotCopied(CopyError::Read(read)) => read.into(),
            BackupError::NotCopied(
                none @ (CopyError::NoWatermark { .. } | CopyError::NotEmpty { .. }),
            ) => Self::Refused(none.to_string()),
            BackupError::NotCopied(error @ CopyError::Write { .. }) => {
                Self::Internal(chain(&error))
            }
            other @ (BackupError::NotEmpty { .. } | BackupError::AlreadyThere { .. }) => {
                Self::Refused(other.to_string())
            }
            other @ BackupError::OtherBook { .. } => Self::Usage(other.to_string()),
            other @ (BackupError::Cut { .. } | BackupError::BadCopy { .. }) => {
                Self::Verification(other.to_string())
            }
        }
    }
}

impl From<WorkError> for Failure {
    fn from(error: WorkError) -> Self {
        match error {
            WorkError::Host(error) => error.into(),
            WorkError::Ask(error) => error.into(),
            WorkError::Print(error) => error.into(),
            WorkError::Clock(error) => error.into(),
            WorkError::Findings(findings) => findings.into(),
            WorkError::Io { what, source } => Self::Io { what, source },
            other @ (WorkError::NotEmpty { .. }
            | WorkError::OutOfCalendar { .. }
            | WorkError::NoSource { .. }) => Self::Usage(other.to_string()),
            other @ (WorkError::NotFresh { .. } | WorkError::BadLines { .. }) => {
                Self::Refused(other.to_string())
            }
            WorkError::Wrong(what) => Self::Verification(what),
            WorkError::Refused(what) => Self::Refused(what),
            WorkError::Unreachable(what) => Self::Unreachable(what),
            WorkError::Unplanned(what) => Self::Internal(what),
        }
    }
}

impl From<Stopped> for Failure {
    fn from(stopped: Stopped) -> Self {
        match stopped {
            Stopped::Trouble(trouble) => Self::Usage(trouble.to_string()),
            Stopped::Host(error) => error.into(),
            Stopped::Ask(error) => error.into(),
            Stopped::Scratch { path, source } => {
                Self::io(format!("{} cannot be made", path.display()), source)
            }
            other @ (Stopped::FellBehind | Stopped::Unanswered) => {
                Self::Internal(other.to_string())
            }
        }
    }
}
