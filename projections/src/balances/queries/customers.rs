//! `balances.get` and `balances.list`.

use std::cmp::Reverse;

use schemas::ids::CustomerId;
use schemas::query::{BalanceFilter, BalanceOrder, BalancesGet, BalancesList};
use schemas::view::{CustomerBalance, CustomerBalanceSummary, OpenInvoice};
use schemas::{Currency, Date, Minor};

use super::super::rows::{
    BY_CUSTOMER_EXTERNAL_ID, CUSTOMERS, CustomerRow, DIRECTORY, INVOICE_CHUNKS, INVOICES,
    InvoiceRow, ROSTER, RosterRow,
};
use super::accounts::Buckets;
use crate::answer::{answer, invalid, list_limit, money, not_found, request, there, today};
use crate::directory::Needle;
use crate::page::{Filling, Question};
use crate::projection::{QueryError, View};
use crate::store::{Direction, StoreError};

/// The most open invoices in an answer.
const MOST_OPEN: usize = 500;

pub(super) fn get(view: &View<'_>, body: &[u8]) -> Result<Vec<u8>, QueryError> {
    let asked: BalancesGet = request(body)?;
    let (customer, row) = find(view, &asked)?;
    let as_of = asked.as_of.unwrap_or_else(|| today(view));
    let currency = row.currency;
    let mut buckets = Buckets::default();
    let mut open_invoices = Vec::new();
    for invoice in open_invoices_of(view, customer, &row)? {
        buckets.add(as_of, invoice.due_date, invoice.open.into());
        open_invoices.push(OpenInvoice {
            invoice: invoice.invoice,
            number: invoice.number,
            document_date: invoice.document_date,
            due_date: invoice.due_date,
            total: Minor(invoice.total).of(currency),
            open: Minor(invoice.open).of(currency),
            days_past_due: as_of.days_since(invoice.due_date),
        });
    }
    open_invoices.sort_by_key(|open| (open.due_date, open.document_date, open.invoice));
    open_invoices.truncate(MOST_OPEN);
    answer(
        view,
        CustomerBalance {
            customer: summary_of(customer, &row, as_of)?,
            overdue: money(buckets.overdue(), currency)?,
            ageing: buckets.amounts(currency)?,
            payments: money(row.received - row.reversed, currency)?,
            refunds: money(row.refunds, currency)?,
            open_invoices,
            as_of,
        },
    )
}

fn find(view: &View<'_>, asked: &BalancesGet) -> Result<(CustomerId, CustomerRow), QueryError> {
    match (asked.customer, &asked.external_id) {
        (Some(customer), None) => {
            let row = CUSTOMERS.read(view.store, customer)?;
            let row = row.ok_or_else(|| not_found(format!("customer {customer}"), view))?;
            Ok((customer, row))
        }
        (None, Some(external_id)) => {
            let needle = Needle::new(BY_CUSTOMER_EXTERNAL_ID, external_id.as_str().as_bytes());
            for customer in DIRECTORY.find(view.store, needle)? {
                let row = there(CUSTOMERS.read(view.store, customer)?, "a customer")?;
                if row.external_id.as_ref() == Some(external_id) {
                    return Ok((customer, row));
                }
            }
            Err(not_found(format!("a customer with the external id {external_id}"), view))
        }
        (Some(_), Some(_)) | (None, None) => {
            Err(invalid("", "name one customer: give `customer` or `external_id`"))
        }
    }
}

fn open_invoices_of(
    view: &View<'_>,
    customer: CustomerId,
    row: &CustomerRow,
) -> Result<Vec<InvoiceRow>, StoreError> {
    let mut open = row.open_invoices.clone();
    open.sort_by_key(|open| open.index);
    let mut chunk: Option<(u32, Vec<InvoiceRow>)> = None;
    let mut found = Vec::with_capacity(open.len());
    for one in open {
        let number = u32::try_from(one.index / INVOICES as u64).unwrap_or(u32::MAX);
        let at = usize::try_from(one.index % INVOICES as u64).unwrap_or(usize::MAX);
        let invoice = if number == row.invoices.chunks() {
            row.invoices.items().get(at).cloned()
        } else {
            let rows = match chunk.take() {
                Some((held, rows)) if held == number => rows,
                Some(_) | None => there(
                    INVOICE_CHUNKS.read(view.store, (customer, number))?,
                    "a chunk of a customer's invoices",
                )?,
            };
            let (_, rows) = chunk.insert((number, rows));
            rows.get(at).cloned()
        };
        found.push(there(invoice, "an invoice of a customer")?);
    }
    Ok(found)
}

