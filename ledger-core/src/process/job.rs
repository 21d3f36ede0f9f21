//! Jobs: what an event begins for many, one command for each.

use schemas::command::ParkCustomer;
use schemas::event::CustomerParked;
use schemas::ids::{BillingRunId, CommandId, CustomerId, derive};
use schemas::record::{Member, RawRecord};
use schemas::text::Label;
use schemas::{Command, Date, Event, Rejection};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::billing_run;
use super::table::{PROCESSES, When};

/// What a process does for each of its subjects, and all that it keeps of the event that began it.
///
/// Its bytes are a part of snapshots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job(Order);

/// What each process keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Order {
    BillingRun(billing_run::Order),
}

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
}

impl Job {
    /// The job that an event begins, if it begins one. Only events of the book's stream do.
    pub fn begun_by(event: &Event) -> Option<Self> {
        let begun = PROCESSES.iter().find_map(|process| match process.when {
            When::Job(begun_by) => begun_by(event),
            When::Day(_) | When::With(_) | When::AtOnce | When::Asked => None,
        });
        begun.map(Self)
    }

    /// The name of its process.
    pub const fn process(&self) -> &'static str {
        match self.0 {
            Order::BillingRun(_) => billing_run::NAME,
        }
    }

    /// The billing run that it is, if it is one.
    pub const fn run(&self) -> Option<BillingRunId> {
        match &self.0 {
            Order::BillingRun(order) => Some(order.run),
        }
    }

    /// Whom it is for.
    pub const fn subjects(&self) -> Subjects {
        match &self.0 {
            Order::BillingRun(order) => Subjects::DueThrough(order.through),
        }
    }

    /// What is to be decided for one subject.
    pub fn task(&self, subject: CustomerId) -> Task {
        match &self.0 {
            Order::BillingRun(order) => order.task(subject),
        }
    }

    /// What is to be decided for a subject instead, when its task could not be done; nothing where
    /// it is parked already.
    pub fn parking(&self, subject: CustomerId, why: &Unable) -> Option<Task> {
        if let Unable::Refused(Rejection::CustomerParked { .. }) = why {
            return None;
        }
        let process = self.process().parse().expect("names of processes are codes");
        let (reason, detail) = (why.reason(), why.detail());
        let command =
            ParkCustomer { customer: subject, process, run: self.run(), reason, detail }.into();
        let command_id = CommandId::new(derive(self.id(), &format!("{subject}/park")));
        Some(Task { command_id, command })
    }

    /// What the ids of its commands derive from.
    const fn id(&self) -> Uuid {
        match &self.0 {
            Order::BillingRun(order) => order.run.uuid(),
        }
    }
}

impl Unable {
    /// A stable code.
    fn reason(&self) -> Label {
        label(match self {
            Self::Refused(rejection) => rejection.code(),
            Self::Fault => "internal",
        })
    }

    /// What is, and the way out.
    fn detail(&self) -> Label {
        match self {
            Self::Refused(rejection) => label(&rejection.to_string()),
            Self::Fault => {
                label("deciding it met a fault of the ledger; report it, then release the customer")
            }
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
