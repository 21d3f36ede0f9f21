//! How events change the register of invoices.

use schemas::event::{
    Allocation, BillingEvent, CreditNoteIssued, InvoiceFinalized, InvoiceVoided, LineRef,
    LineReversal, LineSource, PaymentRecorded, PaymentRefunded, PaymentReversed, SettlementEvent,
};
use schemas::ids::{CustomerId, InvoiceId};
use schemas::view::SettlementKind;
use schemas::{CommitView, Date, Event, StreamId};

use super::Invoices;
use super::rows::{
    BY_EXTERNAL_ID, BY_ID, BY_NUMBER, DayRow, InvoiceRow, LineRow, Made, Page, Placed, SettledBy,
    SettlementRow, Taken,
};
use crate::directory::Needle;
use crate::places::{Places, page_of};
use crate::projection::FoldError;
use crate::store::{Store, StoreError};
use crate::tail::Tail;

/// What an event says about all the invoices that it touches.
#[derive(Clone, Copy)]
struct Cause<'a> {
    store: &'a dyn Store,
    customer: CustomerId,
    position: u64,
    posting_date: Date,
    by: SettledBy,
}

impl Invoices {
    pub(super) fn fold(
        &mut self,
        store: &dyn Store,
        commit: &CommitView<'_>,
        event: &Event,
    ) -> Result<(), FoldError> {
        let made = self.made(commit, event);
        let customer = match commit.stream {
            StreamId::Customer(customer) => customer,
            StreamId::Book => return self.learn(store, None, made, event),
        };
        self.learn(store, Some(customer), made, event)?;
        let position = commit.position;
        let cause = |posting_date, by| Cause { store, customer, position, posting_date, by };
        match event {
            Event::Billing(BillingEvent::InvoiceFinalized(invoice)) => {
                self.finalized(cause(invoice.posting_date, SettledBy::Itself), made, invoice)
            }
            Event::Settlement(SettlementEvent::InvoiceVoided(void)) => {
                self.voided(cause(void.posting_date, SettledBy::Itself), void)
            }
            Event::Settlement(SettlementEvent::CreditNoteIssued(note)) => {
                self.credited(cause(note.posting_date, SettledBy::CreditNote(note.note)), note)
            }
            Event::Settlement(SettlementEvent::PaymentRecorded(payment)) => {
                let by = SettledBy::Payment(payment.payment);
                self.received(cause(payment.posting_date, by), payment)
            }
            Event::Settlement(SettlementEvent::PaymentReversed(reversal)) => {
                let by = SettledBy::Payment(reversal.payment);
                self.reversed(cause(reversal.posting_date, by), reversal)
            }
            Event::Settlement(SettlementEvent::PaymentRefunded(refund)) => {
                let by = SettledBy::Refund(refund.payment, refund.refund);
                self.refunded(cause(refund.posting_date, by), refund)
            }
            Event::Settlement(SettlementEvent::CreditGranted(_))
            | Event::Billing(BillingEvent::ChargeAdded(_))
            | Event::Book(_)
            | Event::Seller(_)
            | Event::Catalog(_)
            | Event::Process(_)
            | Event::Customer(_)
            | Event::Subscription(_) => Ok(()),
        }
    }

    fn finalized(
        &mut self,
        cause: Cause<'_>,
        made: Made,
        invoice: &InvoiceFinalized,
    ) -> Result<(), FoldError> {
        let store = cause.store;
        let lines = self.lines_of(store, cause.customer, cause.position, invoice)?;
        let row = row_of(cause, made, invoice, lines);
        let place = self.book.entry(store, (), Places::default)?.take(row.lines.len());
        self.index(cause, place, &row)?;
        let (page, _) = page_of(place);
        self.pages.entry(store, page, Page::default)?.invoices.push(row);
        Ok(())
    }

    /// Makes the invoice findable by customer, day, id, external id and number.
    fn index(&mut self, cause: Cause<'_>, place: u64, row: &InvoiceRow) -> Result<(), FoldError> {
        let store = cause.store;
        let document_date = row.document_date;
        let day = self.days.entry(store, document_date, || DayRow::new(document_date))?;
        day.add(&row.figures(), 1);
        if let Some((number, chunk)) = day.places.push(place) {
            self.day_chunks.put((document_date, number), chunk);
        }
        let customer = self.customers.entry(store, cause.customer, Default::default)?;
        let placed = Placed { invoice: row.invoice, place, document_date };
        if let Some((number, chunk)) = customer.invoices.push(placed) {
            self.customer_chunks.put((cause.customer, number), chunk);
        }
        let id = Needle::new(BY_ID, row.invoice.uuid().as_bytes());
        self.directory.add(store, id, place)?;
        let number = Needle::new(BY_NUMBER, row.number.as_str().as_bytes());
        self.directory.add(store, number, place)?;
        if let Some(external_id) = &row.external_id {
            let needle = Needle::new(BY_EXTERNAL_ID, external_id.as_str().as_bytes());
            self.directory.add(store, needle, place)?;
        }
        Ok(())
    }

