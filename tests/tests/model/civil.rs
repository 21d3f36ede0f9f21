//! Civil days of the model's own: a day is a number, counted from 1970-01-01.
//!
//! # Shape
//!
//! Calendar arithmetic is done here on numbers of days. Only the offset of a zone at an instant
//! comes from `jiff`, in [`Clock`]. An instant is microseconds since 1970.

use jiff::civil::Date as Civil;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use schemas::terms::{Proration, ZoneRule};

use crate::rules::Rules;

/// An instant, in microseconds.
pub(crate) type Instant = i64;
/// A civil day.
pub(crate) type Day = i64;
/// Instants `[start, end)`.
pub(crate) type Stretch = (Instant, Instant);

const DAY: i64 = 86_400_000_000;

pub(crate) const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub(crate) const fn month_length(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The number of a date; months count from 1.
pub(crate) const fn number(year: i64, month: i64, day: i64) -> Day {
    // Years begin in March here, so that a leap day is the last of its year.
    let (year, month) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leaps + (month * 153 + 2) / 5 + day - 1 - 719_468
}

/// Year, month and day of the month.
pub(crate) const fn date(day: Day) -> (i64, i64, i64) {
    let mut year = 1970 + day.div_euclid(if day < 0 { 365 } else { 366 });
    while number(year + 1, 1, 1) <= day {
        year += 1;
    }
    let mut month = 1;
    while month < 12 && number(year, month + 1, 1) <= day {
        month += 1;
    }
    (year, month, day - number(year, month, 1) + 1)
}

/// The day of the month that is meant, so many months later; the last one where it is shorter.
pub(crate) fn months_later(day: Day, months: i64, meant: i64) -> Day {
    let (year, month, _) = date(day);
    let index = year * 12 + month - 1 + months;
    let (year, month) = (index.div_euclid(12), index.rem_euclid(12) + 1);
    number(year, month, meant.min(month_length(year, month)))
}

/// Where a customer's days begin, and in what time is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Clock {
    /// Where it was at first.
    zone: TimeZone,
    /// Where it went: the last day that began at the place before, when that was, and the place.
    moves: Vec<(Day, Instant, TimeZone)>,
    proration: Proration,
}

impl Clock {
    pub(crate) fn new(rules: &Rules, zone: &str, registered: Instant) -> Self {
        let zone = TimeZoneDatabase::bundled().get(zone).expect("it is bundled");
        let zone = match rules.of.zone {
            ZoneRule::IanaZone => zone,
            ZoneRule::FixedOffsetAtCreation => TimeZone::fixed(zone.to_offset(stamp(registered))),
        };
        Self { zone, moves: Vec::new(), proration: rules.of.proration }
    }

    /// The same, at another place after a day.
    pub(crate) fn moved(&self, rules: &Rules, day: Day, zone: &str) -> Self {
        let at = self.start_of(day);
        let there = Self::new(rules, zone, at).zone;
        let mut moves = self.moves.clone();
        // Where it was to go later, it does not go.
        moves.retain(|(earlier, ..)| *earlier < day);
        moves.push((day, at, there));
        Self { moves, ..self.clone() }
    }

    /// The place at an instant, and the day and the instant from which it is there.
    fn place(&self, at: Instant) -> (&TimeZone, Option<(Day, Instant)>) {
        let gone = self.moves.iter().rfind(|(_, since, _)| *since <= at);
        gone.map_or((&self.zone, None), |(day, since, zone)| (zone, Some((*day, *since))))
    }

    /// The civil day at an instant.
    pub(crate) fn day(&self, at: Instant) -> Day {
        let (zone, since) = self.place(at);
        let found = zone.to_datetime(stamp(at)).date();
        let shown = number(found.year().into(), found.month().into(), found.day().into());
        since.map_or(shown, |(day, _)| shown.max(day))
    }

    /// The first instant of a day.
    pub(crate) fn start_of(&self, day: Day) -> Instant {
        // The day of a move has begun before it.
        let gone = self.moves.iter().rfind(|(earlier, ..)| *earlier < day);
        let zone = gone.map_or(&self.zone, |(_, _, zone)| zone);
        let start = civil(day).to_zoned_datetime(zone.clone()).and_then(|z| z.start_of_day());
        let start = start.expect("a day of this century").timestamp().as_microsecond();
        gone.map_or(start, |(_, since, _)| start.max(*since))
    }

