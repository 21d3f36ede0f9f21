//! What the customers of one book have behind them.

use schemas::Date;

use crate::bench::settings::{AgeGroup, AgeSettings};
use crate::error::WorkError;

/// Subscriptions of a customer of the group `weekly`.
const WEEKLY: u64 = 100;

/// The customers of one book; all are alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// What they are compared within.
    pub(super) group: AgeGroup,
    /// What the group's books differ in.
    pub(super) size: u64,
    /// How many there are.
    pub(super) customers: u64,
    /// What each of them subscribes to.
    pub(super) subscriptions: u64,
    /// Cycles that are billed and paid.
    pub(super) cycles: u64,
    /// One-off charges that are invoiced and paid, each by itself.
    pub(super) one_offs: u64,
}

impl Shape {
    /// All that is asked for, smallest first in each group.
    pub(super) fn all(settings: &AgeSettings) -> Vec<Self> {
        let AgeSettings { weeks, invoices, paid, reseller, .. } = settings;
        let groups = [
            (AgeGroup::Weekly, weeks),
            (AgeGroup::Paid, invoices),
            (AgeGroup::Customers, paid),
            (AgeGroup::Reseller, reseller),
        ];
        let mut shapes = Vec::new();
        for (group, sizes) in groups {
            if settings.only.is_some_and(|only| only != group) {
                continue;
            }
            let mut sizes = sizes.clone();
            sizes.sort_unstable();
            sizes.dedup();
            shapes.extend(sizes.into_iter().map(|size| Self::of(group, size, settings)));
        }
        shapes
    }

    fn of(group: AgeGroup, size: u64, settings: &AgeSettings) -> Self {
        let (customers, one_offs) = (settings.copies, 0);
        let plain = Self { group, size, customers, subscriptions: 1, cycles: 1, one_offs };
        match group {
            AgeGroup::Weekly => Self { subscriptions: WEEKLY, cycles: size, ..plain },
            AgeGroup::Paid => Self { one_offs: size.saturating_sub(1), ..plain },
            AgeGroup::Customers => Self { customers: settings.customers, cycles: size, ..plain },
            AgeGroup::Reseller => Self { subscriptions: size, ..plain },
        }
    }

    /// The group's name.
    pub(super) fn group(&self) -> &'static str {
        match self.group {
            AgeGroup::Weekly => "weekly",
            AgeGroup::Paid => "paid",
            AgeGroup::Customers => "customers",
            AgeGroup::Reseller => "reseller",
        }
    }

    /// What the customers have behind them, in words.
    pub(super) fn state(&self) -> String {
        let noun = match self.group {
            AgeGroup::Weekly => "week",
            AgeGroup::Paid | AgeGroup::Customers => "paid invoice",
            AgeGroup::Reseller => "subscription",
        };
        let plural = if self.size == 1 { "" } else { "s" };
        format!("{} {noun}{plural}", self.size)
    }

    /// The unit of a cycle.
    pub(super) fn unit(&self) -> &'static str {
        match self.group {
            AgeGroup::Weekly => "week",
            AgeGroup::Paid | AgeGroup::Customers | AgeGroup::Reseller => "month",
        }
    }

    /// The day on which the cycle behind that of `day` begins.
    ///
    /// # Errors
    /// [`WorkError::Unplanned`] after the last day that can be used.
    pub(super) fn next_cycle(&self, day: Date) -> Result<Date, WorkError> {
        let next = match self.group {
            AgeGroup::Weekly => day.plus_days(7),
            AgeGroup::Paid | AgeGroup::Customers | AgeGroup::Reseller => {
                day.first_of_month().plus_days(31).map(Date::first_of_month)
            }
        };
        next.map_err(|error| WorkError::Unplanned(error.to_string()))
    }
}
