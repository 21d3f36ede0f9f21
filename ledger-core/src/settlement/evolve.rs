//! Folds what settles invoices. Sums are unchecked only where the decision that made the event
//! has checked them.

use schemas::event::{
    Allocation, CreditApplied, CreditGranted, CreditNoteIssued, CreditPaidOut, CreditReleased,
    InvoiceFinalized, InvoiceVoided, LotPart, LotReturn, PaymentRecorded, PaymentRefunded,
    PaymentReversed, SettlementEvent,
};
use schemas::ids::{InvoiceId, PaymentId};
use schemas::terms::LotRef;
use schemas::{Date, Minor};

use super::lots::{Grant, Origin, Part};
use super::state::{Invoice, Settlement};
use crate::shared::Shared;
use crate::unmade::Unmade;

/// The day on which something was booked.
const fn booked_on(event: &SettlementEvent) -> Date {
    match event {
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
    }
}

impl Settlement {
    /// Folds in what was settled, credited or taken back.
    ///
    /// # Errors
    /// [`Unmade`] when it names what was never made.
    pub(crate) fn evolve(&mut self, event: &SettlementEvent) -> Result<(), Unmade> {
        self.document(booked_on(event));
        match event {
            SettlementEvent::InvoiceVoided(voided) => self.fold_void(voided),
            SettlementEvent::CreditNoteIssued(note) => self.fold_note(note),
            SettlementEvent::PaymentRecorded(payment) => self.fold_payment(payment),
            SettlementEvent::PaymentReversed(reversed) => self.fold_reversal(reversed),
            SettlementEvent::PaymentRefunded(refunded) => self.fold_refund(refunded),
            SettlementEvent::CreditGranted(granted) => {
                self.fold_grant(granted);
                Ok(())
            }
            SettlementEvent::CreditApplied(applied) => self.fold_application(applied),
            SettlementEvent::CreditReleased(released) => self.fold_release(released),
            SettlementEvent::CreditRevoked(revoked) => {
                self.spend(LotRef::Grant(revoked.grant), revoked.amount.minor())
            }
            SettlementEvent::CreditExpired(expired) => {
                self.spend(LotRef::Grant(expired.grant), expired.amount.minor())
            }
            SettlementEvent::CreditPaidOut(paid) => self.fold_pay_out(paid),
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
    pub(crate) fn owe(&mut self, event: &InvoiceFinalized) -> Result<(), Unmade> {
        self.document(event.document_date);
        let ordinal = u32::try_from(self.invoices.len()).expect("an invoice takes over 100 bytes");
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
        };
        self.list(&invoice);
        self.invoices.push(invoice);
        if event.credit_generated.is_positive() {
            let origin = Origin::Invoice(event.invoice);
            self.lots.push(origin, event.credit_generated, event.posting_date);
        }
        for used in &event.credits {
            let part = LotPart { lot: used.lot, invoice: event.invoice, amount: used.amount };
            self.apply(part, event.posting_date)?;
        }
        Ok(())
    }

    fn fold_void(&mut self, event: &InvoiceVoided) -> Result<(), Unmade> {
        self.take_off(event.invoice, &event.released)?;
        if event.credit_withdrawn.is_positive() {
            self.spend(LotRef::Invoice(event.invoice), event.credit_withdrawn)?;
        }
        self.change(event.invoice, |invoice| invoice.voided = true)
    }

    fn fold_note(&mut self, event: &CreditNoteIssued) -> Result<(), Unmade> {
        self.take_off(event.invoice, &event.released)?;
        if event.to_credit.is_positive() {
            self.lots.push(Origin::Note(event.note), event.to_credit, event.posting_date);
        }
        let off = event.total.0 - event.to_credit.0;
        self.change(event.invoice, |invoice| invoice.credited.0 += off)
    }

    fn fold_payment(&mut self, event: &PaymentRecorded) -> Result<(), Unmade> {
        let (id, amount, on) = (event.payment, event.amount.minor(), event.posting_date);
        let origin = Origin::Payment { id, refunded: Minor::ZERO, reversed: false };
        let lot = self.lots.push(origin, amount, on);
        for Allocation { invoice, amount } in event.allocations.iter().copied() {
            self.put(invoice, Part { lot, amount, direct: true, on })?;
        }
        Ok(())
    }

    fn fold_reversal(&mut self, event: &PaymentReversed) -> Result<(), Unmade> {
        self.undo(event.payment, (&event.reopened, &event.credit_unapplied))?;
        self.spend(LotRef::Payment(event.payment), event.amount.minor())?;
        *self.lots.payment_mut(event.payment)?.1 = true;
        Ok(())
    }

    fn fold_refund(&mut self, event: &PaymentRefunded) -> Result<(), Unmade> {
        let payment = LotRef::Payment(event.payment);
        self.undo(event.payment, (&event.reopened, &event.credit_unapplied))?;
        for swap in &event.swapped {
            let back = LotReturn { lot: payment, amount: swap.amount, direct: swap.direct };
            self.take_off(swap.invoice, &[back])?;
            let (lot, on) = (self.place_of(swap.lot)?, event.posting_date);
            self.put(swap.invoice, Part { lot, amount: swap.amount, direct: false, on })?;
        }
        self.spend(payment, event.amount.minor())?;
        self.lots.payment_mut(event.payment)?.0.0 += event.amount.minor().0;
        Ok(())
    }

    fn fold_grant(&mut self, event: &CreditGranted) {
        let grant = Grant {
            id: event.grant,
            kind: event.kind,
            refundable: event.refundable,
            scope: event.scope,
            priority: event.priority,
            expires: event.expires,
        };
        let (origin, amount) = (Origin::Grant(Box::new(grant)), event.amount.minor());
        self.lots.push(origin, amount, event.posting_date);
    }

    fn fold_application(&mut self, event: &CreditApplied) -> Result<(), Unmade> {
        for part in &event.parts {
            self.apply(*part, event.posting_date)?;
        }
        Ok(())
    }

    fn fold_release(&mut self, event: &CreditReleased) -> Result<(), Unmade> {
        self.take_off(event.invoice, &event.parts)?;
        self.change(event.invoice, |invoice| invoice.held = true)
    }

    fn fold_pay_out(&mut self, event: &CreditPaidOut) -> Result<(), Unmade> {
        match event.lot {
            LotRef::Invoice(_) | LotRef::CreditNote(_) => self.paid_out.0 += event.amount.minor().0,
            LotRef::Payment(_) | LotRef::Grant(_) => {}
        }
        self.spend(event.lot, event.amount.minor())
    }

    /// So much of a lot is gone.
    fn spend(&mut self, lot: LotRef, amount: Minor) -> Result<(), Unmade> {
        let place = self.place_of(lot)?;
        self.lots.take(place, amount)
    }

    fn place_of(&self, lot: LotRef) -> Result<u32, Unmade> {
        self.lots.named(lot).map(|lot| lot.place).ok_or_else(|| Unmade::named(lot))
    }

    /// Credit pays an invoice, which may be paid by credit from now on.
    fn apply(&mut self, part: LotPart, on: Date) -> Result<(), Unmade> {
        let lot = self.place_of(part.lot)?;
        self.put(part.invoice, Part { lot, amount: part.amount, direct: false, on })?;
        self.change(part.invoice, |invoice| invoice.held = false)
    }

    /// A part of a lot lies on an invoice.
    fn put(&mut self, invoice: InvoiceId, part: Part) -> Result<(), Unmade> {
        self.lots.take(part.lot, part.amount)?;
        self.change(invoice, |invoice| invoice.parts.push(part))?;
        let place = self.invoices.get(invoice).map(|invoice| invoice.ordinal);
        self.lots.lies_on(part.lot, place.ok_or_else(|| Unmade::named(invoice))?);
        if self.lots.at(part.lot).was_paid() {
            self.paid_for.0 += part.amount.0;
        }
        Ok(())
    }

    /// What a payment paid is taken off invoices: what it settled, and what its credit paid.
    fn undo(
        &mut self,
        payment: PaymentId,
        (reopened, unapplied): (&[Allocation], &[Allocation]),
    ) -> Result<(), Unmade> {
        let lot = LotRef::Payment(payment);
        for (parts, direct) in [(reopened, true), (unapplied, false)] {
            for part in parts {
                self.take_off(part.invoice, &[LotReturn { lot, amount: part.amount, direct }])?;
            }
        }
        Ok(())
    }

    /// Parts go back from an invoice to their lots, the last part of a lot first.
    fn take_off(&mut self, invoice: InvoiceId, parts: &[LotReturn]) -> Result<(), Unmade> {
        for back in parts {
            let found = self.invoices.get_mut(invoice).ok_or_else(|| Unmade::named(invoice))?;
            let (lots, ordinal) = (&self.lots, found.ordinal);
            let is_it =
                |part: &&mut Part| part.direct == back.direct && lots.at(part.lot).id() == back.lot;
            let (mut left, mut lot) = (back.amount.0, None);
            for part in found.parts.iter_mut().rev().filter(is_it) {
                let taken = left.min(part.amount.0);
                part.amount.0 -= taken;
                left -= taken;
                lot = Some(part.lot);
            }
            let lot = lot.filter(|_| left == 0);
            let lot = lot.ok_or_else(|| {
                Unmade::of(format!("{} of {} on", back.amount, back.lot), invoice)
            })?;
            found.parts.retain(|part| part.amount.is_positive());
            let is_gone = found.paid_by(lot).is_zero();
            if is_gone {
                self.lots.left_invoice(lot, ordinal);
            }
            self.lots.give(lot, back.amount);
            if self.lots.at(lot).was_paid() {
                self.paid_for.0 -= back.amount.0;
            }
        }
        self.change(invoice, |_| ())
    }

    /// Changes an invoice; it is among the open ones if something is open then. Credit pays it by
    /// itself again once nothing is.
    fn change(&mut self, id: InvoiceId, change: impl FnOnce(&mut Invoice)) -> Result<(), Unmade> {
        let invoice = self.invoices.get_mut(id).ok_or_else(|| Unmade::named(id))?;
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
            if !self.open.contains(&key) {
                Shared::make_mut(&mut self.open).insert(key);
            }
        } else if self.open.contains(&key) {
            Shared::make_mut(&mut self.open).remove(&key);
        }
    }
}
