//! Folds what was billed. Sums are unchecked only where the decision that made the event has
//! checked them.

use schemas::event::{
    BillingEvent, ChargeAdded, CreditNoteIssued, CycleOpened, DiscountPart, EventAt,
    InvoiceFinalized, InvoiceLine, InvoiceVoided, LineRef, LineSource, RevenueSchedule,
    SettlementEvent, SubscriptionEvent,
};
use schemas::ids::{DiscountId, InvoiceId, SubscriptionId};
use schemas::terms::{DiscountTarget, EndReason, LineKind};
use schemas::{Currency, Date, Minor, Timestamp};

use super::spans;
use super::state::{Billed, Billing, CycleBill, DiscountUse, Line, LineAt, Pending, Priced};
use crate::accounting::Earning;
use crate::shared::{List, Shared};
use crate::unmade::Unmade;

impl Billing {
    /// Folds in what was charged or invoiced.
    ///
    /// # Errors
    /// [`Unmade`] when it names what was never made.
    pub(crate) fn evolve(&mut self, event: &BillingEvent, made: EventAt) -> Result<(), Unmade> {
        match event {
            BillingEvent::ChargeAdded(charge) => self.wait(charge, made),
            BillingEvent::InvoiceFinalized(invoice) => return self.fold_invoice(invoice, made),
        }
        Ok(())
    }

    /// Folds in what agreements mean for what is billed: cycles exist, discounts can be used, and
    /// a subscription that nobody paid for is not asked for its setup fee again.
    pub(crate) fn evolve_agreed(&mut self, event: &SubscriptionEvent) {
        if let SubscriptionEvent::CycleOpened(opened) = event {
            self.open(opened);
        } else if let SubscriptionEvent::DiscountApplied(applied) = event {
            let by_cycle = counts_cycles(&applied.on);
            let fresh = DiscountUse { by_cycle, ..DiscountUse::default() };
            Shared::make_mut(&mut self.discounts).insert(applied.discount, Shared::new(fresh));
        } else if let SubscriptionEvent::SubscriptionCanceled(canceled) = event
            && canceled.reason == EndReason::NotPaid
        {
            let id = Some(canceled.subscription);
            Shared::make_mut(&mut self.pending).retain(|charge| charge.added.subscription != id);
        }
    }

    /// Folds in what takes back what was billed.
    ///
    /// # Errors
    /// [`Unmade`] when it names what was never made.
    pub(crate) fn evolve_settled(&mut self, event: &SettlementEvent) -> Result<(), Unmade> {
        match event {
            SettlementEvent::InvoiceVoided(voided) => self.fold_void(voided),
            SettlementEvent::CreditNoteIssued(note) => self.fold_note(note),
            SettlementEvent::PaymentRecorded(_)
            | SettlementEvent::PaymentReversed(_)
            | SettlementEvent::PaymentRefunded(_)
            | SettlementEvent::CreditGranted(_)
            | SettlementEvent::CreditApplied(_)
            | SettlementEvent::CreditReleased(_)
            | SettlementEvent::CreditRevoked(_)
            | SettlementEvent::CreditExpired(_)
            | SettlementEvent::CreditPaidOut(_) => Ok(()),
        }
    }

    fn wait(&mut self, charge: &ChargeAdded, made: EventAt) {
        let pending = Shared::new(Pending { added: charge.clone(), made });
        Shared::make_mut(&mut self.pending).push(pending);
    }

    fn open(&mut self, opened: &CycleOpened) {
        let cycles = Shared::make_mut(&mut self.cycles);
        let items = Shared::make_mut(cycles.entry(opened.subscription).or_default());
        let item = usize::from(opened.item);
        if items.len() <= item {
            items.resize_with(item + 1, List::default);
        }
        let start = opened.span.start();
        items[item].push(CycleBill { start, lines: Vec::new(), waived: Vec::new() });
    }

    fn cycle_mut(
        &mut self,
        subscription: SubscriptionId,
        item: u16,
        cycle: u32,
    ) -> Result<&mut CycleBill, Unmade> {
        let unknown = || Unmade::of(format!("cycle {cycle} of item {item} of"), subscription);
        let items = Shared::make_mut(&mut self.cycles).get_mut(&subscription);
        let item = items.and_then(|items| Shared::make_mut(items).get_mut(usize::from(item)));
        let at = usize::try_from(cycle).map_err(|_| unknown())?;
        item.and_then(|cycles| cycles.get_mut(at)).ok_or_else(unknown)
    }

