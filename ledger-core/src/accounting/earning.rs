//! Revenue by civil day: how much of an amount is earned through which day.
//!
//! # Shape
//!
//! An [`Earning`] is an amount of one invoice line, the days over which it is earned, the day it
//! was posted, and perhaps the day from which it stops. It is a closed formula, not a list of
//! entries: any day can be asked without walking the days before it.
//!
//! # Correctness
//!
//! Through the end of day `d`, `trunc(amount * elapsed / days)` is recognised, where `elapsed`
//! is the number of its days up to and on `d`. The formula is cumulative, so the parts of
//! consecutive days always sum to the whole and the residue lands at the end. It truncates
//! toward zero, so it never runs ahead of time and is mirrored for negative amounts. Nothing is
//! recognised before the posting date; on that day everything earlier is caught up.
//!
//! # Limits
//!
//! Products are reckoned in 128 bits: an `i64` amount times the days of eleven centuries fits.

use schemas::event::{LineRef, RevenueSchedule};
use schemas::{Currency, Date, Interval, Minor};
use serde::{Deserialize, Serialize};

/// An amount of a line and when it is earned: deferred revenue becomes revenue day by day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earning {
    /// The line that is earned.
    pub line: LineRef,
    /// The currency of `amount`.
    pub currency: Currency,
    /// What is earned in all, unless it stops; negative for lines that credit.
    pub amount: Minor,
    /// Over which days.
    pub schedule: RevenueSchedule,
    /// The day it was booked: nothing is recognised earlier.
    pub posted: Date,
    /// The first day on which nothing is recognised any more.
    pub until: Option<Date>,
}

impl Earning {
    /// What is recognised through the end of `day`.
    pub fn recognised_through(&self, day: Date) -> Minor {
        self.through(day.days())
    }

    /// What is recognised on the days of `days`.
    pub fn recognised_in(&self, days: Interval) -> Minor {
        let before = self.through(days.start().days() - 1);
        // Both sums lie between zero and `amount`, so the difference fits.
        Minor(self.through(days.end().days() - 1).0 - before.0)
    }

    /// What will have been recognised in the end: `amount`, or less if it stops early.
    pub fn recognised_at_last(&self) -> Minor {
        self.through(self.last_day())
    }

    /// What is recognised on or after `day`.
    pub fn recognised_from(&self, day: Date) -> Minor {
        Minor(self.recognised_at_last().0 - self.through(day.days() - 1).0)
    }

    /// Stops at the start of `from`: what was earned through the day before stays. The earliest
    /// stop holds.
    pub fn stop(&mut self, from: Date) {
        self.until = Some(self.until.map_or(from, |until| until.min(from)));
    }

    /// The days on which something is recognised, in order, with what is recognised on each.
    pub fn daily(&self) -> impl Iterator<Item = (Date, Minor)> + use<> {
        let earning = *self;
        let mut before = 0;
        (self.first_day()..=self.last_day()).filter_map(move |day| {
            let through = earning.through(day).0;
            let amount = through - before;
            before = through;
            (amount != 0).then_some(())?;
            Date::from_days(day).map(|date| (date, Minor(amount)))
        })
    }

    /// The first day that can recognise something.
    fn first_day(&self) -> i32 {
        match self.schedule {
            RevenueSchedule::Point(date) => date.max(self.posted).days(),
            RevenueSchedule::Straight(days) => days.start().max(self.posted).days(),
        }
    }

    /// The last day that can recognise something.
    fn last_day(&self) -> i32 {
        let last = match self.schedule {
            RevenueSchedule::Point(date) => date.days(),
            RevenueSchedule::Straight(days) => days.end().days() - 1,
        };
        last.max(self.posted.days())
    }

    /// Days count from 1970-01-01 and may lie one before the first [`Date`].
    fn through(&self, day: i32) -> Minor {
        let day = self.until.map_or(day, |until| day.min(until.days() - 1));
        if day < self.posted.days() {
            return Minor::ZERO;
        }
        match self.schedule {
            RevenueSchedule::Point(date) if day < date.days() => Minor::ZERO,
            RevenueSchedule::Point(_) => self.amount,
            RevenueSchedule::Straight(days) => {
                let elapsed = (day + 1 - days.start().days()).clamp(0, days.days());
                let part =
                    i128::from(self.amount.0) * i128::from(elapsed) / i128::from(days.days());
                Minor(i64::try_from(part).expect("at most the amount: elapsed <= days"))
            }
        }
    }
}

#[cfg(test)]
mod tests;
