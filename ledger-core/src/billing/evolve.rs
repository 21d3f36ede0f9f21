//! Folds what was billed. Sums are unchecked only where the decision that made the event has
//! checked them.

use schemas::event::{
    BillingEvent, ChargeAdded, CreditNoteIssued, CycleSettled, DiscountBasis, DiscountPart, DueSet,
    EventAt, InvoiceFinalized, InvoiceLine, LineRef, LineSource, RevenueSchedule, SettlementEvent,
};
use schemas::ids::{DiscountId, InvoiceId, SubscriptionId};
use schemas::terms::{DiscountTarget, LineKind};
use schemas::{Currency, Date, Minor, Timestamp};

use super::cycles::ItemBills;
use super::state::{Billed, Billing, CycleBill, DiscountUse, Line, LineAt, Pending, Priced, Taken};
use crate::accounting::Earning;
use crate::shared::Shared;
use crate::spans;
use crate::subscription::state::Subscription;
use crate::unmade::Unmade;

mod agreed;
mod voided;

impl Billing {
    /// Folds in what was charged or invoiced.
    ///
    /// # Errors
    /// [`Unmade`] when it names what was never made.
    pub(crate) fn evolve(&mut self, event: &BillingEvent, made: EventAt) -> Result<(), Unmade> {
        match event {
            BillingEvent::ChargeAdded(charge) => {
                self.wait(charge, made);
                Ok(())
            }
            BillingEvent::ChargeWithdrawn(withdrawn) => {
                let id = withdrawn.charge;
                let index = self.waiting(id).ok_or_else(|| Unmade::named(id))?;
                Shared::make_mut(&mut self.pending).remove(index);
                Ok(())
            }
            BillingEvent::InvoiceFinalized(invoice) => self.fold_invoice(invoice, made),
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
        let pending = Shared::new(Pending { added: charge.clone(), made, again: false });
        Shared::make_mut(&mut self.pending).push(pending);
    }

    fn cycle_mut(
        &mut self,
        subscription: SubscriptionId,
        item: u16,
        cycle: u32,
    ) -> Result<&mut CycleBill, Unmade> {
        let unknown = || Unmade::of(format!("cycle {cycle} of item {item} of"), subscription);
        let at = usize::try_from(cycle).map_err(|_| unknown())?;
        let bills = self.bills_of(subscription, item);
        bills.and_then(|of| of.bills_mut().get_mut(at)).ok_or_else(unknown)
    }

    /// The cycles of an item; none where none was opened.
    fn bills_of(&mut self, subscription: SubscriptionId, item: u16) -> Option<&mut ItemBills> {
        let items = self.cycles.get_mut(subscription)?;
        Shared::make_mut(items).get_mut(usize::from(item))
    }

    /// Lines of a cycle are other ones.
    fn touch(&mut self, source: LineSource) {
        if let LineSource::Cycle { subscription, item, cycle } = source {
            self.days.touch(subscription);
            if let Some(bills) = self.bills_of(subscription, item) {
                bills.unsettle(cycle);
            }
        }
    }

    /// What is agreed of a subscription from an instant on may be other than it was.
    pub(crate) fn unsettle(&mut self, of: &Subscription, from: Timestamp) {
        for item in &of.items {
            let known = self.item_bills(of.id(), item.number);
            let found = known.map(|bills| bills.settled_beyond(item, from)).unwrap_or_default();
            if found.is_empty() {
                continue;
            }
            if let Some(bills) = self.bills_of(of.id(), item.number) {
                found.into_iter().for_each(|cycle| bills.unsettle(cycle));
            }
        }
    }

    /// Folds in when subscriptions have something to do, and which cycles are settled.
    ///
    /// # Errors
    /// [`Unmade`] when it names a cycle that was never opened.
    pub(crate) fn set_days(&mut self, set: &DueSet) -> Result<(), Unmade> {
        for of in &set.subscriptions {
            self.days.set(of);
            for CycleSettled { item, cycle } in of.settled.iter().copied() {
                self.cycle_mut(of.subscription, item, cycle)?;
                let bills = self.bills_of(of.subscription, item);
                bills.ok_or_else(|| Unmade::named(of.subscription))?.settle(cycle);
            }
        }
        Ok(())
    }

    fn line_mut(&mut self, at: LineRef) -> Result<&mut Line, Unmade> {
        let unknown = || Unmade::of(format!("line {} of", at.line), at.invoice);
        let found = self.find(at).ok_or_else(unknown)?;
        self.line_at_mut(found)
    }

    fn line_at_mut(&mut self, at: LineAt) -> Result<&mut Line, Unmade> {
        let unknown = || Unmade::named(format!("line {} of invoice {}", at.line, at.invoice));
        let index = usize::try_from(at.line).ok().and_then(|line| line.checked_sub(1));
        let index = index.ok_or_else(unknown)?;
        let billed = self.invoices.at_mut(at.invoice);
        billed.and_then(|billed| billed.lines.get_mut(index)).ok_or_else(unknown)
    }

    fn discount_mut(&mut self, id: DiscountId) -> Result<&mut DiscountUse, Unmade> {
        let found = self.discounts.get_mut(id);
        found.map(Shared::make_mut).ok_or_else(|| Unmade::named(id))
    }

    fn fold_invoice(&mut self, event: &InvoiceFinalized, made: EventAt) -> Result<(), Unmade> {
        if event.run.is_some() {
            // A run bills every subscription.
            let owed = std::mem::take(&mut self.owed);
            owed.iter().for_each(|id| self.days.touch(*id));
        }
        let place = u32::try_from(self.invoices.len()).unwrap_or(u32::MAX);
        let mut lines = Vec::with_capacity(event.lines.len());
        for line in &event.lines {
            let at = LineAt { invoice: place, line: line.line };
            let charge = self.fold_line((event.invoice, event.document_date), at, line)?;
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
        Ok(())
    }

    /// What a line does to what is there; the charge that it bills, which waits no more.
    fn fold_line(
        &mut self,
        (invoice, date): (InvoiceId, Date),
        at: LineAt,
        line: &InvoiceLine,
    ) -> Result<Option<Shared<Pending>>, Unmade> {
        let mut charge = None;
        self.touch(line.source);
        match line.source {
            LineSource::Cycle { subscription, item, cycle } => {
                Shared::make_mut(&mut self.owed).remove(&subscription);
                let cycle = self.cycle_mut(subscription, item, cycle)?;
                if let (None, Some(pricing)) = (line.credits, &line.pricing) {
                    cycle.lines.push(at);
                    cycle.again = spans::without(&cycle.again, pricing.span);
                }
            }
            LineSource::Charge(id) => {
                let index = self.waiting(id).ok_or_else(|| Unmade::named(id))?;
                charge = Some(Shared::make_mut(&mut self.pending).remove(index));
            }
            LineSource::Invoice => {}
        }
        for part in &line.discounts {
            self.use_discount((invoice, date), line, part)?;
        }
        self.fold_credit(invoice, line)?;
        Ok(charge)
    }

    /// What a line below zero takes off the line that it credits.
    fn fold_credit(&mut self, by: InvoiceId, line: &InvoiceLine) -> Result<(), Unmade> {
        let Some(target) = self.fold_credited_time(line)? else { return Ok(()) };
        let target = self.line_mut(target)?;
        target.credited_net.0 -= line.net.0;
        // A credit of nothing is nothing that stands on the line.
        if !line.gross.is_zero() {
            target.credited_by.push(by);
        }
        Ok(())
    }

    /// A line's time is credited, by an invoice or by a note.
    fn fold_credited_time(&mut self, line: &InvoiceLine) -> Result<Option<LineRef>, Unmade> {
        let (Some(credited), Some(pricing)) = (line.credits, &line.pricing) else {
            return Ok(None);
        };
        if let LineSource::Cycle { subscription, item, cycle: number } = line.source {
            let cycle = self.cycle_mut(subscription, item, number)?;
            // What is to be charged again still is.
            cycle.credited_again = spans::without(&cycle.credited_again, pricing.span);
            self.give_up_no_more((subscription, item, number), pricing.span)?;
        }
        let source = self.line_mut(credited)?.source;
        self.touch(source);
        let target = self.line_mut(credited)?;
        let charged = !target.live.is_empty();
        target.live = spans::without(&target.live, pricing.span);
        target.credited_time += pricing.time;
        target.credited_gross.0 -= line.gross.0;
        if charged && target.live.is_empty() {
            for taken in target.discounts.clone() {
                self.count_line(taken, -1)?;
            }
        }
        Ok(Some(credited))
    }

    /// One more line of a cycle has a discount and charges time, or one less.
    fn count_line(&mut self, taken: Taken, more: i32) -> Result<(), Unmade> {
        let Some(cycle) = taken.cycle else { return Ok(()) };
        self.discount_mut(taken.discount)?.change(cycle, |used| {
            used.lines = used.lines.saturating_add_signed(more);
        });
        Ok(())
    }

    /// Notes what a line has of a discount.
    fn use_discount(
        &mut self,
        (invoice, date): (InvoiceId, Date),
        line: &InvoiceLine,
        part: &DiscountPart,
    ) -> Result<(), Unmade> {
        let charges = line.credits.is_none();
        let discount = self.discount_mut(part.discount)?;
        match part.cycle {
            Some(cycle) => discount.change(cycle, |used| {
                used.amount.0 += part.amount.0;
                used.lines += u32::from(charges);
            }),
            None if charges && !discount.by_cycle => {
                discount.invoices.insert(invoice, date);
            }
            None => {}
        }
        Ok(())
    }

    fn fold_note(&mut self, event: &CreditNoteIssued) -> Result<(), Unmade> {
        let unknown = || Unmade::named(event.invoice);
        let place = self.invoices.place(event.invoice).ok_or_else(unknown)?;
        self.invoices.at_mut(place).ok_or_else(unknown)?.notes.push(event.note);
        let by_time = !event.credits.is_empty();
        for line in &event.credits {
            self.touch(line.source);
            if let LineSource::Cycle { subscription, .. } = line.source {
                Shared::make_mut(&mut self.owed).remove(&subscription);
            }
            for part in &line.discounts {
                self.use_discount((event.invoice, event.document_date), line, part)?;
            }
            self.fold_credited_time(line)?;
        }
        for reversal in &event.lines {
            let at = LineRef { invoice: event.invoice, line: reversal.line };
            let source = self.line_mut(at)?.source;
            self.touch(source);
            let line = self.line_mut(at)?;
            line.reversed_net.0 += reversal.net.0;
            line.cut |= !by_time;
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
        discounts: line.discounts.iter().map(taken).collect(),
        credits: line.credits,
        live: span.filter(|_| charges_time).into_iter().collect(),
        credited_time: 0,
        credited_gross: Minor::ZERO,
        credited_net: Minor::ZERO,
        reversed_net: Minor::ZERO,
        cut: false,
        credited_by: Vec::new(),
        earned: Minor::ZERO,
        earning: first_earning(at, event.currency, line.net, line.schedule, event.posting_date),
    }
}

const fn taken(part: &DiscountPart) -> Taken {
    let DiscountPart { discount, exact, amount, basis, cycle, given: _ } = *part;
    let percent = match basis {
        DiscountBasis::Percent { percent, of: _ } => Some(percent),
        DiscountBasis::Share { .. } | DiscountBasis::Credit { .. } => None,
    };
    Taken { discount, amount, exact, percent, cycle }
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
