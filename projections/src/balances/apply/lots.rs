//! Lots of credit of a customer: what is left, and what they pay.
//!
//! A payment has a row here from when something of it became credit; until then all that is to be
//! known of it lies with the payment itself.

use schemas::event::{
    Allocation, CreditApplied, CreditGranted, CreditNoteIssued, CreditPaidOut, CreditReleased,
    InvoiceFinalized, LotReturn, LotSwap,
};
use schemas::ids::{InvoiceId, PaymentId};
use schemas::terms::{GrantKind, LotRef, LotScope};
use schemas::view::LotSource;
use schemas::{Date, Minor};

use super::super::Balances;
use super::super::rows::{Book, LotRow, UseRow};
use super::Cause;
use super::settlement::undo;
use crate::answer::there;
use crate::projection::FoldError;
use crate::store::StoreError;

/// A lot of its own, of which all is left.
fn fresh(
    cause: Cause<'_>,
    (lot, source): (LotRef, LotSource),
    amount: Minor,
    posting_date: Date,
) -> LotRow {
    LotRow {
        lot,
        source,
        amount: amount.0,
        left: amount.0,
        refundable: true,
        scope: LotScope::Customer,
        priority: 0,
        expires: None,
        posting_date,
        position: cause.position,
        uses: Vec::new(),
    }
}

impl LotRow {
    /// Less of it is left.
    fn take(&mut self, cause: Cause<'_>, amount: Minor) -> Result<(), FoldError> {
        if self.left < amount.0 {
            let lot = self.lot;
            return Err(cause.unknown(format_args!("{} left of {lot}", amount.0)));
        }
        self.left -= amount.0;
        Ok(())
    }

    /// A part of it comes back from an invoice.
    fn put_back(
        &mut self,
        cause: Cause<'_>,
        invoice: InvoiceId,
        (amount, direct): (Minor, bool),
    ) -> Result<(), FoldError> {
        let mut left = amount.0;
        let uses = self.uses.iter_mut().rev();
        for part in uses.filter(|part| (part.invoice, part.direct) == (invoice, direct)) {
            let taken = left.min(part.amount);
            part.amount -= taken;
            left -= taken;
        }
        if left > 0 {
            let lot = self.lot;
            return Err(cause.unknown(format_args!("{left} of {lot} on {invoice}")));
        }
        self.uses.retain(|part| part.amount > 0);
        self.left += amount.0;
        Ok(())
    }
}

impl Balances {
    fn add_lot(&mut self, cause: Cause<'_>, row: LotRow) -> Result<(), FoldError> {
        if let Some((number, chunk)) = self.customer(cause)?.lots.push(row) {
            self.lot_chunks.put((cause.customer, number), chunk);
        }
        Ok(())
    }

    /// Something of a payment is credit from now on: it has a row here, too.
    pub(super) fn make_credit(
        &mut self,
        cause: Cause<'_>,
        payment: PaymentId,
    ) -> Result<(), FoldError> {
        let row = self.payment(cause, payment)?;
        let uses = row.allocations.iter().map(|part| UseRow {
            invoice: part.invoice,
            amount: part.allocated - part.undone,
            direct: true,
        });
        let uses: Vec<UseRow> = uses.filter(|part| part.amount > 0).collect();
        let (amount, on) = (Minor(row.amount), uses.iter().map(|part| part.amount).sum::<i64>());
        let (refunded, position) = (row.refunded, row.position);
        let made = (LotRef::Payment(payment), LotSource::Payment);
        let lot = fresh(cause, made, amount, row.posting_date);
        let left = amount.0 - on - refunded;
        self.add_lot(cause, LotRow { left, position, uses, ..lot })
    }

