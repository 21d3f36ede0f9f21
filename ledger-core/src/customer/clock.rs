//! How instants become a customer's civil days, also where it moves from one zone to another.
//!
//! # Shape
//!
//! A [`Clock`] is a zone or a fixed offset. [`LocalTime`] is the clock that a customer began with
//! and, for each move, a [`Switch`] to another one.
//!
//! # Ordering
//!
//! A switch names a day. That day and those before begin by the clock before; later days begin by
//! the new one. So the instants of days stay in order and have no gap between them: of the days
//! around a switch one is longer or shorter than others, by as much as the clocks differ. Where
//! that is a whole day or more (across the date line), the day has no instant of its own.
//!
//! # Correctness
//!
//! `date_at(start_of(day)) == day` for every day that has an instant; `start_of` never goes back
//! as days go forward; what lies before a switch is never counted by the clock behind it.

use jiff::civil;
use jiff::tz::{Offset, TimeZone};
use schemas::event::CustomerZoneChanged;
use schemas::terms::ZoneRule;
use schemas::text::Label;
use schemas::time::{TimeError, zone_is_asked};
use schemas::{Date, Span, Timestamp, ZoneName};
use serde::{Deserialize, Serialize};

/// How instants become civil dates, for as long as nobody moves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Clock {
    /// By the rules of a zone.
    Zone(ZoneName),
    /// So many seconds east of UTC, for ever.
    Fixed(i32),
}

impl Clock {
    /// The clock of a zone, or of an offset in seconds that is kept for ever.
    pub(crate) fn of(zone: &ZoneName, fixed_offset: Option<i32>) -> Self {
        fixed_offset.map_or_else(|| Self::Zone(zone.clone()), Self::Fixed)
    }

    /// The offset that days are counted at for ever from `at` on, where the policies say so.
    ///
    /// # Errors
    /// An instant that the zone has no offset for.
    pub(crate) fn fixed_offset(
        rule: ZoneRule,
        zone: &ZoneName,
        at: Timestamp,
    ) -> Result<Option<i32>, TimeError> {
        match rule {
            ZoneRule::IanaZone => Ok(None),
            ZoneRule::FixedOffsetAtCreation => zone.offset_at(at).map(Some),
        }
    }

    fn date_at(&self, instant: Timestamp) -> Result<Date, TimeError> {
        match self {
            Self::Zone(zone) => zone.date_at(instant),
            Self::Fixed(_) => Date::from_civil(self.civil_at(instant)?.date()),
        }
    }

    fn civil_at(&self, instant: Timestamp) -> Result<civil::DateTime, TimeError> {
        match self {
            Self::Zone(zone) => zone.civil_at(instant),
            Self::Fixed(seconds) => Ok(fixed(*seconds)?.to_datetime(instant.instant())),
        }
    }

    fn instant_of(&self, civil: civil::DateTime) -> Result<Timestamp, TimeError> {
        match self {
            Self::Zone(zone) => zone.instant_of(civil),
            Self::Fixed(seconds) => {
                let instant = fixed(*seconds)?.to_timestamp(civil).map_err(|_| OUT_OF_RANGE)?;
                Timestamp::from_micros(instant.as_microsecond()).ok_or(OUT_OF_RANGE)
            }
        }
    }

    fn start_of(&self, date: Date) -> Result<Timestamp, TimeError> {
        match self {
            Self::Zone(zone) => zone.start_of(date),
            Self::Fixed(_) => self.instant_of(midnight(date)),
        }
    }

