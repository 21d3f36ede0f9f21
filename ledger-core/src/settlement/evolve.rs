//! Folds what settles invoices. Sums are unchecked only where the decision that made the event
//! has checked them.

use schemas::event::{
    Allocation, CreditNoteIssued, InvoiceFinalized, InvoiceVoided, PaymentRecorded,
    PaymentRefunded, PaymentReversed, SettlementEvent,
};
use schemas::ids::{InvoiceId, PaymentId};
use schemas::{Date, Minor};

use super::state::{Invoice, Payment, Settlement};
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
                self.credit.0 += granted.amount.minor().0;
                Ok(())
            }
        }
    }

    /// Something is on the record of this day.
    fn document(&mut self, day: Date) {
        self.last_document = self.last_document.max(Some(day));
    }

    /// An invoice is owed from now on.
    pub(crate) fn owe(&mut self, event: &InvoiceFinalized) {
        self.document(event.document_date);
        let ordinal = u32::try_from(self.invoices.len()).expect("an invoice takes over 100 bytes");
        let invoice = Invoice {
            id: event.invoice,
            ordinal,
            due_date: event.due_date,
            total: event.totals.total,
            credit_applied: event.credit_applied,
            credit_generated: event.credit_generated,
            paid: Minor::ZERO,
            credited: Minor::ZERO,
            voided: false,
        };
        self.list(&invoice);
        self.invoices.push(invoice);
        self.credit.0 += event.credit_generated.0 - event.credit_applied.0;
    }

    fn fold_void(&mut self, event: &InvoiceVoided) -> Result<(), Unmade> {
        self.change(event.invoice, |invoice| invoice.voided = true)?;
        self.credit.0 += event.credit_returned.0 - event.credit_withdrawn.0;
        Ok(())
    }

    fn fold_note(&mut self, event: &CreditNoteIssued) -> Result<(), Unmade> {
        self.change(event.invoice, |invoice| invoice.credited.0 += event.total.0)
    }

    fn fold_payment(&mut self, event: &PaymentRecorded) -> Result<(), Unmade> {
        self.payments.push(Payment {
            id: event.payment,
            amount: event.amount.minor(),
            refunded: Minor::ZERO,
            allocations: event.allocations.iter().map(|a| (a.invoice, a.amount)).collect(),
            credit: event.to_credit,
            reversed: false,
        });
        for part in &event.allocations {
            self.change(part.invoice, |invoice| invoice.paid.0 += part.amount.0)?;
        }
        self.credit.0 += event.to_credit.0;
        Ok(())
    }

    fn fold_reversal(&mut self, event: &PaymentReversed) -> Result<(), Unmade> {
        self.reopen(event.payment, &event.reopened)?;
        for part in &event.credit_unapplied {
            self.change(part.invoice, |invoice| invoice.credit_applied.0 -= part.amount.0)?;
            self.credit.0 += part.amount.0;
        }
        self.credit.0 -= event.credit_withdrawn.0;
        let payment = self.payment_mut(event.payment)?;
        payment.reversed = true;
        payment.credit = Minor::ZERO;
        Ok(())
    }

    fn fold_refund(&mut self, event: &PaymentRefunded) -> Result<(), Unmade> {
        self.reopen(event.payment, &event.reopened)?;
        self.credit.0 -= event.from_credit.0;
        let payment = self.payment_mut(event.payment)?;
        payment.refunded.0 += event.amount.minor().0;
        payment.credit.0 -= event.from_credit.0;
        Ok(())
    }

    fn reopen(&mut self, payment: PaymentId, reopened: &[Allocation]) -> Result<(), Unmade> {
        for part in reopened {
            self.change(part.invoice, |invoice| invoice.paid.0 -= part.amount.0)?;
            let payment = self.payment_mut(payment)?;
            let last = payment.allocations.iter_mut().rev().find(|(id, _)| *id == part.invoice);
            let (_, amount) = last
                .ok_or_else(|| Unmade::of(format!("a part of {} on", payment.id), part.invoice))?;
            amount.0 -= part.amount.0;
            payment.allocations.retain(|(_, amount)| amount.is_positive());
        }
        Ok(())
    }

    fn payment_mut(&mut self, id: PaymentId) -> Result<&mut Payment, Unmade> {
        let place = self.payments.rposition(|payment| payment.id == id);
        let payment = place.and_then(|place| self.payments.get_mut(place));
        payment.ok_or_else(|| Unmade::named(id))
    }

    /// Changes an invoice; it is among the open ones if something is open then.
    fn change(&mut self, id: InvoiceId, change: impl FnOnce(&mut Invoice)) -> Result<(), Unmade> {
        let invoice = self.invoices.get_mut(id).ok_or_else(|| Unmade::named(id))?;
        change(invoice);
        let invoice = invoice.clone();
        self.list(&invoice);
        Ok(())
    }

    fn list(&mut self, invoice: &Invoice) {
        let key = (invoice.due_date, invoice.ordinal);
        if invoice.open().is_positive() {
            if !self.open.contains(&key) {
                Shared::make_mut(&mut self.open).insert(key);
            }
        } else if self.open.contains(&key) {
            Shared::make_mut(&mut self.open).remove(&key);
        }
    }
}
