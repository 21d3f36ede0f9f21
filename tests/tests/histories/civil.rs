//! Civil time of these tests' own: days in a zone, and how long a span is by a policy.

use jiff::civil::Date as Civil;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use schemas::terms::{Policies, Proration, ZoneRule};
use schemas::{Span, Timestamp, ZoneName};

/// Where the days of a customer begin, and what time is counted in.
#[derive(Debug, Clone)]
pub(crate) struct Local {
    zone: TimeZone,
    proration: Proration,
}

impl Local {
    /// For a customer of a zone that was registered at an instant.
    pub(crate) fn new(policies: &Policies, zone: &ZoneName, registered: Timestamp) -> Self {
        let zone = TimeZoneDatabase::bundled().get(zone.as_str()).expect("it is bundled");
        let zone = match policies.zone {
            ZoneRule::IanaZone => zone,
            ZoneRule::FixedOffsetAtCreation => {
                TimeZone::fixed(zone.to_offset(registered.instant()))
            }
        };
        Self { zone, proration: policies.proration }
    }

    pub(crate) fn date(&self, at: Timestamp) -> Civil {
        self.zone.to_datetime(at.instant()).date()
    }

    /// The number of the civil day.
    pub(crate) fn day(&self, at: Timestamp) -> i64 {
        days_of(self.date(at))
    }

    fn start_of(&self, date: Civil) -> Timestamp {
        let zoned =
            date.to_zoned_datetime(self.zone.clone()).and_then(|zoned| zoned.start_of_day());
        let micros = zoned.expect("a day of this century").timestamp().as_microsecond();
        Timestamp::from_micros(micros).expect("a time of this century")
    }

    const fn counts_days(&self) -> bool {
        match self.proration {
            Proration::BySecond | Proration::ByMillisecond | Proration::ByMinute => false,
            Proration::ByDayHalfOpen
            | Proration::ByDayInclusive
            | Proration::Fixed30
            | Proration::Actual
            | Proration::ActualOver30
            | Proration::Strict30360 => true,
        }
    }

    /// Microseconds in the unit that is counted, where it is no day.
    const fn unit(&self) -> Option<i64> {
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

    /// From when on a change at an instant counts.
    pub(crate) fn moment(&self, at: Timestamp) -> Timestamp {
        match self.unit() {
            Some(unit) => Timestamp::from_micros(at.micros() - at.micros().rem_euclid(unit))
                .expect("a time of this century"),
            None => self.start_of(self.date(at)),
        }
    }

    /// How long a span is, in the unit that is counted.
    pub(crate) fn length(&self, span: Span) -> i128 {
        match self.unit() {
            Some(unit) => i128::from(span.end().micros() / unit - span.start().micros() / unit),
            None => i128::from(self.day(span.end()) - self.day(span.start())),
        }
    }

    /// Whether an instant may bound time that is billed.
    pub(crate) fn is_boundary(&self, at: Timestamp) -> bool {
        !self.counts_days() || self.moment(at) == at
    }

    /// Lengths of parts add up to the length of the whole, and amounts are proportional to them.
    pub(crate) const fn is_linear(&self) -> bool {
        match self.proration {
            Proration::BySecond
            | Proration::ByMillisecond
            | Proration::ByMinute
            | Proration::ByDayHalfOpen
            | Proration::ByDayInclusive => true,
            Proration::Fixed30
            | Proration::Actual
            | Proration::ActualOver30
            | Proration::Strict30360 => false,
        }
    }
}

/// Days since 1970-01-01.
pub(crate) fn days_of(date: Civil) -> i64 {
    date.duration_since(Civil::constant(1970, 1, 1)).as_hours() / 24
}
