//! Invoices and payments of a customer: what is open, and what settled it.

use schemas::event::{
    Allocation, CreditNoteIssued, InvoiceFinalized, InvoiceVoided, PaymentRecorded,
    PaymentRefunded, PaymentReversed,
};
use schemas::ids::{InvoiceId, PaymentId};
use schemas::terms::LotRef;
use schemas::{CommitView, Date};

use super::super::Balances;
use super::super::rows::{
    AgeingRow, AllocationRow, BY_PAYMENT, BY_PAYMENT_EXTERNAL_ID, Book, INVOICES, InvoiceRow,
    OpenRow, PaymentRow,
};
use super::Cause;
use crate::answer::there;
use crate::directory::Needle;
use crate::lines::Lines;
use crate::projection::FoldError;
use crate::recognition::LineEarnings;
use crate::store::StoreError;

impl Balances {
    pub(super) fn finalized(
        &mut self,
        cause: Cause<'_>,
        invoice: &InvoiceFinalized,
    ) -> Result<(), FoldError> {
        let lines = invoice.lines.iter();
        let lines = lines.map(|line| LineEarnings { line: line.line, earnings: Vec::new() });
        let (id, sheets) = (invoice.invoice, &mut self.sheets);
        let lines = Lines::new(lines, |sheet, lines| sheets.put((id, sheet), lines));
        let row = InvoiceRow {
            invoice: invoice.invoice,
            number: invoice.number.clone(),
            document_date: invoice.document_date,
            due_date: invoice.due_date,
            total: invoice.totals.total.0,
            open: 0,
            lines,
        };
        if let Some((number, chunk)) = self.customer(cause)?.invoices.push(row) {
            self.invoice_chunks.put((cause.customer, number), chunk);
        }
        let open = invoice.totals.total.plus(invoice.credit_generated);
        let open = open.and_then(|open| open.minus(invoice.credit_applied));
        let open = open.map_err(|_| StoreError::Overflow)?;
        self.settle(cause, invoice.posting_date, invoice.invoice, open.0)?;
        self.use_at_once(cause, invoice)
    }

    pub(super) fn voided(
        &mut self,
        cause: Cause<'_>,
        void: &InvoiceVoided,
    ) -> Result<(), FoldError> {
        self.settle(cause, void.posting_date, void.invoice, -void.receivable.0)?;
        self.give_back(cause, void.invoice, &void.released)?;
        if void.credit_withdrawn.is_zero() {
            return Ok(());
        }
        self.spend(cause, LotRef::Invoice(void.invoice), void.credit_withdrawn)
    }

    pub(super) fn noted(
        &mut self,
        cause: Cause<'_>,
        note: &CreditNoteIssued,
    ) -> Result<(), FoldError> {
        let back: i64 = note.released.iter().map(|part| part.amount.0).sum();
        let owed = back + note.to_credit.0 - note.total.0;
        self.settle(cause, note.posting_date, note.invoice, owed)?;
        self.give_back(cause, note.invoice, &note.released)?;
        self.noted_beyond(cause, note)
    }

    pub(super) fn received(
        &mut self,
        cause: Cause<'_>,
        commit: &CommitView<'_>,
        payment: &PaymentRecorded,
    ) -> Result<(), FoldError> {
        let amount = payment.amount.minor().0;
        let totals = self.book.entry(cause.store, (), Book::default)?;
        let totals = totals.totals(payment.amount.currency());
        totals.received += i128::from(amount);
        totals.payment_count += 1;
        let allocations = payment.allocations.iter().map(|part| AllocationRow {
            invoice: part.invoice,
            allocated: part.amount.0,
            undone: 0,
        });
        let row = PaymentRow {
            payment: payment.payment,
            external_id: payment.external_id.clone(),
            amount,
            method: payment.method.clone(),
            posting_date: payment.posting_date,
            effective_at: commit.effective_at,
            position: cause.position,
            allocations: allocations.collect(),
            to_credit: payment.to_credit.0,
            refunded: 0,
            reversed: None,
        };
        let customer = self.customer(cause)?;
        customer.received += i128::from(amount);
        if let Some((number, chunk)) = customer.payments.push(row) {
            self.payment_chunks.put((cause.customer, number), chunk);
        }
        let id = Needle::new(BY_PAYMENT, payment.payment.uuid().as_bytes());
        self.directory.add(cause.store, id, cause.customer)?;
        if let Some(external_id) = &payment.external_id {
            let needle = Needle::new(BY_PAYMENT_EXTERNAL_ID, external_id.as_str().as_bytes());
            self.directory.add(cause.store, needle, cause.customer)?;
        }
        if payment.to_credit.is_positive() {
            self.make_credit(cause, payment.payment)?;
        }
        self.settle_each(cause, payment.posting_date, &payment.allocations, -1)
    }

