//! Exact decimals for unit prices, quantities and rates; never for posted amounts.
//!
//! A value is kept normalised (no trailing zeros, no negative zero), so that equal values have
//! equal bytes. Stored as mantissa and scale: `rust_decimal`'s own serde form cannot be read
//! back from postcard.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A text that is no exact decimal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not an exact decimal; write digits with at most one point, at most 28 in all, without exponent"
)]
pub struct NotDecimal(pub String);

/// An exact decimal number of at most 28 digits.
///
/// JSON: a string such as `"0.005"`. JSON numbers are refused: they pass through floats.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(rust_decimal::Decimal);

impl Decimal {
    /// 0.
    pub const ZERO: Self = Self(rust_decimal::Decimal::ZERO);
    /// 1.
    pub const ONE: Self = Self(rust_decimal::Decimal::ONE);

    /// `mantissa / 10^scale`, when both are in range.
    pub fn from_parts(mantissa: i128, scale: u32) -> Option<Self> {
        rust_decimal::Decimal::try_from_i128_with_scale(mantissa, scale)
            .ok()
            .map(|value| Self(value.normalize()))
    }

    /// The integer over the power of ten.
    pub fn mantissa(self) -> i128 {
        self.0.mantissa()
    }

    /// How many digits stand behind the point.
    pub fn scale(self) -> u32 {
        self.0.scale()
    }

    /// Less than zero.
    pub fn is_negative(self) -> bool {
        self.0.mantissa() < 0
    }

    /// Equal to zero.
    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl From<u32> for Decimal {
    fn from(value: u32) -> Self {
        Self(rust_decimal::Decimal::from(value).normalize())
    }
}

impl FromStr for Decimal {
    type Err = NotDecimal;

    fn from_str(text: &str) -> Result<Self, NotDecimal> {
        let wrong = || NotDecimal(text.chars().take(64).collect());
        let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b'-');
        if !plain || !text.bytes().any(|b| b.is_ascii_digit()) || text.len() > 31 {
            return Err(wrong());
        }
        let value = rust_decimal::Decimal::from_str_exact(text).map_err(|_| wrong())?;
        Ok(Self(value.normalize()))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            (self.mantissa(), self.scale()).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
        } else {
            let (mantissa, scale) = <(i128, u32)>::deserialize(deserializer)?;
            Self::from_parts(mantissa, scale)
                .ok_or_else(|| de::Error::custom("stored decimal is out of range"))
        }
    }
}

impl schemars::JsonSchema for Decimal {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Decimal".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^-?\\d*\\.?\\d*$",
            "description": "Exact decimal as a string, at most 28 digits, no exponent",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_have_equal_bytes() {
        let bytes = |text: &str| postcard::to_allocvec(&text.parse::<Decimal>().expect(text)).ok();
        assert_eq!(bytes("1.10"), bytes("1.1"));
        assert_eq!(bytes("-0"), bytes("0.00"));
    }

    #[test]
    fn what_is_not_exact_is_refused() {
        for wrong in
            ["1e3", "", ".", "-", "1_000", "+1", "1.2.3", "0.12345678901234567890123456789012"]
        {
            assert!(wrong.parse::<Decimal>().is_err(), "{wrong}");
        }
    }
}
