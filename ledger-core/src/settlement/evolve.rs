//! Folds what settles invoices. Sums are unchecked only where the decision that made the event
//! has checked them.

use schemas::event::{
    Allocation, CreditApplied, CreditGranted, CreditNoteIssued, CreditPaidOut, CreditReleased,
    EventAt, InvoiceFinalized, InvoiceVoided, LotPart, LotReturn, PaymentRecorded, PaymentRefunded,
    PaymentReversed, SettlementEvent,
};
use schemas::ids::{InvoiceId, PaymentId};
use schemas::terms::LotRef;
use schemas::{Date, Minor};

use super::lots::{Grant, Lot, Lots, Origin, Part};
use super::state::{Invoice, Settlement};
use crate::away::Piece;
use crate::shelf::Commits;
use crate::unmade::Unmade;

/// The day on which something was booked; none where that comes later.
const fn booked_on(event: &SettlementEvent) -> Option<Date> {
    Some(match event {
        SettlementEvent::InvoiceVoided(event) => event.posting_date,
        SettlementEvent::CreditNoteIssued(event) => event.posting_date,
        SettlementEvent::PaymentRecorded(event) => event.posting_date,
        SettlementEvent::PaymentReversed(event) => event.posting_date,
        SettlementEvent::PaymentRefunded(event) => event.posting_date,
        SettlementEvent::CreditGranted(event) => event.posting_date,
        SettlementEvent::CreditApplied(event) => event.posting_date,
        SettlementEvent::CreditReleased(event) => event.posting_date,
        SettlementEvent::CreditRevoked(event) => event.posting_date,
        SettlementEvent::CreditExpired(event) => event.posting_date,
        SettlementEvent::CreditPaidOut(event) => event.posting_date,
        SettlementEvent::InvoiceLinesVoided(_) | SettlementEvent::CreditNoteLinesDrafted(_) => {
            return None;
        }
    })
}

impl Settlement {
    /// Folds in what was settled, credited or taken back.
    ///
    /// # Errors
    /// [`Unmade`] when it names what was never made.
    pub(crate) fn evolve(&mut self, event: &SettlementEvent, made: EventAt) -> Result<(), Unmade> {
        self.last_document = self.last_document.max(booked_on(event));
        match event {
            SettlementEvent::InvoiceVoided(voided) => self.fold_void(voided, made),
            SettlementEvent::InvoiceLinesVoided(_) | SettlementEvent::CreditNoteLinesDrafted(_) => {
                Ok(())
            }
            SettlementEvent::CreditNoteIssued(note) => self.fold_note(note, made),
            SettlementEvent::PaymentRecorded(payment) => self.fold_payment(payment, made),
            SettlementEvent::PaymentReversed(reversed) => self.fold_reversal(reversed, made),
            SettlementEvent::PaymentRefunded(refunded) => self.fold_refund(refunded, made),
            SettlementEvent::CreditGranted(granted) => self.fold_grant(granted, made),
            SettlementEvent::CreditApplied(applied) => self.fold_application(applied, made),
            SettlementEvent::CreditReleased(released) => self.fold_release(released, made),
            SettlementEvent::CreditRevoked(revoked) => {
                self.spend(LotRef::Grant(revoked.grant), revoked.amount.minor(), made)
            }
            SettlementEvent::CreditExpired(expired) => {
                self.spend(LotRef::Grant(expired.grant), expired.amount.minor(), made)
            }
            SettlementEvent::CreditPaidOut(paid) => self.fold_pay_out(paid, made),
        }
    }

    /// Something is on the record of this day.
    fn document(&mut self, day: Date) {
        self.last_document = self.last_document.max(Some(day));
    }

    /// An invoice is owed from now on.
    ///
    /// # Errors
    /// [`Unmade`] when it is paid by credit that was never made.
    pub(crate) fn owe(&mut self, event: &InvoiceFinalized, made: EventAt) -> Result<(), Unmade> {
        self.document(event.document_date);
        let known = self.invoices.place(event.invoice);
        let ordinal = known.unwrap_or(self.invoices.shelf.len());
        let invoice = Invoice {
            id: event.invoice,
            ordinal,
            due_date: event.due_date,
            posting_date: event.posting_date,
            total: event.totals.total,
            parts: Vec::new(),
            credit_generated: event.credit_generated,
            credited: Minor::ZERO,
            held: false,
            voided: false,
            commits: Commits::of([made].into_iter()),
        };
        match &self.again {
            None => {
                self.list(&invoice);
                self.invoices.push(invoice);
            }
            Some(wanted) if wanted.contains(&Piece::Owed(ordinal)) => {
                self.invoices.shelf.put(ordinal, invoice);
            }
            Some(_) => {}
        }
        if event.credit_generated.is_positive() {
            let origin = Origin::Invoice(event.invoice);
            self.make(origin, event.credit_generated, event.posting_date, made)?;
        }
        for used in &event.credits {
            let part = LotPart { lot: used.lot, invoice: event.invoice, amount: used.amount };
            self.apply(part, event.posting_date, made)?;
        }
        Ok(())
    }