    fn line_mut(&mut self, at: LineRef) -> Result<&mut Line, Unmade> {
        let unknown = || Unmade::of(format!("line {} of", at.line), at.invoice);
        let found = self.find(at).ok_or_else(unknown)?;
        let index = usize::try_from(found.line - 1).map_err(|_| unknown())?;
        let billed = self.invoices.at_mut(found.invoice);
        billed.and_then(|billed| billed.lines.get_mut(index)).ok_or_else(unknown)
    }

    fn discount_mut(&mut self, id: DiscountId) -> Result<&mut DiscountUse, Unmade> {
        let found = Shared::make_mut(&mut self.discounts).get_mut(&id);
        found.map(Shared::make_mut).ok_or_else(|| Unmade::named(id))
    }

    fn fold_invoice(&mut self, event: &InvoiceFinalized, made: EventAt) -> Result<(), Unmade> {
        let place = u32::try_from(self.invoices.len()).unwrap_or(u32::MAX);
        let mut lines = Vec::with_capacity(event.lines.len());
        for line in &event.lines {
            let at = LineAt { invoice: place, line: line.line };
            let charge = self.fold_line(event.invoice, at, line)?;
            lines.push(new_line((event, made), line, charge));
        }
        self.invoices.push(Billed {
            invoice: event.invoice,
            document_date: event.document_date,
            posting_date: event.posting_date,
            lines,
            notes: Vec::new(),
            voided: false,
        });
        self.rebill = false;
        Ok(())
    }

    /// What a line does to what is there; the charge that it bills, which waits no more.
    fn fold_line(
        &mut self,
        invoice: InvoiceId,
        at: LineAt,
        line: &InvoiceLine,
    ) -> Result<Option<Shared<Pending>>, Unmade> {
        let mut charge = None;
        let start = match line.source {
            LineSource::Cycle { subscription, item, cycle } => {
                let cycle = self.cycle_mut(subscription, item, cycle)?;
                if line.credits.is_none() {
                    cycle.lines.push(at);
                }
                Some(cycle.start)
            }
            LineSource::Charge(id) => {
                let index = self.waiting(id).ok_or_else(|| Unmade::named(id))?;
                charge = Some(Shared::make_mut(&mut self.pending).remove(index));
                None
            }
            LineSource::Invoice => None,
        };
        for part in &line.discounts {
            self.use_discount(invoice, line, part, start)?;
        }
        if let (Some(credited), Some(pricing)) = (line.credits, &line.pricing) {
            let target = self.line_mut(credited)?;
            target.live = spans::without(&target.live, pricing.span);
            target.credited_time += pricing.time;
            target.credited_gross.0 -= line.gross.0;
            target.credited_net.0 -= line.net.0;
            target.credited_by.push(invoice);
        }
        Ok(charge)
    }

    /// Notes what a line has of a discount.
    fn use_discount(
        &mut self,
        invoice: InvoiceId,
        line: &InvoiceLine,
        part: &DiscountPart,
        cycle: Option<Timestamp>,
    ) -> Result<(), Unmade> {
        let discount = self.discount_mut(part.discount)?;
        match (discount.by_cycle, cycle) {
            (true, Some(cycle)) => discount.cycles.entry(cycle).or_default().0 += part.amount.0,
            (false, _) if line.credits.is_none() => {
                discount.invoices.insert(invoice);
            }
            (true, None) | (false, _) => {}
        }
        Ok(())
    }

    fn fold_void(&mut self, event: &InvoiceVoided) -> Result<(), Unmade> {
        let unknown = || Unmade::named(event.invoice);
        let place = self.invoices.place(event.invoice).ok_or_else(unknown)?;
        let billed = self.invoices.at_mut(place).ok_or_else(unknown)?;
        billed.voided = true;
        let lines = billed.lines.clone();
        self.rebill |= event.rebill;
        for (number, line) in (1_u32..).zip(&lines) {
            let at = LineAt { invoice: place, line: number };
            self.void_line(event.invoice, at, line, event.rebill)?;
        }
        Ok(())
    }

    fn void_line(
        &mut self,
        invoice: InvoiceId,
        at: LineAt,
        line: &Line,
        rebill: bool,
    ) -> Result<(), Unmade> {
        let start = match line.source {
            LineSource::Cycle { subscription, item, cycle } => {
                let cycle = self.cycle_mut(subscription, item, cycle)?;
                if line.credits.is_none() {
                    cycle.lines.retain(|found| *found != at);
                    if !rebill {
                        cycle.waived.extend_from_slice(&line.live);
                    }
                }
                Some(cycle.start)
            }
            LineSource::Charge(_) | LineSource::Invoice => None,
        };
        for (discount, amount) in &line.discounts {
            self.give_discount_back(invoice, *discount, *amount, start)?;
        }
        if let Some(charge) = line.charge.as_ref().filter(|_| rebill) {
            Shared::make_mut(&mut self.pending).push(Shared::clone(charge));
        }
        match line.credits {
            Some(credited) => self.void_credit(invoice, line, credited, rebill),
            None => Ok(()),
        }
    }