    /// Changes the row of a lot; a payment that has none gets one.
    fn lot(&mut self, cause: Cause<'_>, lot: LotRef) -> Result<&mut LotRow, FoldError> {
        let is = |row: &LotRow| row.lot == lot;
        let customer = self.customer(cause)?;
        let chunks = customer.lots.chunks();
        if let Some(at) = customer.lots.items().iter().rposition(is) {
            return Ok(&mut self.customer(cause)?.lots.items_mut()[at]);
        }
        for number in (0..chunks).rev() {
            let key = (cause.customer, number);
            let chunk = self.lot_chunks.get(cause.store, key)?;
            let Some(at) = there(chunk, "a chunk of lots")?.iter().rposition(is) else { continue };
            let chunk = self.lot_chunks.get_mut(cause.store, key)?;
            let row = chunk.and_then(|chunk| chunk.get_mut(at));
            return Ok(row.ok_or(StoreError::Missing { what: "a lot of a customer" })?);
        }
        match lot {
            LotRef::Payment(payment) => self.make_credit(cause, payment)?,
            LotRef::Grant(_) | LotRef::Invoice(_) | LotRef::CreditNote(_) => {
                return Err(cause.unknown(lot));
            }
        }
        let row = self.customer(cause)?.lots.items_mut().last_mut();
        Ok(row.ok_or(StoreError::Missing { what: "a lot of a customer" })?)
    }

