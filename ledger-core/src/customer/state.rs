//! State of one customer, folded from its stream.

use std::collections::{BTreeMap, BTreeSet};

use schemas::decimal::Decimal;
use schemas::event::{
    ChargeAdded, DiscountApplied, LinePricing, LineRef, LineSource, QuoteCreated, RevenueSchedule,
    ScheduledFor,
};
use schemas::ids::{
    ChargeId, CouponId, CreditNoteId, CustomerId, DiscountId, EntityId, InvoiceId, QuoteId,
    SubscriptionId,
};
use schemas::terms::{ChangeBilling, LineKind};
use schemas::text::{ExternalId, Label};
use schemas::{Currency, Date, Interval, Minor, Personal, Span, Timestamp, ZoneName};
use serde::{Deserialize, Serialize};

use super::shelves::{Invoices, Payments};
use crate::billing::pieces::{self, Place};
use crate::earning::Earning;
use crate::subscription::rules::Rules;
use crate::subscription::state::Subscription;

/// A line of a finalized invoice, with what has become of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub(crate) kind: LineKind,
    pub(crate) description: Label,
    pub(crate) source: LineSource,
    pub(crate) service: Option<Interval>,
    /// How a recurring line was priced.
    pub(crate) priced: Option<Box<LinePricing>>,
    pub(crate) plan: Option<(schemas::ids::PlanId, u32)>,
    pub(crate) quantity: Decimal,
    pub(crate) unit_price: Option<Decimal>,
    pub(crate) gross: Minor,
    pub(crate) net: Minor,
    pub(crate) tax: Minor,
    /// Discount parts in the order they were taken.
    pub(crate) discounts: Vec<(DiscountId, Minor)>,
    pub(crate) credits: Option<LineRef>,
    /// Time that is charged and not credited, in order.
    pub(crate) live: Vec<Span>,
    /// Time credited by lines of later invoices, in the unit that proration counts.
    pub(crate) credited_time: i64,
    /// Gross amount credited by lines of later invoices; not negative.
    pub(crate) credited_gross: Minor,
    /// Net amount credited by lines of later invoices; not negative.
    pub(crate) credited_net: Minor,
    /// Net amount taken off by credit notes.
    pub(crate) reversed_net: Minor,
    /// Invoices with a live line that credits this one.
    pub(crate) credited_by: Vec<InvoiceId>,
    /// What was recognised before the last stop, less what a contra account took back.
    pub(crate) earned: Minor,
    /// What is still to be recognised, and how.
    pub(crate) earning: Earning,
}

impl Line {
    /// Net amount that is neither credited nor reversed.
    pub(crate) fn left(&self) -> Minor {
        Minor(self.net.0 - self.credited_net.0 - self.reversed_net.0)
    }
}

/// Where an invoice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvoiceState {
    /// Something is open.
    Open,
    /// Nothing is open.
    Settled,
    /// It counts no more.
    Voided,
}

/// A finalized invoice with its settlement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    pub(crate) id: InvoiceId,
    /// Its place among the customer's invoices.
    pub(crate) ordinal: u32,
    pub(crate) entity: EntityId,
    pub(crate) document_date: Date,
    pub(crate) due_date: Date,
    pub(crate) posting_date: Date,
    pub(crate) total: Minor,
    pub(crate) lines: Vec<Line>,
    pub(crate) credit_applied: Minor,
    pub(crate) credit_generated: Minor,
    /// Payments allocated, less what was reopened.
    pub(crate) paid: Minor,
    /// Taken off by credit notes.
    pub(crate) credited: Minor,
    pub(crate) notes: Vec<CreditNoteId>,
    pub(crate) voided: bool,
}

impl Invoice {
    /// Its id.
    pub const fn id(&self) -> InvoiceId {
        self.id
    }

    /// What is owed; zero for a voided invoice.
    pub fn open(&self) -> Minor {
        if self.voided {
            return Minor::ZERO;
        }
        Minor(
            self.total.0 + self.credit_generated.0
                - self.credit_applied.0
                - self.paid.0
                - self.credited.0,
        )
    }

    /// Where it is.
    pub fn state(&self) -> InvoiceState {
        match (self.voided, self.open().is_positive()) {
            (true, _) => InvoiceState::Voided,
            (false, true) => InvoiceState::Open,
            (false, false) => InvoiceState::Settled,
        }
    }

    /// The last day to pay.
    pub const fn due_date(&self) -> Date {
        self.due_date
    }
}

/// A payment and what is left of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    pub(crate) amount: Minor,
    pub(crate) refunded: Minor,
    /// What lies on invoices, in the order it was allocated.
    pub(crate) allocations: Vec<(InvoiceId, Minor)>,
    /// What it made of customer credit, less what was refunded from that.
    pub(crate) credit: Minor,
    pub(crate) reversed: bool,
}

/// A discount and what it has given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Discount {
    pub(crate) applied: DiscountApplied,
    pub(crate) removed: bool,
    /// On a subscription or item without a window: the first cycle of each item that can have it.
    /// Items that begin later have it from their first cycle on.
    pub(crate) first_cycles: BTreeMap<u16, u32>,
    /// On a subscription or item: what the cycles that start at an instant have of it, less what
    /// was credited.
    pub(crate) by_cycle: BTreeMap<Timestamp, Minor>,
    /// On a customer or product: the invoices that have it.
    pub(crate) invoices: BTreeSet<InvoiceId>,
}

/// An offer and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Quote {
    pub(crate) created: QuoteCreated,
    /// It was accepted or voided.
    pub(crate) closed: bool,
}