    /// Microseconds that the wall clock shows at an instant; none where the day begins, also if the
    /// clock was set forward at midnight.
    pub(crate) fn time_of_day(&self, at: Instant) -> i64 {
        if at == self.start_of(self.day(at)) {
            return 0;
        }
        let (zone, since) = self.place(at);
        let shown = zone.to_datetime(stamp(at));
        let date = shown.date();
        let date = number(date.year().into(), date.month().into(), date.day().into());
        if since.is_some_and(|(day, since)| since == at || date < day) {
            return 0;
        }
        let time = shown.time();
        let seconds = (i64::from(time.hour()) * 60 + i64::from(time.minute())) * 60
            + i64::from(time.second());
        seconds * 1_000_000 + i64::from(time.subsec_nanosecond()) / 1_000
    }

    /// The instant at which the wall clock shows a time on a day.
    pub(crate) fn at(&self, day: Day, time_of_day: i64) -> Instant {
        if time_of_day == 0 {
            return self.start_of(day);
        }
        let seconds = time_of_day / 1_000_000;
        let part = |n: i64| i8::try_from(n).expect("a part of a day");
        let nanos = i32::try_from(time_of_day % 1_000_000 * 1_000).expect("below a second");
        let local = civil(day).at(
            part(seconds / 3_600),
            part(seconds / 60 % 60),
            part(seconds % 60),
            nanos,
        );
        let gone = self.moves.iter().rfind(|(earlier, ..)| *earlier <= day);
        let zone = gone.map_or(&self.zone, |(_, _, zone)| zone);
        let zoned = local.to_zoned_datetime(zone.clone()).expect("a time of this century");
        let found = zoned.timestamp().as_microsecond();
        gone.map_or(found, |(_, since, _)| found.max(*since))
    }

    /// Time is counted in whole civil days.
    pub(crate) const fn counts_days(&self) -> bool {
        self.unit().is_none()
    }

    /// Microseconds in the unit that is counted, where it is no day.
    pub(crate) const fn unit(&self) -> Option<i64> {
        match self.proration {
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

    /// From when on something that begins at an instant counts.
    pub(crate) fn moment(&self, at: Instant) -> Instant {
        match self.unit() {
            Some(unit) => at - at.rem_euclid(unit),
            None => self.start_of(self.day(at)),
        }
    }

    /// Until when something that ends at an instant counts.
    pub(crate) fn end_moment(&self, at: Instant) -> Instant {
        match self.proration {
            Proration::ByDayInclusive => self.start_of(self.day(at) + 1),
            Proration::BySecond
            | Proration::ByMillisecond
            | Proration::ByMinute
            | Proration::ByDayHalfOpen
            | Proration::Fixed30
            | Proration::Actual
            | Proration::ActualOver30
            | Proration::Strict30360 => self.moment(at),
        }
    }

    /// So many days later, at the same time of day where time is finer than days.
    pub(crate) fn days_later(&self, at: Instant, days: i64) -> Instant {
        let time = if self.counts_days() { 0 } else { self.time_of_day(at) };
        self.at(self.day(at) + days, time)
    }
}

fn stamp(at: Instant) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(at).expect("a time of this century")
}

fn civil(day: Day) -> Civil {
    let (year, month, day) = date(day);
    let small = |n: i64| i8::try_from(n).expect("a month or a day");
    Civil::new(i16::try_from(year).expect("a year"), small(month), small(day)).expect("a date")
}

/// The day in Greenwich: the seller's, in these tests.
pub(crate) const fn day_of_seller(at: Instant) -> Day {
    at.div_euclid(DAY)
}

#[test]
fn days_are_numbered_without_gaps() {
    assert_eq!((number(1970, 1, 1), number(2024, 2, 29)), (0, 19_782));
    for day in -40_000..60_000 {
        let (year, month, of_month) = date(day);
        assert_eq!(number(year, month, of_month), day);
    }
}

#[test]
fn the_end_of_a_month_comes_back() {
    let start = number(2023, 1, 31);
    let dates: Vec<_> = (0..4).map(|n| date(months_later(start, n, 31))).collect();
    assert_eq!(dates, [(2023, 1, 31), (2023, 2, 28), (2023, 3, 31), (2023, 4, 30)]);
}