    /// Whether a payment has a row here.
    fn is_credit(&mut self, cause: Cause<'_>, payment: PaymentId) -> Result<bool, FoldError> {
        let is = |row: &LotRow| row.lot == LotRef::Payment(payment);
        let customer = self.customer(cause)?;
        let chunks = customer.lots.chunks();
        if customer.lots.items().iter().any(is) {
            return Ok(true);
        }
        for number in 0..chunks {
            let chunk = self.lot_chunks.get(cause.store, (cause.customer, number))?;
            if there(chunk, "a chunk of lots")?.iter().any(is) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Credit pays an invoice when it is issued, or its negative total becomes credit.
    pub(super) fn use_at_once(
        &mut self,
        cause: Cause<'_>,
        invoice: &InvoiceFinalized,
    ) -> Result<(), FoldError> {
        if invoice.credit_generated.is_positive() {
            let made = (LotRef::Invoice(invoice.invoice), LotSource::Invoice);
            let row = fresh(cause, made, invoice.credit_generated, invoice.posting_date);
            self.add_lot(cause, row)?;
        }
        for used in &invoice.credits {
            self.pay(cause, used.lot, invoice.invoice, used.amount)?;
        }
        Ok(())
    }

    /// What a note credits beyond what its invoice asked to be paid becomes credit.
    pub(super) fn noted_beyond(
        &mut self,
        cause: Cause<'_>,
        note: &CreditNoteIssued,
    ) -> Result<(), FoldError> {
        if note.to_credit.is_zero() {
            return Ok(());
        }
        let made = (LotRef::CreditNote(note.note), LotSource::CreditNote);
        let row = fresh(cause, made, note.to_credit, note.posting_date);
        self.add_lot(cause, row)
    }

    pub(super) fn granted(
        &mut self,
        cause: Cause<'_>,
        grant: &CreditGranted,
    ) -> Result<(), FoldError> {
        let source = match grant.kind {
            GrantKind::Goodwill => LotSource::Goodwill,
            GrantKind::Promotion => LotSource::Promotion,
            GrantKind::Prepayment => LotSource::Prepayment,
        };
        let made = (LotRef::Grant(grant.grant), source);
        let row = LotRow {
            refundable: grant.refundable,
            scope: grant.scope,
            priority: grant.priority,
            expires: grant.expires,
            ..fresh(cause, made, grant.amount.minor(), grant.posting_date)
        };
        self.add_lot(cause, row)
    }

    pub(super) fn applied(
        &mut self,
        cause: Cause<'_>,
        applied: &CreditApplied,
    ) -> Result<(), FoldError> {
        for part in &applied.parts {
            self.settle(cause, applied.posting_date, part.invoice, -part.amount.0)?;
            self.pay(cause, part.lot, part.invoice, part.amount)?;
        }
        Ok(())
    }

    pub(super) fn released(
        &mut self,
        cause: Cause<'_>,
        released: &CreditReleased,
    ) -> Result<(), FoldError> {
        let back: i64 = released.parts.iter().map(|part| part.amount.0).sum();
        self.settle(cause, released.posting_date, released.invoice, back)?;
        self.give_back(cause, released.invoice, &released.parts)
    }

    pub(super) fn paid_out(
        &mut self,
        cause: Cause<'_>,
        paid: &CreditPaidOut,
    ) -> Result<(), FoldError> {
        let amount = i128::from(paid.amount.minor().0);
        let book = self.book.entry(cause.store, (), Book::default)?;
        book.totals(paid.amount.currency()).refunds += amount;
        self.customer(cause)?.refunds += amount;
        self.spend(cause, paid.lot, paid.amount.minor())
    }

    /// So much of a lot is gone.
    pub(super) fn spend(
        &mut self,
        cause: Cause<'_>,
        lot: LotRef,
        amount: Minor,
    ) -> Result<(), FoldError> {
        self.lot(cause, lot)?.take(cause, amount)
    }

    /// A lot pays an invoice.
    fn pay(
        &mut self,
        cause: Cause<'_>,
        lot: LotRef,
        invoice: InvoiceId,
        amount: Minor,
    ) -> Result<(), FoldError> {
        let row = self.lot(cause, lot)?;
        row.take(cause, amount)?;
        row.uses.push(UseRow { invoice, amount: amount.0, direct: false });
        Ok(())
    }

    /// Parts of lots come back from an invoice.
    pub(super) fn give_back(
        &mut self,
        cause: Cause<'_>,
        invoice: InvoiceId,
        parts: &[LotReturn],
    ) -> Result<(), FoldError> {
        for part in parts {
            let row = self.lot(cause, part.lot)?;
            row.put_back(cause, invoice, (part.amount, part.direct))?;
            self.unsettle(cause, part.lot, invoice, (part.amount, part.direct))?;
        }
        Ok(())
    }

    /// What a payment had settled when it was recorded it settles no more.
    fn unsettle(
        &mut self,
        cause: Cause<'_>,
        lot: LotRef,
        invoice: InvoiceId,
        (amount, direct): (Minor, bool),
    ) -> Result<(), FoldError> {
        match lot {
            LotRef::Payment(payment) if direct => {
                let row = self.payment(cause, payment)?;
                undo(cause, row, &[Allocation { invoice, amount }])
            }
            LotRef::Payment(_) | LotRef::Grant(_) | LotRef::Invoice(_) | LotRef::CreditNote(_) => {
                Ok(())
            }
        }
    }

    /// Another lot takes the place of a payment on an invoice.
    pub(super) fn swap(
        &mut self,
        cause: Cause<'_>,
        payment: PaymentId,
        swap: &LotSwap,
    ) -> Result<(), FoldError> {
        let lot = LotRef::Payment(payment);
        let back = LotReturn { lot, amount: swap.amount, direct: swap.direct };
        self.give_back(cause, swap.invoice, &[back])?;
        self.pay(cause, swap.lot, swap.invoice, swap.amount)
    }

    /// Money of a payment goes back: what it paid is undone, and all of it is gone from its lot.
    /// Where nothing of it ever became credit, that is told of the payment alone.
    pub(super) fn pay_back(
        &mut self,
        cause: Cause<'_>,
        payment: PaymentId,
        (reopened, unapplied): (&[Allocation], &[Allocation]),
        amount: Minor,
    ) -> Result<(), FoldError> {
        if !self.is_credit(cause, payment)? {
            let on: i64 = reopened.iter().map(|part| part.amount.0).sum();
            let left = amount.0 - on;
            let known = format_args!("{left} of credit of {payment}");
            return if left == 0 { Ok(()) } else { Err(cause.unknown(known)) };
        }
        let row = self.lot(cause, LotRef::Payment(payment))?;
        for (parts, direct) in [(reopened, true), (unapplied, false)] {
            for part in parts {
                row.put_back(cause, part.invoice, (part.amount, direct))?;
            }
        }
        row.take(cause, amount)
    }
}
