//! How events change the register of invoices.

mod settlement;

use schemas::event::{BillingEvent, EventAt, InvoiceFinalized, LineRef};
use schemas::ids::{CustomerId, InvoiceId};
use schemas::view::SettlementKind;
use schemas::{CommitView, Event, StreamId, Timestamp};

use super::Invoices;
use super::rows::{
    BY_EXTERNAL_ID, BY_ID, BY_NUMBER, DayRow, InvoiceRow, LineRow, Page, Placed, SettledBy,
    SettlementRow, TakenBy, nanos,
};
use crate::directory::Needle;
use crate::lines::{Lines, Place, SHEET};
use crate::places::{Places, page_of};
use crate::projection::FoldError;
use crate::store::{Store, StoreError};
use crate::table::Table;
use crate::tail::Tail;

/// The event that is folded.
#[derive(Clone, Copy)]
struct Here<'a> {
    store: &'a dyn Store,
    customer: CustomerId,
    position: u64,
    index: u32,
    effective_at: Timestamp,
}

impl Here<'_> {
    const fn event(&self) -> EventAt {
        EventAt::at(self.position, self.index)
    }

    fn unknown_line(&self, at: LineRef) -> FoldError {
        FoldError::unknown_line(self.position, at)
    }
}

impl Invoices {
    pub(super) fn fold(
        &mut self,
        store: &dyn Store,
        commit: &CommitView<'_>,
        index: u32,
        event: &Event,
    ) -> Result<(), FoldError> {
        let customer = match commit.stream {
            StreamId::Customer(customer) => customer,
            StreamId::Book => return Ok(()),
        };
        let (position, effective_at) = (commit.position, commit.effective_at);
        let here = Here { store, customer, position, index, effective_at };
        match event {
            Event::Billing(BillingEvent::InvoiceFinalized(invoice)) => self.issued(here, invoice),
            Event::Settlement(event) => self.settled(here, event),
            Event::Billing(
                BillingEvent::ChargeAdded(_)
                | BillingEvent::ChargeWithdrawn(_)
                | BillingEvent::InvoiceLinesDrafted(_),
            )
            | Event::Book(_)
            | Event::Seller(_)
            | Event::Catalog(_)
            | Event::Process(_)
            | Event::Customer(_)
            | Event::Subscription(_) => Ok(()),
        }
    }

    fn issued(&mut self, here: Here<'_>, invoice: &InvoiceFinalized) -> Result<(), FoldError> {
        for line in &invoice.lines {
            if let Some(credited) = line.credits {
                let by = LineRef { invoice: invoice.invoice, line: line.line };
                let row = self.line_mut(here, credited)?;
                row.credited -= line.net.0;
                row.taken.push(TakenBy::Line(by).now());
            }
        }
        let weight = invoice.lines.len().min(SHEET);
        let place = self.book.entry(here.store, (), Places::default)?.take(weight);
        let sheets = &mut self.sheets;
        let lines = invoice.lines.iter().map(LineRow::new);
        let lines = Lines::new(lines, |sheet, lines| sheets.put((place, sheet), lines));
        let mut row = row_of(here, invoice, lines);
        for entry in settlement_of(here, invoice) {
            if let Some((number, chunk)) = row.settlement.push(entry) {
                self.settlements.put((place, number), chunk);
            }
        }
        self.index(here, place, &row)?;
        let (page, _) = page_of(place);
        self.pages.entry(here.store, page, Page::default)?.invoices.push(row);
        Ok(())
    }

