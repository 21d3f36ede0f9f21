//! What one customer is billed by: the book's policies and the customer's own days.

use schemas::terms::{ChangeBilling, Policies, Proration, Settle};
use schemas::time::TimeError;
use schemas::{Date, Timestamp, ZoneName};
use serde::{Deserialize, Serialize};

use super::clock::{Clock, LocalTime};

/// What one customer is billed by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rules {
    pub(crate) policies: Policies,
    pub(crate) local: LocalTime,
}

impl Rules {
    /// The rules of a customer: its zone's days, or those of a fixed offset in seconds.
    pub(crate) fn new(policies: Policies, zone: &ZoneName, fixed_offset: Option<i32>) -> Self {
        Self { policies, local: LocalTime::new(Clock::of(zone, fixed_offset)) }
    }

    /// Whether time is counted in civil days.
    pub(crate) const fn by_days(&self) -> bool {
        match self.policies.proration {
            Proration::BySecond | Proration::ByMillisecond | Proration::ByMinute => false,
            Proration::ByDayHalfOpen
            | Proration::ByDayInclusive
            | Proration::Fixed30
            | Proration::Actual
            | Proration::ActualOver30
            | Proration::Strict30360 => true,
        }
    }

    /// The instant from which a change counts: the start of its day where days are counted.
    pub(crate) fn moment(&self, instant: Timestamp) -> Result<Timestamp, TimeError> {
        let unit = match self.policies.proration {
            Proration::BySecond => 1_000_000,
            Proration::ByMillisecond => 1_000,
            Proration::ByMinute => 60_000_000,
            Proration::ByDayHalfOpen
            | Proration::ByDayInclusive
            | Proration::Fixed30
            | Proration::Actual
            | Proration::ActualOver30
            | Proration::Strict30360 => return self.local.start_of(self.local.date_at(instant)?),
        };
        let micros = instant.micros() - instant.micros().rem_euclid(unit);
        Timestamp::from_micros(micros).ok_or(TimeError::OutOfRange { what: "a time" })
    }

    /// The instant at which a subscription ends that is ended at `instant`. Where the last day
    /// counts as used, that is the start of the next day.
    pub(crate) fn ending(&self, instant: Timestamp) -> Result<Timestamp, TimeError> {
        if self.policies.proration == Proration::ByDayInclusive {
            return self.local.start_of(self.local.date_at(instant)?.plus_days(1)?);
        }
        self.moment(instant)
    }

    /// How a difference is billed if the command does not say.
    pub(crate) const fn settle(&self, asked: Option<Settle>) -> Settle {
        match (asked, self.policies.change_billing) {
            (Some(asked), _) => asked,
            (None, ChangeBilling::NextInvoice) => Settle::Next,
            (None, ChangeBilling::AtOnce) => Settle::Now,
        }
    }

    /// The civil date of an instant.
    pub(crate) fn date(&self, instant: Timestamp) -> Result<Date, TimeError> {
        self.local.date_at(instant)
    }
}
