//! Countries of ISO 3166-1, by their code of two letters.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The officially assigned codes, in their order. Source: ISO 3166-1 alpha-2, as of 2024.
const CODES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR \
    BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ \
    EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW \
    GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY \
    KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV \
    MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY \
    QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG \
    TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM \
    ZW";

/// A code that is not assigned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a country of ISO 3166-1; use its code of two letters, such as DE")]
pub struct UnknownCountry(pub String);

/// A country.
///
/// JSON: the code of two letters, such as `DE`. Stored: its two bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

impl Country {
    /// The country of this code, if it is assigned.
    pub fn find(code: [u8; 2]) -> Option<Self> {
        Self::all().find(|country| country.0 == code)
    }

    /// The code of two letters.
    pub fn code(&self) -> &str {
        core::str::from_utf8(&self.0).expect("codes are ASCII")
    }

    /// Every country, by code.
    pub fn all() -> impl Iterator<Item = Self> {
        CODES.as_bytes().chunks(3).map(|code| Self([code[0], code[1]]))
    }
}

impl FromStr for Country {
    type Err = UnknownCountry;

    fn from_str(text: &str) -> Result<Self, UnknownCountry> {
        let code = <[u8; 2]>::try_from(text.as_bytes()).ok();
        let unknown = || UnknownCountry(text.chars().take(64).collect());
        code.and_then(Self::find).ok_or_else(unknown)
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Country {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(self.code())
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            return text.parse().map_err(de::Error::custom);
        }
        let code = <[u8; 2]>::deserialize(deserializer)?;
        Self::find(code).ok_or_else(|| de::Error::custom("a stored country is not assigned"))
    }
}

impl schemars::JsonSchema for Country {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Country".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[A-Z]{2}$",
            "description": "Code of two letters of ISO 3166-1",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_249_countries_are_there_each_once_and_in_order() {
        let all: Vec<_> = Country::all().collect();
        assert_eq!(all.len(), 249);
        assert!(all.is_sorted_by(|one, next| one < next));
        assert!(all.iter().all(|country| country.code().bytes().all(|b| b.is_ascii_uppercase())));
    }

    #[test]
    fn other_codes_are_refused_with_what_is_a_code() {
        for wrong in ["de", "DEU", "XX", "EU", "", "UK"] {
            let said = wrong.parse::<Country>().expect_err(wrong).to_string();
            assert!(said.ends_with("use its code of two letters, such as DE"), "{said}");
        }
        assert_eq!("DE".parse::<Country>().map(|country| country.to_string()), Ok("DE".to_owned()));
    }
}
