//! Why a book or its read models do not run here, as failures of the command line.

use command_gateway::GatewayError;
use event_log::OpenError;
use projections::{HomeError, StartError};

use crate::exit::{Failure, chain};
use crate::folder::damaged;

/// Why a book was not opened. Damage is a failed verification; the rest is about the machine.
pub fn refused(error: GatewayError) -> Failure {
    match error {
        GatewayError::Log(OpenError::Read(read)) | GatewayError::Read(read) => damaged(read),
        GatewayError::Replay(error) => Failure::Verification(chain(&error)),
        GatewayError::Log(there @ OpenError::AlreadyThere { .. }) => {
            Failure::Refused(there.to_string())
        }
        GatewayError::Log(held @ OpenError::InUse { .. }) => Failure::InUse(held.to_string()),
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

/// Why read models were not started.
pub fn not_started(error: StartError) -> Failure {
    match error {
        StartError::Log(read) => damaged(read),
        StartError::Home(held @ HomeError::InUse { .. }) => Failure::InUse(held.to_string()),
        other @ (StartError::Home(HomeError::Io { .. }) | StartError::Thread { .. }) => {
            Failure::Internal(chain(&other))
        }
    }
}
