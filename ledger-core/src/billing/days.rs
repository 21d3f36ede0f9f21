//! When each subscription of a customer has something to do, and which go along with an invoice.
//!
//! # Shape
//!
//! A decision finds the day of every subscription that it has touched, and says in an event which
//! days became others. So nobody has to ask a subscription that nothing happened to: what a run
//! looks at is what is due, what has differences, and what the commit has touched.

use schemas::Date;
use schemas::event::SubscriptionDue;
use schemas::ids::SubscriptionId;
use schemas::terms::Differs;
use serde::{Deserialize, Serialize};

use crate::shared::{Map, Set};

/// When a subscription has something to do, and what of it differs from its invoices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Day {
    pub(crate) on: Option<Date>,
    pub(crate) differs: Differs,
}

impl Day {
    /// That of a subscription of which nothing is known.
    pub(crate) const NEVER: Self = Self { on: None, differs: Differs::No };
}

/// The days of a customer's subscriptions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Days {
    /// Of those that have something to do, or something that differs.
    of: Map<SubscriptionId, Day>,
    /// By day: of those that have one.
    by_day: Set<(Date, SubscriptionId)>,
    /// Those of which something differs.
    differing: Set<SubscriptionId>,
    /// Of these, those that wait for an invoice with that.
    waiting: Set<SubscriptionId>,
    /// Those that something happened to since their day was found.
    touched: Set<SubscriptionId>,
}

impl Days {
    pub(crate) fn of(&self, id: SubscriptionId) -> Day {
        self.of.get(id).copied().unwrap_or(Day::NEVER)
    }

    /// Those that something happened to since their day was found.
    pub(crate) fn touched(&self) -> impl Iterator<Item = SubscriptionId> + '_ {
        self.touched.keys()
    }

    #[cfg(feature = "mistakes")]
    pub(crate) fn is_touched(&self, id: SubscriptionId) -> bool {
        self.touched.contains(id)
    }

    pub(crate) fn touch(&mut self, id: SubscriptionId) {
        self.touched.add(id);
    }

    /// The days of all that were touched are found.
    pub(crate) fn found(&mut self) {
        self.touched.clear();
    }

    /// Those that have a difference that waits for an invoice.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = SubscriptionId> + '_ {
        self.waiting.keys()
    }

    /// Those with a day, in the order of days.
    pub(crate) fn in_order(&self) -> impl Iterator<Item = (Date, SubscriptionId)> + '_ {
        self.by_day.keys()
    }

    /// Those that have something to do through a day, or of which something differs, or that were
    /// touched; by id.
    pub(crate) fn looked_at(&self, through: Date) -> Vec<SubscriptionId> {
        let due = self.by_day.keys().take_while(|(day, _)| *day <= through).map(|(_, id)| id);
        let mut all: Vec<_> = due.chain(self.differing.keys()).chain(self.touched.keys()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Another day was found for a subscription.
    pub(crate) fn set(&mut self, set: &SubscriptionDue) {
        let (id, now) = (set.subscription, Day { on: set.on, differs: set.differs });
        let before = self.of(id);
        if let Some(on) = before.on.filter(|_| before.on != now.on) {
            self.by_day.remove((on, id));
        }
        if let Some(on) = now.on.filter(|_| before.on != now.on) {
            self.by_day.add((on, id));
        }
        let (differs, waits) = match now.differs {
            Differs::No => (false, false),
            Differs::Along => (true, false),
            Differs::Waits => (true, true),
        };
        for (set, is_in) in [(&mut self.differing, differs), (&mut self.waiting, waits)] {
            if is_in {
                set.add(id);
            } else {
                set.remove(id);
            }
        }
        if now == Day::NEVER {
            self.of.remove(id);
        } else {
            self.of.insert(id, now);
        }
    }
}
