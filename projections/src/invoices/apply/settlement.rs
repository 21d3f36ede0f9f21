//! What settles, credits or voids an invoice.

use schemas::Date;
use schemas::event::{
    Allocation, CreditApplied, CreditNoteIssued, CreditReleased, InvoiceVoided, LineRef, LotReturn,
    PaymentRecorded, PaymentRefunded, PaymentReversed, SettlementEvent,
};
use schemas::ids::InvoiceId;
use schemas::view::SettlementKind;

use super::super::Invoices;
use super::super::rows::{InvoiceRow, SettledBy, SettlementRow, TakenBy};
use super::{Here, row_at};
use crate::answer::there;
use crate::projection::FoldError;

/// What is written down of an event on an invoice that it touches.
#[derive(Clone, Copy)]
struct Cause {
    kind: SettlementKind,
    posting_date: Date,
    by: SettledBy,
}

impl Invoices {
    pub(super) fn settled(
        &mut self,
        here: Here<'_>,
        event: &SettlementEvent,
    ) -> Result<(), FoldError> {
        match event {
            SettlementEvent::InvoiceVoided(void) => self.voided(here, void),
            SettlementEvent::CreditNoteIssued(note) => self.credited(here, note),
            SettlementEvent::PaymentRecorded(payment) => self.received(here, payment),
            SettlementEvent::PaymentReversed(reversal) => self.reversed(here, reversal),
            SettlementEvent::PaymentRefunded(refund) => self.refunded(here, refund),
            SettlementEvent::CreditApplied(applied) => self.applied(here, applied),
            SettlementEvent::CreditReleased(released) => self.released(here, released),
            SettlementEvent::InvoiceLinesVoided(_)
            | SettlementEvent::CreditNoteLinesDrafted(_)
            | SettlementEvent::CreditGranted(_)
            | SettlementEvent::CreditRevoked(_)
            | SettlementEvent::CreditExpired(_)
            | SettlementEvent::CreditPaidOut(_) => Ok(()),
        }
    }

    fn voided(&mut self, here: Here<'_>, void: &InvoiceVoided) -> Result<(), FoldError> {
        let (kind, by) = (SettlementKind::Voided, SettledBy::Itself);
        let cause = Cause { kind, posting_date: void.posting_date, by };
        self.change(here, cause, void.invoice, |row| {
            let owed = row.balance_due();
            row.void_reason = Some(void.reason.clone());
            void.released.iter().for_each(|part| row.give_back(part));
            row.credit_generated -= void.credit_withdrawn.0;
            Ok(-owed)
        })?;
        // A voided credit line no longer takes anything off the line that it credited.
        for reversal in &void.lines {
            let by = LineRef { invoice: void.invoice, line: reversal.line };
            let Some(credited) = self.line_mut(here, by)?.line.credits else { continue };
            let row = self.line_mut(here, credited)?;
            row.credited += reversal.net.0;
            let taken = row.taken.iter_mut().find(|taken| taken.by == TakenBy::Line(by));
            taken.ok_or_else(|| here.unknown_line(by))?.voided = Some(here.event());
        }
        Ok(())
    }

    fn credited(&mut self, here: Here<'_>, note: &CreditNoteIssued) -> Result<(), FoldError> {
        let (kind, by) = (SettlementKind::CreditNote, SettledBy::CreditNote(note.note));
        let posting_date = note.posting_date;
        self.give_back(here, posting_date, note.invoice, &note.released)?;
        let cause = Cause { kind, posting_date, by };
        // What it takes beyond what the invoice asked is a lot of credit.
        let off = note.total.0 - note.to_credit.0;
        for reversal in &note.lines {
            let at = LineRef { invoice: note.invoice, line: reversal.line };
            let line = self.line_mut(here, at)?;
            line.credited += reversal.net.0;
            line.taken.push(TakenBy::Note(note.note, reversal.net.0).now());
        }
        self.change(here, cause, note.invoice, |row| {
            row.credited += off;
            Ok(-off)
        })
    }

    fn received(&mut self, here: Here<'_>, payment: &PaymentRecorded) -> Result<(), FoldError> {
        let (kind, by) = (SettlementKind::Payment, SettledBy::Payment(payment.payment));
        let cause = Cause { kind, posting_date: payment.posting_date, by };
        self.each(here, cause, &payment.allocations, |row, amount| {
            row.paid += amount;
            -amount
        })
    }

