//! One subscription at an instant.

use std::borrow::Cow;

use schemas::event::{ChangeScheduled, ScheduledFor};
use schemas::terms::{DiscountDuration, DiscountTarget, DiscountValue, EndReason};
use schemas::text::Label;
use schemas::view::{
    self, ChangeLeftOut, ItemCycle, ItemStep, OpenDocument, PendingChange, SubscriptionDiscount,
    SubscriptionItem, SubscriptionState,
};
use schemas::{Date, Rejection, Span, Timestamp};

use crate::billing::state::{CycleBill, Line};
use crate::catalog::state::Catalog;
use crate::ledger::bill::ends_waiting;
use crate::ledger::{Customer, Ledger};
use crate::settlement::state::Invoice;
use crate::shared::List;
use crate::spans;
use crate::subscription::advance::{Advance, Horizon};
use crate::subscription::books::Books as _;
use crate::subscription::ending::never_begins;
use crate::subscription::evolve::try_out;
use crate::subscription::item::{Cycle, Item};
use crate::subscription::state::{Phase, Subscription};

/// A subscription, as it is and brought up to the day that is asked about.
pub(super) struct Shown<'a> {
    pub(super) customer: &'a Customer,
    pub(super) as_is: &'a Subscription,
    pub(super) then: Cow<'a, Subscription>,
    pub(super) at: Timestamp,
    /// The day in the seller's zone: what due dates are compared with.
    today: Date,
    seller: &'a schemas::ZoneName,
    catalog: &'a Catalog,
}

impl<'a> Shown<'a> {
    pub(super) fn of(
        ledger: &'a Ledger,
        customer: &'a Customer,
        subscription: &'a Subscription,
        at: Timestamp,
    ) -> Result<Self, Rejection> {
        let seller = &ledger.facts.sellers.entity(customer.profile.entity)?.zone;
        let mut copy = subscription.clone();
        let waits = ends_waiting(&ledger.facts.catalog, customer, subscription, at);
        let profile = &customer.profile;
        let (rules, catalog) = (&profile.rules, &ledger.facts.catalog);
        let (currency, invoiced) = (profile.currency, &customer.billing);
        let advance = Advance { rules, catalog, currency, invoiced, looks_ahead: false };
        // One that is too far behind to be brought up at once is shown as it is.
        let then = match advance.through(&mut copy, Horizon::present(at, rules)?, 0) {
            Ok(made) => {
                if let Some(ending) = copy.ending.filter(|_| waits) {
                    let never = never_begins(&copy, ending.reason).into();
                    try_out(&mut copy, &never, made.len());
                }
                Cow::Owned(copy)
            }
            Err(_) => Cow::Borrowed(subscription),
        };
        let today = seller.date_at(at)?;
        Ok(Self { customer, as_is: subscription, then, at, today, seller, catalog })
    }

    /// Where it is in its life.
    pub(super) fn state(&self) -> SubscriptionState {
        let never = self.then.ending.filter(|ending| ending.at <= self.then.start);
        if self.at < self.then.start {
            return match never.map(|ending| ending.reason) {
                Some(EndReason::Canceled) => SubscriptionState::Canceled,
                Some(EndReason::TermEnded | EndReason::NotPaid) => SubscriptionState::Expired,
                None => SubscriptionState::Pending,
            };
        }
        let lives = self.then.ending.is_none_or(|ending| self.at < ending.at);
        if lives && self.customer.waits(self.catalog, &self.then, self.at) {
            return SubscriptionState::Pending;
        }
        match self.then.phase(self.at) {
            Phase::Pending => SubscriptionState::Pending,
            Phase::Trialing => SubscriptionState::Trialing,
            Phase::Active if self.open().any(|invoice| self.is_overdue(invoice)) => {
                SubscriptionState::PastDue
            }
            Phase::Active => SubscriptionState::Active,
            Phase::Paused => SubscriptionState::Paused,
            Phase::Canceled => SubscriptionState::Canceled,
            Phase::Expired => SubscriptionState::Expired,
        }
    }

    /// The instant after its last, as far as it is known.
    pub(super) fn known_end(&self) -> Option<Timestamp> {
        let rules = &self.customer.profile.rules;
        self.then.known_end(rules).map(|known| known.at)
    }

    /// Open invoices with a line of it.
    pub(super) fn open(&self) -> impl Iterator<Item = &Invoice> {
        self.customer.open_with(self.as_is.id)
    }

    /// Its last day to pay is over.
    pub(super) fn is_overdue(&self, invoice: &Invoice) -> bool {
        invoice.due_date() < self.today
    }

