//! What was billed of one customer, and what waits to be.

use std::collections::{BTreeMap, BTreeSet};

use schemas::decimal::Decimal;
use schemas::event::{
    ChargeAdded, EventAt, LineOrigin, LinePricing, LineRef, LineSource, PlanVersion,
};
use schemas::fraction::Fraction;
use schemas::ids::{ChargeId, CreditNoteId, CustomerId, DiscountId, InvoiceId, SubscriptionId};
use schemas::terms::LineKind;
use schemas::{Date, Interval, Minor, Personal, Span, Timestamp};
use serde::{Deserialize, Serialize};

pub(crate) use super::cycles::{CycleBill, LineAt};
use super::cycles::{Cycles, ItemBills};
use super::days::Days;
use super::issued::Invoices;
use crate::accounting::Earning;
use crate::shared::{List, Map, Shared};
use crate::spans;
use crate::subscription::books::Invoiced;
use crate::subscription::state::Subscription;

/// How a recurring line was priced, and the events that it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Priced {
    pub(crate) pricing: LinePricing,
    pub(crate) origin: LineOrigin,
}

/// What a discount took off a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Taken {
    pub(crate) discount: DiscountId,
    pub(crate) amount: Minor,
    /// Before rounding.
    pub(crate) exact: Fraction,
    /// In percent; none of a fixed amount.
    pub(crate) percent: Option<Decimal>,
    /// The start of the subscription's cycle that it counts for.
    pub(crate) cycle: Option<Timestamp>,
}

/// A line of a finalized invoice, with what has become of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) kind: LineKind,
    pub(crate) description: Personal,
    pub(crate) source: LineSource,
    pub(crate) service: Option<Interval>,
    /// How a recurring line was priced.
    pub(crate) priced: Option<Box<Priced>>,
    /// The charge of a one-off line, for billing it again after a void.
    pub(crate) charge: Option<Shared<Pending>>,
    pub(crate) plan: Option<PlanVersion>,
    pub(crate) quantity: Decimal,
    pub(crate) unit_price: Option<Decimal>,
    pub(crate) gross: Minor,
    pub(crate) net: Minor,
    /// Discount parts in the order they were taken.
    pub(crate) discounts: Vec<Taken>,
    pub(crate) credits: Option<LineRef>,
    /// Time that is charged and not credited, in order.
    pub(crate) live: Vec<Span>,
    /// Time that later documents credit, in the unit that proration counts.
    pub(crate) credited_time: i64,
    /// Gross amount that later documents credit for time; not negative.
    pub(crate) credited_gross: Minor,
    /// Net amount that lines of later invoices credit for time; not negative.
    pub(crate) credited_net: Minor,
    /// Net amount taken off by credit notes.
    pub(crate) reversed_net: Minor,
    /// A credit note took an amount off it, whatever time that is for.
    pub(crate) cut: bool,
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

    /// Whether it asks for a setup fee of a subscription.
    pub(crate) fn is_setup_of(&self, id: SubscriptionId) -> bool {
        let added = self.charge.as_ref().map(|charge| &charge.added);
        added.is_some_and(|added| added.subscription == Some(id) && !added.early_termination)
    }

    /// Whether it bills something of a subscription: its time, or its setup fee.
    pub(crate) fn is_of(&self, id: SubscriptionId) -> bool {
        match self.source {
            LineSource::Cycle { subscription, .. } => subscription == id,
            LineSource::Charge(_) => {
                self.charge.as_ref().is_some_and(|charge| charge.added.subscription == Some(id))
            }
            LineSource::Invoice => false,
        }
    }
}

/// The lines of a finalized invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Billed {
    pub(crate) invoice: InvoiceId,
    pub(crate) document_date: Date,
    pub(crate) posting_date: Date,
    pub(crate) lines: Vec<Line>,
    /// Credit notes on it.
    pub(crate) notes: Vec<CreditNoteId>,
    pub(crate) voided: bool,
    /// The commits that made it what it is, in order.
    pub(super) commits: Vec<u64>,
}

impl Billed {
    /// An invoice, not voided, with a line that credits one of these.
    pub(crate) fn credited_by(&self) -> Option<InvoiceId> {
        self.lines.iter().find_map(|line| line.credited_by.first()).copied()
    }

