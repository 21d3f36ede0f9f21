//! Posted amounts: whole minor units of one currency, checked arithmetic only.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::currency::Currency;

/// Arithmetic on amounts that has no right answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// The result does not fit 64 bits.
    #[error("the amount leaves the range of 64-bit minor units; split it")]
    Overflow,
    /// Two currencies in one sum.
    #[error("{left} and {right} cannot be added; convert one at a recorded rate first")]
    CurrencyMismatch {
        /// Currency of the first amount.
        left: Currency,
        /// Currency of the second.
        right: Currency,
    },
}

/// The most that one amount may be, in minor units: sums of many still fit 64 bits.
pub const MAX_AMOUNT: Minor = Minor(1_000_000_000_000_000);

/// A number of minor units whose currency stands beside it, as on the lines of an invoice.
///
/// JSON: an integer. Arithmetic is checked.
#[derive(
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(transparent)]
pub struct Minor(pub i64);

impl Minor {
    /// 0.
    pub const ZERO: Self = Self(0);

    /// The sum.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] beyond 64 bits.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_add(other.0).map(Self).ok_or(MoneyError::Overflow)
    }

    /// The difference.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] beyond 64 bits.
    pub fn minus(self, other: Self) -> Result<Self, MoneyError> {
        self.0.checked_sub(other.0).map(Self).ok_or(MoneyError::Overflow)
    }

    /// The amount with the other sign.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] for the smallest 64-bit number.
    pub fn negated(self) -> Result<Self, MoneyError> {
        self.0.checked_neg().map(Self).ok_or(MoneyError::Overflow)
    }

    /// The sum of many.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when any partial sum leaves 64 bits.
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::ZERO, Self::plus)
    }

    /// More than nothing.
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// Nothing.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// This many minor units of `currency`.
    pub const fn of(self, currency: Currency) -> Money {
        Money { minor: self, currency }
    }
}

impl fmt::Display for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Minor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// An amount of one currency.
///
/// JSON in: `{"amount": "12.34", "currency": "EUR"}` with at most the currency's decimal places.
/// JSON out: the same and `amount_minor`, an integer. Stored: minor units and the code.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    minor: Minor,
    currency: Currency,
}

impl Money {
    /// The minor units.
    pub const fn minor(self) -> Minor {
        self.minor
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The sum.
    ///
    /// # Errors
    /// [`MoneyError`] beyond 64 bits or when the currencies differ.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch {
                left: self.currency,
                right: other.currency,
            });
        }
        Ok(self.minor.plus(other.minor)?.of(self.currency))
    }

    /// The amount in major units, padded to the currency's places: `12.30`, `-0.05`, `1200`.
    pub fn amount(self) -> String {
        let places = usize::from(self.currency.exponent());
        let digits = format!("{:0>width$}", self.minor.0.unsigned_abs(), width = places + 1);
        let sign = if self.minor.0 < 0 { "-" } else { "" };
        let (whole, part) = digits.split_at(digits.len() - places);
        if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
    }

    /// Reads major units, such as `12.34`, without rounding.
    ///
    /// # Errors
    /// A sentence for the sender: not digits, too many places, or beyond 64 bits.
    pub fn parse(amount: &str, currency: Currency) -> Result<Self, AmountError> {
        let places = currency.exponent();
        let wrong = || AmountError::NotAmount(amount.chars().take(64).collect());
        let (negative, digits) = match amount.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, amount),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let dotted = digits.contains('.');
        if whole.is_empty() || (dotted && part.is_empty()) || digits.len() > 40 {
            return Err(wrong());
        }
        if !whole.bytes().chain(part.bytes()).all(|b| b.is_ascii_digit()) {
            return Err(wrong());
        }
        if part.len() > usize::from(places) {
            return Err(AmountError::TooFine { currency, places });
        }
        let padded = format!("{whole}{part:0<width$}", width = usize::from(places));
        let unsigned: i128 = padded.parse().map_err(|_| AmountError::OutOfRange)?;
        let signed = if negative { -unsigned } else { unsigned };
        let minor = i64::try_from(signed).map_err(|_| AmountError::OutOfRange)?;
        Ok(Minor(minor).of(currency))
    }
}

