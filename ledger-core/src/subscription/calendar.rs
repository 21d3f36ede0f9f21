//! Cycles: the n-th period of a calendar.
//!
//! The n-th boundary is computed from the first, never from the boundary before it, so that an
//! anchor on the 31st comes back to the 31st: 31 January, 28 February, 31 March. A month without
//! the day ends on its last day. Source: Stripe, "billing cycle anchor"; Kill Bill, "bill cycle
//! day".

use jiff::civil;
use schemas::event::Calendar;
use schemas::terms::{
    Anchor, CalendarUnit, DefaultAnchor, Every, FirstBoundary, PreviousPeriodFrom,
};
use schemas::time::TimeError;
use schemas::{Date, Span, Timestamp};

use crate::customer::rules::Rules;

const OUT_OF_RANGE: TimeError = TimeError::OutOfRange { what: "the end of the cycle" };

/// A date so many whole steps away. `day` is the intended day of the month, where months are
/// counted.
pub(crate) fn step(
    from: Date,
    every: Every,
    steps: i64,
    day: Option<u8>,
) -> Result<Date, TimeError> {
    let count = steps.checked_mul(i64::from(every.count)).ok_or(OUT_OF_RANGE)?;
    let months = match every.unit {
        CalendarUnit::Day => return plus_days(from, count),
        CalendarUnit::Week => return plus_days(from, count.checked_mul(7).ok_or(OUT_OF_RANGE)?),
        CalendarUnit::Month => count,
        CalendarUnit::Year => count.checked_mul(12).ok_or(OUT_OF_RANGE)?,
    };
    let date = from.civil();
    let month = i64::from(date.year()) * 12 + i64::from(date.month()) - 1;
    let month = month.checked_add(months).ok_or(OUT_OF_RANGE)?;
    on_day(month, day.map_or(date.day(), |day| i8::try_from(day).unwrap_or(31)))
}

fn plus_days(from: Date, days: i64) -> Result<Date, TimeError> {
    from.plus_days(i32::try_from(days).map_err(|_| OUT_OF_RANGE)?)
}

/// The day of a month counted from year 0, or the month's last day.
fn on_day(month: i64, day: i8) -> Result<Date, TimeError> {
    let year = i16::try_from(month.div_euclid(12)).map_err(|_| OUT_OF_RANGE)?;
    let number = i8::try_from(month.rem_euclid(12) + 1).map_err(|_| OUT_OF_RANGE)?;
    let first = civil::Date::new(year, number, 1).map_err(|_| OUT_OF_RANGE)?;
    let last = first.days_in_month();
    Date::new(year, number, day.clamp(1, last)).map_err(|_| OUT_OF_RANGE)
}

fn month_of(date: Date) -> i64 {
    i64::from(date.civil().year()) * 12 + i64::from(date.civil().month()) - 1
}

/// The n-th boundary: the start of the first whole cycle for 0; before it for negative `n`.
pub(crate) fn boundary(calendar: &Calendar, n: i64, rules: &Rules) -> Result<Timestamp, TimeError> {
    if n == 0 {
        return Ok(calendar.first);
    }
    let day = match rules.policies.previous_period_from {
        PreviousPeriodFrom::ClampedDate if n < 0 => None,
        PreviousPeriodFrom::ClampedDate | PreviousPeriodFrom::Anchor => calendar.day,
    };
    let at = rules.local.civil_at(calendar.first)?;
    let date = step(Date::from_civil(at.date())?, calendar.every, n, day)?;
    if rules.by_days() {
        return rules.local.start_of(date);
    }
    rules.local.instant_of(date.civil().to_datetime(at.time()))
}

/// The time of the n-th cycle, and the whole cycle that it is a part of.
pub(crate) fn period(
    calendar: &Calendar,
    n: u32,
    rules: &Rules,
) -> Result<(Span, Span), TimeError> {
    let between = |n: i64| {
        let (start, end) = (boundary(calendar, n, rules)?, boundary(calendar, n + 1, rules)?);
        Span::new(start, end).ok_or(OUT_OF_RANGE)
    };
    match (Span::new(calendar.from, calendar.first), i64::from(n)) {
        (Some(part), 0) => Ok((part, between(-1)?)),
        (Some(_), n) => between(n - 1).map(|whole| (whole, whole)),
        (None, n) => between(n).map(|whole| (whole, whole)),
    }
}

/// The calendar of an item whose cycles exist from `from` on.
pub(crate) fn calendar(
    from: Timestamp,
    every: Every,
    anchor: Option<Anchor>,
    rules: &Rules,
) -> Result<Calendar, TimeError> {
    let anchor = anchor.unwrap_or(match rules.policies.default_anchor {
        DefaultAnchor::Anniversary => Anchor::Anniversary,
        DefaultAnchor::Calendar => Anchor::Calendar,
    });
    match anchor {
        Anchor::Calendar => with_calendar(from, every, rules),
        Anchor::Day(day) if by_months(every) => {
            on_anchor_day(from, every, day, rules.policies.first_boundary, rules)
        }
        Anchor::Anniversary | Anchor::Day(_) => anniversary(from, every, rules),
        Anchor::Date(date) => on_grid(from, every, date, rules),
    }
}