    /// Whether it charges all the time of a credit of its own again, of the same item.
    pub(crate) fn charges_again(&self, credit: &Line) -> bool {
        let LineSource::Cycle { subscription, item, .. } = credit.source else { return false };
        let (Some(_), Some(priced)) = (credit.credits, &credit.priced) else { return false };
        let same = |line: &&Line| match line.source {
            LineSource::Cycle { subscription: s, item: i, .. } => {
                line.credits.is_none() && (s, i) == (subscription, item)
            }
            LineSource::Charge(_) | LineSource::Invoice => false,
        };
        let charged = self.lines.iter().filter(same).flat_map(|line| &line.live);
        let credited = vec![priced.pricing.span];
        charged.fold(credited, |set, span| spans::without(&set, *span)).is_empty()
    }
}

/// What the lines of one cycle of a subscription have of a discount.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CycleUse {
    /// Less what was credited.
    pub(crate) amount: Minor,
    /// Lines that have it and still charge time.
    pub(crate) lines: u32,
}

/// What lines have of a discount.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DiscountUse {
    /// Its budget and duration are counted in cycles; else in invoices.
    pub(crate) by_cycle: bool,
    /// Counted in cycles: by the start of the subscription's cycle.
    pub(crate) cycles: BTreeMap<Timestamp, CycleUse>,
    /// Counted in invoices: those that have it, and their dates.
    pub(crate) invoices: BTreeMap<InvoiceId, Date>,
}

impl DiscountUse {
    /// Changes what a cycle has of it.
    pub(super) fn change(&mut self, cycle: Timestamp, change: impl FnOnce(&mut CycleUse)) {
        let used = self.cycles.entry(cycle).or_default();
        change(used);
        if *used == CycleUse::default() {
            self.cycles.remove(&cycle);
        }
    }

    /// Starts of the cycles that have it, each with how many lines do.
    pub(crate) fn used_cycles(&self) -> impl Iterator<Item = (Timestamp, usize)> {
        let lines = |used: &CycleUse| usize::try_from(used.lines).expect("lines are in memory");
        let used = self.cycles.iter().filter(|(_, used)| used.lines > 0);
        used.map(move |(start, used)| (*start, lines(used)))
    }
}

/// A charge that waits for an invoice, or is on one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub(crate) added: ChargeAdded,
    /// The event that added it.
    pub(crate) made: EventAt,
    /// It was billed before and voided to be billed again.
    pub(crate) again: bool,
}

impl Pending {
    /// It does not wait for another reason: it was billed before, or an end left it.
    pub(crate) const fn is_due(&self) -> bool {
        self.again || self.added.early_termination
    }
}

/// What was billed of one customer, and what waits to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Billing {
    pub(super) invoices: Invoices,
    pub(super) cycles: Cycles,
    pub(super) discounts: Map<DiscountId, Shared<DiscountUse>>,
    /// Charges that wait for an invoice, in the order they were added.
    pub(super) pending: Shared<Vec<Shared<Pending>>>,
    /// Subscriptions that something happened to by itself which is to be billed by the next run.
    pub(super) owed: Shared<BTreeSet<SubscriptionId>>,
    pub(crate) days: Days,
}

impl Billing {
    /// That of a customer of whom nothing is billed.
    pub(crate) fn of(customer: CustomerId) -> Self {
        Self {
            invoices: Invoices::of(customer),
            cycles: Cycles::default(),
            discounts: Map::default(),
            pending: Shared::default(),
            owed: Shared::default(),
            days: Days::default(),
        }
    }

    /// Ends the decision if lines of one of these cycles are away.
    pub(crate) fn need(&self, subscription: SubscriptionId, item: u16, cycles: &[u32]) {
        let bills = cycles.iter().filter_map(|cycle| self.cycle(subscription, item, *cycle));
        self.invoices.need(bills.flat_map(|bill| &bill.lines).map(|at| at.invoice));
    }

    /// Whether something happened to a subscription that the next run is to bill.
    pub(crate) fn owes_a_bill(&self, subscription: SubscriptionId) -> bool {
        self.owed.contains(&subscription)
    }

    /// Charges that wait for an invoice, in the order they were added.
    pub(crate) fn pending(&self) -> impl ExactSizeIterator<Item = &Pending> + Clone {
        self.pending.iter().map(AsRef::as_ref)
    }

    /// A finalized invoice.
    pub(crate) fn invoice(&self, id: InvoiceId) -> Option<&Billed> {
        self.invoices.at(self.invoices.place(id)?)
    }

    /// The place of an invoice among the customer's.
    pub(crate) fn ordinal(&self, id: InvoiceId) -> Option<u32> {
        self.invoices.place(id)
    }