    /// The name of the zone, or the offset such as `-08:00`.
    fn name(&self) -> String {
        match self {
            Self::Zone(zone) => zone.to_string(),
            Self::Fixed(seconds) => {
                let (sign, minutes) = (if *seconds < 0 { '-' } else { '+' }, seconds.abs() / 60);
                format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

const OUT_OF_RANGE: TimeError = TimeError::OutOfRange { what: "a time in a fixed offset" };

fn fixed(seconds: i32) -> Result<TimeZone, TimeError> {
    zone_is_asked();
    Offset::from_seconds(seconds).map(TimeZone::fixed).map_err(|_| OUT_OF_RANGE)
}

fn midnight(date: Date) -> civil::DateTime {
    date.civil().at(0, 0, 0, 0)
}

/// A move to another clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Switch {
    /// The last day that begins by the clock before.
    from: Date,
    /// When that day begins: from here on the new clock counts.
    at: Timestamp,
    clock: Clock,
}

/// How a customer's instants become civil dates.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LocalTime {
    first: Clock,
    /// In the order of time; of days and of instants.
    switches: Vec<Switch>,
}

impl LocalTime {
    pub(crate) const fn new(first: Clock) -> Self {
        Self { first, switches: Vec::new() }
    }

    /// A day from which on another clock counts. Switches that were to come on that day or later
    /// do not come.
    pub(crate) fn switch(&mut self, from: Date, at: Timestamp, clock: Clock) {
        self.switches.retain(|switch| switch.from < from);
        if *self.last() != clock {
            self.switches.push(Switch { from, at, clock });
        }
    }

    /// The same as [`LocalTime::switch`], as an event says it.
    pub(crate) fn follow(&mut self, changed: &CustomerZoneChanged) {
        let clock = Clock::of(&changed.zone, changed.fixed_offset);
        self.switch(changed.from, changed.at, clock);
    }

    /// The clock that counts once every move has been made.
    pub(crate) fn last(&self) -> &Clock {
        self.switches.last().map_or(&self.first, |switch| &switch.clock)
    }

    /// The clock at an instant, and the switch to it.
    fn clock_at(&self, instant: Timestamp) -> (&Clock, Option<&Switch>) {
        let passed = self.switches.iter().rfind(|switch| switch.at <= instant);
        (passed.map_or(&self.first, |switch| &switch.clock), passed)
    }

    pub(crate) fn date_at(&self, instant: Timestamp) -> Result<Date, TimeError> {
        let (clock, since) = self.clock_at(instant);
        let date = clock.date_at(instant)?;
        Ok(since.map_or(date, |switch| date.max(switch.from)))
    }

    /// The date of an instant that was laid down at another one. Where it was to be the start of a
    /// day, and a move has made it none, it counts by the clock of then: what ended before the
    /// move keeps its days.
    pub(crate) fn date_foreseen(
        &self,
        from: Timestamp,
        instant: Timestamp,
    ) -> Result<Date, TimeError> {
        let date = self.date_at(instant)?;
        let (clock, since) = self.clock_at(from);
        let moved = self.clock_at(instant).1 != since;
        if instant <= from || !moved || self.start_of(date)? == instant {
            return Ok(date);
        }
        let then = clock.date_at(instant)?;
        let then = since.map_or(then, |switch| then.max(switch.from));
        Ok(if clock.start_of(then)? == instant { then } else { date })
    }

    pub(crate) fn civil_at(&self, instant: Timestamp) -> Result<civil::DateTime, TimeError> {
        let (clock, since) = self.clock_at(instant);
        let civil = clock.civil_at(instant)?;
        Ok(match since {
            None => civil,
            // The day has just begun, whatever time it is by the new clock.
            Some(switch) if switch.at == instant => midnight(self.date_at(instant)?),
            Some(switch) => civil.max(midnight(switch.from)),
        })
    }

    pub(crate) fn instant_of(&self, civil: civil::DateTime) -> Result<Timestamp, TimeError> {
        let date = Date::from_civil(civil.date())?;
        let place = self.switches.partition_point(|switch| switch.from <= date);
        let since = place.checked_sub(1).map(|at| &self.switches[at]);
        let clock = since.map_or(&self.first, |switch| &switch.clock);
        let instant = match since {
            Some(switch) if switch.from == date && civil == midnight(date) => switch.at,
            Some(switch) => clock.instant_of(civil)?.max(switch.at),
            None => clock.instant_of(civil)?,
        };
        Ok(self.switches.get(place).map_or(instant, |next| instant.min(next.at)))
    }

    pub(crate) fn start_of(&self, date: Date) -> Result<Timestamp, TimeError> {
        // The day of a switch begins by the clock before.
        let place = self.switches.partition_point(|switch| switch.from < date);
        let since = place.checked_sub(1).map(|at| &self.switches[at]);
        let clock = since.map_or(&self.first, |switch| &switch.clock);
        let start = clock.start_of(date)?;
        Ok(since.map_or(start, |switch| start.max(switch.at)))
    }

    /// The first day that does not begin before an instant.
    ///
    /// # Errors
    /// A day that cannot be computed.
    pub(crate) fn first_day_from(&self, instant: Timestamp) -> Result<Date, TimeError> {
        let date = self.date_at(instant)?;
        if self.start_of(date)? < instant { date.plus_days(1) } else { Ok(date) }
    }

    /// The instant that is to this clock what `instant` was to another: the same time of the same
    /// day, and the start of a day where it was that.
    ///
    /// # Errors
    /// A time that cannot be computed.
    pub(crate) fn same_time(
        &self,
        before: &Self,
        instant: Timestamp,
    ) -> Result<Timestamp, TimeError> {
        let date = before.date_at(instant)?;
        if before.start_of(date)? == instant {
            return self.start_of(date);
        }
        self.instant_of(before.civil_at(instant)?)
    }

    /// What the days of a span are counted by: the name of the zone, or the offset such as
    /// `-08:00`; both, with the day between, where the clock changes inside.
    pub(crate) fn label(&self, span: Span) -> Label {
        let inside = |switch: &&Switch| span.start() <= switch.at && switch.at < span.end();
        let before = self.switches.iter().rfind(|switch| switch.at < span.start());
        let mut text = before.map_or(&self.first, |switch| &switch.clock).name();
        for switch in self.switches.iter().filter(inside) {
            text = format!("{text} to {}, then {}", switch.from, switch.clock.name());
        }
        text.truncate(text.floor_char_boundary(200));
        Label::try_from(text).expect("names of zones are short and printable")
    }
}

#[cfg(test)]
mod tests;
