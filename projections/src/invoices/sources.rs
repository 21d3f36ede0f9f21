//! Where lines come from: the events that set prices, opened segments and cycles, gave discounts
//! and added charges.
//!
//! *Shape.* One row for each subscription with the steps of its items, one for each customer with
//! discounts and waiting charges, one for each plan version. When an invoice is issued, each line
//! is given its [`Origin`]: what it needs of them is written beside it and never looked up again.
//! *Correctness.* Changes of an item are counted as the ledger counts segments: in the order of
//! recording. What was credited of a line is copied to the line that credits it, so that a later
//! void of an earlier credit does not change the explanation.
//! *Limits.* Of each item the last [`CYCLES`] cycles are kept.

use schemas::event::{
    BillingEvent, CatalogEvent, ChargeAdded, CycleOpened, DiscountApplied, InvoiceFinalized,
    InvoiceLine, ItemChange, LineRef, LineSource, RampAgreed, SubscriptionChanged,
    SubscriptionCreated, SubscriptionEvent, TermsChange,
};
use schemas::ids::{ChargeId, CustomerId, InvoiceId, SubscriptionId};
use schemas::terms::{CreditBasis, LineKind, Rate};
use schemas::{CommitView, Decimal, Event, Timestamp};
use serde::{Deserialize, Serialize};

use super::Invoices;
use super::rows::{InForce, LineRow, Made, Origin, Taken};
use crate::projection::FoldError;
use crate::store::Store;

/// How many cycles of an item are kept.
const CYCLES: usize = 64;

/// What a customer has that lines come from.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct CustomerSources {
    pub(super) discounts: Vec<(DiscountApplied, Made)>,
    /// Charges that wait for an invoice.
    charges: Vec<(ChargeId, Made)>,
}

/// A subscription as far as its lines come from it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct SubscriptionSources {
    items: Vec<ItemSources>,
    /// The last event that changed, paused or ended it.
    last: Option<Made>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct ItemSources {
    item: u16,
    /// In the order of recording.
    changes: Vec<Step>,
    cycles: Vec<CycleSource>,
}

/// A change of an item.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Step {
    from: Timestamp,
    made: Made,
    terms: Option<Terms>,
    quantity: Option<Decimal>,
}

/// What an item costs from a step on.
#[derive(Debug, Clone, Serialize, Deserialize)]
enum Terms {
    Price(Rate, Option<Decimal>),
    Ended,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct CycleSource {
    cycle: u32,
    start: Timestamp,
    made: Made,
    /// Lines that charge time of it.
    lines: Vec<LineRef>,
}

impl ItemSources {
    /// Price, minimum and quantity at an instant: of steps at or before it the latest counts, of
    /// steps at one instant the last recorded.
    fn at(&self, at: Timestamp) -> Option<InForce> {
        let latest = |told: &dyn Fn(&Step) -> bool| {
            let past = self.changes.iter().filter(|step| step.from <= at && told(step));
            past.max_by_key(|step| step.from)
        };
        let quantity = latest(&|step| step.quantity.is_some())?.quantity?;
        match &latest(&|step| step.terms.is_some())?.terms {
            Some(Terms::Price(rate, minimum)) => {
                Some(InForce { rate: rate.clone(), minimum: *minimum, quantity })
            }
            Some(Terms::Ended) | None => None,
        }
    }
}

impl SubscriptionSources {
    fn item(&self, number: u16) -> Option<&ItemSources> {
        self.items.iter().find(|found| found.item == number)
    }

    fn created(created: &SubscriptionCreated, made: Made) -> Self {
        let items = created.items.iter().map(|item| {
            let terms = Some(Terms::Price(item.terms.rate.clone(), item.terms.minimum));
            let quantity = Some(item.quantity);
            let first = Step { from: created.start, made, terms, quantity };
            ItemSources { item: item.item, changes: vec![first], cycles: Vec::new() }
        });
        Self { items: items.collect(), last: Some(made) }
    }

