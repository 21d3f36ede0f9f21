//! What a decision about agreements may look at, and what it comes to.

use schemas::event::Event;
use schemas::ids::SubscriptionId;
use schemas::terms::InvoiceTiming;
use schemas::{Rejection, Timestamp};

use super::advance::Advance;
use super::agreements::Agreements;
use super::state::Subscription;
use crate::context::Context;
use crate::customer::state::Profile;

/// What the rooms behind this one say of a customer's subscriptions.
pub(crate) trait Books {
    /// Whether something is open that has a line of the subscription.
    fn owes(&self, subscription: SubscriptionId) -> bool;

    /// Whether time beyond `end` was billed and credited.
    fn is_credited_beyond(&self, subscription: SubscriptionId, end: Timestamp) -> bool;

    /// The first cycle of an item of which nothing is billed, and of none after it.
    fn first_unbilled(&self, subscription: SubscriptionId, item: u16) -> u32;
}

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
        let (rules, catalog) = (&self.profile.rules, self.context.catalog);
        Advance { rules, catalog, currency: self.profile.currency }
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

/// What was decided, and whether the subscription is to be billed in the same commit.
#[derive(Debug)]
pub(crate) struct Decided {
    pub(crate) events: Vec<Event>,
    pub(crate) bill: Option<SubscriptionId>,
}

impl Decided {
    /// Events with the invoice of what they changed, if it is wanted now.
    pub(crate) fn billed(
        events: Vec<Event>,
        subscription: SubscriptionId,
        invoice: InvoiceTiming,
    ) -> Self {
        let bill = match invoice {
            InvoiceTiming::Now => Some(subscription),
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