    fn voided(&mut self, cause: Cause<'_>, void: &InvoiceVoided) -> Result<(), FoldError> {
        let (mut credits, mut charges) = (Vec::new(), Vec::new());
        self.change(cause, void.invoice, SettlementKind::Voided, |row| {
            let owed = row.balance_due();
            row.void_reason = Some(void.reason.clone());
            row.credit_applied -= void.credit_returned.0;
            row.credit_generated -= void.credit_withdrawn.0;
            let of = |line| reversal_of(&void.lines, line);
            let lines = row.lines.iter().filter_map(|row| {
                row.line.credits.zip(of(row.line.line)).map(|(line, part)| (line, part.net.0))
            });
            credits.extend(lines);
            charges.extend(row.lines.iter().filter_map(|row| match row.line.source {
                LineSource::Charge(charge) => row.origin.charge.map(|made| (charge, made)),
                LineSource::Cycle { .. } | LineSource::Invoice => None,
            }));
            -owed
        })?;
        // A voided credit line no longer takes anything off the line that it credited.
        for (line, net) in credits {
            let row = self.line_mut(cause.store, (cause.customer, cause.position), line)?;
            if let Some(row) = row {
                row.credited += net;
                row.taken.retain(|taken| taken.line.is_none_or(|by| by.invoice != void.invoice));
            }
        }
        self.charges_wait(cause.store, cause.customer, charges)
    }

    fn credited(&mut self, cause: Cause<'_>, note: &CreditNoteIssued) -> Result<(), FoldError> {
        self.change(cause, note.invoice, SettlementKind::CreditNote, |row| {
            row.credited += note.total.0;
            for reversal in &note.lines {
                let line = row.lines.iter_mut().find(|row| row.line.line == reversal.line);
                if let Some(line) = line {
                    line.credited += reversal.net.0;
                    line.taken.push(Taken::by_note(note.note, reversal.net.0));
                }
            }
            -note.total.0
        })
    }

    fn received(&mut self, cause: Cause<'_>, payment: &PaymentRecorded) -> Result<(), FoldError> {
        self.each(cause, &payment.allocations, SettlementKind::Payment, |row, amount| {
            row.paid += amount;
            -amount
        })
    }

    fn reversed(&mut self, cause: Cause<'_>, reversal: &PaymentReversed) -> Result<(), FoldError> {
        self.each(cause, &reversal.reopened, SettlementKind::PaymentReversed, |row, amount| {
            row.paid -= amount;
            amount
        })?;
        let unapplied = &reversal.credit_unapplied;
        self.each(cause, unapplied, SettlementKind::CreditUnapplied, |row, amount| {
            row.credit_applied -= amount;
            amount
        })
    }

    fn refunded(&mut self, cause: Cause<'_>, refund: &PaymentRefunded) -> Result<(), FoldError> {
        self.each(cause, &refund.reopened, SettlementKind::Refund, |row, amount| {
            row.paid -= amount;
            amount
        })
    }

    fn each(
        &mut self,
        cause: Cause<'_>,
        parts: &[Allocation],
        kind: SettlementKind,
        change: impl Fn(&mut InvoiceRow, i64) -> i64,
    ) -> Result<(), FoldError> {
        for part in parts {
            self.change(cause, part.invoice, kind, |row| change(row, part.amount.0))?;
        }
        Ok(())
    }