    fn change(&mut self, change: &ItemChange, from: Timestamp, made: Made) {
        let terms = match &change.terms {
            TermsChange::Keep => None,
            TermsChange::Set(terms) => Some(Terms::Price(terms.rate.clone(), terms.minimum)),
            TermsChange::Remove => Some(Terms::Ended),
        };
        let mut step = Step { from, made, terms, quantity: change.quantity };
        if let Some(item) = self.items.iter_mut().find(|found| found.item == change.item) {
            item.changes.push(step);
            return;
        }
        step.quantity = step.quantity.or(Some(Decimal::ONE));
        let item = change.item;
        self.items.push(ItemSources { item, changes: vec![step], cycles: Vec::new() });
    }

    fn changed(&mut self, changed: &SubscriptionChanged, made: Made) {
        for change in &changed.items {
            self.change(change, changed.from, made);
        }
        self.last = Some(made);
    }

    fn ramped(&mut self, ramp: &RampAgreed, made: Made) {
        for step in &ramp.steps {
            for change in &step.items {
                self.change(change, step.from, made);
            }
        }
    }

    /// A pause is over: every item has another step.
    fn resumed(&mut self, from: Timestamp, made: Made) {
        for item in &mut self.items {
            item.changes.push(Step { from, made, terms: None, quantity: None });
        }
        self.last = Some(made);
    }

    fn opened(&mut self, opened: &CycleOpened, made: Made) {
        let Some(item) = self.items.iter_mut().find(|found| found.item == opened.item) else {
            return;
        };
        let (cycle, start) = (opened.cycle, opened.span.start());
        item.cycles.push(CycleSource { cycle, start, made, lines: Vec::new() });
        if item.cycles.len() > CYCLES {
            item.cycles.remove(0);
        }
    }

    fn cycle_mut(&mut self, item: u16, cycle: u32) -> Option<&mut CycleSource> {
        let item = self.items.iter_mut().find(|found| found.item == item)?;
        item.cycles.iter_mut().find(|found| found.cycle == cycle)
    }
}

impl Invoices {
    /// The place of the event that is being folded.
    pub(super) fn made(&mut self, commit: &CommitView<'_>, event: &Event) -> Made {
        let index = if self.at.0 == commit.position { self.at.1 + 1 } else { 0 };
        self.at = (commit.position, index);
        Made {
            position: commit.position,
            index,
            type_id: event.kind().type_id,
            recorded_at: commit.recorded_at,
            effective_at: commit.effective_at,
        }
    }

    /// Keeps what lines will come from.
    pub(super) fn learn(
        &mut self,
        store: &dyn Store,
        customer: Option<CustomerId>,
        made: Made,
        event: &Event,
    ) -> Result<(), FoldError> {
        match event {
            Event::Catalog(CatalogEvent::PlanVersionDefined(defined)) => {
                self.versions.put((defined.plan, defined.version), made);
            }
            Event::Subscription(event) => self.learn_agreed(store, customer, made, event)?,
            Event::Billing(BillingEvent::ChargeAdded(ChargeAdded { charge, .. })) => {
                if let Some(customer) = customer {
                    let row = self.sources.entry(store, customer, Default::default)?;
                    row.charges.push((*charge, made));
                }
            }
            Event::Catalog(_)
            | Event::Billing(BillingEvent::InvoiceFinalized(_))
            | Event::Book(_)
            | Event::Seller(_)
            | Event::Process(_)
            | Event::Customer(_)
            | Event::Settlement(_) => {}
        }
        Ok(())
    }

