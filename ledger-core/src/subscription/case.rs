//! What a decision about agreements may look at, and what it comes to.

use schemas::Rejection;
use schemas::event::Event;
use schemas::ids::SubscriptionId;
use schemas::terms::InvoiceTiming;

use super::advance::{Advance, Horizon};
use super::agreements::Agreements;
use super::books::Books;
use super::state::Subscription;
use crate::context::Context;
use crate::customer::state::Profile;

/// A command's customer, as a decision about agreements sees it.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) context: Context<'a>,
    pub(crate) profile: &'a Profile,
    pub(crate) agreements: &'a Agreements,
    pub(crate) books: &'a dyn Books,
}

impl<'a> Case<'a> {
    /// What brings a subscription of the customer up to date.
    pub(crate) fn advance(&self) -> Advance<'a> {
        Advance {
            rules: &self.profile.rules,
            catalog: self.context.catalog,
            currency: self.profile.currency,
            invoiced: self.books.invoiced(),
            looks_ahead: false,
        }
    }

    /// The present.
    ///
    /// # Errors
    /// A date that cannot be computed.
    pub(crate) fn present(&self) -> Result<Horizon, Rejection> {
        Horizon::present(self.context.stamp.recorded_at, &self.profile.rules)
    }

    /// Whether a subscription waits for its first payment now.
    pub(crate) fn waits(&self, subscription: &Subscription) -> bool {
        let (catalog, now) = (self.context.catalog, self.context.stamp.recorded_at);
        self.books.waits(catalog, subscription, now)
    }

    /// # Errors
    /// [`Rejection::UnknownSubscription`].
    pub(crate) fn found(&self, id: SubscriptionId) -> Result<&'a Subscription, Rejection> {
        let found = self.agreements.subscription(id);
        found.ok_or(Rejection::UnknownSubscription { subscription: id })
    }

    /// The subscription, unless it ended.
    ///
    /// # Errors
    /// [`Rejection::UnknownSubscription`], [`Rejection::SubscriptionCanceled`].
    pub(crate) fn active(&self, id: SubscriptionId) -> Result<&'a Subscription, Rejection> {
        let subscription = self.found(id)?;
        match subscription.ending {
            None => Ok(subscription),
            Some(ending) => {
                let end = self.profile.rules.date(ending.at)?;
                Err(Rejection::SubscriptionCanceled { subscription: id, end })
            }
        }
    }
}

/// What is to be billed in the commit of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bill {
    /// All that a subscription needs.
    All(SubscriptionId),
    /// Its cycles that were billed and will not begin: they are credited.
    WontBegin(SubscriptionId),
}

/// What was decided, and what is to be billed in the same commit.
#[derive(Debug)]
pub(crate) struct Decided {
    pub(crate) events: Vec<Event>,
    pub(crate) bill: Option<Bill>,
}

impl Decided {
    /// Events with the invoice of what they changed, if it is wanted now.
    pub(crate) fn billed(
        events: Vec<Event>,
        subscription: SubscriptionId,
        invoice: InvoiceTiming,
    ) -> Self {
        let bill = match invoice {
            InvoiceTiming::Now => Some(Bill::All(subscription)),
            InvoiceTiming::Next => None,
        };
        Self { events, bill }
    }
}

impl From<Vec<Event>> for Decided {
    fn from(events: Vec<Event>) -> Self {
        Self { events, bill: None }
    }
}