    /// The instant at which the last day to pay is over.
    pub(super) fn payment_ends(&self, invoice: &Invoice) -> Result<Timestamp, Rejection> {
        Ok(self.seller.start_of(invoice.due_date().plus_days(1)?)?)
    }

    /// Items that live at the instant.
    pub(super) fn living(&self) -> impl Iterator<Item = &Item> {
        self.then.items.iter().filter(|item| item.terms_at(self.at).is_some())
    }

    /// The time of an item that is billed from a cycle on, on invoices that `counts` takes, or is
    /// free; pauses count as such, because nothing is owed for them.
    fn billed(
        &self,
        item: &Item,
        from: u32,
        counts: impl Fn(&Invoice, &Line) -> bool,
    ) -> Vec<Span> {
        let mut time = Vec::new();
        let free = self.then.trial_end.and_then(|end| Span::new(self.then.start, end));
        for span in free.into_iter().chain(self.then.pause_spans()) {
            time = spans::with(&time, span);
        }
        let (billing, id) = (&self.customer.billing, self.as_is.id);
        // What was cut may be billed beyond its end.
        let cut = billing.cut(id, item.number).iter().copied().filter(|cycle| *cycle < from);
        let opened = billing.item(id, item.number).map_or(0, crate::shared::List::len);
        let later = from..u32::try_from(opened).unwrap_or(u32::MAX);
        let bills = cut.chain(later).filter_map(|cycle| billing.cycle(id, item.number, cycle));
        for bill in bills {
            for at in bill.lines() {
                let invoice = self.customer.settlement.invoices().at(at.invoice);
                let line = billing.line(*at);
                if invoice.is_some_and(|invoice| counts(invoice, line)) {
                    for live in &line.live {
                        time = spans::with(&time, *live);
                    }
                }
            }
            for waived in &bill.voided().waived {
                time = spans::with(&time, *waived);
            }
        }
        time
    }