    pub(super) fn reversed(
        &mut self,
        cause: Cause<'_>,
        reversal: &PaymentReversed,
    ) -> Result<(), FoldError> {
        let amount = i128::from(reversal.amount.minor().0);
        let book = self.book.entry(cause.store, (), Book::default)?;
        book.totals(reversal.amount.currency()).reversed += amount;
        self.customer(cause)?.reversed += amount;
        let row = self.payment(cause, reversal.payment)?;
        row.reversed = Some(reversal.reason.clone());
        undo(cause, row, &reversal.reopened)?;
        self.settle_each(cause, reversal.posting_date, &reversal.reopened, 1)?;
        self.settle_each(cause, reversal.posting_date, &reversal.credit_unapplied, 1)?;
        let undone = (reversal.reopened.as_slice(), reversal.credit_unapplied.as_slice());
        self.pay_back(cause, reversal.payment, undone, reversal.amount.minor())
    }

    pub(super) fn refunded(
        &mut self,
        cause: Cause<'_>,
        refund: &PaymentRefunded,
    ) -> Result<(), FoldError> {
        let amount = refund.amount.minor().0;
        let book = self.book.entry(cause.store, (), Book::default)?;
        book.totals(refund.amount.currency()).refunds += i128::from(amount);
        self.customer(cause)?.refunds += i128::from(amount);
        let row = self.payment(cause, refund.payment)?;
        undo(cause, row, &refund.reopened)?;
        self.settle_each(cause, refund.posting_date, &refund.reopened, 1)?;
        self.settle_each(cause, refund.posting_date, &refund.credit_unapplied, 1)?;
        for swap in &refund.swapped {
            self.swap(cause, refund.payment, swap)?;
        }
        let undone = (refund.reopened.as_slice(), refund.credit_unapplied.as_slice());
        self.pay_back(cause, refund.payment, undone, refund.amount.minor())?;
        self.payment(cause, refund.payment)?.refunded += amount;
        Ok(())
    }

    pub(super) fn settle_each(
        &mut self,
        cause: Cause<'_>,
        posting_date: Date,
        parts: &[Allocation],
        times: i64,
    ) -> Result<(), FoldError> {
        for part in parts {
            self.settle(cause, posting_date, part.invoice, part.amount.0 * times)?;
        }
        Ok(())
    }

    /// Changes what is open of an invoice, and with it the customer, the book and the ageing.
    pub(super) fn settle(
        &mut self,
        cause: Cause<'_>,
        posting_date: Date,
        invoice: InvoiceId,
        change: i64,
    ) -> Result<(), FoldError> {
        if change == 0 {
            return Ok(());
        }
        let index = self.index(cause, invoice)?;
        let row = self.invoice_at(cause, index)?;
        let (was_open, due_date) = (row.open > 0, row.due_date);
        row.open = row.open.checked_add(change).ok_or(StoreError::Overflow)?;
        let is_open = row.open > 0;
        let customer = self.customer(cause)?;
        let currency = customer.currency;
        customer.open += i128::from(change);
        if is_open && !was_open {
            customer.open_invoices.push(OpenRow { invoice, index, due_date });
        } else if was_open && !is_open {
            customer.open_invoices.retain(|open| open.index != index);
        }
        let book = self.book.entry(cause.store, (), Book::default)?;
        let totals = book.totals(currency);
        totals.open += i128::from(change);
        totals.open_invoices = totals.open_invoices + u64::from(is_open) - u64::from(was_open);
        let day = self.ageing.entry(cause.store, posting_date, AgeingRow::default)?;
        day.add(currency, due_date, change.into());
        Ok(())
    }

