//! What one customer is billed by: the book's policies and the customer's own days.

use jiff::civil;
use jiff::tz::{Offset, TimeZone};
use schemas::terms::{ChangeBilling, Policies, Proration, Settle, ZoneRule};
use schemas::text::Label;
use schemas::time::{TimeError, zone_is_asked};
use schemas::{Date, Timestamp, ZoneName};
use serde::{Deserialize, Serialize};

/// How instants become civil dates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LocalTime {
    /// By the rules of a zone.
    Zone(ZoneName),
    /// So many seconds east of UTC, for ever.
    Fixed(i32),
}

impl LocalTime {
    pub(crate) fn date_at(&self, instant: Timestamp) -> Result<Date, TimeError> {
        match self {
            Self::Zone(zone) => zone.date_at(instant),
            Self::Fixed(_) => Date::from_civil(self.civil_at(instant)?.date()),
        }
    }

    pub(crate) fn civil_at(&self, instant: Timestamp) -> Result<civil::DateTime, TimeError> {
        match self {
            Self::Zone(zone) => zone.civil_at(instant),
            Self::Fixed(seconds) => Ok(fixed(*seconds)?.to_datetime(instant.instant())),
        }
    }

    pub(crate) fn instant_of(&self, civil: civil::DateTime) -> Result<Timestamp, TimeError> {
        match self {
            Self::Zone(zone) => zone.instant_of(civil),
            Self::Fixed(seconds) => {
                let instant = fixed(*seconds)?.to_timestamp(civil).map_err(|_| OUT_OF_RANGE)?;
                Timestamp::from_micros(instant.as_microsecond()).ok_or(OUT_OF_RANGE)
            }
        }
    }

    pub(crate) fn start_of(&self, date: Date) -> Result<Timestamp, TimeError> {
        match self {
            Self::Zone(zone) => zone.start_of(date),
            Self::Fixed(_) => self.instant_of(date.civil().at(0, 0, 0, 0)),
        }
    }

    /// The name of the zone, or the offset such as `-08:00`.
    pub(crate) fn label(&self) -> Label {
        let text = match self {
            Self::Zone(zone) => zone.to_string(),
            Self::Fixed(seconds) => {
                let (sign, minutes) = (if *seconds < 0 { '-' } else { '+' }, seconds.abs() / 60);
                format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        };
        Label::try_from(text).expect("zone names are short and printable")
    }
}

const OUT_OF_RANGE: TimeError = TimeError::OutOfRange { what: "a time in a fixed offset" };

fn fixed(seconds: i32) -> Result<TimeZone, TimeError> {
    zone_is_asked();
    Offset::from_seconds(seconds).map(TimeZone::fixed).map_err(|_| OUT_OF_RANGE)
}

/// What one customer is billed by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rules {
    pub(crate) policies: Policies,
    pub(crate) local: LocalTime,
}

impl Rules {
    /// The rules of a customer: its zone's days, or those of a fixed offset in seconds.
    pub(crate) fn new(policies: Policies, zone: &ZoneName, fixed_offset: Option<i32>) -> Self {
        let local = fixed_offset.map_or_else(|| LocalTime::Zone(zone.clone()), LocalTime::Fixed);
        Self { policies, local }
    }

    /// The offset that a customer registered at `at` keeps for ever, where the policies say so.
    ///
    /// # Errors
    /// An instant that the zone has no offset for.
    pub(crate) fn fixed_offset(
        policies: Policies,
        zone: &ZoneName,
        at: Timestamp,
    ) -> Result<Option<i32>, TimeError> {
        match policies.zone {
            ZoneRule::IanaZone => Ok(None),
            ZoneRule::FixedOffsetAtCreation => zone.offset_at(at).map(Some),
        }
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
        Timestamp::from_micros(micros).ok_or(OUT_OF_RANGE)
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
