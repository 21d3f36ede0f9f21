//! Currencies of ISO 4217, by alphabetic code.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::currency_table::{Row, TABLE};

/// A code that is not in the table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a currency of ISO 4217 with minor units; use a code such as EUR")]
pub struct UnknownCurrency(pub String);

/// A currency that amounts can be kept in.
///
/// JSON: the alphabetic code. Stored: its three bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The currency of this alphabetic code, if the table has it.
    pub fn find(code: [u8; 3]) -> Option<Self> {
        TABLE.binary_search_by_key(&code, |row| row.0).ok().map(|_| Self(code))
    }

    /// The alphabetic code, such as `EUR`.
    pub fn code(self) -> &'static str {
        core::str::from_utf8(&self.row().0).expect("codes are ASCII")
    }

    /// The numeric code of ISO 4217.
    pub fn numeric(self) -> u16 {
        self.row().1
    }

    /// Decimal places of the minor unit: 0 for JPY, 2 for EUR, 3 for KWD.
    pub fn exponent(self) -> u8 {
        self.row().2
    }

    /// The English name.
    pub fn name(self) -> &'static str {
        self.row().3
    }

    /// Every currency, by code.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| Self(row.0))
    }

    fn row(self) -> &'static Row {
        let at = TABLE.binary_search_by_key(&self.0, |row| row.0);
        &TABLE[at.expect("a currency is only made from a row of the table")]
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(text: &str) -> Result<Self, UnknownCurrency> {
        <[u8; 3]>::try_from(text.as_bytes())
            .ok()
            .and_then(Self::find)
            .ok_or_else(|| UnknownCurrency(text.chars().take(16).collect()))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(self.code())
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
        } else {
            let code = <[u8; 3]>::deserialize(deserializer)?;
            Self::find(code).ok_or_else(|| de::Error::custom("stored currency is not in the table"))
        }
    }
}

impl schemars::JsonSchema for Currency {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Currency".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[A-Z]{3}$",
            "description": "Alphabetic code of ISO 4217",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_knows_the_odd_exponents() {
        assert!(TABLE.is_sorted_by(|a, b| a.0 < b.0));
        for (code, exponent) in
            [("JPY", 0), ("EUR", 2), ("USD", 2), ("KWD", 3), ("BHD", 3), ("CLF", 4)]
        {
            assert_eq!(code.parse::<Currency>().map(Currency::exponent), Ok(exponent), "{code}");
        }
        assert!("eur".parse::<Currency>().is_err());
        assert!("XXX".parse::<Currency>().is_err(), "no currency has no minor units");
    }
}
