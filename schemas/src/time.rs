//! Time as data: instants in UTC, civil dates, half-open intervals, zone names.
//!
//! Nothing here reads a clock. Instants are whole microseconds; dates are proleptic Gregorian
//! days. Source of the zone rules: the IANA database that `jiff` bundles.

mod intervals;

pub use intervals::{Interval, Span};

use core::fmt;
use core::str::FromStr;

use jiff::civil;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::zone_rules::with_rules;
pub use crate::zone_rules::{without_zones, zone_is_asked};

/// A time that could not be read or computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// The text is no date.
    #[error("{0:?} is not a date; write YYYY-MM-DD between 1900-01-01 and 2999-12-31")]
    NotDate(String),
    /// The text is no instant.
    #[error(
        "{0:?} is not an instant; write RFC 3339 in UTC such as 2026-01-31T09:30:00Z, to the microsecond at most"
    )]
    NotTimestamp(String),
    /// The zone is not in the bundled database.
    #[error("{0:?} is not an IANA time zone; use a name such as Europe/Berlin")]
    UnknownZone(String),
    /// A computed date left the years 1900 to 2999.
    #[error("{what} leaves the years 1900 to 2999; choose dates inside them")]
    OutOfRange {
        /// What was being computed.
        what: &'static str,
    },
    /// An interval that does not end after it starts.
    #[error(
        "the interval {start}/{end} is empty; the end is exclusive and must come after the start"
    )]
    EmptyInterval {
        /// First day.
        start: Date,
        /// Day after the last.
        end: Date,
    },
}

fn clipped(text: &str) -> String {
    text.chars().take(64).collect()
}

/// A civil date between 1900-01-01 and 2999-12-31.
///
/// JSON: `YYYY-MM-DD`. Stored: days since 1970-01-01.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i32);

/// Days from 0000-03-01 to 1970-01-01 in the proleptic Gregorian calendar.
const EPOCH: civil::Date = civil::Date::constant(1970, 1, 1);

impl Date {
    /// The first date that can be used.
    pub const MIN: Self = Self(-25_567);
    /// The last date that can be used.
    pub const MAX: Self = Self(376_199);

    /// A date from its parts; for constants in tests and tables.
    ///
    /// # Errors
    /// [`TimeError::NotDate`] when there is no such day or it lies outside the range.
    pub fn new(year: i16, month: i8, day: i8) -> Result<Self, TimeError> {
        civil::Date::new(year, month, day)
            .ok()
            .and_then(|date| Self::from_civil(date).ok())
            .ok_or_else(|| TimeError::NotDate(format!("{year}-{month}-{day}")))
    }

    /// From the calendar library's date.
    ///
    /// # Errors
    /// [`TimeError::OutOfRange`] outside 1900 to 2999.
    pub fn from_civil(date: civil::Date) -> Result<Self, TimeError> {
        let days = (date.duration_since(EPOCH).as_secs()) / 86_400;
        i32::try_from(days)
            .ok()
            .and_then(Self::from_days)
            .ok_or(TimeError::OutOfRange { what: "the date" })
    }

    /// The calendar library's date.
    pub fn civil(self) -> civil::Date {
        EPOCH + jiff::Span::new().days(self.0)
    }

    /// From days since 1970-01-01, when inside the range.
    pub fn from_days(days: i32) -> Option<Self> {
        (Self::MIN.0..=Self::MAX.0).contains(&days).then_some(Self(days))
    }

    /// Days since 1970-01-01.
    pub const fn days(self) -> i32 {
        self.0
    }

    /// This date and `days` more, which may be negative.
    ///
    /// # Errors
    /// [`TimeError::OutOfRange`] outside 1900 to 2999.
    pub fn plus_days(self, days: i32) -> Result<Self, TimeError> {
        self.0
            .checked_add(days)
            .and_then(Self::from_days)
            .ok_or(TimeError::OutOfRange { what: "adding days" })
    }

    /// Whole days from `earlier` to this date; negative if this date is the earlier one.
    pub const fn days_since(self, earlier: Self) -> i32 {
        self.0 - earlier.0
    }