    fn learn_agreed(
        &mut self,
        store: &dyn Store,
        customer: Option<CustomerId>,
        made: Made,
        event: &SubscriptionEvent,
    ) -> Result<(), FoldError> {
        use SubscriptionEvent as E;
        match event {
            E::SubscriptionCreated(created) => {
                let row = SubscriptionSources::created(created, made);
                self.subscriptions.put(created.subscription, row);
            }
            E::SubscriptionChanged(changed) => {
                self.of(store, changed.subscription)?.changed(changed, made);
            }
            E::RampAgreed(ramp) => self.of(store, ramp.subscription)?.ramped(ramp, made),
            E::SubscriptionResumed(resumed) => {
                self.of(store, resumed.subscription)?.resumed(resumed.from, made);
            }
            E::SubscriptionPaused(paused) => {
                self.of(store, paused.subscription)?.last = Some(made);
            }
            E::SubscriptionCanceled(canceled) => {
                self.of(store, canceled.subscription)?.last = Some(made);
            }
            E::CancellationUndone(undone) => {
                self.of(store, undone.subscription)?.last = Some(made);
            }
            E::CycleOpened(opened) => self.of(store, opened.subscription)?.opened(opened, made),
            E::DiscountApplied(applied) => {
                if let Some(customer) = customer {
                    let row = self.sources.entry(store, customer, Default::default)?;
                    row.discounts.push((applied.clone(), made));
                }
            }
            E::CycleCut(_)
            | E::SubscriptionActivated(_)
            | E::ChangeScheduled(_)
            | E::ScheduledChangeWithdrawn(_)
            | E::TermRenewed(_)
            | E::RenewalSet(_)
            | E::QuoteCreated(_)
            | E::QuoteAccepted(_)
            | E::QuoteVoided(_)
            | E::DiscountRemoved(_) => {}
        }
        Ok(())
    }

    fn of(
        &mut self,
        store: &dyn Store,
        subscription: SubscriptionId,
    ) -> Result<&mut SubscriptionSources, FoldError> {
        Ok(self.subscriptions.entry(store, subscription, Default::default)?)
    }

    /// The lines of an invoice with where they come from, in their order.
    pub(super) fn lines_of(
        &mut self,
        store: &dyn Store,
        customer: CustomerId,
        position: u64,
        invoice: &InvoiceFinalized,
    ) -> Result<Vec<LineRow>, FoldError> {
        let mut rows = Vec::with_capacity(invoice.lines.len());
        for line in &invoice.lines {
            let mut origin = self.origin(store, customer, line)?;
            let at = LineRef { invoice: invoice.invoice, line: line.line };
            if let Some(credited) = line.credits {
                let basis = invoice.policies.credit_basis;
                self.credit(store, (customer, position), (at, line), credited, &mut origin, basis)?;
            } else if let LineSource::Cycle { subscription, item, cycle } = line.source {
                if line.pricing.as_ref().is_some_and(|pricing| pricing.complement.is_some()) {
                    let id = invoice.invoice;
                    origin.others = self.alike(store, (customer, position), (id, line), &rows)?;
                }
                let found = self.subscriptions.get_mut(store, subscription)?;
                if let Some(cycle) = found.and_then(|found| found.cycle_mut(item, cycle)) {
                    cycle.lines.push(at);
                }
            }
            rows.push(LineRow { line: line.clone(), credited: 0, taken: Vec::new(), origin });
        }
        Ok(rows)
    }

    fn origin(
        &mut self,
        store: &dyn Store,
        customer: CustomerId,
        line: &InvoiceLine,
    ) -> Result<Origin, FoldError> {
        let mut origin = Origin::default();
        if let Some(plan) = line.plan {
            origin.price = self.versions.get(store, (plan.plan, plan.version))?.copied();
        }
        match line.source {
            LineSource::Cycle { subscription, item, cycle } => {
                let found = self.subscriptions.get(store, subscription)?;
                let Some(item) = found.and_then(|found| found.item(item)) else {
                    return Ok(origin);
                };
                let segment = line.pricing.as_ref().map_or(0, |pricing| pricing.segment);
                let segment = usize::try_from(segment).ok();
                let step = segment.and_then(|segment| item.changes.get(segment));
                origin.segment = step.map(|step| step.made);
                let cycle = item.cycles.iter().find(|found| found.cycle == cycle);
                origin.cycle = cycle.map(|found| found.made);
                origin.cycle_start = cycle.map(|found| found.start);
            }
            LineSource::Charge(charge) => {
                if let Some(row) = self.sources.get_mut(store, customer)?
                    && let Some(at) = row.charges.iter().position(|(id, _)| *id == charge)
                {
                    origin.charge = Some(row.charges.remove(at).1);
                }
            }
            LineSource::Invoice => {}
        }
        Ok(origin)
    }