    /// The credited line counts in full again. Its days are live again only if they are to be
    /// looked at again; else the credit is given up.
    fn void_credit(
        &mut self,
        by: InvoiceId,
        line: &Line,
        credited: LineRef,
        rebill: bool,
    ) -> Result<(), Unmade> {
        let target = self.line_mut(credited)?;
        target.credited_gross.0 += line.gross.0;
        target.credited_net.0 += line.net.0;
        if let Some(index) = target.credited_by.iter().position(|found| *found == by) {
            target.credited_by.remove(index);
        }
        if let (true, Some(priced)) = (rebill, &line.priced) {
            target.live = spans::with(&target.live, priced.pricing.span);
            target.credited_time -= priced.pricing.time;
        }
        Ok(())
    }

    fn give_discount_back(
        &mut self,
        invoice: InvoiceId,
        discount: DiscountId,
        amount: Minor,
        cycle: Option<Timestamp>,
    ) -> Result<(), Unmade> {
        let discount = self.discount_mut(discount)?;
        match (discount.by_cycle, cycle) {
            (true, Some(cycle)) => {
                let used = discount.cycles.entry(cycle).or_default();
                used.0 -= amount.0;
                if used.is_zero() {
                    discount.cycles.remove(&cycle);
                }
            }
            (false, _) => {
                discount.invoices.remove(&invoice);
            }
            (true, None) => {}
        }
        Ok(())
    }

    fn fold_note(&mut self, event: &CreditNoteIssued) -> Result<(), Unmade> {
        let unknown = || Unmade::named(event.invoice);
        let place = self.invoices.place(event.invoice).ok_or_else(unknown)?;
        self.invoices.at_mut(place).ok_or_else(unknown)?.notes.push(event.note);
        for reversal in &event.lines {
            let at = LineRef { invoice: event.invoice, line: reversal.line };
            let line = self.line_mut(at)?;
            line.reversed_net.0 += reversal.net.0;
            line.earned = reversal.kept;
            let (amount, schedule) =
                reversal.amended.map_or((Minor::ZERO, line.earning.schedule), |left| {
                    (left.amount, RevenueSchedule::Straight(left.service))
                });
            let currency = line.earning.currency;
            line.earning = first_earning(at, currency, amount, schedule, event.posting_date);
        }
        Ok(())
    }
}

/// Whether budget and duration of a discount are counted in cycles; else in invoices.
pub(crate) const fn counts_cycles(on: &DiscountTarget) -> bool {
    match on {
        DiscountTarget::Subscription(_) | DiscountTarget::Item(_) => true,
        DiscountTarget::Customer | DiscountTarget::Product(_) => false,
    }
}

fn new_line(
    (event, made): (&InvoiceFinalized, EventAt),
    line: &InvoiceLine,
    charge: Option<Shared<Pending>>,
) -> Line {
    let at = LineRef { invoice: event.invoice, line: line.line };
    let charges_time = match line.kind {
        LineKind::Recurring | LineKind::ProrationCharge | LineKind::MinimumTrueUp => true,
        LineKind::OneOff | LineKind::ProrationCredit | LineKind::Rounding => false,
    };
    let span = line.pricing.as_ref().map(|pricing| pricing.span);
    Line {
        kind: line.kind,
        description: line.description.clone(),
        source: line.source,
        service: line.service,
        priced: line.pricing.as_deref().map(|pricing| {
            Box::new(Priced { pricing: pricing.clone(), origin: line.origin.said_by(made) })
        }),
        charge,
        plan: line.plan,
        quantity: line.quantity,
        unit_price: line.unit_price,
        gross: line.gross,
        net: line.net,
        discounts: line.discounts.iter().map(|part| (part.discount, part.amount)).collect(),
        credits: line.credits,
        live: span.filter(|_| charges_time).into_iter().collect(),
        credited_time: 0,
        credited_gross: Minor::ZERO,
        credited_net: Minor::ZERO,
        reversed_net: Minor::ZERO,
        credited_by: Vec::new(),
        earned: Minor::ZERO,
        earning: first_earning(at, event.currency, line.net, line.schedule, event.posting_date),
    }
}

/// How a line is recognised from a posting date on.
fn first_earning(
    line: LineRef,
    currency: Currency,
    amount: Minor,
    schedule: RevenueSchedule,
    posted: Date,
) -> Earning {
    Earning { line, currency, amount, schedule, posted, until: None }
}