    /// The first day of this date's month.
    #[must_use]
    pub fn first_of_month(self) -> Self {
        let day = i32::from(self.civil().day());
        Self((self.0 - day + 1).max(Self::MIN.0))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = self.civil();
        write!(f, "{:04}-{:02}-{:02}", date.year(), date.month(), date.day())
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Date {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let wrong = || TimeError::NotDate(clipped(text));
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return Err(wrong());
        }
        let part = |range| text.get(range).and_then(|p: &str| p.parse::<u16>().ok());
        let (Some(y), Some(m), Some(d)) = (part(0..4), part(5..7), part(8..10)) else {
            return Err(wrong());
        };
        let narrow = |n: u16| i8::try_from(n).map_err(|_| wrong());
        Self::new(i16::try_from(y).map_err(|_| wrong())?, narrow(m)?, narrow(d)?)
            .map_err(|_| wrong())
    }
}

/// An instant, in whole microseconds of UTC.
///
/// JSON: RFC 3339 with `Z`. Stored: microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since the Unix epoch, when inside the years 1900 to 2999.
    pub fn from_micros(micros: i64) -> Option<Self> {
        let day = i32::try_from(micros.div_euclid(86_400_000_000)).ok()?;
        Date::from_days(day).map(|_| Self(micros))
    }

    /// The last midnight that can be used.
    pub const MAX: Self = Self(376_199 * 86_400_000_000);

    /// Microseconds since the Unix epoch.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The calendar library's instant.
    pub fn instant(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0)
            .expect("the years 1900 to 2999 lie inside the library's range")
    }

    /// Midnight UTC at the start of `date`.
    pub fn start_of_utc(date: Date) -> Self {
        Self(i64::from(date.days()) * 86_400_000_000)
    }

    /// The civil date at this instant in UTC.
    pub fn utc_date(self) -> Date {
        let days = self.0.div_euclid(86_400_000_000);
        Date::from_days(i32::try_from(days).expect("checked when it was made"))
            .expect("checked when it was made")
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.instant(), f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let wrong = || TimeError::NotTimestamp(clipped(text));
        let instant: jiff::Timestamp = text.parse().map_err(|_| wrong())?;
        if instant.subsec_nanosecond() % 1_000 != 0 {
            return Err(wrong());
        }
        Self::from_micros(instant.as_microsecond()).ok_or_else(wrong)
    }
}

/// A time zone of the IANA database, by name; known to exist.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ZoneName(String);

impl ZoneName {
    /// UTC.
    pub fn utc() -> Self {
        Self("UTC".to_owned())
    }

    /// The name as in the database.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The civil date at `instant` in this zone.
    ///
    /// # Errors
    /// [`TimeError::OutOfRange`] outside 1900 to 2999; [`TimeError::UnknownZone`] when this
    /// build's database lacks a zone that an older log names.
    pub fn date_at(&self, instant: Timestamp) -> Result<Date, TimeError> {
        zone_is_asked();
        if self.0 == "UTC" {
            return Ok(instant.utc_date());
        }
        self.with_rules(|rules| Date::from_civil(rules.to_datetime(instant.instant()).date()))?
    }

    /// The first instant of `date` in this zone (after midnight where a clock change skips it).
    ///
    /// # Errors
    /// As [`ZoneName::date_at`].
    pub fn start_of(&self, date: Date) -> Result<Timestamp, TimeError> {
        zone_is_asked();
        if self.0 == "UTC" {
            return Ok(Timestamp::start_of_utc(date));
        }
        let rules = self.with_rules(jiff::tz::TimeZone::clone)?;
        let zoned = date
            .civil()
            .to_zoned_datetime(rules)
            .and_then(|z| z.start_of_day())
            .map_err(|_| TimeError::OutOfRange { what: "the start of the day" })?;
        Timestamp::from_micros(zoned.timestamp().as_microsecond())
            .ok_or(TimeError::OutOfRange { what: "the start of the day" })
    }

    /// The civil date and time of day at `instant` in this zone.
    ///
    /// # Errors
    /// As [`ZoneName::date_at`].
    pub fn civil_at(&self, instant: Timestamp) -> Result<civil::DateTime, TimeError> {
        zone_is_asked();
        if self.0 == "UTC" {
            return Ok(jiff::tz::TimeZone::UTC.to_datetime(instant.instant()));
        }
        self.with_rules(|rules| rules.to_datetime(instant.instant()))
    }

