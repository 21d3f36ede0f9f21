//! Billing runs that were started.

use std::collections::BTreeMap;

use schemas::command::RunBilling;
use schemas::event::{BillingRunStarted, Event};
use schemas::ids::BillingRunId;
use schemas::{Date, Rejection, Timestamp, ZoneName};
use serde::{Deserialize, Serialize};

use crate::seller::state::Sellers;

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

/// Starts a billing run through a day that has begun for somebody.
///
/// # Errors
/// [`Rejection::RunExists`], [`Rejection::ThroughInFuture`].
pub(crate) fn start(
    runs: &Runs,
    sellers: &Sellers,
    command: &RunBilling,
    now: Timestamp,
) -> Result<Vec<Event>, Rejection> {
    if runs.runs.contains_key(&command.run) {
        return Err(Rejection::RunExists { run: command.run });
    }
    let today = latest_today(sellers, now)?;
    if command.through > today {
        return Err(Rejection::ThroughInFuture { through: command.through, today });
    }
    Ok(vec![BillingRunStarted { run: command.run, through: command.through }.into()])
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
