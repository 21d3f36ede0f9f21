//! The oracle's own calendar: days are numbers, counted from 1970-01-01.

use schemas::terms::{CalendarUnit, Every};

const DAYS_IN_MONTH: [i64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn month_length(year: i64, month: usize) -> i64 {
    DAYS_IN_MONTH[month] + i64::from(month == 1 && is_leap(year))
}

/// Year, month from 0, day from 1; found by walking the years.
fn civil(day: i64) -> (i64, usize, i64) {
    let (mut year, mut left) = (1970, day);
    while left >= 365 + i64::from(is_leap(year)) {
        left -= 365 + i64::from(is_leap(year));
        year += 1;
    }
    let mut month = 0;
    while left >= month_length(year, month) {
        left -= month_length(year, month);
        month += 1;
    }
    (year, month, left + 1)
}

fn number(year: i64, month: usize, day: i64) -> i64 {
    let years: i64 = (1970..year).map(|year| 365 + i64::from(is_leap(year))).sum();
    years + (0..month).map(|month| month_length(year, month)).sum::<i64>() + day - 1
}

/// The n-th boundary of cycles from an anchor, clamped to the month's end.
pub(crate) fn boundary(anchor: i64, every: Every, n: i64) -> i64 {
    let steps = i64::from(every.count) * n;
    let months = match every.unit {
        CalendarUnit::Day => return anchor + steps,
        CalendarUnit::Week => return anchor + 7 * steps,
        CalendarUnit::Month => steps,
        CalendarUnit::Year => 12 * steps,
    };
    let (year, month, day) = civil(anchor);
    let index = year * 12 + i64::try_from(month).expect("0 to 11") + months;
    let (year, month) = (index / 12, usize::try_from(index % 12).expect("0 to 11"));
    number(year, month, day.min(month_length(year, month)))
}

/// The civil day at an instant, `offset` hours east of Greenwich.
pub(crate) const fn day_at(micros: i64, offset: i64) -> i64 {
    (micros + offset * 3_600_000_000).div_euclid(86_400_000_000)
}

#[test]
fn month_ends_are_clamped_and_come_back() {
    let every = Every { count: 1, unit: CalendarUnit::Month };
    let anchor = number(2024, 0, 31);
    let dates: Vec<_> = (0..4).map(|n| civil(boundary(anchor, every, n))).collect();
    assert_eq!(dates, [(2024, 0, 31), (2024, 1, 29), (2024, 2, 31), (2024, 3, 30)]);
}
