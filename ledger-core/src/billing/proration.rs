//! Which part of a whole cycle a span of time is.
//!
//! Sources: Stripe, "prorations" (seconds); Kill Bill, "invoicing" (days, fixed 30); Lago (days,
//! both ends used); Zuora, "proration" (actual, 30-day months, strict 30/360).

use schemas::fraction::{Fraction, FractionError};
use schemas::terms::{CalendarUnit, Every, Proration};
use schemas::{Date, Interval, Rejection, Span};

use crate::customer::rules::Rules;

/// The part of `full` that `piece` is; `every` is the length of a whole cycle.
pub(crate) fn ratio(
    piece: Span,
    full: Span,
    every: Every,
    rules: &Rules,
) -> Result<Fraction, Rejection> {
    if piece == full {
        return Ok(Fraction::ONE);
    }
    if !rules.by_days() {
        let (part, whole) = (measure(piece, rules)?, measure(full, rules)?);
        return Ok(Fraction::new(i128::from(part), i128::from(whole))?);
    }
    let dates = |span: Span| -> Result<(Date, Date), Rejection> {
        let date = |at| rules.local.date_foreseen(piece.start(), at);
        Ok((date(span.start())?, date(span.end())?))
    };
    let ((start, end), (first, last)) = (dates(piece)?, dates(full)?);
    let months = months_of(every);
    Ok(match (rules.policies.proration, months) {
        (Proration::Fixed30, Some(months)) => fixed_30(start, end, months)?,
        (Proration::Actual, Some(months)) => actual(start, end, months)?,
        (Proration::ActualOver30, Some(months)) => over_30(start, end, months)?,
        (Proration::Strict30360, Some(months)) => strict(start, end, months)?,
        (
            Proration::Fixed30
            | Proration::Actual
            | Proration::ActualOver30
            | Proration::Strict30360,
            None,
        )
        | (
            Proration::ByDayHalfOpen
            | Proration::ByDayInclusive
            | Proration::BySecond
            | Proration::ByMillisecond
            | Proration::ByMinute,
            _,
        ) => by_days(start, end, first, last)?,
    })
}

/// Microseconds of the unit that is counted; none for civil days.
const fn unit(rules: &Rules) -> Option<i64> {
    match rules.policies.proration {
        Proration::BySecond => Some(1_000_000),
        Proration::ByMillisecond => Some(1_000),
        Proration::ByMinute => Some(60_000_000),
        Proration::ByDayHalfOpen
        | Proration::ByDayInclusive
        | Proration::Fixed30
        | Proration::Actual
        | Proration::ActualOver30
        | Proration::Strict30360 => None,
    }
}

/// The length of a span in the unit that is counted: seconds, milliseconds, minutes or days.
/// Lengths of adjoining spans add up.
pub(crate) fn measure(span: Span, rules: &Rules) -> Result<i64, Rejection> {
    let Some(unit) = unit(rules) else {
        let end = rules.local.date_foreseen(span.start(), span.end())?;
        let days = end.days_since(rules.date(span.start())?);
        return Ok(i64::from(days));
    };
    Ok(span.end().micros() / unit - span.start().micros() / unit)
}

/// How many units a day of 24 hours has.
pub(crate) const fn units_of_day(rules: &Rules) -> i64 {
    match unit(rules) {
        Some(unit) => 86_400_000_000 / unit,
        None => 1,
    }
}

/// The civil days that a span touches; what is shorter than a day counts as one.
pub(crate) fn service(span: Span, rules: &Rules) -> Result<Interval, Rejection> {
    let (start, end) = (rules.date(span.start())?, rules.date(span.end())?);
    Ok(Interval::new(start, end.max(start.plus_days(1)?))?)
}

/// Calendar months in a whole cycle; none for cycles of days and weeks.
fn months_of(every: Every) -> Option<i128> {
    match every.unit {
        CalendarUnit::Day | CalendarUnit::Week => None,
        CalendarUnit::Month => Some(i128::from(every.count)),
        CalendarUnit::Year => Some(i128::from(every.count) * 12),
    }
}

fn by_days(start: Date, end: Date, first: Date, last: Date) -> Result<Fraction, FractionError> {
    Fraction::new(i128::from(end.days_since(start)), i128::from(last.days_since(first)))
}

/// The days, less what the first month has over 30 if the span leaves it, over 30.
fn fixed_30(start: Date, end: Date, months: i128) -> Result<Fraction, FractionError> {
    let days = i128::from(end.days_since(start));
    let same_month = start.first_of_month() == end.first_of_month();
    let over = if same_month { 0 } else { days_in_month(start) - 30 };
    Fraction::new(days - over, 30 * months)
}

/// In each calendar month its days over the days of that month.
fn actual(start: Date, end: Date, months: i128) -> Result<Fraction, FractionError> {
    let mut sum = Fraction::ZERO;
    for (days, of) in by_month(start, end) {
        sum = sum.plus(Fraction::new(days, of)?)?;
    }
    sum.times(Fraction::new(1, months)?)
}

/// The days, over 30 for each month of the whole cycle; a part of a long cycle may be more than 1.
fn over_30(start: Date, end: Date, months: i128) -> Result<Fraction, FractionError> {
    Fraction::new(i128::from(end.days_since(start)), 30 * months)
}

/// Every month has 30 days; the last day of a month is its 30th. Parts of a cycle add up.
fn strict(start: Date, end: Date, months: i128) -> Result<Fraction, FractionError> {
    Fraction::new(day_of_360(end) - day_of_360(start), 30 * months)
}

fn day_of_360(date: Date) -> i128 {
    let civil = date.civil();
    let day =
        if civil.day() == civil.days_in_month() { 30 } else { i128::from(civil.day()).min(30) };
    i128::from(civil.year()) * 360 + i128::from(civil.month()) * 30 + day
}

fn days_in_month(date: Date) -> i128 {
    i128::from(date.civil().days_in_month())
}

/// For each calendar month that days fall in: how many, and of how many.
fn by_month(start: Date, end: Date) -> impl Iterator<Item = (i128, i128)> {
    let mut from = start;
    core::iter::from_fn(move || {
        if from >= end {
            return None;
        }
        let of = days_in_month(from);
        let length = i32::from(from.civil().days_in_month());
        // After the last month that dates can name comes nothing that is not the span's end.
        let next = from.first_of_month().plus_days(length).map_or(end, |next| next.min(end));
        let days = i128::from(next.days_since(from));
        from = next;
        Some((days, of))
    })
}

#[cfg(test)]
mod tests;
