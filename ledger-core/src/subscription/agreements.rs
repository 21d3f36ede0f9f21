//! All that one customer has agreed: subscriptions, quotes, discounts.

use std::collections::{BTreeMap, BTreeSet};

use schemas::Date;
use schemas::event::{DiscountApplied, EventAt, QuoteCreated, ScheduledFor, SubscriptionEvent};
use schemas::ids::{CouponId, CustomerId, DiscountId, InvoiceId, QuoteId, SubscriptionId};
use serde::{Deserialize, Serialize};

use super::state::Subscription;
use crate::shared::{Map, Set, Shared};

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
    pub(super) subscriptions: Map<SubscriptionId, Shared<Subscription>>,
    /// Those that ask for a first payment or wait for one.
    pub(super) asking: Set<SubscriptionId>,
    /// Those with a cycle that was opened and that something scheduled comes before: what that
    /// will be depends on the catalog, too.
    foreseeing: Set<SubscriptionId>,
    /// Those that have ended.
    ended: Set<SubscriptionId>,
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
        self.subscriptions.get(id).map(AsRef::as_ref)
    }

    /// Subscriptions that wait for a payment or may ask for a first one, by id.
    pub(crate) fn asking(&self) -> impl Iterator<Item = &Subscription> {
        self.asking.keys().filter_map(|id| self.subscription(id))
    }

    /// Some of these subscriptions, in their order.
    pub(crate) fn some<'a>(
        &'a self,
        ids: &'a [SubscriptionId],
    ) -> impl Iterator<Item = &'a Subscription> {
        ids.iter().filter_map(|id| self.subscription(*id))
    }

    /// A subscription of an overlay, to be brought up to date in place.
    pub(crate) fn drafted(&mut self, id: SubscriptionId) -> Option<&mut Subscription> {
        self.subscriptions.get_mut(id).map(Shared::make_mut)
    }

    /// A subscription of an overlay was brought up to date.
    pub(crate) fn note(&mut self, id: SubscriptionId) {
        let asks = self.subscription(id).is_some_and(|found| {
            let wants = found.activation.is_some() && found.ending.is_none();
            let waits = found.scheduled.iter().any(|due| due.at == ScheduledFor::Paid);
            wants || waits || found.waits()
        });
        let foresees = self.subscription(id).is_some_and(Subscription::foresees);
        let ended = self.subscription(id).is_some_and(|found| found.ending.is_some());
        let sets =
            [(&mut self.asking, asks), (&mut self.foreseeing, foresees), (&mut self.ended, ended)];
        for (set, is_in) in sets {
            if is_in {
                set.add(id);
            } else {
                set.remove(id);
            }
        }
    }

    /// Subscriptions with a cycle that was opened and that something scheduled comes before.
    pub(crate) fn foreseeing(&self) -> impl Iterator<Item = SubscriptionId> + '_ {
        self.foreseeing.keys()
    }

    /// An invoice is void: who ended while it waited for the payment of it waits no more.
    pub(crate) fn let_go(&mut self, invoice: InvoiceId) {
        let gone = self.asking().filter(|found| {
            let asked = found.activation.and_then(|activation| activation.asked);
            found.ending.is_some() && asked.is_some_and(|(asked, _)| asked == invoice)
        });
        for id in gone.map(Subscription::id).collect::<Vec<_>>() {
            self.asking.remove(id);
        }
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

    /// How many subscriptions there are that have not ended.
    pub(crate) fn live(&self) -> usize {
        self.subscriptions.len() - self.ended.len()
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
