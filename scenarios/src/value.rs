//! Wanted values, values of the book, and when they are the same.
//!
//! # Correctness
//!
//! Amounts and quantities are compared as exact numbers: `7` is `7.00`. A ratio is a fraction:
//! `10/30` is `1/3`; wanted as a decimal, it is rounded half up to as many places as were
//! written. So is a line's exact value where more places are written than the currency has.

use core::fmt;

use schemas::event::CustomerZoneChanged;
use schemas::fraction::RoundingMode;
use schemas::time::{Date, Interval, Span, ZoneName};
use schemas::{Currency, Decimal, Fraction, Minor, Timestamp};

/// What an author wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// As written, or as it stands in the published case.
    pub text: String,
    /// It counts minor units.
    pub minor: bool,
    /// The value with the other sign is meant.
    pub negate: bool,
}

impl From<&str> for Wanted {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), minor: false, negate: false }
    }
}

/// Which offset from UTC makes the dates of a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DayZone {
    /// That of a zone at each instant.
    Zone(ZoneName),
    /// So many seconds east, always.
    Offset(i32),
    /// One until a customer moves, and then another.
    Moved(Box<Moved>),
}

/// A customer's move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    before: DayZone,
    /// The last day that begins by the zone before.
    from: Date,
    /// When it begins.
    at: Timestamp,
    after: DayZone,
}

impl DayZone {
    /// The same, and another from a day on; moves that were to come then or later do not come.
    pub(crate) fn moved(self, changed: &CustomerZoneChanged) -> Self {
        let (from, at) = (changed.from, changed.at);
        let after =
            changed.fixed_offset.map_or_else(|| Self::Zone(changed.zone.clone()), Self::Offset);
        match self {
            Self::Moved(moved) if moved.from >= from => moved.before.moved(changed),
            before @ (Self::Zone(_) | Self::Offset(_) | Self::Moved(_)) => {
                Self::Moved(Box::new(Moved { before, from, at, after }))
            }
        }
    }

    /// The date of an instant.
    pub fn date_at(&self, instant: Timestamp) -> Option<Date> {
        match self {
            Self::Zone(zone) => zone.date_at(instant).ok(),
            Self::Offset(seconds) => {
                let east = i64::from(*seconds) * 1_000_000;
                Timestamp::from_micros(instant.micros() + east).map(Timestamp::utc_date)
            }
            Self::Moved(moved) if instant < moved.at => moved.before.date_at(instant),
            Self::Moved(moved) => Some(moved.after.date_at(instant)?.max(moved.from)),
        }
    }

    /// A day starts with the instant.
    fn starts(&self, instant: Timestamp) -> bool {
        let before = Timestamp::from_micros(instant.micros() - 1);
        before.and_then(|before| self.date_at(before)) != self.date_at(instant)
    }
}

/// A value of the book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Got {
    /// An amount.
    Money(Minor, Currency),
    /// A line's value before rounding, in minor units.
    Exact(Fraction, Currency),
    /// A part of a cycle.
    Ratio(Fraction),
    /// A quantity or a price.
    Number(Decimal),
    /// How many.
    Count(usize),
    /// A day.
    Date(Date),
    /// An instant, and the zone in which it has a date.
    Instant(Timestamp, DayZone),
    /// Civil days.
    Days(Interval),
    /// Instants, and the zone in which they have dates.
    Span(Span, DayZone),
    /// A word.
    Word(String),
    /// There is none.
    Nothing,
}

impl fmt::Display for Got {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Money(minor, currency) => f.write_str(&minor.of(*currency).amount()),
            Self::Exact(minor, currency) => match major(*minor, *currency) {
                Some(value) => write!(f, "{value}"),
                None => write!(f, "{minor} minor units"),
            },
            Self::Ratio(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Count(count) => write!(f, "{count}"),
            Self::Date(date) => write!(f, "{date}"),
            Self::Instant(instant, zone) => match zone.date_at(*instant) {
                Some(date) if zone.starts(*instant) => write!(f, "{date}"),
                Some(_) | None => write!(f, "{instant}"),
            },
            Self::Days(days) => write!(f, "{days}"),
            Self::Span(span, zone) => {
                let at = |instant| Self::Instant(instant, zone.clone());
                write!(f, "{}/{}", at(span.start()), at(span.end()))
            }
            Self::Word(word) => f.write_str(word),
            Self::Nothing => f.write_str("none"),
        }
    }
}

