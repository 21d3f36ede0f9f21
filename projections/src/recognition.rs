//! What lines earn, as read models keep it: formulas by line, sums by day.
//!
//! The formula is `ledger-core`'s [`Earning`]; here it is only stored and summed.

use ledger_core::accounting::Earning;
use schemas::event::{LineRef, RevenueSchedule};
use schemas::{Currency, Date, Minor};
use serde::{Deserialize, Serialize};

use crate::month::Month;

/// An [`Earning`] without the line and the currency that its owner knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct EarningRow {
    amount: Minor,
    schedule: RevenueSchedule,
    posted: Date,
    until: Option<Date>,
}

impl EarningRow {
    pub(crate) fn new(earning: &Earning) -> Self {
        let Earning { amount, schedule, posted, until, .. } = *earning;
        Self { amount, schedule, posted, until }
    }

    pub(crate) fn earning(self, line: LineRef, currency: Currency) -> Earning {
        let Self { amount, schedule, posted, until } = self;
        Earning { line, currency, amount, schedule, posted, until }
    }

    /// Ends it at the start of `from`; gives what no longer counts, day by day.
    pub(crate) fn stop(
        &mut self,
        line: LineRef,
        currency: Currency,
        from: Date,
    ) -> impl Iterator<Item = (Date, Minor)> + use<> {
        let mut earning = self.earning(line, currency);
        let counts = !earning.recognised_from(from).is_zero();
        let lost = counts.then(|| earning.daily().skip_while(move |(day, _)| *day < from));
        earning.stop(from);
        self.until = earning.until;
        lost.into_iter().flatten()
    }

    /// First and last month in which it may earn.
    pub(crate) fn months(&self) -> (Month, Month) {
        let last = match self.schedule {
            RevenueSchedule::Point(date) => date,
            RevenueSchedule::Straight(days) => days.end(),
        };
        (Month::of(self.posted), Month::of(last.max(self.posted)))
    }
}

/// The earnings of one line, with amendments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LineEarnings {
    pub(crate) line: u32,
    pub(crate) earnings: Vec<EarningRow>,
}

/// Daily amounts, told month by month: the month, the day's place in it, the amount.
pub(crate) fn by_month<E>(
    daily: impl Iterator<Item = (Date, Minor)>,
    mut each: impl FnMut(Month, usize, i128) -> Result<(), E>,
) -> Result<(), E> {
    let mut current: Option<(Month, Date)> = None;
    for (day, amount) in daily {
        let (month, _) = match current {
            Some((month, next)) if month.first_day() <= day && day < next => (month, next),
            Some(_) | None => {
                let month = Month::of(day);
                *current.insert((month, month.next_first_day()))
            }
        };
        each(month, month.index(day), amount.0.into())?;
    }
    Ok(())
}
