//! Why a block did not become durable with its keys, and what those who wait are told.

use event_log::AppendError;
use vault::VaultError;

use crate::outcome::Refusal;

/// Why a block did not become durable, or there is no room for one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// The log.
    #[error(transparent)]
    Log(#[from] AppendError),
    /// Keys that the block needs, or room for them. The block was not written.
    #[error("new keys could not be kept: {0}")]
    Keys(#[source] VaultError),
    /// Keys that the block says are destroyed. It is durable; opening the book destroys them.
    #[error("keys could not be destroyed: {0}")]
    Erasure(#[source] VaultError),
}

impl WriteError {
    /// What those who wait are told.
    pub(crate) fn refusal(&self) -> Refusal {
        match self {
            Self::Log(AppendError::DiskFull { .. }) => Refusal::DiskFull,
            Self::Log(AppendError::UnknownOutcome { .. }) | Self::Erasure(_) => {
                Refusal::UnknownOutcome
            }
            Self::Keys(error) if error.is_disk_full() => Refusal::DiskFull,
            Self::Keys(_)
            | Self::Log(
                AppendError::NoSegment { .. }
                | AppendError::PositionConflict { .. }
                | AppendError::LockLost { .. }
                | AppendError::Poisoned
                | AppendError::Closed,
            ) => Refusal::Unavailable,
        }
    }
}
