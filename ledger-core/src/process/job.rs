//! Jobs: what an event begins for many, one command for each.

use schemas::command::ParkCustomer;
use schemas::ids::{BillingRunId, CommandId, CustomerId, derive};
use schemas::{Event, Rejection};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::billing_run;
use super::table::{Order, PROCESSES, When};
use super::task::{Subjects, Task, Unable};

/// What a process does for each of its subjects, and all that it keeps of the event that began it.
///
/// Its bytes are a part of snapshots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job(Order);

impl Job {
    /// The job that an event begins, if it begins one. Only events of the book's stream do.
    pub fn begun_by(event: &Event) -> Option<Self> {
        let begun = PROCESSES.iter().find_map(|process| match process.when {
            When::Job(begun_by) => begun_by(event),
            When::Day(_)
            | When::First(..)
            | When::Own(_)
            | When::OwnFirst(..)
            | When::With(_)
            | When::AtOnce
            | When::Asked => None,
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