/// The calendar after a change of anchor: the next anchor day starts the first whole cycle.
pub(crate) fn moved(
    from: Timestamp,
    every: Every,
    anchor: Anchor,
    rules: &Rules,
) -> Result<Calendar, TimeError> {
    match anchor {
        Anchor::Day(day) if by_months(every) => {
            on_anchor_day(from, every, day, FirstBoundary::NextAnchorDay, rules)
        }
        Anchor::Anniversary | Anchor::Calendar | Anchor::Day(_) | Anchor::Date(_) => {
            calendar(from, every, Some(anchor), rules)
        }
    }
}

/// The calendar after a change of length where the anchor day stays.
pub(crate) fn relengthened(
    from: Timestamp,
    every: Every,
    day: Option<u8>,
    rules: &Rules,
) -> Result<Calendar, TimeError> {
    match day.filter(|_| by_months(every)) {
        Some(day) => on_anchor_day(from, every, day, FirstBoundary::AnchorDayOfStartMonth, rules),
        None => calendar(from, every, None, rules),
    }
}

/// The calendar after a change of length where the anchor stays what it was: the calendar's, or
/// the day of the subscription's start.
pub(crate) fn rescaled(
    from: Timestamp,
    every: Every,
    before: &Calendar,
    start: Timestamp,
    rules: &Rules,
) -> Result<Calendar, TimeError> {
    let date = rules.date(start)?;
    let by_default = match rules.policies.default_anchor {
        DefaultAnchor::Calendar => before.day == Some(1),
        DefaultAnchor::Anniversary => false,
    };
    match before.day {
        Some(_) if by_default => with_calendar(from, every, rules),
        Some(day) if day != day_of(date) => calendar(from, every, Some(Anchor::Day(day)), rules),
        Some(_) | None => on_grid(from, every, date, rules),
    }
}

pub(crate) const fn by_months(every: Every) -> bool {
    match every.unit {
        CalendarUnit::Month | CalendarUnit::Year => true,
        CalendarUnit::Day | CalendarUnit::Week => false,
    }
}

fn anniversary(from: Timestamp, every: Every, rules: &Rules) -> Result<Calendar, TimeError> {
    let date = rules.date(from)?;
    let day = by_months(every).then(|| day_of(date));
    Ok(Calendar { from, first: from, day, every })
}

fn day_of(date: Date) -> u8 {
    date.civil().day().unsigned_abs()
}

fn with_calendar(from: Timestamp, every: Every, rules: &Rules) -> Result<Calendar, TimeError> {
    let date = rules.date(from)?;
    let months = match every.unit {
        CalendarUnit::Day => return anniversary(from, every, rules),
        CalendarUnit::Week => {
            let monday =
                date.plus_days(-i32::from(date.civil().weekday().to_monday_zero_offset()))?;
            return on_grid(from, Every { count: 1, ..every }, monday, rules)
                .map(|grid| Calendar { every, ..grid });
        }
        CalendarUnit::Month if 12 % every.count == 0 => i64::from(every.count),
        CalendarUnit::Month => 1,
        CalendarUnit::Year => 12,
    };
    let month = month_of(date);
    let start = month - month.rem_euclid(months);
    for start in [start, start + months] {
        let first = rules.local.start_of(on_day(start, 1)?)?;
        if first >= from {
            return Ok(Calendar { from, first, day: Some(1), every });
        }
    }
    Err(OUT_OF_RANGE)
}

/// The next anchor day, or where that of the month has passed, the one an interval after it.
fn on_anchor_day(
    from: Timestamp,
    every: Every,
    day: u8,
    rule: FirstBoundary,
    rules: &Rules,
) -> Result<Calendar, TimeError> {
    let month = month_of(rules.date(from)?);
    let anchor = i8::try_from(day).map_err(|_| OUT_OF_RANGE)?;
    let at = |month: i64| rules.local.start_of(on_day(month, anchor)?);
    let this = at(month)?;
    if this >= from {
        return Ok(Calendar { from, first: this, day: Some(day), every });
    }
    let first = match rule {
        FirstBoundary::NextAnchorDay => at(month + 1)?,
        FirstBoundary::AnchorDayOfStartMonth => {
            let months = match every.unit {
                CalendarUnit::Year => i64::from(every.count) * 12,
                CalendarUnit::Month | CalendarUnit::Day | CalendarUnit::Week => {
                    i64::from(every.count)
                }
            };
            at(month + months)?
        }
    };
    Ok(Calendar { from, first, day: Some(day), every })
}

/// The first boundary at or after `from` among the dates that lie whole intervals from `date`.
fn on_grid(
    from: Timestamp,
    every: Every,
    date: Date,
    rules: &Rules,
) -> Result<Calendar, TimeError> {
    let day = by_months(every).then(|| day_of(date));
    let start = rules.date(from)?;
    let days = i64::from(start.days_since(date));
    let (longest, shortest) = match every.unit {
        CalendarUnit::Day => (1, 1),
        CalendarUnit::Week => (7, 7),
        CalendarUnit::Month => (31, 28),
        CalendarUnit::Year => (366, 365),
    };
    let length = i64::from(every.count) * if days < 0 { shortest } else { longest };
    // At or before the boundary that is looked for; months and years need a few steps more.
    let mut n = days.div_euclid(length) - i64::from(days < 0);
    loop {
        let first = rules.local.start_of(step(date, every, n, day)?)?;
        if first >= from {
            return Ok(Calendar { from, first, day, every });
        }
        n += 1;
    }
}

#[cfg(test)]
mod tests;
