//! `revenue.get`: the lines of one invoice.

use std::collections::BTreeMap;

use schemas::event::LineRef;
use schemas::ids::InvoiceId;
use schemas::query::{DEFAULT_LINES, RevenueGet};
use schemas::view::{InvoiceRevenue, LineRevenue, MonthRevenue};
use schemas::{Currency, Date, Interval};

use super::super::rows::{BY_ID, DIRECTORY, InvoiceRow, LineRow, PAGES, SHEETS, Sums};
use super::totals::latest;
use crate::answer::{answer, invalid, limit, money, not_found, request, there};
use crate::directory::Needle;
use crate::month::Month;
use crate::places::page_of;
use crate::projection::{QueryError, View};
use crate::recognition::EarningRow;
use crate::store::StoreError;

pub(super) fn get(view: &View<'_>, body: &[u8]) -> Result<Vec<u8>, QueryError> {
    let asked: RevenueGet = request(body)?;
    let Some(invoice) = asked.invoice else {
        return Err(invalid("", "name the invoice: give `invoice`"));
    };
    let limit = limit("/line_limit", asked.line_limit, DEFAULT_LINES)?;
    let (place, row) = find(view, invoice)?;
    let through = match asked.through {
        Some(through) => through,
        None => latest(view)?,
    };
    let after = asked.after_line.unwrap_or(0);
    if asked.line.is_some_and(|number| row.lines.place(number).is_none()) {
        return Err(not_found(format!("that line of {invoice}"), view));
    }
    let (mut given, mut next_line) = (Vec::<LineRow>::new(), None);
    let mut sums = Sums::default();
    row.lines.scan((view.store, SHEETS, place), 0, |line| {
        sums = sums.plus(&sums_of(&row, &line, through));
        if asked.line.is_none_or(|number| number == line.line) && line.line > after {
            if given.len() < limit {
                given.push(line);
            } else if next_line.is_none() {
                next_line = given.last().map(|line| line.line);
            }
        }
        Ok::<_, StoreError>(true)
    })?;
    let lines: Result<Vec<_>, _> = given.iter().map(|line| line_of(&row, line, through)).collect();
    let currency = row.currency;
    answer(
        view,
        InvoiceRevenue {
            invoice,
            customer: row.customer,
            currency,
            through,
            billed: money(sums.billed, currency)?,
            recognised: money(sums.recognised, currency)?,
            contra: money(sums.contra, currency)?,
            deferred: money(sums.deferred(), currency)?,
            lines: lines?,
            next_line,
        },
    )
}

fn find(view: &View<'_>, invoice: InvoiceId) -> Result<(u64, InvoiceRow), QueryError> {
    let id = Needle::new(BY_ID, invoice.uuid().as_bytes());
    for place in DIRECTORY.find(view.store, id)? {
        let (page, slot) = page_of(place);
        let page = there(PAGES.read(view.store, page)?, "a page of invoices")?;
        let row = page.invoices.into_iter().nth(slot);
        if let Some(row) = row.filter(|row| row.invoice == invoice) {
            return Ok((place, row));
        }
    }
    Err(not_found(format!("invoice {invoice}"), view))
}

/// What was booked on the line up to and on `through`.
fn sums_of(row: &InvoiceRow, line: &LineRow, through: Date) -> Sums {
    let place = LineRef { invoice: row.invoice, line: line.line };
    let earned = |earning: &EarningRow| {
        i128::from(earning.earning(place, row.currency).recognised_through(through).0)
    };
    let back = line.reversals.iter().filter(|reversal| reversal.posting_date <= through);
    Sums {
        billed: if row.posting_date <= through { line.billed.into() } else { 0 },
        recognised: line.earnings.iter().map(earned).sum(),
        contra: back.clone().map(|reversal| i128::from(reversal.contra)).sum(),
        released: back.map(|reversal| i128::from(reversal.released)).sum(),
    }
}

fn line_of(row: &InvoiceRow, line: &LineRow, through: Date) -> Result<LineRevenue, QueryError> {
    let currency = row.currency;
    let sums = sums_of(row, line, through);
    Ok(LineRevenue {
        line: line.line,
        posting_date: row.posting_date,
        schedule: line.schedule,
        billed: money(sums.billed, currency)?,
        recognised: money(sums.recognised, currency)?,
        contra: money(sums.contra, currency)?,
        released: money(sums.released, currency)?,
        deferred: money(sums.deferred(), currency)?,
        months: months_of(row, line, currency)?,
    })
}

/// Months in which the line earns or loses something, the future included.
fn months_of(
    row: &InvoiceRow,
    line: &LineRow,
    currency: Currency,
) -> Result<Vec<MonthRevenue>, QueryError> {
    let place = LineRef { invoice: row.invoice, line: line.line };
    let mut months: BTreeMap<Month, Sums> = BTreeMap::new();
    for stored in &line.earnings {
        let earning = stored.earning(place, currency);
        let (first, last) = stored.months();
        let mut next = Some(first);
        while let Some(month) = next.filter(|month| *month <= last) {
            if let Ok(days) = Interval::new(month.first_day(), month.next_first_day()) {
                let amount = earning.recognised_in(days);
                if !amount.is_zero() {
                    months.entry(month).or_default().recognised += i128::from(amount.0);
                }
            }
            next = month.next();
        }
    }
    for reversal in line.reversals.iter().filter(|reversal| reversal.contra != 0) {
        let month = Month::of(reversal.posting_date);
        months.entry(month).or_default().contra += i128::from(reversal.contra);
    }
    let rows = months.into_iter().map(|(month, sums)| {
        Ok(MonthRevenue {
            month: month.first_day(),
            recognised: money(sums.recognised, currency)?,
            contra: money(sums.contra, currency)?,
        })
    });
    rows.collect()
}
