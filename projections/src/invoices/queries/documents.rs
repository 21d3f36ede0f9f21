//! `invoices.get`, and documents as answers show them.

use schemas::problem::{Fault, Problem};
use schemas::query::{DEFAULT_LINES, InvoicesGet};
use schemas::view::{Invoice, InvoiceSummary, Line, LineDiscount, Settlement};
use schemas::{Currency, Date, Minor};

use super::super::rows::{
    BY_EXTERNAL_ID, BY_ID, BY_NUMBER, DIRECTORY, InvoiceRow, LineRow, PAGES, SETTLEMENTS, SHEETS,
    SettledBy, SettlementRow,
};
use crate::answer::{answer, invalid, limit, money, not_found, request, there, today, token};
use crate::directory::Needle;
use crate::places::page_of;
use crate::projection::{QueryError, View};
use crate::store::StoreError;

/// The most settlement entries in an answer.
const MAX_SETTLEMENTS: usize = 500;

pub(super) fn get(view: &View<'_>, body: &[u8]) -> Result<Vec<u8>, QueryError> {
    let asked: InvoicesGet = request(body)?;
    let lines = limit("/line_limit", asked.line_limit, DEFAULT_LINES)?;
    let (place, row) = find(view, &asked)?;
    let today = asked.as_of.unwrap_or_else(|| today(view));
    let after = asked.after_line.unwrap_or(0);
    let (mut given, mut next_line) = (Vec::<LineRow>::new(), None);
    row.lines.scan((view.store, SHEETS, place), after, |line| {
        if given.len() == lines {
            next_line = given.last().map(|row| row.line.line);
            return Ok::<_, StoreError>(false);
        }
        given.push(line);
        Ok(true)
    })?;
    let currency = row.currency;
    let settlement = settlement(view, place, &row)?;
    answer(
        view,
        Invoice {
            invoice: summary_of(&row, today)?,
            seller: row.seller.clone(),
            customer_email: row.bill_to.email.clone(),
            customer_address: row.bill_to.address.clone(),
            customer_tax_ids: row.bill_to.tax_ids.clone(),
            memo: row.memo.clone(),
            purchase_order: row.purchase_order.clone(),
            profile: row.profile,
            engine_version: row.engine_version,
            run: row.run,
            issued_by: token(view, row.position),
            void_reason: row.void_reason.clone(),
            lines: given.iter().map(|line| line_of(line, currency)).collect(),
            next_line,
            settlement_count: u32::try_from(row.settlement.len()).unwrap_or(u32::MAX),
            settlement,
        },
    )
}

/// The one invoice that the request names.
pub(super) fn find(view: &View<'_>, asked: &InvoicesGet) -> Result<(u64, InvoiceRow), QueryError> {
    let (needle, what) = match (asked.invoice, &asked.external_id, &asked.number) {
        (Some(id), None, None) => {
            (Needle::new(BY_ID, id.uuid().as_bytes()), format!("invoice {id}"))
        }
        (None, Some(id), None) => (
            Needle::new(BY_EXTERNAL_ID, id.as_str().as_bytes()),
            format!("an invoice with the external id {id}"),
        ),
        (None, None, Some(number)) => (
            Needle::new(BY_NUMBER, number.as_str().as_bytes()),
            format!("an invoice with the number {number}"),
        ),
        (None, None, None)
        | (Some(_), Some(_), _)
        | (Some(_), _, Some(_))
        | (_, Some(_), Some(_)) => {
            let detail = "name one invoice: give `invoice`, `external_id` or `number`";
            return Err(invalid("", detail));
        }
    };
    let mut found = Vec::new();
    for place in DIRECTORY.find(view.store, needle)? {
        let row = invoice_at(view, place)?;
        let same = asked.invoice.is_none_or(|id| id == row.invoice)
            && asked.number.as_ref().is_none_or(|number| *number == row.number)
            && (asked.external_id.is_none() || asked.external_id == row.external_id);
        if same {
            found.push((place, row));
        }
    }
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(not_found(what, view)),
        many => {
            let detail = format!("{many} invoices have this number; name one by its id");
            Err(Problem::fault(Fault::Malformed, detail).into())
        }
    }
}

