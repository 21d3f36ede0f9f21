//! All that one customer has agreed: subscriptions, quotes, discounts.

use std::collections::{BTreeMap, BTreeSet};

use schemas::Date;
use schemas::event::{DiscountApplied, EventAt, QuoteCreated, ScheduledFor, SubscriptionEvent};
use schemas::ids::{CouponId, CustomerId, DiscountId, QuoteId, SubscriptionId};
use serde::{Deserialize, Serialize};

use super::state::Subscription;
use crate::shared::Shared;

/// A discount that was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Discount {
    pub(crate) applied: DiscountApplied,
    pub(crate) removed: bool,
    /// The event that gave it.
    pub(crate) made: EventAt,
}

/// An offer and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Quote {
    pub(crate) created: QuoteCreated,
    /// It was accepted or voided.
    pub(crate) closed: bool,
}

/// What was agreed with one customer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Agreements {
    pub(super) subscriptions: Shared<BTreeMap<SubscriptionId, Shared<Subscription>>>,
    pub(super) quotes: Shared<BTreeMap<QuoteId, Quote>>,
    /// In the order they were applied, which is the order they are taken in.
    pub(super) discounts: Shared<Vec<Discount>>,
    /// Coupons that were redeemed.
    pub(super) coupons: Shared<BTreeSet<CouponId>>,
}

impl Agreements {
    /// Subscriptions by id, ended ones included.
    pub(crate) fn subscriptions(&self) -> impl Iterator<Item = &Subscription> {
        self.subscriptions.values().map(AsRef::as_ref)
    }

    pub(crate) fn subscription(&self, id: SubscriptionId) -> Option<&Subscription> {
        self.subscriptions.get(&id).map(AsRef::as_ref)
    }

    /// A subscription of an overlay, to be brought up to date in place.
    pub(crate) fn drafted(&mut self, id: SubscriptionId) -> Option<&mut Subscription> {
        Shared::make_mut(&mut self.subscriptions).get_mut(&id).map(Shared::make_mut)
    }

    /// Whether an event is a scheduled change that waited for a payment.
    pub(crate) fn waited_for_payment(&self, event: &SubscriptionEvent) -> bool {
        let told = if let SubscriptionEvent::SubscriptionChanged(changed) = event {
            (changed.subscription, changed.change)
        } else if let SubscriptionEvent::SubscriptionPaused(paused) = event {
            (paused.subscription, paused.change)
        } else if let SubscriptionEvent::SubscriptionResumed(resumed) = event {
            (resumed.subscription, resumed.change)
        } else {
            return false;
        };
        let (id, Some(number)) = told else { return false };
        let due = self.subscription(id).and_then(|subscription| subscription.change(number));
        due.is_some_and(|due| due.at == ScheduledFor::Paid)
    }

    /// How many subscriptions there are, ended ones included.
    pub(crate) fn count(&self) -> usize {
        self.subscriptions.len()
    }

    /// A quote that may still be accepted on a day.
    pub(crate) fn offered(&self, today: Date) -> Option<QuoteId> {
        self.open_quotes(today).next().map(|quote| quote.created.quote)
    }

    /// A quote for another customer that may still be accepted on a day.
    pub(crate) fn offered_for(&self, user: CustomerId, today: Date) -> Option<QuoteId> {
        let offered = |quote: &&Quote| quote.created.offer.with.beneficiary == Some(user);
        self.open_quotes(today).find(offered).map(|quote| quote.created.quote)
    }

    fn open_quotes(&self, today: Date) -> impl Iterator<Item = &Quote> {
        let open = move |quote: &&Quote| !quote.closed && today <= quote.created.valid_until;
        self.quotes.values().filter(open)
    }

    /// Discounts in the order they were applied, removed ones included.
    pub(crate) fn discounts(&self) -> &[Discount] {
        &self.discounts
    }

    pub(crate) fn discount(&self, id: DiscountId) -> Option<&Discount> {
        self.discounts.iter().find(|found| found.applied.discount == id)
    }
}
