//! Where the cycles of an item lie.
//!
//! # Shape
//!
//! A [`Calendar`] says where cycles begin from an instant on; the n-th boundary is reckoned from
//! the first one and never from the one before. An item has a calendar for each time that its
//! cycles were laid anew, and all its cycles are listed from these whenever they are asked for.

use schemas::terms::{
    Anchor, CalendarUnit, Every, FirstBoundary, IntervalChange, PreviousPeriodFrom,
};

use crate::civil::{Clock, Day, Instant, Stretch, date, month_length, months_later, number};
use crate::rules::Rules;

/// Cycles from an instant on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Calendar {
    /// Its first instant; before the first boundary lies a part of a cycle.
    pub(crate) from: Instant,
    /// The day of the first boundary.
    pub(crate) first: Day,
    /// The time of the day at which cycles begin.
    time: i64,
    /// The day of the month that is meant.
    pub(crate) meant: Option<i64>,
    pub(crate) every: Every,
    /// It follows the calendar's months, weeks or years.
    pub(crate) aligned: bool,
    /// It was over when the customer moved, and stays where it was.
    pub(crate) stays: Option<Clock>,
}

/// One cycle, as far as it is not cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cycle {
    /// Which calendar of the item, and which of its cycles.
    pub(crate) id: CycleId,
    pub(crate) start: Instant,
    pub(crate) end: Instant,
    /// The whole that proration divides by.
    pub(crate) full: Stretch,
}

/// The place of a cycle: calendar, and number in it.
pub(crate) type CycleId = (usize, usize);

/// Months in a step, if it is one of months.
pub(crate) fn months_of(every: Every) -> Option<i64> {
    match every.unit {
        CalendarUnit::Month => Some(every.count.into()),
        CalendarUnit::Year => Some(12 * i64::from(every.count)),
        CalendarUnit::Day | CalendarUnit::Week => None,
    }
}

/// So many steps later.
pub(crate) fn steps_later(day: Day, every: Every, steps: i64, meant: Option<i64>) -> Day {
    let days = match every.unit {
        CalendarUnit::Week => 7 * i64::from(every.count),
        CalendarUnit::Day | CalendarUnit::Month | CalendarUnit::Year => every.count.into(),
    };
    match months_of(every) {
        Some(months) => months_later(day, months * steps, meant.unwrap_or_else(|| date(day).2)),
        None => day + days * steps,
    }
}

impl Calendar {
    /// Cycles that begin where time begins.
    pub(crate) fn anniversary(clock: &Clock, from: Instant, every: Every) -> Self {
        let first = clock.day(from);
        let time = if clock.counts_days() { 0 } else { clock.time_of_day(from) };
        let meant = months_of(every).map(|_| date(first).2);
        Self { from, first, time, meant, every, aligned: false, stays: None }
    }

    /// Cycles by an anchor; `origin` is where the subscription, or its paid part, began.
    pub(crate) fn anchored(
        rules: &Rules,
        clock: &Clock,
        anchor: Anchor,
        (from, origin): (Instant, Instant),
        every: Every,
    ) -> Self {
        let own = Self::anniversary(clock, from, every);
        match anchor {
            Anchor::Anniversary if origin == from => own,
            Anchor::Anniversary => own.through(clock, clock.day(origin), clock.time_if(origin)),
            Anchor::Calendar => Self::by_calendar(clock, from, every).unwrap_or(own),
            Anchor::Day(day) => match months_of(every) {
                Some(_) => own.on_day(rules, clock, i64::from(day)),
                None => own,
            },
            Anchor::Date(of) => own.through(clock, i64::from(of.days()), 0),
        }
    }

    /// The same cycles through another day, and every interval before and after it.
    fn through(self, clock: &Clock, day: Day, time: i64) -> Self {
        let meant = months_of(self.every).map(|_| date(day).2);
        let mut steps = 0;
        let at = |steps: i64| steps_later(day, self.every, steps, meant);
        while clock.at(at(steps), time) < self.from {
            steps += 1;
        }
        while clock.at(at(steps - 1), time) >= self.from {
            steps -= 1;
        }
        let first = at(steps);
        // Where the first one is at the start of a day that has begun elsewhere, so are all.
        let jumped = clock.time_if(clock.at(first, time)) == 0;
        Self { first, time: if jumped { 0 } else { time }, meant, ..self }
    }

    fn on_day(self, rules: &Rules, clock: &Clock, meant: i64) -> Self {
        let from_day = clock.day(self.from);
        let (year, month, _) = date(from_day);
        let this_month = number(year, month, meant.min(month_length(year, month)));
        let reached = |day: Day| clock.at(day, 0) >= self.from || day == from_day;
        let first = if reached(this_month) {
            this_month
        } else {
            match rules.of.first_boundary {
                FirstBoundary::NextAnchorDay => months_later(this_month, 1, meant),
                FirstBoundary::AnchorDayOfStartMonth => {
                    steps_later(this_month, self.every, 1, Some(meant))
                }
            }
        };
        // On the very day cycles begin where the subscription does.
        let time = if first == from_day { self.time } else { 0 };
        Self { first, time, meant: Some(meant), ..self }
    }