/// An amount that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not digits with at most one point.
    #[error("{0:?} is not an amount; write major units as a string such as \"12.34\"")]
    NotAmount(String),
    /// More decimal places than the currency has.
    #[error("{currency} has {places} decimal places; round the amount before you send it")]
    TooFine {
        /// The currency.
        currency: Currency,
        /// Its decimal places.
        places: u8,
    },
    /// Beyond 64-bit minor units.
    #[error("the amount leaves the range of 64-bit minor units; split it")]
    OutOfRange,
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount(), self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[derive(Serialize)]
struct MoneyOut {
    amount: String,
    currency: Currency,
    amount_minor: i64,
}

#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an amount such as {\"amount\": \"12.34\", \"currency\": \"EUR\"}"
)]
struct MoneyIn {
    amount: String,
    currency: Currency,
    amount_minor: Option<i64>,
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            let amount_minor = self.minor.0;
            MoneyOut { amount: self.amount(), currency: self.currency, amount_minor }
                .serialize(serializer)
        } else {
            (self.minor, self.currency).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            let (minor, currency) = <(Minor, Currency)>::deserialize(deserializer)?;
            return Ok(minor.of(currency));
        }
        let read = MoneyIn::deserialize(deserializer)?;
        let money = Self::parse(&read.amount, read.currency).map_err(de::Error::custom)?;
        match read.amount_minor {
            Some(minor) if minor != money.minor.0 => Err(de::Error::custom(format!(
                "amount {} is {} minor units, but amount_minor says {minor}; leave one out",
                read.amount, money.minor
            ))),
            Some(_) | None => Ok(money),
        }
    }
}

impl schemars::JsonSchema for Money {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Money".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let currency = generator.subschema_for::<Currency>();
        schemars::json_schema!({
            "type": "object",
            "required": ["amount", "currency"],
            "additionalProperties": false,
            "properties": {
                "amount": {
                    "type": "string",
                    "pattern": "^-?\\d+(\\.\\d+)?$",
                    "description": "Major units, at most the currency's decimal places",
                },
                "currency": currency,
                "amount_minor": {"type": "integer", "description": "Minor units; always in answers"},
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().expect("a currency")
    }

    #[test]
    fn amounts_print_with_the_places_of_their_currency() {
        for (minor, code, text) in [
            (1234, "EUR", "12.34"),
            (-5, "EUR", "-0.05"),
            (1200, "JPY", "1200"),
            (7, "KWD", "0.007"),
        ] {
            let money = Minor(minor).of(currency(code));
            assert_eq!(money.amount(), text);
            assert_eq!(Money::parse(text, currency(code)), Ok(money));
        }
    }

    #[test]
    fn an_amount_is_never_rounded_on_the_way_in() {
        let eur = currency("EUR");
        assert_eq!(
            Money::parse("1.005", eur),
            Err(AmountError::TooFine { currency: eur, places: 2 })
        );
        assert!(matches!(Money::parse("1e3", eur), Err(AmountError::NotAmount(_))));
        assert!(matches!(Money::parse("1.", eur), Err(AmountError::NotAmount(_))));
        assert_eq!(Money::parse("92233720368547758.08", eur), Err(AmountError::OutOfRange));
        assert_eq!(Money::parse("-92233720368547758.08", eur), Ok(Minor(i64::MIN).of(eur)));
    }

    #[test]
    fn json_takes_strings_only_and_gives_minor_units_too() {
        let read = |json: &str| serde_json::from_str::<Money>(json);
        let money = read(r#"{"amount":"12.30","currency":"EUR"}"#).expect("reads");
        let json = serde_json::to_string(&money).expect("writes");
        assert_eq!(json, r#"{"amount":"12.30","currency":"EUR","amount_minor":1230}"#);
        assert_eq!(read(&json).ok(), Some(money));
        assert!(read(r#"{"amount":12.3,"currency":"EUR"}"#).is_err());
        assert!(read(r#"{"amount":"12.30","currency":"EUR","amount_minor":1231}"#).is_err());
        assert!(read(r#"{"amount":"12.30","currency":"EUR","cents":1}"#).is_err());
    }
}