    /// The line at a place that this state gave out.
    ///
    /// # Panics
    /// For a place of another customer.
    pub(crate) fn line(&self, at: LineAt) -> &Line {
        self.line_at(at).expect("lines of a customer's cycles are on its invoices")
    }

    fn line_at(&self, at: LineAt) -> Option<&Line> {
        self.invoices.at(at.invoice)?.line(at.line)
    }

    /// Where the line lies that `at` names, if the customer has it.
    pub(crate) fn find(&self, at: LineRef) -> Option<LineAt> {
        let found = LineAt { invoice: self.invoices.place(at.invoice)?, line: at.line };
        self.line_at(found).map(|_| found)
    }

    /// The line that `at` names, if the customer has it.
    pub(crate) fn named(&self, at: LineRef) -> Option<&Line> {
        self.find(at).and_then(|at| self.line_at(at))
    }

    /// What documents call a line.
    ///
    /// # Panics
    /// For a place of another customer.
    pub(crate) fn name(&self, at: LineAt) -> LineRef {
        let billed = self.invoices.at(at.invoice);
        let invoice = billed.expect("a place that this state gave out").invoice;
        LineRef { invoice, line: at.line }
    }

    /// What was billed of the cycles of an item, by cycle.
    pub(crate) fn item(&self, subscription: SubscriptionId, item: u16) -> Option<&List<CycleBill>> {
        Some(self.item_bills(subscription, item)?.bills())
    }

    pub(super) fn item_bills(&self, subscription: SubscriptionId, item: u16) -> Option<&ItemBills> {
        self.cycles.get(subscription)?.get(usize::from(item))
    }

    /// Cycles of an item that may have something to be billed, in order.
    pub(crate) fn unsettled(&self, subscription: SubscriptionId, item: u16) -> &[u32] {
        self.item_bills(subscription, item).map_or(&[], ItemBills::unsettled)
    }

    /// What was billed of one cycle; every cycle that was opened has it.
    pub(crate) fn cycle(
        &self,
        subscription: SubscriptionId,
        item: u16,
        cycle: u32,
    ) -> Option<&CycleBill> {
        self.item(subscription, item)?.get(usize::try_from(cycle).ok()?)
    }

    /// Time that was given up and reaches into cycles that are not opened yet.
    pub(crate) fn given_up_behind(&self, subscription: SubscriptionId, item: u16) -> &[Span] {
        let last = self.item(subscription, item).and_then(|bills| bills.iter().next_back());
        last.map_or(&[], |bill| &bill.waived)
    }

    /// What lines have of a discount.
    pub(crate) fn discount(&self, id: DiscountId) -> Option<&DiscountUse> {
        self.discounts.get(id).map(AsRef::as_ref)
    }

    /// The charge that waits under an id.
    pub(crate) fn waiting(&self, id: ChargeId) -> Option<usize> {
        self.pending.iter().position(|charge| charge.added.charge == id)
    }

    /// The first cycle of an item of which nothing is billed, and of none after it.
    pub(crate) fn first_unbilled(&self, subscription: SubscriptionId, item: u16) -> u32 {
        let cycles = self.item(subscription, item);
        let last = cycles.and_then(|cycles| cycles.rposition(|cycle| !cycle.untouched()));
        u32::try_from(last.map_or(0, |last| last + 1)).unwrap_or(u32::MAX)
    }
}

impl Invoiced for Billing {
    fn charged_until(&self, subscription: &Subscription, item: u16) -> Option<Timestamp> {
        let charges =
            |cycle: &CycleBill| cycle.lines.iter().any(|at| !self.line(*at).live.is_empty());
        self.last_cycle(subscription, item, charges)
    }

    fn invoiced_until(&self, subscription: &Subscription, item: u16) -> Option<Timestamp> {
        self.last_cycle(subscription, item, |cycle| !cycle.lines.is_empty())
    }
}

impl Billing {
    /// The end of the last cycle of an item of which something holds; one that was cut away whole
    /// is none.
    fn last_cycle(
        &self,
        subscription: &Subscription,
        item: u16,
        holds: impl Fn(&CycleBill) -> bool,
    ) -> Option<Timestamp> {
        let bills = self.item(subscription.id(), item)?;
        let cycles = subscription.item(item)?.cycles.iter().rev();
        let mut held = cycles.filter(|cycle| {
            let bill = usize::try_from(cycle.index).ok().and_then(|at| bills.get(at));
            cycle.start < cycle.end && bill.is_some_and(&holds)
        });
        held.next().map(|cycle| cycle.end)
    }
}
