//! Calendar months, and amounts kept by the days of one.

use schemas::Date;
use serde::{Deserialize, Serialize};

/// A calendar month, by its first day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Month(Date);

impl Month {
    /// The month of a day.
    pub(crate) fn of(day: Date) -> Self {
        Self(day.first_of_month())
    }

    /// Its first day.
    pub(crate) const fn first_day(self) -> Date {
        self.0
    }

    /// The first day of the month after it; the last date there is, if none.
    pub(crate) fn next_first_day(self) -> Date {
        self.0.plus_days(31).map_or(Date::MAX, Date::first_of_month)
    }

    /// The month after it, unless the calendar ends.
    pub(crate) fn next(self) -> Option<Self> {
        self.0.plus_days(31).ok().map(Self::of)
    }

    /// The place of a day of this month: 0 for the first.
    pub(crate) fn index(self, day: Date) -> usize {
        usize::try_from(day.days_since(self.0)).expect("the day lies in the month")
    }

    /// The day at `index`, when it lies in this month.
    pub(crate) fn day(self, index: usize) -> Option<Date> {
        let days = i32::try_from(index).ok()?;
        self.0.plus_days(days).ok().filter(|day| Self::of(*day) == self)
    }
}

/// Amounts by the days of one month; days at the end without one are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Daily<T> {
    days: Vec<T>,
}

impl<T: Default + Clone> Daily<T> {
    /// The amounts of a day, to be changed.
    pub(crate) fn at(&mut self, index: usize) -> &mut T {
        if self.days.len() <= index {
            self.days.resize(index + 1, T::default());
        }
        &mut self.days[index]
    }

    /// The amounts in order of days; the first is of the month's first day.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        self.days.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_knows_its_days() {
        let day = Date::new(2024, 2, 29).expect("a leap day");
        let month = Month::of(day);
        assert_eq!(month.index(day), 28);
        assert_eq!((month.day(28), month.day(29)), (Some(day), None));
    }
}
