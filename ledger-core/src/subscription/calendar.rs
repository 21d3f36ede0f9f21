//! Cycles: the n-th period of a calendar.
//!
//! The n-th boundary is computed from the first, never from the boundary before it, so that an
//! anchor on the 31st comes back to the 31st: 31 January, 28 February, 31 March. A month without
//! the day ends on its last day. Source: Stripe, "billing cycle anchor"; Kill Bill, "bill cycle
//! day".

use jiff::civil;
use schemas::event::Calendar;
use schemas::terms::{
    Anchor, CalendarUnit, DefaultAnchor, Every, FirstBoundary, IntervalChange, PreviousPeriodFrom,
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
    let first = rules.date(calendar.first)?;
    on_clock(step(first, calendar.every, n, day)?, time_of_day(calendar.first, rules)?, rules)
}

/// The time that a clock shows; midnight where the day begins later, because the clock was set
/// forward then.
pub(super) fn time_of_day(at: Timestamp, rules: &Rules) -> Result<civil::Time, TimeError> {
    let shown = rules.local.civil_at(at)?;
    let begins = rules.local.start_of(Date::from_civil(shown.date())?)? == at;
    Ok(if begins { civil::Time::midnight() } else { shown.time() })
}

/// The instant at which the clock shows a time on a day; the start of the day where days are
/// counted.
pub(super) fn on_clock(
    date: Date,
    time: civil::Time,
    rules: &Rules,
) -> Result<Timestamp, TimeError> {
    if rules.by_days() || time == civil::Time::midnight() {
        return rules.local.start_of(date);
    }
    rules.local.instant_of(date.civil().to_datetime(time))
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

/// The calendar of an item whose cycles exist from `from` on, where the subscription begins.
pub(crate) fn calendar(
    from: Timestamp,
    every: Every,
    anchor: Option<Anchor>,
    rules: &Rules,
) -> Result<Calendar, TimeError> {
    anchored(from, from, every, told(anchor, rules), rules.policies.first_boundary, rules)
}

/// The anchor of a subscription, or that of the policies where it does not say.
pub(crate) fn told(anchor: Option<Anchor>, rules: &Rules) -> Anchor {
    anchor.unwrap_or(match rules.policies.default_anchor {
        DefaultAnchor::Anniversary => Anchor::Anniversary,
        DefaultAnchor::Calendar => Anchor::Calendar,
    })
}

/// The calendar after a change of anchor: the next anchor day starts the first whole cycle.
/// `origin` is where the subscription, or its paid part, began.
pub(crate) fn moved(
    from: Timestamp,
    origin: Timestamp,
    every: Every,
    anchor: Anchor,
    rules: &Rules,
) -> Result<Calendar, TimeError> {
    anchored(from, origin, every, anchor, FirstBoundary::NextAnchorDay, rules)
}

fn anchored(
    from: Timestamp,
    origin: Timestamp,
    every: Every,
    anchor: Anchor,
    first: FirstBoundary,
    rules: &Rules,
) -> Result<Calendar, TimeError> {
    match anchor {
        Anchor::Calendar => with_calendar(from, every, rules),
        Anchor::Day(day) if by_months(every) => on_anchor_day(from, every, day, first, rules),
        Anchor::Anniversary if origin != from => through(from, every, origin, rules),
        Anchor::Anniversary | Anchor::Day(_) => anniversary(from, every, rules),
        Anchor::Date(date) => on_grid(from, every, date, civil::Time::midnight(), rules),
    }
}

/// The calendar after a change of length, by the policy `interval_change`.
pub(crate) fn relengthened(
    from: Timestamp,
    origin: Timestamp,
    every: Every,
    before: &Calendar,
    rules: &Rules,
) -> Result<Calendar, TimeError> {
    let day = before.day.filter(|_| by_months(every));
    match (rules.policies.interval_change, day) {
        (IntervalChange::RestartOnChange, _) | (IntervalChange::KeepAnchorDay, None) => {
            anniversary(from, every, rules)
        }
        (IntervalChange::KeepAnchorDay, Some(day)) => {
            on_anchor_day(from, every, day, FirstBoundary::AnchorDayOfStartMonth, rules)
        }
        (IntervalChange::KeepAnchor, _) if before.aligned => with_calendar(from, every, rules),
        (IntervalChange::KeepAnchor, _) => through(from, every, origin, rules),
    }
}

/// The calendar of what begins beside others at `from`: with their cycles where these have its
/// length; else with the calendar where they do, or where it begins.
pub(crate) fn beside(
    from: Timestamp,
    every: Every,
    base: &Calendar,
    rules: &Rules,
) -> Result<Calendar, TimeError> {
    let from = from.max(base.from);
    if base.every == every {
        return Ok(Calendar { from, first: boundary_at_or_after(base, from, rules)?, ..*base });
    }
    if base.aligned { with_calendar(from, every, rules) } else { anniversary(from, every, rules) }
}

/// The first boundary at or after an instant, from the calendar's first on.
fn boundary_at_or_after(
    base: &Calendar,
    at: Timestamp,
    rules: &Rules,
) -> Result<Timestamp, TimeError> {
    let mut n = 0;
    loop {
        let found = boundary(base, n, rules)?;
        if found >= at {
            return Ok(found);
        }
        n += 1;
    }
}

/// Whether the cycles of a calendar begin where those of another do, from its first instant on.
pub(crate) fn agrees(base: &Calendar, other: &Calendar, rules: &Rules) -> Result<bool, TimeError> {
    if base.every != other.every {
        return Ok(false);
    }
    let same = beside(other.from, base.every, base, rules)?;
    for n in 0..3 {
        if boundary(&same, n, rules)? != boundary(other, n, rules)? {
            return Ok(false);
        }
    }
    Ok(true)
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
    Ok(Calendar { from, first: from, day, every, aligned: false })
}

/// On the day of `origin`, at its time of day where time is finer than days, and every interval
/// before and after it.
fn through(
    from: Timestamp,
    every: Every,
    origin: Timestamp,
    rules: &Rules,
) -> Result<Calendar, TimeError> {
    let time = rules.local.civil_at(origin)?.time();
    on_grid(from, every, rules.date(origin)?, time, rules)
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
            let week = Every { count: 1, ..every };
            let grid = on_grid(from, week, monday, civil::Time::midnight(), rules)?;
            return Ok(Calendar { every, aligned: true, ..grid });
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
            return Ok(Calendar { from, first, day: Some(1), every, aligned: true });
        }
    }
    Err(OUT_OF_RANGE)
}

/// The next anchor day, or where that of the month has passed, the one an interval after it. On
/// the very day cycles begin where the time begins.
fn on_anchor_day(
    from: Timestamp,
    every: Every,
    day: u8,
    rule: FirstBoundary,
    rules: &Rules,
) -> Result<Calendar, TimeError> {
    let today = rules.date(from)?;
    let month = month_of(today);
    let anchor = i8::try_from(day).map_err(|_| OUT_OF_RANGE)?;
    let at = |month: i64| rules.local.start_of(on_day(month, anchor)?);
    let calendar = |first| Calendar { from, first, day: Some(day), every, aligned: false };
    if on_day(month, anchor)? == today {
        return Ok(calendar(from));
    }
    let this = at(month)?;
    if this >= from {
        return Ok(calendar(this));
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
    Ok(calendar(first))
}

/// The first boundary at or after `from` among the dates that lie whole intervals from `date`.
fn on_grid(
    from: Timestamp,
    every: Every,
    date: Date,
    time: civil::Time,
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
        let first = on_clock(step(date, every, n, day)?, time, rules)?;
        if first >= from {
            return Ok(Calendar { from, first, day, every, aligned: false });
        }
        n += 1;
    }
}

#[cfg(test)]
mod tests;
