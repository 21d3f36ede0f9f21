//! `revenue.waterfall` and `revenue.recognized`: sums by day, never a walk over lines.

use schemas::query::{RevenueRecognized, RevenueWaterfall};
use schemas::view::{RecognizedRevenue, Waterfall, WaterfallMonth};
use schemas::{Currency, Date};

use super::super::rows::{BOOK, MONTHS, MonthRow, Sums};
use crate::answer::{answer, days, money, request, today};
use crate::month::Month;
use crate::projection::{QueryError, View};
use crate::store::{Direction, StoreError};

/// The day up to which is reckoned unless another is given: that of the last commit, or the
/// latest posting date where a seller's zone is a day ahead.
pub(super) fn latest(view: &View<'_>) -> Result<Date, StoreError> {
    let latest = BOOK.read(view.store, ())?.and_then(|book| book.latest);
    Ok(latest.map_or(today(view), |latest| latest.max(today(view))))
}

fn currencies(view: &View<'_>, asked: Option<Currency>) -> Result<Vec<Currency>, StoreError> {
    let mut known = BOOK.read(view.store, ())?.map(|book| book.currencies).unwrap_or_default();
    known.retain(|currency| asked.is_none_or(|asked| asked == *currency));
    Ok(known)
}

fn each_month(
    view: &View<'_>,
    currency: Currency,
    mut each: impl FnMut(&MonthRow),
) -> Result<(), StoreError> {
    let range = ((currency, Month::of(Date::MIN)), Some((currency, Month::of(Date::MAX))));
    MONTHS.scan(view.store, range, Direction::Forward, |row| {
        each(&row);
        true
    })?;
    // The very last month of the calendar is no bound of its own range.
    if let Some(row) = MONTHS.read(view.store, (currency, Month::of(Date::MAX)))? {
        each(&row);
    }
    Ok(())
}

pub(super) fn waterfall(view: &View<'_>, body: &[u8]) -> Result<Vec<u8>, QueryError> {
    let asked: RevenueWaterfall = request(body)?;
    let (from, to) = days(asked.from, asked.to)?;
    let (from, to) = (Month::of(from), Month::of(to));
    let mut waterfalls = Vec::new();
    for currency in currencies(view, asked.currency)? {
        let mut months = Vec::new();
        each_month(view, currency, |row| months.push((row.month, row.sums())))?;
        waterfalls.push(waterfall_of(currency, &months, (from, to))?);
    }
    answer(view, waterfalls)
}

fn waterfall_of(
    currency: Currency,
    months: &[(Month, Sums)],
    (from, to): (Month, Month),
) -> Result<Waterfall, QueryError> {
    let of = |sum| money(sum, currency);
    let before = months.iter().filter(|(month, _)| *month < from);
    let opening: i128 = before.map(|(_, sums)| sums.deferred()).sum();
    let (mut deferred, mut total, mut shown) = (opening, Sums::default(), Vec::new());
    for (month, sums) in months.iter().filter(|(month, _)| (from..=to).contains(month)) {
        deferred += sums.deferred();
        total = total.plus(sums);
        shown.push(WaterfallMonth {
            month: month.first_day(),
            billed: of(sums.billed)?,
            recognised: of(sums.recognised)?,
            contra: of(sums.contra)?,
            released: of(sums.released)?,
            deferred: of(deferred)?,
        });
    }
    Ok(Waterfall {
        currency,
        opening_deferred: of(opening)?,
        months: shown,
        billed: of(total.billed)?,
        recognised: of(total.recognised)?,
        contra: of(total.contra)?,
        released: of(total.released)?,
        closing_deferred: of(deferred)?,
    })
}

pub(super) fn recognized(view: &View<'_>, body: &[u8]) -> Result<Vec<u8>, QueryError> {
    let asked: RevenueRecognized = request(body)?;
    let until = match asked.to {
        Some(to) => to,
        None => latest(view)?,
    };
    let (from, to) = days(asked.from, Some(until))?;
    let mut rows = Vec::new();
    for currency in currencies(view, asked.currency)? {
        let mut total = Sums::default();
        each_month(view, currency, |row| {
            let inside = row.days.iter().enumerate().filter(|(index, _)| {
                row.month.day(*index).is_some_and(|day| (from..=to).contains(&day))
            });
            total = inside.fold(total, |sum, (_, day)| sum.plus(day));
        })?;
        rows.push(RecognizedRevenue {
            currency,
            from: asked.from,
            to,
            recognised: money(total.recognised, currency)?,
            contra: money(total.contra, currency)?,
            net: money(total.recognised - total.contra, currency)?,
        });
    }
    answer(view, rows)
}