impl Wanted {
    /// What it says in major units, for people.
    pub fn shown(&self, currency: Option<Currency>) -> String {
        let (scaled, plain) = (self.minor || self.negate, self.text.clone());
        match (scaled, self.number(currency)) {
            (true, Some(value)) => match decimal(value) {
                Some(value) => value,
                None => value.to_string(),
            },
            (true, None) | (false, _) => plain,
        }
    }

    /// It is the value.
    pub fn is(&self, got: &Got) -> bool {
        self.matches(got).unwrap_or(false)
    }

    /// None where it cannot be read as that kind of value.
    fn matches(&self, got: &Got) -> Option<bool> {
        Some(match got {
            Got::Money(minor, currency) => {
                self.number(Some(*currency))? == major(Fraction::whole(minor.0), *currency)?
            }
            Got::Exact(minor, currency) => {
                let fine = self.places() > u32::from(currency.exponent());
                self.is_number(major(*minor, *currency)?, Some(*currency), fine)?
            }
            Got::Ratio(value) => self.is_number(*value, None, true)?,
            Got::Number(value) => self.number(None)? == Fraction::of(*value).ok()?,
            Got::Count(count) => self.text.parse() == Ok(*count),
            Got::Date(date) => self.text.parse() == Ok(*date),
            Got::Instant(instant, zone) => is_instant(&self.text, *instant, zone)?,
            Got::Days(days) => {
                let (start, end) = interval(&self.text)?;
                start.parse() == Ok(days.start()) && end.parse() == Ok(days.end())
            }
            Got::Span(span, zone) => {
                let (start, end) = interval(&self.text)?;
                is_instant(start, span.start(), zone)? && is_instant(end, span.end(), zone)?
            }
            Got::Word(word) => self.text == *word,
            Got::Nothing => matches!(self.text.as_str(), "none" | "~" | "null"),
        })
    }

    /// `rounds`: a decimal stands for what rounds to it.
    fn is_number(&self, value: Fraction, currency: Option<Currency>, rounds: bool) -> Option<bool> {
        let wanted = self.number(currency)?;
        if wanted == value {
            return Some(true);
        }
        if !rounds || self.minor || self.text.contains('/') {
            return Some(false);
        }
        let scale = Fraction::whole(10_i64.checked_pow(self.places())?);
        let rounded = |value: Fraction| value.times(scale).ok()?.rounded(RoundingMode::HalfUp).ok();
        Some(rounded(wanted)? == rounded(value)?)
    }

    /// Decimal places as written.
    fn places(&self) -> u32 {
        let places = self.text.split_once('.').map_or(0, |(_, part)| part.len());
        u32::try_from(places).unwrap_or(u32::MAX)
    }

    /// The number that is meant, in major units.
    fn number(&self, currency: Option<Currency>) -> Option<Fraction> {
        let mut value = fraction(&self.text)?;
        if self.minor {
            value = major(value, currency?)?;
        }
        if self.negate { value.negated().ok() } else { Some(value) }
    }
}

/// `A/B` or `A..B`, spaces allowed.
fn interval(text: &str) -> Option<(&str, &str)> {
    let (start, end) = text.split_once('/').or_else(|| text.split_once(".."))?;
    Some((start.trim(), end.trim()))
}

/// A date means any instant of that day in the zone.
fn is_instant(text: &str, instant: Timestamp, zone: &DayZone) -> Option<bool> {
    if let Ok(date) = text.parse::<Date>() {
        return Some(zone.date_at(instant) == Some(date));
    }
    Some(text.parse::<Timestamp>().ok()? == instant)
}

