//! How much of a whole cycle a stretch of time is, and what it costs.
//!
//! # Shape
//!
//! A row for each rule of `proration` and of `ratio`. Fractions are exact; the rule of `ratio`
//! alone may round one before it is multiplied.

use schemas::terms::{Every, Proration, RatioRule};

use crate::calendar::months_of;
use crate::civil::{Clock, Day, Stretch, date, month_length, number};
use crate::number::Exact;
use crate::rules::Rules;

/// Units of time in a stretch: days, or what the policy counts in.
pub(crate) fn units(clock: &Clock, (start, end): Stretch) -> i128 {
    i128::from(match clock.unit() {
        Some(unit) => end.div_euclid(unit) - start.div_euclid(unit),
        None => clock.day(end) - clock.day(start),
    })
}

/// The part of a whole cycle, before any rounding.
pub(crate) fn part(
    rules: &Rules,
    clock: &Clock,
    span: Stretch,
    full: Stretch,
    every: Every,
) -> Exact {
    if span == full {
        return Exact::ONE;
    }
    let plain = || Exact::new(units(clock, span), units(clock, full).max(1));
    let days = (clock.day(span.0), clock.day(span.1));
    let months = |parts: Exact| match months_of(every) {
        Some(months) => parts.over(Exact::whole(months.into())),
        None => plain(),
    };
    match rules.of.proration {
        Proration::BySecond
        | Proration::ByMillisecond
        | Proration::ByMinute
        | Proration::ByDayHalfOpen
        | Proration::ByDayInclusive => plain(),
        Proration::Fixed30 => months(Exact::new(fixed_30(days), 30)),
        Proration::Actual => months(by_months(days)),
        Proration::ActualOver30 => months(thirtieths(days)),
        Proration::Strict30360 => months(Exact::new(thirty_days_a_month(days), 30)),
    }
}

/// Days; across a month's end the first month counts as 30.
fn fixed_30((start, end): (Day, Day)) -> i128 {
    let (year, month, _) = date(start);
    let days = end - start;
    let last = date(end);
    let same = (last.0, last.1) == (year, month);
    i128::from(if same { days } else { days - (month_length(year, month) - 30) })
}

/// Every day is a thirtieth of a month, however long its month is.
fn thirtieths((start, end): (Day, Day)) -> Exact {
    Exact::new(i128::from(end - start), 30)
}

/// In each calendar month its days over the days of that month.
fn by_months((start, end): (Day, Day)) -> Exact {
    let mut sum = Exact::ZERO;
    let mut at = start;
    while at < end {
        let (year, month, of_month) = date(at);
        let length = month_length(year, month);
        let next = (at - of_month + 1 + length).min(end);
        sum = sum.plus(Exact::new(i128::from(next - at), i128::from(length)));
        at = next;
    }
    sum
}

/// Every month has 30 days, and its last day is the 30th.
fn thirty_days_a_month((start, end): (Day, Day)) -> i128 {
    let count = |day: Day| {
        let (year, month, of_month) = date(day);
        let last = of_month == month_length(year, month);
        (year * 12 + month) * 30 + if last { 30 } else { of_month }
    };
    i128::from(count(end) - count(start))
}

/// What a part of a cycle costs, rounded by policy but not to the minor unit.
pub(crate) fn cost(
    rules: &Rules,
    clock: &Clock,
    whole: Exact,
    (span, full): (Stretch, Stretch),
    every: Every,
) -> Exact {
    part_cost(rules, clock, whole, part(rules, clock, span, full, every), (span, full))
}

/// As [`cost`], with the part known.
pub(crate) fn part_cost(
    rules: &Rules,
    clock: &Clock,
    whole: Exact,
    part: Exact,
    (span, full): (Stretch, Stretch),
) -> Exact {
    match rules.of.ratio {
        RatioRule::Exact => whole.times(part),
        RatioRule::Ratio9dp => whole.times(part.to_places(9)),
        RatioRule::Ratio6dp => whole.times(part.to_places(6)),
        RatioRule::RoundUpToWholePeriod if part.is_zero() => Exact::ZERO,
        RatioRule::RoundUpToWholePeriod => whole,
        RatioRule::DailyRateRoundedFirst if part == Exact::ONE => whole,
        RatioRule::DailyRateRoundedFirst => {
            // Where time is finer than days, parts of a day cost a part of its price.
            let of_day = clock.unit().map_or(1, |unit| i128::from(86_400_000_000 / unit));
            let days = |stretch: Stretch| Exact::new(units(clock, stretch), of_day);
            let rate = whole.over(days(full)).rounded();
            Exact::whole(rate).times(days(span))
        }
    }
}

#[test]
fn a_month_of_ninety_by_each_rule() {
    // docs/policies.md: 90.00, from 11 January 2026 to 1 February.
    let days = (number(2026, 1, 11), number(2026, 2, 1));
    let cents = |part: Exact| part.times(Exact::whole(9_000)).rounded();
    assert_eq!(cents(Exact::new(fixed_30(days), 30)), 6_000);
    assert_eq!(cents(Exact::new(thirty_days_a_month(days), 30)), 6_000);
    assert_eq!(cents(thirtieths(days)), 6_300);
    assert_eq!(cents(by_months(days)), 6_097);
}