    /// A voided invoice is billed again: its charges may wait again.
    pub(super) fn charges_wait(
        &mut self,
        store: &dyn Store,
        customer: CustomerId,
        charges: Vec<(ChargeId, Made)>,
    ) -> Result<(), FoldError> {
        if !charges.is_empty() {
            self.sources.entry(store, customer, Default::default)?.charges.extend(charges);
        }
        Ok(())
    }

    /// What a credit needs of the line that it credits, and a note of it there.
    fn credit(
        &mut self,
        store: &dyn Store,
        (customer, position): (CustomerId, u64),
        (at, line): (LineRef, &InvoiceLine),
        credited: LineRef,
        origin: &mut Origin,
        basis: CreditBasis,
    ) -> Result<(), FoldError> {
        let piece = line.pricing.as_ref().map(|pricing| pricing.span);
        if let LineSource::Cycle { subscription, item, .. } = line.source {
            let found = self.subscriptions.get(store, subscription)?;
            origin.change = found.and_then(|found| found.last);
            let item = found.and_then(|found| found.item(item));
            let before = piece.and_then(|piece| Timestamp::from_micros(piece.start().micros() - 1));
            if basis == CreditBasis::CurrentPrice {
                origin.in_force = item.zip(before).and_then(|(item, before)| item.at(before));
            }
        }
        let row = self.line_mut(store, (customer, position), credited)?;
        let starts = row.and_then(|row| {
            origin.before.clone_from(&row.taken);
            row.credited -= line.net.0;
            row.taken.push(Taken::by_line(at, line));
            row.line.pricing.as_ref().map(|pricing| pricing.span.start())
        });
        // At its start a line is credited at its own price.
        if piece.is_some_and(|piece| starts.is_none_or(|start| piece.start() <= start)) {
            origin.in_force = None;
        }
        Ok(())
    }

    /// The untouched lines of the same cycle at the same price, which this one makes whole.
    fn alike(
        &mut self,
        store: &dyn Store,
        (customer, position): (CustomerId, u64),
        (invoice, line): (InvoiceId, &InvoiceLine),
        here: &[LineRow],
    ) -> Result<Vec<LineRef>, FoldError> {
        let LineSource::Cycle { subscription, item, cycle } = line.source else {
            return Ok(Vec::new());
        };
        let found = self.subscriptions.get_mut(store, subscription)?;
        let cycle = found.and_then(|found| found.cycle_mut(item, cycle));
        let candidates = cycle.map(|cycle| cycle.lines.clone()).unwrap_or_default();
        let mut alike = Vec::new();
        for at in candidates {
            let on_this = here.iter().find(|row| at.invoice == invoice && row.line.line == at.line);
            let same = if let Some(row) = on_this {
                is_alike(row, line)
            } else {
                let voided = self.is_voided(store, (customer, position), at.invoice)?;
                let row = self.line_mut(store, (customer, position), at)?;
                !voided && row.is_some_and(|row| is_alike(row, line))
            };
            if same {
                alike.push(at);
            }
        }
        Ok(alike)
    }
}

fn is_alike(row: &LineRow, line: &InvoiceLine) -> bool {
    let true_up = |line: &InvoiceLine| line.kind == LineKind::MinimumTrueUp;
    let whole = |line: &InvoiceLine| {
        line.pricing.as_ref().map(|pricing| (pricing.price.clone(), pricing.whole))
    };
    row.taken.is_empty()
        && true_up(&row.line) == true_up(line)
        && row.line.quantity == line.quantity
        && row.line.plan == line.plan
        && whole(&row.line) == whole(line)
}