    fn reversed(&mut self, here: Here<'_>, reversal: &PaymentReversed) -> Result<(), FoldError> {
        let (kind, by) = (SettlementKind::PaymentReversed, SettledBy::Payment(reversal.payment));
        let cause = Cause { kind, posting_date: reversal.posting_date, by };
        self.each(here, cause, &reversal.reopened, reopen)?;
        let cause = Cause { kind: SettlementKind::CreditUnapplied, ..cause };
        self.each(here, cause, &reversal.credit_unapplied, unapply)
    }

    fn refunded(&mut self, here: Here<'_>, refund: &PaymentRefunded) -> Result<(), FoldError> {
        let by = SettledBy::Refund(refund.payment, refund.refund);
        let (kind, posting_date) = (SettlementKind::Refund, refund.posting_date);
        let cause = Cause { kind, posting_date, by };
        self.each(here, cause, &refund.reopened, reopen)?;
        self.each(here, cause, &refund.credit_unapplied, unapply)?;
        for swap in &refund.swapped {
            let part = Allocation { invoice: swap.invoice, amount: swap.amount };
            self.each(here, cause, &[part], if swap.direct { reopen } else { unapply })?;
            let (kind, by) = (SettlementKind::CreditApplied, SettledBy::Lot(swap.lot));
            self.each(here, Cause { kind, posting_date, by }, &[part], apply)?;
        }
        Ok(())
    }

    fn applied(&mut self, here: Here<'_>, applied: &CreditApplied) -> Result<(), FoldError> {
        for part in &applied.parts {
            let (kind, by) = (SettlementKind::CreditApplied, SettledBy::Lot(part.lot));
            let cause = Cause { kind, posting_date: applied.posting_date, by };
            let part = Allocation { invoice: part.invoice, amount: part.amount };
            self.each(here, cause, &[part], apply)?;
        }
        Ok(())
    }

    fn released(&mut self, here: Here<'_>, released: &CreditReleased) -> Result<(), FoldError> {
        self.give_back(here, released.posting_date, released.invoice, &released.parts)
    }

    /// Parts of lots go back from an invoice.
    fn give_back(
        &mut self,
        here: Here<'_>,
        posting_date: Date,
        invoice: InvoiceId,
        parts: &[LotReturn],
    ) -> Result<(), FoldError> {
        for part in parts {
            let (kind, by) = (SettlementKind::CreditUnapplied, SettledBy::Lot(part.lot));
            self.change(here, Cause { kind, posting_date, by }, invoice, |row| {
                row.give_back(part);
                Ok(part.amount.0)
            })?;
        }
        Ok(())
    }

    fn each(
        &mut self,
        here: Here<'_>,
        cause: Cause,
        parts: &[Allocation],
        change: impl Fn(&mut InvoiceRow, i64) -> i64,
    ) -> Result<(), FoldError> {
        for part in parts {
            self.change(here, cause, part.invoice, |row| Ok(change(row, part.amount.0)))?;
        }
        Ok(())
    }

    /// Changes one invoice, writes down what happened, and moves the sums of its day with it.
    /// `change` gives by how much the balance due changed.
    fn change(
        &mut self,
        here: Here<'_>,
        cause: Cause,
        invoice: InvoiceId,
        change: impl FnOnce(&mut InvoiceRow) -> Result<i64, FoldError>,
    ) -> Result<(), FoldError> {
        let place = self.locate(here, invoice)?;
        let row = row_at(&mut self.pages, here.store, place)?;
        let before = row.figures();
        let amount = change(row)?;
        let (Cause { kind, posting_date, by }, position) = (cause, here.position);
        let entry = SettlementRow { kind, posting_date, amount, by, position };
        if let Some((number, chunk)) = row.settlement.push(entry) {
            self.settlements.put((place, number), chunk);
        }
        let (after, date) = (row.figures(), row.document_date);
        let day = self.days.get_mut(here.store, date)?;
        let day = there(day, "the day of an invoice")?;
        day.remove(&before)?;
        day.add(&after);
        Ok(())
    }
}

/// Credit pays something of an invoice.
fn apply(row: &mut InvoiceRow, amount: i64) -> i64 {
    row.credit_applied += amount;
    -amount
}

/// Takes credit off an invoice again.
fn unapply(row: &mut InvoiceRow, amount: i64) -> i64 {
    row.credit_applied -= amount;
    amount
}

/// Takes back what was paid of an invoice.
fn reopen(row: &mut InvoiceRow, amount: i64) -> i64 {
    row.paid -= amount;
    amount
}