    /// Changes one invoice, writes down what happened, and moves the sums of its day with it.
    /// `change` gives by how much the balance due changed.
    fn change(
        &mut self,
        cause: Cause<'_>,
        invoice: InvoiceId,
        kind: SettlementKind,
        change: impl FnOnce(&mut InvoiceRow) -> i64,
    ) -> Result<(), FoldError> {
        let place = self.locate(cause.store, (cause.customer, cause.position), invoice)?;
        let row = row_at(&mut self.pages, cause.store, place)?;
        let before = row.figures();
        let amount = change(row);
        let Cause { posting_date, by, position, .. } = cause;
        let entry = SettlementRow { kind, posting_date, amount, by, position };
        if let Some((number, chunk)) = row.settlement.push(entry) {
            self.settlements.put((place, number), chunk);
        }
        let (after, date) = (row.figures(), row.document_date);
        let day = self.days.entry(cause.store, date, || DayRow::new(date))?;
        day.add(&before, -1);
        day.add(&after, 1);
        Ok(())
    }

    /// A line of an earlier invoice of the customer.
    pub(super) fn line_mut(
        &mut self,
        store: &dyn Store,
        (customer, position): (CustomerId, u64),
        at: LineRef,
    ) -> Result<Option<&mut LineRow>, FoldError> {
        let place = self.locate(store, (customer, position), at.invoice)?;
        let row = row_at(&mut self.pages, store, place)?;
        Ok(row.lines.iter_mut().find(|row| row.line.line == at.line))
    }

    pub(super) fn is_voided(
        &mut self,
        store: &dyn Store,
        (customer, position): (CustomerId, u64),
        invoice: InvoiceId,
    ) -> Result<bool, FoldError> {
        let place = self.locate(store, (customer, position), invoice)?;
        Ok(row_at(&mut self.pages, store, place)?.void_reason.is_some())
    }

    fn locate(
        &mut self,
        store: &dyn Store,
        (customer, position): (CustomerId, u64),
        invoice: InvoiceId,
    ) -> Result<u64, FoldError> {
        let unknown = || FoldError::Unknown { position, what: invoice.to_string() };
        let found = |items: &[Placed]| {
            items.iter().rev().find(|placed| placed.invoice == invoice).map(|placed| placed.place)
        };
        let row = self.customers.get(store, customer)?.ok_or_else(unknown)?;
        if let Some(place) = found(row.invoices.items()) {
            return Ok(place);
        }
        for number in (0..row.invoices.chunks()).rev() {
            let chunk = self.customer_chunks.get(store, (customer, number))?;
            if let Some(place) = chunk.and_then(|chunk| found(chunk)) {
                return Ok(place);
            }
        }
        Err(unknown())
    }
}

fn row_at<'t>(
    pages: &'t mut crate::table::Table<u64, Page>,
    store: &dyn Store,
    place: u64,
) -> Result<&'t mut InvoiceRow, StoreError> {
    let (page, slot) = page_of(place);
    pages
        .get_mut(store, page)?
        .and_then(|page| page.invoices.get_mut(slot))
        .ok_or(StoreError::Missing { what: "an invoice on its page" })
}

fn reversal_of(lines: &[LineReversal], line: u32) -> Option<&LineReversal> {
    lines.iter().find(|reversal| reversal.line == line)
}

fn row_of(
    cause: Cause<'_>,
    made: Made,
    invoice: &InvoiceFinalized,
    lines: Vec<LineRow>,
) -> InvoiceRow {
    let mut settlement = Tail::default();
    let credit = [
        (SettlementKind::CreditGenerated, invoice.credit_generated.0),
        (SettlementKind::CreditApplied, -invoice.credit_applied.0),
    ];
    for (kind, amount) in credit.into_iter().filter(|(_, amount)| *amount != 0) {
        let Cause { posting_date, by, position, .. } = cause;
        let entry = SettlementRow { kind, posting_date, amount, by, position };
        let full = settlement.push(entry);
        debug_assert!(full.is_none(), "two entries do not fill a chunk");
    }
    InvoiceRow {
        invoice: invoice.invoice,
        external_id: invoice.external_id.clone(),
        customer: cause.customer,
        bill_to: invoice.bill_to.clone(),
        entity: invoice.entity,
        series: invoice.series.clone(),
        number: invoice.number.clone(),
        currency: invoice.currency,
        document_date: invoice.document_date,
        due_date: invoice.due_date,
        posting_date: invoice.posting_date,
        effective_at: made.effective_at,
        position: cause.position,
        made,
        input_revision: invoice.input_revision,
        profile: invoice.profile,
        policies: invoice.policies,
        engine_version: invoice.engine_version,
        run: invoice.run,
        totals: invoice.totals,
        paid: 0,
        credit_applied: invoice.credit_applied.0,
        credit_generated: invoice.credit_generated.0,
        credited: 0,
        void_reason: None,
        lines,
        settlement,
    }
}