    fn fold_void(&mut self, event: &InvoiceVoided, made: EventAt) -> Result<(), Unmade> {
        self.take_off(event.invoice, &event.released, made)?;
        if event.credit_withdrawn.is_positive() {
            self.spend(LotRef::Invoice(event.invoice), event.credit_withdrawn, made)?;
        }
        self.change(event.invoice, made, |invoice| invoice.voided = true)
    }

    fn fold_note(&mut self, event: &CreditNoteIssued, made: EventAt) -> Result<(), Unmade> {
        self.take_off(event.invoice, &event.released, made)?;
        if event.to_credit.is_positive() {
            self.make(Origin::Note(event.note), event.to_credit, event.posting_date, made)?;
        }
        let off = event.total.0 - event.to_credit.0;
        self.change(event.invoice, made, |invoice| invoice.credited.0 += off)
    }

    fn fold_payment(&mut self, event: &PaymentRecorded, made: EventAt) -> Result<(), Unmade> {
        let (id, amount, on) = (event.payment, event.amount.minor(), event.posting_date);
        let origin = Origin::Payment { id, refunded: Minor::ZERO, reversed: false };
        let lot = self.make(origin, amount, on, made)?;
        for Allocation { invoice, amount } in event.allocations.iter().copied() {
            self.put(invoice, Part { lot, amount, direct: true, on }, made)?;
        }
        Ok(())
    }

    fn fold_reversal(&mut self, event: &PaymentReversed, made: EventAt) -> Result<(), Unmade> {
        self.undo(event.payment, (&event.reopened, &event.credit_unapplied), made)?;
        self.spend(LotRef::Payment(event.payment), event.amount.minor(), made)?;
        if let Some((_, reversed)) = self.lots.payment_mut(event.payment, made)? {
            *reversed = true;
        }
        Ok(())
    }

    fn fold_refund(&mut self, event: &PaymentRefunded, made: EventAt) -> Result<(), Unmade> {
        let payment = LotRef::Payment(event.payment);
        self.undo(event.payment, (&event.reopened, &event.credit_unapplied), made)?;
        for swap in &event.swapped {
            let back = LotReturn { lot: payment, amount: swap.amount, direct: swap.direct };
            self.take_off(swap.invoice, &[back], made)?;
            let (lot, on) = (self.place_of(swap.lot)?, event.posting_date);
            self.put(swap.invoice, Part { lot, amount: swap.amount, direct: false, on }, made)?;
        }
        self.spend(payment, event.amount.minor(), made)?;
        if let Some((refunded, _)) = self.lots.payment_mut(event.payment, made)? {
            refunded.0 += event.amount.minor().0;
        }
        Ok(())
    }

    fn fold_grant(&mut self, event: &CreditGranted, made: EventAt) -> Result<(), Unmade> {
        let grant = Grant {
            id: event.grant,
            kind: event.kind,
            refundable: event.refundable,
            scope: event.scope,
            priority: event.priority,
            expires: event.expires,
        };
        let (origin, amount) = (Origin::Grant(Box::new(grant)), event.amount.minor());
        self.make(origin, amount, event.posting_date, made).map(|_| ())
    }

    fn fold_application(&mut self, event: &CreditApplied, made: EventAt) -> Result<(), Unmade> {
        for part in &event.parts {
            self.apply(*part, event.posting_date, made)?;
        }
        Ok(())
    }

    fn fold_release(&mut self, event: &CreditReleased, made: EventAt) -> Result<(), Unmade> {
        self.take_off(event.invoice, &event.parts, made)?;
        self.change(event.invoice, made, |invoice| invoice.held = true)
    }

    fn fold_pay_out(&mut self, event: &CreditPaidOut, made: EventAt) -> Result<(), Unmade> {
        match event.lot {
            LotRef::Invoice(_) | LotRef::CreditNote(_) => self.paid_out.0 += event.amount.minor().0,
            LotRef::Payment(_) | LotRef::Grant(_) => {}
        }
        self.spend(event.lot, event.amount.minor(), made)
    }

    /// A lot is made, of which all is left; its place.
    fn make(
        &mut self,
        origin: Origin,
        amount: Minor,
        arose: Date,
        made: EventAt,
    ) -> Result<u32, Unmade> {
        let next = self.lots.shelf.len();
        let mut lot = Lots::fresh(next, origin, amount, arose, made);
        let place = match &self.again {
            None => {
                self.lots.push(lot);
                next
            }
            Some(wanted) => {
                let known = self.lots.place(lot.id());
                let place = known.ok_or_else(|| Unmade::named(lot.id()))?;
                if wanted.contains(&Piece::Lot(place)) {
                    lot.place = place;
                    self.lots.shelf.put(place, lot);
                }
                place
            }
        };
        let is_here = self.lots.give(place, amount, made);
        self.known(is_here, || Unmade::named(format!("lot {place}")))?;
        Ok(place)
    }