    /// Makes the invoice findable by customer, day, id, external id and number.
    fn index(&mut self, here: Here<'_>, place: u64, row: &InvoiceRow) -> Result<(), FoldError> {
        let store = here.store;
        let document_date = row.document_date;
        let day = self.days.entry(store, document_date, || DayRow::new(document_date))?;
        day.add(&row.figures());
        if let Some((number, chunk)) = day.places.push(place) {
            self.day_chunks.put((document_date, number), chunk);
        }
        let customer = self.customers.entry(store, here.customer, Default::default)?;
        let placed = Placed { invoice: row.invoice, place, document_date };
        if let Some((number, chunk)) = customer.invoices.push(placed) {
            self.customer_chunks.put((here.customer, number), chunk);
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

    /// A line of an earlier invoice of the customer, to be changed.
    fn line_mut(&mut self, here: Here<'_>, at: LineRef) -> Result<&mut LineRow, FoldError> {
        let place = self.locate(here, at.invoice)?;
        let unknown = || here.unknown_line(at);
        let row = row_at(&mut self.pages, here.store, place)?;
        match row.lines.place(at.line).ok_or_else(unknown)? {
            Place::Row(at) => {
                let row = row_at(&mut self.pages, here.store, place)?;
                row.lines.in_row(at).ok_or_else(unknown)
            }
            Place::Sheet(sheet, at) => {
                let sheet = self.sheets.get_mut(here.store, (place, sheet))?;
                sheet.and_then(|lines| lines.get_mut(at)).ok_or_else(unknown)
            }
        }
    }

    /// The place of an earlier invoice of the customer; the latest are looked through first.
    fn locate(&mut self, here: Here<'_>, invoice: InvoiceId) -> Result<u64, FoldError> {
        let unknown = || FoldError::unknown(here.position, invoice);
        let found = |items: &[Placed]| {
            items.iter().rev().find(|placed| placed.invoice == invoice).map(|placed| placed.place)
        };
        let row = self.customers.get(here.store, here.customer)?.ok_or_else(unknown)?;
        if let Some(place) = found(row.invoices.items()) {
            return Ok(place);
        }
        for number in (0..row.invoices.chunks()).rev() {
            let chunk = self.customer_chunks.get(here.store, (here.customer, number))?;
            let chunk = chunk.ok_or(StoreError::Missing { what: "a chunk of invoices" })?;
            if let Some(place) = found(chunk) {
                return Ok(place);
            }
        }
        Err(unknown())
    }
}

fn row_at<'t>(
    pages: &'t mut Table<u64, Page>,
    store: &dyn Store,
    place: u64,
) -> Result<&'t mut InvoiceRow, StoreError> {
    let (page, slot) = page_of(place);
    pages
        .get_mut(store, page)?
        .and_then(|page| page.invoices.get_mut(slot))
        .ok_or(StoreError::Missing { what: "an invoice on its page" })
}

/// Credit that a negative total made, and credit that pays for it at once, lot by lot.
fn settlement_of(here: Here<'_>, invoice: &InvoiceFinalized) -> Vec<SettlementRow> {
    let made = (SettlementKind::CreditGenerated, invoice.credit_generated.0, SettledBy::Itself);
    let used = invoice
        .credits
        .iter()
        .map(|used| (SettlementKind::CreditApplied, -used.amount.0, SettledBy::Lot(used.lot)));
    let credit = [made].into_iter().filter(|(_, amount, _)| *amount != 0).chain(used);
    let (posting_date, position) = (invoice.posting_date, here.position);
    let entry = |(kind, amount, by)| SettlementRow { kind, posting_date, amount, by, position };
    credit.map(entry).collect()
}

fn row_of(here: Here<'_>, invoice: &InvoiceFinalized, lines: Lines<LineRow>) -> InvoiceRow {
    let charges = invoice.lines.iter().filter(|line| line.credits.is_none());
    InvoiceRow {
        invoice: invoice.invoice,
        external_id: invoice.external_id.clone(),
        customer: here.customer,
        seller: invoice.seller.clone(),
        bill_to: invoice.bill_to.clone(),
        memo: invoice.memo.clone(),
        purchase_order: invoice.purchase_order.clone(),
        entity: invoice.entity,
        series: invoice.series.clone(),
        number: invoice.number.clone(),
        currency: invoice.currency,
        document_date: invoice.document_date,
        due_date: invoice.due_date,
        posting_date: invoice.posting_date,
        effective_at: here.effective_at,
        position: here.position,
        index: here.index,
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
        units: charges.map(|line| nanos(line.quantity)).sum(),
        lines,
        settlement: Tail::default(),
    }
}
