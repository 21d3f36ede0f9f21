//! What a process wants decided, for whom, and why it could not be.

use schemas::event::CustomerParked;
use schemas::ids::CommandId;
use schemas::record::{Member, RawRecord};
use schemas::text::Label;
use schemas::{Command, Date, Event, Rejection};

/// Whom a job is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subjects {
    /// Customers for whom there is something to do up to and on a day, as of the commit that
    /// began the job.
    DueThrough(Date),
}

/// A command that a process makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Derived: the same process, subject and step give the same id for ever.
    pub command_id: CommandId,
    /// What is to be decided.
    pub command: Command,
}

/// Why a process could not do something for a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unable {
    /// It was refused.
    Refused(Rejection),
    /// Deciding it met a fault of the ledger.
    Fault,
    /// What it touches lies where the log cannot be read.
    Unreadable,
}

impl Unable {
    /// A stable code.
    pub(super) fn reason(&self) -> Label {
        label(match self {
            Self::Refused(rejection) => rejection.code(),
            Self::Fault => "internal",
            Self::Unreadable => "log_damaged",
        })
    }

    /// What is, and the way out.
    pub(super) fn detail(&self) -> Label {
        match self {
            Self::Refused(rejection) => label(&rejection.to_string()),
            Self::Fault => {
                label("deciding it met a fault of the ledger; report it, then release the customer")
            }
            Self::Unreadable => label(
                "what it touches lies where the log cannot be read; restore the log from a copy, \
                then release the customer",
            ),
        }
    }
}

/// Whether a stored event says that its customer is parked.
pub fn is_parking(event: RawRecord<'_>) -> bool {
    event.type_id == <CustomerParked as Member<Event>>::KIND.type_id
}

/// As much of a text as a label holds.
fn label(text: &str) -> Label {
    let end = text.floor_char_boundary(200);
    Label::try_from(text[..end].to_owned()).expect("sentences have no control characters")
}
