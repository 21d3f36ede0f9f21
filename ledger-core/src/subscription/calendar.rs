//! Cycles: the n-th period from an anchor.
//!
//! The n-th boundary is computed from the anchor, never from the boundary before it, so that an
//! anchor on the 31st comes back to the 31st: 31 January, 28 February, 31 March. A month without
//! the day ends on its last day. Source: Stripe, "billing cycle anchor"; Kill Bill, "bill cycle
//! day".

use jiff::{Span, civil};
use schemas::terms::{CalendarUnit, Every};
use schemas::time::TimeError;
use schemas::{Date, Interval};

const OUT_OF_RANGE: TimeError = TimeError::OutOfRange { what: "the end of the cycle" };

/// The n-th boundary: the anchor itself for 0.
pub(crate) fn boundary(anchor: Date, every: Every, n: u32) -> Result<Date, TimeError> {
    let steps = i64::from(every.count).checked_mul(i64::from(n)).ok_or(OUT_OF_RANGE)?;
    let span = match every.unit {
        CalendarUnit::Day => Span::new().try_days(steps),
        CalendarUnit::Week => Span::new().try_weeks(steps),
        CalendarUnit::Month => Span::new().try_months(steps),
        CalendarUnit::Year => Span::new().try_years(steps),
    };
    let date: civil::Date =
        span.and_then(|span| anchor.civil().checked_add(span)).map_err(|_| OUT_OF_RANGE)?;
    Date::from_civil(date).map_err(|_| OUT_OF_RANGE)
}

/// The n-th period from the anchor: `[boundary(n), boundary(n + 1))`.
pub(crate) fn period(anchor: Date, every: Every, n: u32) -> Result<Interval, TimeError> {
    let next = n.checked_add(1).ok_or(OUT_OF_RANGE)?;
    Interval::new(boundary(anchor, every, n)?, boundary(anchor, every, next)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().expect("a date")
    }

    fn boundaries(anchor: &str, count: u16, unit: CalendarUnit, n: u32) -> Vec<String> {
        let every = Every { count, unit };
        (0..n).map(|n| boundary(date(anchor), every, n).expect("in range").to_string()).collect()
    }

    #[test]
    fn a_month_end_anchor_never_drifts() {
        assert_eq!(
            boundaries("2024-01-31", 1, CalendarUnit::Month, 5),
            ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31"]
        );
        assert_eq!(
            boundaries("2024-02-29", 1, CalendarUnit::Year, 5),
            ["2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"]
        );
    }

    #[test]
    fn weeks_and_days_are_counted_in_days() {
        assert_eq!(
            boundaries("2024-02-26", 1, CalendarUnit::Week, 3),
            ["2024-02-26", "2024-03-04", "2024-03-11"]
        );
        assert_eq!(boundaries("2024-12-30", 3, CalendarUnit::Day, 2), ["2024-12-30", "2025-01-02"]);
    }

    #[test]
    fn a_cycle_beyond_the_calendar_is_an_error() {
        let every = Every { count: 10, unit: CalendarUnit::Year };
        assert_eq!(boundary(date("2990-01-01"), every, 1), Err(OUT_OF_RANGE));
        assert_eq!(boundary(date("2024-01-01"), every, u32::MAX), Err(OUT_OF_RANGE));
    }
}
