//! The law of cycles: each follows the one before, on the intended day.

use jiff::civil::Date;
use schemas::Span;
use schemas::event::CycleOpened;
use schemas::terms::{CalendarUnit, Policies, PreviousPeriodFrom};

use crate::civil::days_of;
use crate::watch::{Account, Broken, check};

/// A cycle that is opened starts where the one before ended, and ends on its day.
pub(crate) fn check_opened(
    account: &Account,
    policies: &Policies,
    opened: &CycleOpened,
    found: &mut Vec<Broken>,
) {
    let item = account.items.get(&(opened.subscription, opened.item)).expect("it was begun");
    let before = item.cycles.last().map(|cycle| cycle.span.end());
    let follows = before.is_none_or(|end| end == opened.span.start());
    check(found, "cycles follow each other", follows, || format!("{before:?} and {opened:?}"));
    // What lies before the end of a trial is never billed.
    let trial = account.subscriptions[&opened.subscription].trial_end;
    let start = trial.map_or(opened.span.start(), |end| end.max(opened.span.start()));
    let inside = Span::new(start, opened.span.end())
        .is_none_or(|billed| opened.full.overlap(billed) == Some(billed));
    check(found, "a cycle is part of a whole one", inside, || format!("{opened:?}"));
    let (start, end) =
        (account.local.date(opened.full.start()), account.local.date(opened.full.end()));
    let calendar = item.calendar;
    let count = i64::from(calendar.every.count);
    let whole =
        opened.full == opened.span || policies.previous_period_from == PreviousPeriodFrom::Anchor;
    match calendar.every.unit {
        CalendarUnit::Day | CalendarUnit::Week => {
            let days = if calendar.every.unit == CalendarUnit::Week { 7 * count } else { count };
            let length = days_of(end) - days_of(start);
            check(found, "a cycle has its length", length == days, || format!("{opened:?}"));
        }
        CalendarUnit::Month | CalendarUnit::Year => {
            let months = if calendar.every.unit == CalendarUnit::Year { 12 * count } else { count };
            let length = month_of(end) - month_of(start);
            check(found, "a cycle has its length", length == months, || format!("{opened:?}"));
            let on_its_day = |date: Date| {
                let day = calendar.day.and_then(|day| i8::try_from(day).ok()).unwrap_or(1);
                date.day() == day.min(date.days_in_month())
            };
            check(found, "the anchor day stays", on_its_day(end), || {
                format!("{opened:?} with {calendar:?}")
            });
            check(found, "the anchor day stays", !whole || on_its_day(start), || {
                format!("{opened:?} with {calendar:?}")
            });
        }
    }
}

fn month_of(date: Date) -> i64 {
    i64::from(date.year()) * 12 + i64::from(date.month())
}