/// Minor units as major units.
fn major(minor: Fraction, currency: Currency) -> Option<Fraction> {
    minor.times(Fraction::new(1, 10_i128.pow(u32::from(currency.exponent()))).ok()?).ok()
}

/// A decimal, or a fraction of two.
pub fn fraction(text: &str) -> Option<Fraction> {
    let read = |text: &str| Fraction::of(text.trim().trim_start_matches('+').parse().ok()?).ok();
    match text.split_once('/') {
        None => read(text),
        Some((above, below)) => {
            let below = read(below)?;
            let inverse = Fraction::new(below.denominator(), below.numerator()).ok()?;
            read(above)?.times(inverse).ok()
        }
    }
}

/// The digits of a fraction that has few of them.
fn decimal(value: Fraction) -> Option<String> {
    (0..=12_u32).find_map(|places| {
        let ten = 10_i128.pow(places);
        let scaled = value.times(Fraction::new(ten, 1).ok()?).ok()?;
        let whole = scaled.denominator() == 1;
        Decimal::from_parts(scaled.numerator(), places).filter(|_| whole).map(|it| it.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd() -> Currency {
        "USD".parse().expect("a currency")
    }

    fn wanted(text: &str) -> Wanted {
        Wanted::from(text)
    }

    #[test]
    fn amounts_are_compared_as_numbers() {
        let got = Got::Money(Minor(-700), usd());
        for same in ["-7", "-7.0", "-7.00", "-7.000", "-14/2"] {
            assert!(wanted(same).is(&got), "{same}");
        }
        for other in ["7", "-7.01", "", "x", "-700"] {
            assert!(!wanted(other).is(&got), "{other}");
        }
    }

    #[test]
    fn minor_units_and_the_other_sign_are_said_beside_the_figure() {
        let figure = Wanted { text: "364".to_owned(), minor: true, negate: true };
        assert!(figure.is(&Got::Money(Minor(-364), usd())));
        assert!(!figure.is(&Got::Money(Minor(364), usd())));
        assert_eq!(figure.shown(Some(usd())), "-3.64");
        let yen = "JPY".parse().expect("a currency");
        assert!(figure.is(&Got::Money(Minor(-364), yen)));
    }

    #[test]
    fn a_ratio_is_a_fraction_or_a_decimal_at_its_own_places() {
        let got = Got::Ratio(Fraction::new(14, 29).expect("a fraction"));
        for same in ["14/29", "28/58", "0.482758621", "0.48", "0.5"] {
            assert!(wanted(same).is(&got), "{same}");
        }
        for other in ["14/28", "0.482758620", "0.49"] {
            assert!(!wanted(other).is(&got), "{other}");
        }
    }

    #[test]
    fn an_exact_value_is_exact_unless_more_places_are_written_than_the_currency_has() {
        let got = Got::Exact(Fraction::new(12_995 * 11, 31).expect("a fraction"), usd());
        assert!(wanted("142945/3100").is(&got));
        assert!(wanted("46.11129").is(&got));
        assert!(!wanted("46.11").is(&got));
        assert!(!wanted("46.11128").is(&got));
    }

    #[test]
    fn days_are_read_with_a_slash_or_two_dots_in_the_zone_of_the_customer() {
        let zone: ZoneName = "America/Los_Angeles".parse().expect("a zone");
        let start = zone.start_of("2017-03-31".parse().expect("a day")).expect("there");
        let end = zone.start_of("2017-04-30".parse().expect("a day")).expect("there");
        let got = Got::Span(Span::new(start, end).expect("in order"), DayZone::Zone(zone));
        assert!(wanted("2017-03-31/2017-04-30").is(&got));
        assert!(wanted("2017-03-31..2017-04-30").is(&got));
        assert!(wanted("2017-03-31T07:00:00Z/2017-04-30T07:00:00Z").is(&got));
        assert!(!wanted("2017-04-01/2017-04-30").is(&got));
        assert_eq!(got.to_string(), "2017-03-31/2017-04-30");
    }
}
