//! Billing runs: the job that bills everyone for whom there is something to do.

use std::collections::BTreeMap;

use schemas::command::{BillCustomer, RunBilling};
use schemas::event::{BillingRunStarted, Event};
use schemas::ids::{BillingRunId, CommandId, CustomerId, derive};
use schemas::{Date, Rejection, Timestamp, ZoneName};
use serde::{Deserialize, Serialize};

use super::task::Task;
use crate::seller::state::Sellers;

/// The name of the process.
pub(super) const NAME: &str = "billing_run";

/// Every billing run of the book, with the last day that it bills.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Runs {
    runs: BTreeMap<BillingRunId, Date>,
}

impl Runs {
    pub(crate) fn started(&mut self, started: &BillingRunStarted) {
        self.runs.insert(started.run, started.through);
    }
}

/// What a run keeps of the event that began it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) run: BillingRunId,
    pub(super) through: Date,
    pub(super) ahead: bool,
}

impl Order {
    /// The command that bills one customer.
    pub(super) fn task(&self, customer: CustomerId) -> Task {
        let Self { run, through, ahead } = *self;
        let command = BillCustomer { customer, run, through, ahead }.into();
        Task { command_id: bill_command_id(run, customer), command }
    }
}

/// A run that begins with this event.
pub(super) fn begun_by(event: &Event) -> Option<Order> {
    let BillingRunStarted { run, through, ahead } = *event.get()?;
    Some(Order { run, through, ahead })
}

/// The id of the command that bills `customer` in `run`.
pub fn bill_command_id(run: BillingRunId, customer: CustomerId) -> CommandId {
    CommandId::new(derive(run.uuid(), &customer.to_string()))
}

/// The furthest that something is billed ahead.
const MAX_AHEAD_DAYS: i32 = 366;

/// What is billed through a day that has not come is billed ahead, as asked, and not too far.
///
/// # Errors
/// [`Rejection::ThroughInFuture`], [`Rejection::AheadTooFar`].
pub(crate) fn not_too_far(through: Date, today: Date, ahead: bool) -> Result<(), Rejection> {
    let latest = today.plus_days(MAX_AHEAD_DAYS)?;
    if through <= today || (ahead && through <= latest) {
        return Ok(());
    }
    Err(if ahead {
        Rejection::AheadTooFar { through, latest }
    } else {
        Rejection::ThroughInFuture { through, today }
    })
}

/// Starts a billing run through a day that has begun for somebody, or ahead.
///
/// # Errors
/// [`Rejection::RunExists`], [`Rejection::ThroughInFuture`], [`Rejection::AheadTooFar`].
pub(crate) fn start(
    runs: &Runs,
    sellers: &Sellers,
    command: &RunBilling,
    now: Timestamp,
) -> Result<Vec<Event>, Rejection> {
    if runs.runs.contains_key(&command.run) {
        return Err(Rejection::RunExists { run: command.run });
    }
    let ahead = command.ahead == Some(true);
    not_too_far(command.through, latest_today(sellers, now)?, ahead)?;
    Ok(vec![BillingRunStarted { run: command.run, through: command.through, ahead }.into()])
}

/// The latest civil date that it is for any seller of the book, or in UTC. `through` selects
/// cycles by their own dates: a customer in a zone further west is billed some hours before its
/// own day begins.
fn latest_today(sellers: &Sellers, now: Timestamp) -> Result<Date, Rejection> {
    let utc = ZoneName::utc();
    let zones = sellers.all().map(|entity| &entity.zone).chain([&utc]);
    let mut latest = Date::MIN;
    for zone in zones {
        latest = latest.max(zone.date_at(now)?);
    }
    Ok(latest)
}