/// State of one customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    pub(crate) id: CustomerId,
    pub(crate) entity: EntityId,
    pub(crate) external_id: Option<ExternalId>,
    pub(crate) name: Personal,
    pub(crate) email: Option<Personal>,
    pub(crate) currency: Currency,
    pub(crate) zone: ZoneName,
    /// What it is billed by.
    pub(crate) rules: Rules,
    pub(crate) payment_terms_days: u16,
    /// Who pays for it.
    pub(crate) parent: Option<CustomerId>,
    pub(crate) registered_at: Timestamp,
    pub(crate) revision: u64,
    pub(crate) subscriptions: BTreeMap<SubscriptionId, Subscription>,
    /// In the order they were applied, which is the order they are taken in.
    pub(crate) discounts: Vec<Discount>,
    pub(crate) quotes: BTreeMap<QuoteId, Quote>,
    /// Coupons that it has redeemed.
    pub(crate) coupons: BTreeSet<CouponId>,
    /// Charges that wait for an invoice, in the order they were added.
    pub(crate) pending: Vec<ChargeAdded>,
    /// Charges on a live invoice, for billing again after a void.
    pub(crate) charges: BTreeMap<ChargeId, ChargeAdded>,
    pub(crate) invoices: Invoices,
    /// Invoices with something open: by due date, then by order of finalization.
    pub(crate) open: BTreeSet<(Date, u32)>,
    pub(crate) payments: Payments,
    /// Customer credit that is available.
    pub(crate) credit: Minor,
    /// Something was voided to be billed again.
    pub(crate) rebill: bool,
    /// Why runs leave it out.
    pub(crate) parked: Option<Label>,
    /// The day on which a billing run has something to do; derived, kept for the index.
    pub(crate) due: Option<Date>,
    /// An event since the last commit may have moved `due`.
    pub(crate) due_stale: bool,
}

impl Customer {
    /// The customer's currency.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// Customer credit that is available.
    pub const fn credit(&self) -> Minor {
        self.credit
    }

    /// The customer's invoices by order of finalization.
    pub fn invoices(&self) -> impl DoubleEndedIterator<Item = &Invoice> {
        self.invoices.values()
    }

    /// The customer's subscriptions, by id.
    pub fn subscriptions(&self) -> impl Iterator<Item = &Subscription> {
        self.subscriptions.values()
    }

    /// One subscription.
    pub fn subscription_of(&self, id: SubscriptionId) -> Option<&Subscription> {
        self.subscriptions.get(&id)
    }

    /// One invoice.
    pub fn invoice(&self, id: InvoiceId) -> Option<&Invoice> {
        self.invoices.get(id)
    }

    /// What the customer owes over all invoices, in minor units.
    pub fn owed(&self) -> i128 {
        self.invoices.values().map(|invoice| i128::from(invoice.open().0)).sum()
    }

    /// The line that `at` names, if the customer has it.
    pub(crate) fn line(&self, at: LineRef) -> Option<&Line> {
        let index = usize::try_from(at.line).ok()?.checked_sub(1)?;
        self.invoices.get(at.invoice)?.lines.get(index)
    }

    pub(crate) fn line_mut(&mut self, at: LineRef) -> Option<&mut Line> {
        let index = usize::try_from(at.line).ok()?.checked_sub(1)?;
        self.invoices.get_mut(at.invoice)?.lines.get_mut(index)
    }

    /// The day on which a billing run has something to do for this customer.
    ///
    /// Pending charges wait for the next cycle; where no cycle is ahead they are due at once,
    /// so that nothing is forgotten. What was voided to be billed again is due at once, too.
    pub(crate) fn next_due(&self) -> Option<Date> {
        if self.parked.is_some() {
            return None;
        }
        let cycles = self.subscriptions.values().filter_map(|found| self.due_for(found)).min();
        let waiting = self.rebill || (cycles.is_none() && !self.pending.is_empty());
        if waiting { Some(Date::MIN) } else { cycles }
    }

    /// The first day on which a billing run has something to do for a subscription.
    ///
    /// Dates that cannot be computed are never due: the decision that would bill them says so.
    fn due_for(&self, subscription: &Subscription) -> Option<Date> {
        let rules = &self.rules;
        let date = |at: Timestamp| rules.date(at).ok();
        let differences_wait = match rules.policies.change_billing {
            ChangeBilling::NextInvoice => true,
            ChangeBilling::AtOnce => false,
        };
        let pauses = subscription.pause_spans();
        let ends = |at: Timestamp| subscription.ending.is_some_and(|ending| ending.at <= at);
        let mut due: Vec<Date> = Vec::new();
        for item in &subscription.items {
            let place = Place { customer: self, subscription, item, pauses: &pauses };
            let next = item.next_period(rules).ok().map(|(span, _)| span);
            let next = next.filter(|span| {
                !ends(span.start()) && item.removed_at().is_none_or(|at| span.start() < at)
            });
            let ahead = next.and_then(|span| place.next_due(span));
            let waits = differences_wait && ahead.is_some();
            let opened = |cycle| pieces::due_on(place, cycle, waits);
            due.extend(item.cycles.iter().filter_map(opened).chain(ahead));
        }
        let scheduled = subscription.scheduled.iter().filter_map(|change| match change.at {
            ScheduledFor::At(at) => date(at),
            ScheduledFor::Paid => None,
        });
        let running = subscription.ending.is_none();
        let term = subscription.term.filter(|_| running).and_then(|term| date(term.span.end()));
        let expiry = subscription.activation_expires.and_then(date);
        due.into_iter().chain(scheduled).chain(term).chain(expiry).min()
    }
}

/// How a line is first recognised.
pub(crate) fn first_earning(
    line: LineRef,
    currency: Currency,
    amount: Minor,
    schedule: RevenueSchedule,
    posted: Date,
) -> Earning {
    Earning { line, currency, amount, schedule, posted, until: None }
}
