//! Folds what was billed. Sums are unchecked only where the decision that made the event has
//! checked them.

use schemas::event::{
    BillingEvent, ChargeAdded, CycleSettled, DiscountPart, DueSet, EventAt, InvoiceFinalized,
    InvoiceLine, InvoiceLinesDrafted, LineRef, LineSource, SettlementEvent,
};
use schemas::ids::{DiscountId, InvoiceId, SubscriptionId};
use schemas::terms::DiscountTarget;
use schemas::{Date, Timestamp};

use self::document::{Drafted, Noted};
use super::cycles::ItemBills;
use super::state::{Billed, Billing, CycleBill, DiscountUse, Line, LineAt, Pending, Taken};
use crate::shared::Shared;
use crate::spans;
use crate::subscription::state::Subscription;
use crate::unmade::Unmade;

pub(super) mod agreed;
pub(super) mod document;
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
            BillingEvent::InvoiceLinesDrafted(drafted) => self.draft_lines(drafted, made),
        }
    }

    /// Folds in what takes back what was billed.
    ///
    /// # Errors
    /// [`Unmade`] when it names what was never made.
    pub(crate) fn evolve_settled(
        &mut self,
        event: &SettlementEvent,
        made: EventAt,
    ) -> Result<(), Unmade> {
        match event {
            SettlementEvent::InvoiceVoided(voided) => self.fold_void(voided, made),
            SettlementEvent::InvoiceLinesVoided(voided) => self.void_lines(voided, made),
            SettlementEvent::CreditNoteIssued(note) => {
                self.fold_note(note.into(), made)?;
                self.billed_mut(note.invoice, made)?.notes.push(note.note);
                Ok(())
            }
            SettlementEvent::CreditNoteLinesDrafted(drafted) => {
                self.fold_note(drafted.into(), made)
            }
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
                for cycle in found {
                    bills.unsettle(cycle);
                }
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

    /// A line that a commit changes.
    fn line_mut(&mut self, at: LineRef, made: EventAt) -> Result<&mut Line, Unmade> {
        let unknown = || Unmade::of(format!("line {} of", at.line), at.invoice);
        let billed = self.billed_mut(at.invoice, made)?;
        billed.line_mut(at.line).ok_or_else(unknown)
    }

    /// An invoice that a commit changes.
    fn billed_mut(&mut self, id: InvoiceId, made: EventAt) -> Result<&mut Billed, Unmade> {
        let place = self.invoices.place(id).ok_or_else(|| Unmade::named(id))?;
        let billed = self.invoices.shelf.at_mut(place, made);
        billed.ok_or_else(|| Unmade::of("what is read back of", id))
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
        if self.invoices.place(event.invoice).is_some() {
            // Its lines were drafted.
            self.billed_mut(event.invoice, made)?;
            return Ok(());
        }
        let place = self.invoices.shelf.len();
        let of = Drafted::from(event);
        let mut billed = Billed::of(of);
        for line in &event.lines {
            let at = LineAt { invoice: place, line: line.line };
            let charge = self.fold_line((event.invoice, event.document_date), at, line, made)?;
            billed.push((of.currency, made), line, charge);
        }
        billed.made_by_commit(made);
        self.invoices.push(billed);
        Ok(())
    }

    /// Lines of an invoice that is not issued yet stand as if it were: whoever folds them decides
    /// on nothing until it is.
    fn draft_lines(&mut self, event: &InvoiceLinesDrafted, made: EventAt) -> Result<(), Unmade> {
        let of = Drafted::from(event);
        let place = match self.invoices.place(event.invoice) {
            Some(place) => place,
            None => self.invoices.push(Billed::of(of)),
        };
        for line in &event.lines {
            let at = LineAt { invoice: place, line: line.line };
            let charge = self.fold_line((event.invoice, event.document_date), at, line, made)?;
            self.billed_mut(event.invoice, made)?.push((of.currency, made), line, charge);
        }
        Ok(())
    }

    /// What a line does to what is there; the charge that it bills, which waits no more.
    fn fold_line(
        &mut self,
        (invoice, date): (InvoiceId, Date),
        at: LineAt,
        line: &InvoiceLine,
        made: EventAt,
    ) -> Result<Option<Shared<Pending>>, Unmade> {
        let mut charge = None;
        self.touch(line.source);
        match line.source {
            LineSource::Cycle { subscription, item, cycle } => {
                Shared::make_mut(&mut self.owed).remove(&subscription);
                let cycle = self.cycle_mut(subscription, item, cycle)?;
                if let (None, Some(pricing)) = (line.credits, &line.pricing) {
                    cycle.add_line(at);
                    if let Some(voided) = cycle.was_voided() {
                        voided.again = spans::without(&voided.again, pricing.span);
                    }
                }
            }
            LineSource::Charge(id) => {
                let index = self.waiting(id).ok_or_else(|| Unmade::named(id))?;
                let mut billed = Shared::make_mut(&mut self.pending).remove(index);
                if billed.again {
                    // It is billed, and was not before: that is how it would come back.
                    Shared::make_mut(&mut billed).again = false;
                }
                if let (true, Some(of)) =
                    (billed.added.early_termination, billed.added.subscription)
                {
                    if !self.fees.contains(of) {
                        self.fees.insert(of, Vec::new());
                    }
                    self.fees.get_mut(of).expect("it was put there").push(at);
                }
                charge = Some(billed);
            }
            LineSource::Invoice => {}
        }
        for part in &line.discounts {
            self.use_discount((invoice, date), line, part)?;
        }
        self.fold_credit(invoice, line, made)?;
        Ok(charge)
    }

    /// What a line below zero takes off the line that it credits.
    fn fold_credit(
        &mut self,
        by: InvoiceId,
        line: &InvoiceLine,
        made: EventAt,
    ) -> Result<(), Unmade> {
        if let Some(target) = self.fold_credited_time(line, made)? {
            self.line_mut(target, made)?.credit_amount(by, line);
        }
        Ok(())
    }

    /// A line's time is credited, by an invoice or by a note.
    fn fold_credited_time(
        &mut self,
        line: &InvoiceLine,
        made: EventAt,
    ) -> Result<Option<LineRef>, Unmade> {
        let (Some(credited), Some(pricing)) = (line.credits, &line.pricing) else {
            return Ok(None);
        };
        if let LineSource::Cycle { subscription, item, cycle: number } = line.source {
            let cycle = self.cycle_mut(subscription, item, number)?;
            // What is to be charged again still is.
            if let Some(voided) = cycle.was_voided() {
                voided.credited_again = spans::without(&voided.credited_again, pricing.span);
            }
            self.give_up_no_more((subscription, item, number), pricing.span)?;
        }
        let target = self.line_mut(credited, made)?;
        let is_gone = target.credit_time(line, pricing);
        let (source, discounts) = (target.source, target.discounts.clone());
        self.touch(source);
        if is_gone {
            discounts.into_iter().try_for_each(|taken| self.count_line(taken, -1))?;
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

    /// Lines of a credit note.
    fn fold_note(&mut self, note: Noted<'_>, made: EventAt) -> Result<(), Unmade> {
        for line in note.credits {
            self.touch(line.source);
            if let LineSource::Cycle { subscription, .. } = line.source {
                Shared::make_mut(&mut self.owed).remove(&subscription);
            }
            for part in &line.discounts {
                self.use_discount((note.invoice, note.document_date), line, part)?;
            }
            self.fold_credited_time(line, made)?;
        }
        let billed = self.billed_mut(note.invoice, made)?;
        billed.take_note(note)?;
        let touched = note.lines.iter().filter_map(|reversal| billed.line(reversal.line));
        let sources: Vec<LineSource> = touched.map(|line| line.source).collect();
        for source in sources {
            self.touch(source);
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
