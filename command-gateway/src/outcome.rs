//! What became of a command: a receipt, or a typed refusal.

use schemas::changed::Changed;
use schemas::ids::CommandId;
use schemas::problem::Fault;
use schemas::wire::{Accepted, EventRef, LogPosition};
use schemas::{Problem, Rejection, StreamId, Timestamp};
use uuid::Uuid;

/// What became of a command.
pub type Outcome = Result<Receipt, Refusal>;

/// An accepted command. It is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The idempotency key.
    pub command_id: CommandId,
    /// The commit's place in the log.
    pub position: u64,
    /// The stream that it changed.
    pub stream: StreamId,
    /// The stream's revision with it.
    pub revision: u64,
    /// When it was committed.
    pub recorded_at: Timestamp,
    /// Public names of the events, in order.
    pub events: Vec<&'static str>,
    /// The command had been accepted before; this is the first outcome.
    pub duplicate: bool,
    /// What it did to prices and to what was scheduled.
    pub changed: Vec<Changed>,
}

impl Receipt {
    /// The answer as a document. `log` is the log's id.
    pub fn document(&self, log: Uuid) -> Accepted {
        let position = LogPosition { log, position: self.position };
        let events = self.events.iter().enumerate();
        Accepted {
            command_id: self.command_id,
            status: "accepted".to_owned(),
            stream: self.stream.to_string(),
            revision: self.revision,
            events: events
                .map(|(index, kind)| EventRef {
                    id: format!("{position}:{index}"),
                    kind: (*kind).to_owned(),
                })
                .collect(),
            position: position.to_string(),
            recorded_at: self.recorded_at,
            duplicate: self.duplicate,
            changed: self.changed.clone(),
        }
    }
}

/// Why a command was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The ledger refused it.
    #[error("{rejection}")]
    Rejected {
        /// Why.
        rejection: Box<Rejection>,
        /// The last position that the decision had seen.
        position: u64,
    },
    /// The id belongs to another command, which was accepted.
    #[error(
        "{command_id} was accepted at position {position} with other content; give a new command a new id"
    )]
    IdempotencyKeyReused {
        /// The id.
        command_id: CommandId,
        /// Where the first one is.
        position: u64,
    },
    /// The id belongs to a command that was accepted, and nobody can tell whether this is the same.
    #[error(
        "{command_id} was accepted at position {position}, and its texts cannot be compared because their key is not here or is damaged; have the keys put back with `billfold keys restore`, then send it again with the same id"
    )]
    KeysMissing {
        /// The id.
        command_id: CommandId,
        /// Where the first one is.
        position: u64,
    },
    /// The queue is full. Nothing was decided.
    #[error(
        "the engine has as many commands waiting as it takes; try again in {retry_after_ms} ms"
    )]
    Busy {
        /// How long to wait.
        retry_after_ms: u64,
    },
    /// The deadline passed before the command was decided.
    #[error(
        "the deadline {deadline} passed before the command was decided; send it with a later one"
    )]
    DeadlineExceeded {
        /// The deadline.
        deadline: Timestamp,
    },
    /// The disk is full. Nothing was decided.
    #[error("the disk has no room for another block, nothing was changed; free some and try again")]
    DiskFull,
    /// What it touches was read back from the log, and lies where that is damaged.
    #[error(
        "position {position} of the log cannot be read, and what the command touches lies there; nothing was changed: run `billfold verify`, and restore the log from a copy"
    )]
    LogDamaged {
        /// Where.
        position: u64,
    },
    /// The engine stopped. Nothing was decided.
    #[error("the engine is stopped, nothing was decided; send the command to the next one")]
    Unavailable,
    /// A write failed, or the engine broke: the command may be durable or not.
    #[error("it is unknown whether the command is durable; send it again with the same id")]
    UnknownOutcome,
    /// A fault of ours. Nothing was changed.
    #[error("the command met a fault of the ledger, nothing was changed; report it with its id")]
    Internal,
}

impl Refusal {
    /// The refusal as a document. `log` is the log's id.
    pub fn problem(&self, log: Uuid) -> Problem {
        let fault = match self {
            Self::Rejected { rejection, position } => {
                let position = LogPosition { log, position: *position };
                return Problem::rejection(rejection, position.to_string());
            }
            Self::Busy { retry_after_ms } => {
                return Problem::fault(Fault::Busy, self.to_string()).retry_after(*retry_after_ms);
            }
            Self::IdempotencyKeyReused { .. } => Fault::IdempotencyKeyReused,
            Self::KeysMissing { .. } => Fault::KeysMissing,
            Self::DeadlineExceeded { .. } => Fault::DeadlineExceeded,
            Self::DiskFull => {
                return Problem::fault(Fault::DiskFull, self.to_string()).retry_after(1_000);
            }
            Self::LogDamaged { .. } => Fault::LogDamaged,
            Self::Unavailable => Fault::Unavailable,
            Self::UnknownOutcome => Fault::UnknownOutcome,
            Self::Internal => Fault::Internal,
        };
        Problem::fault(fault, self.to_string())
    }
}

impl From<(Rejection, u64)> for Refusal {
    fn from((rejection, position): (Rejection, u64)) -> Self {
        Self::Rejected { rejection: Box::new(rejection), position }
    }
}