fn summary_of(
    customer: CustomerId,
    row: &CustomerRow,
    as_of: Date,
) -> Result<CustomerBalanceSummary, QueryError> {
    let currency = row.currency;
    let oldest_due = row.open_invoices.iter().map(|open| open.due_date).min();
    Ok(CustomerBalanceSummary {
        customer,
        external_id: row.external_id.clone(),
        name: row.name.clone(),
        currency,
        open: money(row.open, currency)?,
        credit: money(row.credit, currency)?,
        balance: money(row.open - row.credit, currency)?,
        invoices: row.invoices.len(),
        open_count: row.open_invoices.len() as u64,
        oldest_due,
        is_overdue: oldest_due.is_some_and(|due| due < as_of),
        registered_at: row.registered_at,
    })
}

/// Where a customer stands in a list: currency and amount (largest first), registration.
type Key = (Option<Currency>, Reverse<i128>, u64);

/// The same in a cursor.
type StoredKey = (Option<Currency>, i128, u64);

pub(super) fn list(view: &View<'_>, body: &[u8]) -> Result<Vec<u8>, QueryError> {
    let mut asked: BalancesList = request(body)?;
    let limit = list_limit(asked.limit.take())?;
    let after = asked.after.take();
    let question = Question::new("balances.list", &asked);
    let after: Option<StoredKey> = question.read(view, after.as_deref())?;
    let after = after.map(|(currency, amount, ordinal)| (currency, Reverse(amount), ordinal));
    let as_of = asked.as_of.unwrap_or_else(|| today(view));
    let order = asked.order.unwrap_or(BalanceOrder::Open);
    // The first of the list behind the cursor, and one more to know whether there are more.
    let mut first: std::collections::BTreeMap<Key, CustomerId> = std::collections::BTreeMap::new();
    let mut ordinal = 0;
    ROSTER.scan(view.store, (0, None), Direction::Forward, |page| {
        for row in &page.customers {
            let key = key_of(order, row, ordinal);
            ordinal += 1;
            let wanted = asked.currency.is_none_or(|currency| currency == row.currency)
                && asked.having.is_none_or(|filter| holds(filter, row, as_of))
                && after.is_none_or(|after| key > after);
            if wanted {
                first.insert(key, row.customer);
                if first.len() > limit + 1 {
                    first.pop_last();
                }
            }
        }
        true
    })?;
    let mut page = Filling::new(limit);
    for ((currency, Reverse(amount), ordinal), customer) in first {
        let row = there(CUSTOMERS.read(view.store, customer)?, "a customer")?;
        let key: StoredKey = (currency, amount, ordinal);
        if !page.offer(key, summary_of(customer, &row, as_of)?) {
            break;
        }
    }
    page.finish(view, question)
}

/// Amounts of different currencies cannot be compared, so a list goes currency by currency.
fn key_of(order: BalanceOrder, row: &RosterRow, ordinal: u64) -> Key {
    match order {
        BalanceOrder::Open => (Some(row.currency), Reverse(row.open), ordinal),
        BalanceOrder::Credit => (Some(row.currency), Reverse(row.credit), ordinal),
        BalanceOrder::Registered => (None, Reverse(0), ordinal),
    }
}

fn holds(filter: BalanceFilter, row: &RosterRow, as_of: Date) -> bool {
    match filter {
        BalanceFilter::Open => row.open > 0,
        BalanceFilter::Overdue => row.oldest_due.is_some_and(|due| due < as_of),
        BalanceFilter::Credit => row.credit > 0,
    }
}