/// The invoice at a place.
pub(super) fn invoice_at(view: &View<'_>, place: u64) -> Result<InvoiceRow, StoreError> {
    let (page, slot) = page_of(place);
    let mut page = there(PAGES.read(view.store, page)?, "a page of invoices")?;
    if slot >= page.invoices.len() {
        return Err(StoreError::Missing { what: "an invoice on its page" });
    }
    Ok(page.invoices.swap_remove(slot))
}

/// An invoice without its lines.
pub(super) fn summary_of(row: &InvoiceRow, today: Date) -> Result<InvoiceSummary, QueryError> {
    let currency = row.currency;
    let of = |minor: i64| Minor(minor).of(currency);
    Ok(InvoiceSummary {
        invoice: row.invoice,
        number: row.number.clone(),
        external_id: row.external_id.clone(),
        customer: row.customer,
        customer_name: row.bill_to.name.clone(),
        entity: row.entity,
        series: row.series.clone(),
        currency,
        status: row.status(),
        overdue: row.is_overdue(today),
        document_date: row.document_date,
        due_date: row.due_date,
        posting_date: row.posting_date,
        effective_at: row.effective_at,
        gross: row.totals.gross.of(currency),
        discount: row.totals.discount.of(currency),
        net: row.totals.net.of(currency),
        tax: row.totals.tax.of(currency),
        total: row.totals.total.of(currency),
        paid: of(row.paid),
        credit_applied: of(row.credit_applied),
        credit_generated: of(row.credit_generated),
        credited: of(row.credited),
        balance_due: money(row.balance_due().into(), currency)?,
        line_count: row.lines.count(),
    })
}

fn line_of(row: &LineRow, currency: Currency) -> Line {
    let line = &row.line;
    let discounts = line.discounts.iter().map(|part| LineDiscount {
        discount: part.discount,
        exact: part.exact,
        amount: part.amount.of(currency),
    });
    Line {
        line: line.line,
        kind: line.kind,
        description: line.description.clone(),
        source: line.source,
        plan: line.plan,
        service: line.service,
        quantity: line.quantity,
        unit_price: line.unit_price,
        tiers: line.tiers.clone(),
        ratio: line.ratio,
        exact: line.exact,
        rounding: line.rounding.clone(),
        gross: line.gross.of(currency),
        discounts: discounts.collect(),
        net: line.net.of(currency),
        taxes: Vec::new(),
        credits: line.credits,
        credited: Minor(row.credited).of(currency),
        obligation: None,
        schedule: line.schedule,
        dimensions: line.dimensions.clone(),
    }
}

/// The latest settlement entries, in the order of the log.
fn settlement(
    view: &View<'_>,
    place: u64,
    row: &InvoiceRow,
) -> Result<Vec<Settlement>, StoreError> {
    let mut entries: Vec<SettlementRow> = row.settlement.items().to_vec();
    for number in (0..row.settlement.chunks()).rev() {
        if entries.len() >= MAX_SETTLEMENTS {
            break;
        }
        let chunk = SETTLEMENTS.read(view.store, (place, number))?;
        entries.splice(0..0, there(chunk, "a chunk of settlement entries")?);
    }
    let skipped = entries.len().saturating_sub(MAX_SETTLEMENTS);
    let shown = entries.into_iter().skip(skipped).map(|entry| {
        let mut shown = Settlement {
            kind: entry.kind,
            posting_date: entry.posting_date,
            amount: Minor(entry.amount).of(row.currency),
            payment: None,
            refund: None,
            credit_note: None,
            lot: None,
            position: token(view, entry.position),
        };
        match entry.by {
            SettledBy::Itself => {}
            SettledBy::Payment(payment) => shown.payment = Some(payment),
            SettledBy::Refund(payment, refund) => {
                (shown.payment, shown.refund) = (Some(payment), Some(refund));
            }
            SettledBy::CreditNote(note) => shown.credit_note = Some(note),
            SettledBy::Lot(lot) => shown.lot = Some(lot),
        }
        shown
    });
    Ok(shown.collect())
}