    /// The invoice's row, to be changed.
    pub(super) fn invoice(
        &mut self,
        cause: Cause<'_>,
        invoice: InvoiceId,
    ) -> Result<&mut InvoiceRow, FoldError> {
        let index = self.index(cause, invoice)?;
        self.invoice_at(cause, index)
    }

    /// The invoice's place in the customer's list: open ones first, then the latest first.
    fn index(&mut self, cause: Cause<'_>, invoice: InvoiceId) -> Result<u64, FoldError> {
        let customer = self.customers.get(cause.store, cause.customer)?;
        let customer = customer.ok_or_else(|| cause.unknown(cause.customer))?;
        if let Some(open) = customer.open_invoices.iter().find(|open| open.invoice == invoice) {
            return Ok(open.index);
        }
        let found = |rows: &[InvoiceRow]| rows.iter().rposition(|row| row.invoice == invoice);
        let index = |chunk: u32, at: usize| u64::from(chunk) * INVOICES as u64 + at as u64;
        let chunks = customer.invoices.chunks();
        if let Some(at) = found(customer.invoices.items()) {
            return Ok(index(chunks, at));
        }
        for number in (0..chunks).rev() {
            let chunk = self.invoice_chunks.get(cause.store, (cause.customer, number))?;
            if let Some(at) = found(there(chunk, "a chunk of invoices")?) {
                return Ok(index(number, at));
            }
        }
        Err(cause.unknown(invoice))
    }

    fn invoice_at(&mut self, cause: Cause<'_>, index: u64) -> Result<&mut InvoiceRow, FoldError> {
        let missing = StoreError::Missing { what: "an invoice of a customer" };
        let number = u32::try_from(index / INVOICES as u64).map_err(|_| StoreError::Overflow)?;
        let at = usize::try_from(index % INVOICES as u64).map_err(|_| StoreError::Overflow)?;
        let chunks = self.customer(cause)?.invoices.chunks();
        let row = if number == chunks {
            self.customer(cause)?.invoices.items_mut().get_mut(at)
        } else {
            let chunk = self.invoice_chunks.get_mut(cause.store, (cause.customer, number))?;
            chunk.and_then(|chunk| chunk.get_mut(at))
        };
        Ok(row.ok_or(missing)?)
    }

    /// The payment's row, to be changed; the latest are looked through first.
    pub(super) fn payment(
        &mut self,
        cause: Cause<'_>,
        payment: PaymentId,
    ) -> Result<&mut PaymentRow, FoldError> {
        let of = |row: &PaymentRow| row.payment == payment;
        let customer = self.customer(cause)?;
        let chunks = customer.payments.chunks();
        if let Some(at) = customer.payments.items().iter().rposition(of) {
            return Ok(&mut self.customer(cause)?.payments.items_mut()[at]);
        }
        for number in (0..chunks).rev() {
            let key = (cause.customer, number);
            let chunk = self.payment_chunks.get(cause.store, key)?;
            let chunk = there(chunk, "a chunk of payments")?;
            let Some(at) = chunk.iter().rposition(of) else { continue };
            let chunk = self.payment_chunks.get_mut(cause.store, key)?;
            let row = chunk.and_then(|chunk| chunk.get_mut(at));
            return Ok(row.ok_or(StoreError::Missing { what: "a payment of a customer" })?);
        }
        Err(cause.unknown(payment))
    }
}

/// Takes back what the payment settles.
pub(super) fn undo(
    cause: Cause<'_>,
    row: &mut PaymentRow,
    parts: &[Allocation],
) -> Result<(), FoldError> {
    for part in parts {
        let mut left = part.amount.0;
        let own = row.allocations.iter_mut().filter(|own| own.invoice == part.invoice);
        for own in own {
            let taken = left.min(own.allocated - own.undone);
            own.undone += taken;
            left -= taken;
        }
        if left > 0 {
            let (invoice, payment) = (part.invoice, row.payment);
            return Err(cause.unknown(format_args!("{left} of {payment} on {invoice}")));
        }
    }
    Ok(())
}