    /// With the calendar; none for cycles of days.
    fn by_calendar(clock: &Clock, from: Instant, every: Every) -> Option<Self> {
        let day = clock.day(from);
        let own = Self::anniversary(clock, from, every);
        let (year, month, _) = date(day);
        let start = match every.unit {
            CalendarUnit::Day => return None,
            // 1970-01-01 was a Thursday.
            CalendarUnit::Week => day - (day + 3).rem_euclid(7),
            CalendarUnit::Year => number(year, 1, 1),
            CalendarUnit::Month => {
                let count = i64::from(every.count);
                let begun = if 12 % count == 0 { (month - 1) / count * count } else { month - 1 };
                number(year, begun + 1, 1)
            }
        };
        let meant = months_of(every).map(|_| 1);
        let step = match every.unit {
            // Two weeks begin on the next Monday.
            CalendarUnit::Week => start + 7,
            CalendarUnit::Month if 12 % every.count != 0 => months_later(start, 1, 1),
            CalendarUnit::Year => number(year + 1, 1, 1),
            CalendarUnit::Month | CalendarUnit::Day => steps_later(start, every, 1, meant),
        };
        let first = if clock.start_of(start) >= from { start } else { step };
        Some(Self { first, time: 0, meant, aligned: true, ..own })
    }

    /// Cycles of another length from an instant on.
    pub(crate) fn of_other_length(
        &self,
        rules: &Rules,
        clock: &Clock,
        (from, origin): (Instant, Instant),
        every: Every,
    ) -> Self {
        let restarted = Self::anniversary(clock, from, every);
        match rules.of.interval_change {
            IntervalChange::RestartOnChange => restarted,
            IntervalChange::KeepAnchorDay => match (self.meant, months_of(every)) {
                (Some(meant), Some(_)) => {
                    let start = Rules::new(schemas::terms::Policies {
                        first_boundary: FirstBoundary::AnchorDayOfStartMonth,
                        ..rules.of
                    });
                    restarted.on_day(&start, clock, meant)
                }
                (Some(_) | None, Some(_) | None) => restarted,
            },
            IntervalChange::KeepAnchor if self.aligned => {
                Self::by_calendar(clock, from, every).unwrap_or(restarted)
            }
            IntervalChange::KeepAnchor => {
                restarted.through(clock, clock.day(origin), clock.time_if(origin))
            }
        }
    }

    /// The same cycles, for what begins later.
    pub(crate) fn joined_at(&self, clock: &Clock, from: Instant) -> Self {
        let mut steps = 0;
        while self.boundary(clock, steps) < from {
            steps += 1;
        }
        while steps > 0 && self.boundary(clock, steps - 1) >= from {
            steps -= 1;
        }
        let first = steps_later(self.first, self.every, steps, self.meant);
        Self { from, first, ..self.clone() }
    }

    /// Cycles of another length: with the calendar where others lie so, else from where they begin.
    pub(crate) fn beside(&self, clock: &Clock, from: Instant, every: Every) -> Self {
        let own = Self::anniversary(clock, from, every);
        if self.aligned {
            return Self::by_calendar(clock, from, every).unwrap_or(own);
        }
        own
    }

    /// Whether cycles after the current one begin where those of another calendar do.
    pub(crate) fn agrees(&self, clock: &Clock, other: &Self) -> bool {
        let same = self.joined_at(clock, other.from.max(self.from));
        self.every == other.every
            && (0..3).all(|n| same.boundary(clock, n) == other.boundary(clock, n))
    }

    /// Its customer moves: its boundaries are days, at the same time there. Where the clock jumps
    /// over the time at which it begins, cycles begin with the day.
    pub(crate) fn begins_elsewhere(&mut self, (before, after): (&Clock, &Clock), from: Instant) {
        let jumped = before.time_if(self.from) != 0 && after.time_if(from) == 0;
        (self.from, self.time) = (from, if jumped { 0 } else { self.time });
    }

    /// The n-th boundary, counted from 0.
    pub(crate) fn boundary(&self, clock: &Clock, n: i64) -> Instant {
        let clock = self.stays.as_ref().unwrap_or(clock);
        // An hour that the clock shows twice is that in which it began.
        if n == 0
            && clock.day(self.from) == self.first
            && clock.time_if(self.from) == self.time
            && self.time != 0
        {
            return self.from;
        }
        clock.at(steps_later(self.first, self.every, n, self.meant), self.time)
    }

    /// The cycle before the first boundary, whole.
    fn before_first(&self, rules: &Rules, clock: &Clock) -> Stretch {
        let meant = match rules.of.previous_period_from {
            PreviousPeriodFrom::Anchor => self.meant,
            PreviousPeriodFrom::ClampedDate => self.meant.map(|_| date(self.first).2),
        };
        let day = steps_later(self.first, self.every, -1, meant);
        let clock = self.stays.as_ref().unwrap_or(clock);
        (clock.at(day, self.time), self.boundary(clock, 0))
    }

    /// Its cycles that begin before `until`, numbered as the `piece`-th calendar of an item.
    pub(crate) fn cycles(
        &self,
        rules: &Rules,
        clock: &Clock,
        piece: usize,
        until: Instant,
    ) -> Vec<Cycle> {
        let mut found = Vec::new();
        let first = self.boundary(clock, 0);
        if self.from < first && self.from < until {
            let full = self.before_first(rules, clock);
            found.push(Cycle { id: (piece, 0), start: self.from, end: first, full });
        }
        let mut n = 0;
        loop {
            // On the day of a move the wall clock shows no time: the first begins where it does.
            let (start, end) =
                (self.boundary(clock, n).max(self.from), self.boundary(clock, n + 1));
            if start >= until {
                return found;
            }
            found.push(Cycle { id: (piece, found.len()), start, end, full: (start, end) });
            n += 1;
        }
    }
}

impl Clock {
    /// The time of day of an instant, where time is finer than days.
    pub(crate) fn time_if(&self, at: Instant) -> i64 {
        if self.counts_days() { 0 } else { self.time_of_day(at) }
    }
}