    /// The instant of a civil date and time of day in this zone. A time that a clock change
    /// skips is moved forward by the gap; of a time that occurs twice the first is taken
    /// (RFC 5545, 3.3.5).
    ///
    /// # Errors
    /// As [`ZoneName::date_at`].
    pub fn instant_of(&self, civil: civil::DateTime) -> Result<Timestamp, TimeError> {
        zone_is_asked();
        let out = || TimeError::OutOfRange { what: "the instant of a civil time" };
        let rules = if self.0 == "UTC" {
            jiff::tz::TimeZone::UTC
        } else {
            self.with_rules(jiff::tz::TimeZone::clone)?
        };
        let instant = rules.to_ambiguous_timestamp(civil).compatible().map_err(|_| out())?;
        Timestamp::from_micros(instant.as_microsecond()).ok_or_else(out)
    }

    /// Seconds east of UTC at `instant` in this zone.
    ///
    /// # Errors
    /// As [`ZoneName::date_at`].
    pub fn offset_at(&self, instant: Timestamp) -> Result<i32, TimeError> {
        zone_is_asked();
        if self.0 == "UTC" {
            return Ok(0);
        }
        self.with_rules(|rules| rules.to_offset(instant.instant()).seconds())
    }

    /// Rules from the bundled database only, so that every machine computes the same dates.
    fn with_rules<T>(
        &self,
        use_rules: impl FnOnce(&jiff::tz::TimeZone) -> T,
    ) -> Result<T, TimeError> {
        with_rules(&self.0, use_rules).ok_or_else(|| TimeError::UnknownZone(clipped(&self.0)))
    }
}

impl FromStr for ZoneName {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        with_rules(text, |rules| Self(rules.iana_name().unwrap_or("UTC").to_owned()))
            .ok_or_else(|| TimeError::UnknownZone(clipped(text)))
    }
}

impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Text for people, compact numbers for storage.
macro_rules! two_forms {
    ($name:ident, $stored:ty, $to:expr, $from:expr, $schema:expr) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.collect_str(self)
                } else {
                    let to: fn(&$name) -> $stored = $to;
                    to(self).serialize(serializer)
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = String::deserialize(deserializer)?;
                    text.parse().map_err(de::Error::custom)
                } else {
                    let from: fn($stored) -> Option<$name> = $from;
                    from(<$stored>::deserialize(deserializer)?).ok_or_else(|| {
                        de::Error::custom(concat!("stored ", stringify!($name), " is out of range"))
                    })
                }
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $schema
            }
        }
    };
}

two_forms!(
    Date,
    i32,
    |date| date.0,
    Date::from_days,
    schemars::json_schema!({"type": "string", "format": "date", "description": "YYYY-MM-DD"})
);
two_forms!(
    Timestamp,
    i64,
    |instant| instant.0,
    Timestamp::from_micros,
    schemars::json_schema!({"type": "string", "format": "date-time", "description": "RFC 3339, UTC"})
);
two_forms!(
    Interval,
    (Date, Date),
    |i| (i.start(), i.end()),
    |(start, end)| Interval::new(start, end).ok(),
    schemars::json_schema!({
        "type": "string",
        "description": "Days from the first date up to but not including the second",
        "pattern": "^\\d{4}-\\d{2}-\\d{2}/\\d{4}-\\d{2}-\\d{2}$",
    })
);
two_forms!(
    Span,
    (Timestamp, Timestamp),
    |s| (s.start(), s.end()),
    |(start, end)| Span::new(start, end),
    schemars::json_schema!({
        "type": "string",
        "description": "From the first instant (RFC 3339, UTC) up to but not including the second",
    })
);
// A stored zone is not looked up again: a zone that a later database drops must not make an old
// log unreadable. It was known when the command was accepted.
two_forms!(
    ZoneName,
    String,
    |zone| zone.0.clone(),
    |name| Some(ZoneName(name)),
    schemars::json_schema!({"type": "string", "description": "IANA time zone such as Europe/Berlin"})
);

#[cfg(test)]
mod tests;