    /// Something is in memory, or is passed over where only some of it is folded again.
    fn known(&self, is_here: bool, unmade: impl FnOnce() -> Unmade) -> Result<(), Unmade> {
        if is_here || self.again.is_some() { Ok(()) } else { Err(unmade()) }
    }

    /// So much of a lot is gone.
    fn spend(&mut self, lot: LotRef, amount: Minor, made: EventAt) -> Result<(), Unmade> {
        let place = self.place_of(lot)?;
        let is_here = self.lots.take(place, amount, made)?;
        self.known(is_here, || Unmade::named(lot))
    }

    fn place_of(&self, lot: LotRef) -> Result<u32, Unmade> {
        self.lots.place(lot).ok_or_else(|| Unmade::named(lot))
    }

    /// Credit pays an invoice, which may be paid by credit from now on.
    fn apply(&mut self, part: LotPart, on: Date, made: EventAt) -> Result<(), Unmade> {
        let lot = self.place_of(part.lot)?;
        self.put(part.invoice, Part { lot, amount: part.amount, direct: false, on }, made)?;
        self.change(part.invoice, made, |invoice| invoice.held = false)
    }

    /// A part of a lot lies on an invoice.
    fn put(&mut self, invoice: InvoiceId, part: Part, made: EventAt) -> Result<(), Unmade> {
        let is_here = self.lots.take(part.lot, part.amount, made)?;
        self.known(is_here, || Unmade::named(format!("lot {}", part.lot)))?;
        self.change(invoice, made, |invoice| invoice.parts.push(part))?;
        let place = self.invoices.place(invoice).ok_or_else(|| Unmade::named(invoice))?;
        self.lots.lies_on(part.lot, place, part.amount, made);
        if self.lots.shelf.if_here(part.lot).is_some_and(Lot::was_paid) {
            self.paid_for.0 += part.amount.0;
        }
        Ok(())
    }

    /// What a payment paid is taken off invoices: what it settled, and what its credit paid.
    fn undo(
        &mut self,
        payment: PaymentId,
        (reopened, unapplied): (&[Allocation], &[Allocation]),
        made: EventAt,
    ) -> Result<(), Unmade> {
        let lot = LotRef::Payment(payment);
        for (parts, direct) in [(reopened, true), (unapplied, false)] {
            for part in parts {
                let back = LotReturn { lot, amount: part.amount, direct };
                self.take_off(part.invoice, &[back], made)?;
            }
        }
        Ok(())
    }

    /// Parts go back from an invoice to their lots, the last part of a lot first.
    fn take_off(
        &mut self,
        invoice: InvoiceId,
        parts: &[LotReturn],
        made: EventAt,
    ) -> Result<(), Unmade> {
        let ordinal = self.invoices.place(invoice).ok_or_else(|| Unmade::named(invoice))?;
        for back in parts {
            let lot = self.place_of(back.lot)?;
            if let Some(found) = self.invoices.shelf.at_mut(ordinal, made) {
                let left = found.take_back(lot, *back);
                if left != 0 {
                    let part = format!("{} of {} on", back.amount, back.lot);
                    return Err(Unmade::of(part, invoice));
                }
            }
            let is_here = self.lots.give(lot, back.amount, made);
            self.known(is_here, || Unmade::named(back.lot))?;
            self.lots.lies_on(lot, ordinal, Minor(-back.amount.0), made);
            if self.lots.shelf.if_here(lot).is_some_and(Lot::was_paid) {
                self.paid_for.0 -= back.amount.0;
            }
        }
        self.change(invoice, made, |_| ())
    }

    /// Changes an invoice; it is among the open ones if something is open then. Credit pays it by
    /// itself again once nothing is.
    fn change(
        &mut self,
        id: InvoiceId,
        made: EventAt,
        change: impl FnOnce(&mut Invoice),
    ) -> Result<(), Unmade> {
        let ordinal = self.invoices.place(id).ok_or_else(|| Unmade::named(id))?;
        let Some(invoice) = self.invoices.shelf.at_mut(ordinal, made) else {
            return self.known(false, || Unmade::of("what is read back of", id));
        };
        change(invoice);
        let key = (invoice.due_date, invoice.ordinal);
        let is_open = invoice.open().is_positive();
        invoice.held &= is_open;
        self.list_as(key, is_open);
        Ok(())
    }

    fn list(&mut self, invoice: &Invoice) {
        self.list_as((invoice.due_date, invoice.ordinal), invoice.open().is_positive());
    }

    fn list_as(&mut self, key: (Date, u32), is_open: bool) {
        if is_open {
            self.open.add(key);
        } else {
            self.open.remove(key);
        }
    }
}