    /// The last cycle of an item that was opened and begins up to an instant.
    fn begun_by(&self, item: &Item, at: Timestamp) -> u32 {
        let known = self.as_is.item(item.number);
        let begun = known.and_then(|item| item.cycles.rposition(|cycle| cycle.start <= at));
        begun.map_or(0, |at| u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// The end of the time that the instant lies in and is billed on invoices that `counts` takes.
    pub(super) fn billed_until(
        &self,
        item: &Item,
        counts: impl Fn(&Invoice, &Line) -> bool,
    ) -> Option<Timestamp> {
        let billed = self.billed(item, self.begun_by(item, self.at), counts);
        billed.iter().find(|span| span.contains(self.at)).map(|span| span.end())
    }

    /// The end of the last time that begins up to the instant and is billed on invoices that
    /// `counts` takes.
    pub(super) fn billed_last(
        &self,
        item: &Item,
        counts: impl Fn(&Invoice, &Line) -> bool,
    ) -> Option<Timestamp> {
        let mut from = self.begun_by(item, self.at);
        loop {
            let billed = self.billed(item, from, &counts);
            let last = billed.iter().rev().find(|span| span.start() <= self.at);
            if let Some(last) = last {
                return Some(last.end());
            }
            from = from.checked_sub(1)?;
        }
    }

    /// Up to where the item is billed without a gap: of cycles that are settled, nothing is left
    /// to be billed.
    fn charged_through(&self, item: &Item) -> Option<Timestamp> {
        let (billing, id) = (&self.customer.billing, self.as_is.id);
        let opened = billing.item(id, item.number).map_or(0, crate::shared::List::len);
        let last = u32::try_from(opened).unwrap_or(u32::MAX).saturating_sub(1);
        let open = billing.unsettled(id, item.number).first().copied().unwrap_or(last);
        let first = open.min(last);
        let start = item.cycle(first).map_or(self.then.start, |cycle| cycle.start);
        let billed = self.billed(item, first, |_, _| true);
        let found = billed.iter().find(|span| span.contains(start)).map(|span| span.end());
        let before = (first > 0).then_some(start);
        found.or(before).filter(|end| *end < Timestamp::MAX)
    }

    pub(super) fn document(&self) -> view::Subscription {
        let subscription = &*self.then;
        let items: Vec<SubscriptionItem> =
            subscription.items.iter().map(|i| self.item(i)).collect();
        let charged = self.living().map(|item| self.charged_through(item)).min().flatten();
        view::Subscription {
            subscription: subscription.id,
            customer: self.customer.id(),
            beneficiary: subscription.beneficiary,
            state: self.state(),
            at: self.at,
            start: subscription.start,
            trial_end: subscription.trial_end,
            activation_expires: subscription
                .activation
                .and_then(|activation| activation.asked)
                .map(|(_, expires)| expires),
            end: self.known_end(),
            term: subscription.term,
            items,
            charged_through: charged,
            scheduled: self.scheduled(),
            left_out: self.left_out(),
            discounts: self.discounts(),
            open: self.open().map(|invoice| self.open_document(invoice)).collect(),
            quote: subscription.quote,
            dimensions: subscription.dimensions.clone(),
            next: Vec::new(),
        }
    }

    fn item(&self, item: &Item) -> SubscriptionItem {
        let holds = |cycle: &&Cycle| cycle.start <= self.at && self.at < cycle.end;
        let cycle = item.cycles.iter().find(holds).and_then(|cycle| {
            let span = Span::new(cycle.start, cycle.end)?;
            Some(ItemCycle { cycle: cycle.index, span, full: cycle.full })
        });
        let later = item.steps_after(self.at).into_iter().map(|from| ItemStep {
            from,
            terms: item.terms_at(from).cloned(),
            quantity: item.quantity_at(from),
        });
        SubscriptionItem {
            item: item.number,
            add_on: item.add_on,
            terms: item.terms_at(self.at).cloned(),
            quantity: item.quantity_at(self.at),
            cycle,
            charged_through: self.charged_through(item),
            upcoming: later.collect(),
        }
    }

    fn scheduled(&self) -> Vec<PendingChange> {
        let waits = |change: &&ChangeScheduled| match change.at {
            ScheduledFor::At(at) => at > self.at,
            ScheduledFor::Paid => true,
        };
        let pending = self.then.scheduled.iter().filter(waits).map(|change| PendingChange {
            change: change.change,
            at: change.at,
            what: change.what.clone(),
        });
        pending.collect()
    }

    fn left_out(&self) -> Vec<ChangeLeftOut> {
        let left_out = |(due, why): &(ChangeScheduled, Label)| ChangeLeftOut {
            change: due.change,
            at: due.at,
            what: due.what.clone(),
            why: why.clone(),
        };
        self.then.left_out.iter().map(left_out).collect()
    }

    fn discounts(&self) -> Vec<SubscriptionDiscount> {
        let discounts = self.customer.agreements.discounts();
        let given = discounts.iter().filter(|found| !found.removed);
        let phases = self.then.phases.iter().flat_map(|phases| {
            phases.percents().filter_map(|(from, end, percent)| {
                Some(SubscriptionDiscount {
                    discount: phases.discount,
                    on: DiscountTarget::Subscription(self.as_is.id),
                    value: DiscountValue::Percent(percent),
                    duration: DiscountDuration::Forever,
                    window: Some(Span::new(from, end)?),
                    coupon: None,
                })
            })
        });
        given
            .map(|found| &found.applied)
            .filter(|applied| self.bears(&applied.on))
            .map(|applied| SubscriptionDiscount {
                discount: applied.discount,
                on: applied.on.clone(),
                value: applied.value,
                duration: applied.duration,
                window: None,
                coupon: applied.coupon,
            })
            .chain(phases)
            .collect()
    }

    fn bears(&self, on: &DiscountTarget) -> bool {
        let id = self.as_is.id;
        match on {
            DiscountTarget::Customer => true,
            DiscountTarget::Subscription(subscription) => *subscription == id,
            DiscountTarget::Item(target) => target.subscription == id,
            DiscountTarget::Product(product) => self.living().any(|item| {
                item.terms_at(self.at).is_some_and(|terms| terms.product.as_ref() == Some(product))
            }),
        }
    }

    fn open_document(&self, invoice: &Invoice) -> OpenDocument {
        OpenDocument {
            invoice: invoice.id(),
            due_date: invoice.due_date(),
            balance_due: invoice.open().of(self.customer.currency()),
            overdue: self.is_overdue(invoice),
        }
    }

    /// The open invoice that bills an item's time at the instant, if one does.
    pub(super) fn unpaid_for(&self, item: &Item) -> Option<&Invoice> {
        let billing = &self.customer.billing;
        let bills = |invoice: &&Invoice| {
            let cycles = billing.item(self.as_is.id, item.number).into_iter();
            let mut lines = cycles.flat_map(List::iter).flat_map(CycleBill::lines);
            lines.any(|at| {
                let now = |span: &Span| span.contains(self.at);
                let asks = |line: &Line| {
                    // What costs nothing asks for nothing.
                    !line.gross.is_zero() && line.live.iter().any(now)
                };
                at.invoice == invoice.ordinal && asks(billing.line(*at))
            })
        };
        self.open().find(bills)
    }
}
