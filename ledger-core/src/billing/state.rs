//! What was billed of one customer, and what waits to be.

use std::collections::BTreeSet;

use schemas::event::LineRef;
use schemas::ids::{ChargeId, CustomerId, DiscountId, InvoiceId, SubscriptionId};
use schemas::{Date, Minor, Span, Timestamp};
use serde::{Deserialize, Serialize};

pub(crate) use super::billed::{Billed, Line, Pending, Priced, Taken};
pub(crate) use super::cycles::{CycleBill, LineAt};
use super::cycles::{Cycles, ItemBills};
use super::days::Days;
use super::issued::Invoices;
use crate::shared::{List, Map, Shared};
use crate::subscription::books::Invoiced;
use crate::subscription::state::Subscription;

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
    pub(crate) cycles: Map<Timestamp, CycleUse>,
    /// Counted in invoices: those that have it, and their dates.
    pub(crate) invoices: Map<InvoiceId, Date>,
}

impl DiscountUse {
    /// Changes what a cycle has of it.
    pub(super) fn change(&mut self, cycle: Timestamp, change: impl FnOnce(&mut CycleUse)) {
        let mut used = self.cycles.get(cycle).copied().unwrap_or_default();
        change(&mut used);
        if used == CycleUse::default() {
            self.cycles.remove(cycle);
        } else {
            self.cycles.insert(cycle, used);
        }
    }

    /// Starts of the cycles that have it, each with how many lines do.
    pub(crate) fn used_cycles(&self) -> impl Iterator<Item = (Timestamp, usize)> {
        let lines = |used: &CycleUse| usize::try_from(used.lines).expect("lines are in memory");
        let used = self.cycles.iter().filter(|(_, used)| used.lines > 0);
        used.map(move |(start, used)| (start, lines(used)))
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
    /// Lines that ask for the fee of an early end.
    pub(super) fees: Map<SubscriptionId, Vec<LineAt>>,
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
            fees: Map::default(),
        }
    }

    /// One that was stored, of a customer.
    pub(crate) fn stored(mut self, customer: CustomerId) -> Self {
        self.invoices.shelf.belongs_to(customer);
        self
    }

    /// The place of each invoice, by id.
    pub(crate) const fn places(&self) -> &Map<InvoiceId, u32> {
        self.invoices.places()
    }

    /// Ends the decision if lines of one of these cycles are away.
    pub(crate) fn need(&self, subscription: SubscriptionId, item: u16, cycles: &[u32]) {
        let bills = cycles.iter().filter_map(|cycle| self.cycle(subscription, item, *cycle));
        self.invoices.shelf.need(bills.flat_map(CycleBill::lines).map(|at| at.invoice));
    }

    /// Ends the decision if the lines of one of these invoices, by place, are away.
    pub(crate) fn need_lines(&self, places: impl IntoIterator<Item = u32>) {
        self.invoices.shelf.need(places);
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
        self.invoices.shelf.at(self.invoices.place(id)?)
    }

    /// How many lines an invoice has, if it is in memory.
    pub(crate) fn lines_of(&self, id: InvoiceId) -> usize {
        let here = self.invoices.place(id).and_then(|place| self.invoices.shelf.if_here(place));
        here.map_or(0, |billed| billed.lines().len())
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
        self.invoices.shelf.at(at.invoice)?.line(at.line)
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
        let billed = self.invoices.shelf.at(at.invoice);
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

    /// Cycles of an item that a change has cut, in order.
    pub(crate) fn cut(&self, subscription: SubscriptionId, item: u16) -> &[u32] {
        self.item_bills(subscription, item).map_or(&[], ItemBills::cut_cycles)
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
        last.map_or(&[], |bill| &bill.voided().waived)
    }

    /// What lines have of a discount.
    pub(crate) fn discount(&self, id: DiscountId) -> Option<&DiscountUse> {
        self.discounts.get(id).map(AsRef::as_ref)
    }

    /// Lines that ask for the fee of an early end of a subscription.
    pub(crate) fn fees_of(&self, id: SubscriptionId) -> &[LineAt] {
        self.fees.get(id).map_or(&[], Vec::as_slice)
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
            |cycle: &CycleBill| cycle.lines().iter().any(|at| !self.line(*at).live.is_empty());
        self.last_cycle(subscription, item, charges)
    }

    fn invoiced_until(&self, subscription: &Subscription, item: u16) -> Option<Timestamp> {
        self.last_cycle(subscription, item, |cycle| !cycle.lines().is_empty())
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
