//! `invoices.summary`: counts and totals from the sums kept by document date.

use std::collections::BTreeMap;

use schemas::ids::CustomerId;
use schemas::query::{InvoiceGrouping, InvoicesSummary};
use schemas::view::{InvoiceFigures, InvoiceStatus};
use schemas::{Currency, Date};

use super::super::rows::{CUSTOMER_CHUNKS, CUSTOMERS, DAYS, Figures, Sums, UNIT_PLACES};
use super::documents::invoice_at;
use crate::answer::{answer, days, invalid, money, request, there};
use crate::month::Month;
use crate::projection::{QueryError, View};
use crate::store::{Direction, StoreError};

/// The most groups in an answer.
const MOST_GROUPS: usize = 1_000;

/// Currency, month and status, as far as asked for.
type Group = (Currency, Option<Month>, Option<InvoiceStatus>);

#[derive(Default)]
struct Total {
    sums: Sums,
    voided: i128,
    open_invoices: i128,
}

pub(super) fn summary(view: &View<'_>, body: &[u8]) -> Result<Vec<u8>, QueryError> {
    let asked: InvoicesSummary = request(body)?;
    let (from, to) = days(asked.from, asked.to)?;
    let grouping = asked.group_by.unwrap_or(InvoiceGrouping::None);
    let mut groups: BTreeMap<Group, Total> = BTreeMap::new();
    let mut add = |date: Date, figures: &Figures| {
        if asked.currency.is_none_or(|currency| currency == figures.currency) {
            groups.entry(group(grouping, date, figures)).or_default().add(grouping, figures);
        }
    };
    if let Some(customer) = asked.customer {
        of_customer(view, customer, (from, to), &mut add)?;
    } else {
        let end = to.plus_days(1).ok();
        DAYS.scan(view.store, (from, end), Direction::Forward, |day| {
            day.figures.iter().for_each(|figures| add(day.date, figures));
            true
        })?;
    }
    if groups.len() > MOST_GROUPS {
        let detail =
            format!("{} rows are too many for one answer; choose fewer days", groups.len());
        return Err(invalid("/group_by", detail));
    }
    let rows: Result<Vec<_>, _> = groups.iter().map(|(group, total)| row(*group, total)).collect();
    answer(view, rows?)
}

fn of_customer(
    view: &View<'_>,
    customer: CustomerId,
    (from, to): (Date, Date),
    add: &mut impl FnMut(Date, &Figures),
) -> Result<(), StoreError> {
    let Some(row) = CUSTOMERS.read(view.store, customer)? else { return Ok(()) };
    let mut placed = row.invoices.items().to_vec();
    for number in 0..row.invoices.chunks() {
        let chunk = CUSTOMER_CHUNKS.read(view.store, (customer, number))?;
        placed.extend(there(chunk, "a chunk of a customer's invoices")?);
    }
    for one in placed.iter().filter(|one| (from..=to).contains(&one.document_date)) {
        add(one.document_date, &invoice_at(view, one.place)?.figures());
    }
    Ok(())
}

fn group(grouping: InvoiceGrouping, date: Date, figures: &Figures) -> Group {
    match grouping {
        InvoiceGrouping::None => (figures.currency, None, None),
        InvoiceGrouping::Month => (figures.currency, Some(Month::of(date)), None),
        InvoiceGrouping::Status => (figures.currency, None, Some(figures.status)),
    }
}

impl Total {
    /// Voided invoices are only counted, except in a group of their own.
    fn add(&mut self, grouping: InvoiceGrouping, figures: &Figures) {
        match figures.status {
            InvoiceStatus::Voided => {
                self.voided += figures.sums.invoices;
                match grouping {
                    InvoiceGrouping::Status => self.sums.add(&figures.sums, 1),
                    InvoiceGrouping::None | InvoiceGrouping::Month => {}
                }
            }
            InvoiceStatus::Open | InvoiceStatus::PartiallyPaid => {
                self.open_invoices += figures.sums.invoices;
                self.sums.add(&figures.sums, 1);
            }
            InvoiceStatus::Paid => self.sums.add(&figures.sums, 1),
        }
    }
}

fn row((currency, month, status): Group, total: &Total) -> Result<InvoiceFigures, QueryError> {
    let sums = &total.sums;
    let of = |sum| money(sum, currency);
    Ok(InvoiceFigures {
        month: month.map(Month::first_day),
        status,
        currency,
        invoices: count(sums.invoices)?,
        voided: count(total.voided)?,
        zero_value: count(sums.zero_value)?,
        units: units(sums.units),
        gross: of(sums.gross)?,
        discount: of(sums.discount)?,
        net: of(sums.net)?,
        tax: of(sums.tax)?,
        total: of(sums.total)?,
        paid: of(sums.paid)?,
        credited: of(sums.credited)?,
        open: of(sums.open)?,
        open_invoices: count(total.open_invoices)?,
    })
}

/// Counts go up and down by one invoice, so they are never negative in sound rows.
fn count(sum: i128) -> Result<u64, StoreError> {
    u64::try_from(sum).map_err(|_| StoreError::Missing { what: "an invoice that a sum counts" })
}

/// Billionths as an exact decimal without trailing zeros.
fn units(sum: i128) -> String {
    let one = 10_u128.pow(UNIT_PLACES);
    let (whole, part) = (sum.unsigned_abs() / one, sum.unsigned_abs() % one);
    let sign = if sum < 0 { "-" } else { "" };
    let part = format!("{part:09}");
    let part = part.trim_end_matches('0');
    if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_print_without_trailing_zeros() {
        assert_eq!(units(167_881_000_000_000), "167881");
        assert_eq!(units(-1_500_000_000), "-1.5");
    }
}
