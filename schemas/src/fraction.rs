//! Exact fractions: the value of an amount before it is rounded.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::decimal::Decimal;

/// A fraction whose parts do not fit 128 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FractionError {
    /// The exact value needs more than 128 bits.
    #[error("the exact value needs more than 128 bits; use fewer digits in prices and quantities")]
    Overflow,
    /// A denominator of zero.
    #[error("a fraction cannot have the denominator 0; give a period of at least one day")]
    ZeroDenominator,
}

/// How a rounding decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoundingMode {
    /// To the nearest; halves away from zero.
    HalfUp,
    /// To the nearest; halves to the even neighbour.
    HalfEven,
    /// Toward zero.
    Down,
    /// Away from zero.
    Up,
}

/// A text that is no fraction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a fraction in lowest terms; write digits, or digits/digits")]
pub struct NotFraction(pub String);

/// `numerator / denominator`, in lowest terms, with a positive denominator.
///
/// JSON: a string such as `"55/2"` or `"28"`; JSON numbers have 53 good bits, the parts 127.
/// Stored: the two parts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fraction {
    numerator: i128,
    denominator: i128,
}

fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl Fraction {
    /// 0.
    pub const ZERO: Self = Self { numerator: 0, denominator: 1 };
    /// 1.
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };

    /// `numerator / denominator` in lowest terms.
    ///
    /// # Errors
    /// [`FractionError`] when the denominator is zero or the parts do not fit.
    pub fn new(numerator: i128, denominator: i128) -> Result<Self, FractionError> {
        if denominator == 0 {
            return Err(FractionError::ZeroDenominator);
        }
        let divisor = gcd(numerator.unsigned_abs(), denominator.unsigned_abs());
        let divisor = i128::try_from(divisor).map_err(|_| FractionError::Overflow)?;
        let sign = if denominator < 0 { -1 } else { 1 };
        let scaled = |part: i128| (part / divisor).checked_mul(sign).ok_or(FractionError::Overflow);
        Ok(Self { numerator: scaled(numerator)?, denominator: scaled(denominator)? })
    }

    /// The fraction of these parts, if they are in lowest terms already.
    fn from_lowest(numerator: i128, denominator: i128) -> Option<Self> {
        Self::new(numerator, denominator)
            .ok()
            .filter(|value| (value.numerator, value.denominator) == (numerator, denominator))
    }

    /// The integer `value`.
    pub fn whole(value: i64) -> Self {
        Self { numerator: i128::from(value), denominator: 1 }
    }

    /// The exact value of a decimal.
    ///
    /// # Errors
    /// Never for a normalised decimal; typed because 10^28 is near the bound.
    pub fn of(decimal: Decimal) -> Result<Self, FractionError> {
        let ten = 10_i128.checked_pow(decimal.scale()).ok_or(FractionError::Overflow)?;
        Self::new(decimal.mantissa(), ten)
    }

    /// Part over the line.
    pub const fn numerator(self) -> i128 {
        self.numerator
    }

    /// Part under the line; positive.
    pub const fn denominator(self) -> i128 {
        self.denominator
    }

    /// The exact product.
    ///
    /// # Errors
    /// [`FractionError::Overflow`] beyond 128 bits.
    pub fn times(self, other: Self) -> Result<Self, FractionError> {
        // Reduced crosswise first, so that only a product that truly does not fit is refused.
        let a = Self::new(self.numerator, other.denominator)?;
        let b = Self::new(other.numerator, self.denominator)?;
        let multiply = |x: i128, y: i128| x.checked_mul(y).ok_or(FractionError::Overflow);
        Ok(Self {
            numerator: multiply(a.numerator, b.numerator)?,
            denominator: multiply(a.denominator, b.denominator)?,
        })
    }

    /// The exact sum.
    ///
    /// # Errors
    /// [`FractionError::Overflow`] beyond 128 bits.
    pub fn plus(self, other: Self) -> Result<Self, FractionError> {
        let common =
            i128::try_from(gcd(self.denominator.unsigned_abs(), other.denominator.unsigned_abs()))
                .map_err(|_| FractionError::Overflow)?;
        let product = |a: i128, b: i128| a.checked_mul(b).ok_or(FractionError::Overflow);
        let a = product(self.numerator, other.denominator / common)?;
        let b = product(other.numerator, self.denominator / common)?;
        let denominator = product(self.denominator / common, other.denominator)?;
        Self::new(a.checked_add(b).ok_or(FractionError::Overflow)?, denominator)
    }

    /// The value with the other sign.
    ///
    /// # Errors
    /// [`FractionError::Overflow`] for the smallest numerator.
    pub fn negated(self) -> Result<Self, FractionError> {
        let numerator = self.numerator.checked_neg().ok_or(FractionError::Overflow)?;
        Ok(Self { numerator, denominator: self.denominator })
    }

    /// The nearest integer by `mode`.
    ///
    /// # Errors
    /// [`FractionError::Overflow`] when it does not fit 64 bits.
    pub fn rounded(self, mode: RoundingMode) -> Result<i64, FractionError> {
        let (quotient, rest) =
            (self.numerator / self.denominator, self.numerator % self.denominator);
        let twice = rest.unsigned_abs().checked_mul(2).ok_or(FractionError::Overflow)?;
        let half = self.denominator.unsigned_abs();
        let away = match mode {
            RoundingMode::HalfUp => twice >= half,
            RoundingMode::HalfEven => twice > half || (twice == half && quotient % 2 != 0),
            RoundingMode::Down => false,
            RoundingMode::Up => true,
        };
        let step = if !away || rest == 0 { 0 } else { rest.signum() };
        i64::try_from(quotient + step).map_err(|_| FractionError::Overflow)
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.denominator == 1 {
            write!(f, "{}", self.numerator)
        } else {
            write!(f, "{}/{}", self.numerator, self.denominator)
        }
    }
}

impl fmt::Debug for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Fraction {
    type Err = NotFraction;

    fn from_str(text: &str) -> Result<Self, NotFraction> {
        let wrong = || NotFraction(text.chars().take(90).collect());
        let (numerator, denominator) = text.split_once('/').unwrap_or((text, "1"));
        let part = |digits: &str| digits.parse::<i128>().map_err(|_| wrong());
        let value = Self::from_lowest(part(numerator)?, part(denominator)?).ok_or_else(wrong)?;
        if value.to_string() == text { Ok(value) } else { Err(wrong()) }
    }
}

impl Serialize for Fraction {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            (self.numerator, self.denominator).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Fraction {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return String::deserialize(deserializer)?.parse().map_err(de::Error::custom);
        }
        let (numerator, denominator) = <(i128, i128)>::deserialize(deserializer)?;
        Self::from_lowest(numerator, denominator)
            .ok_or_else(|| de::Error::custom("stored fraction is not in lowest terms"))
    }
}

impl schemars::JsonSchema for Fraction {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Fraction".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^-?\\d+(/\\d+)?$",
            "description": "Exact fraction in lowest terms",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fraction(n: i128, d: i128) -> Fraction {
        Fraction::new(n, d).expect("small")
    }

    #[test]
    fn halves_go_where_the_mode_says() {
        let modes = [RoundingMode::HalfUp, RoundingMode::HalfEven, RoundingMode::Down];
        let rounded = |n, d| modes.map(|mode| fraction(n, d).rounded(mode).expect("fits"));
        assert_eq!(rounded(5, 2), [3, 2, 2]);
        assert_eq!(rounded(-5, 2), [-3, -2, -2]);
        assert_eq!(rounded(7, 2), [4, 4, 3]);
        assert_eq!(rounded(-1, 3), [0, 0, 0]);
        assert_eq!(rounded(825, 30), [28, 28, 27], "75 cents x 11/30 is 27.5");
    }

    #[test]
    fn a_product_that_fits_after_reducing_is_not_refused() {
        let big = fraction(i128::MAX, 3);
        assert_eq!(big.times(fraction(3, i128::MAX)), Ok(Fraction::ONE));
        assert_eq!(big.times(big), Err(FractionError::Overflow));
    }

    #[test]
    fn json_keeps_every_digit_and_takes_lowest_terms_only() {
        let big = fraction(i128::MAX, 2);
        let json = serde_json::to_string(&big).expect("writes");
        assert_eq!(json, "\"170141183460469231731687303715884105727/2\"");
        assert_eq!(serde_json::from_str::<Fraction>(&json).ok(), Some(big));
        for wrong in ["\"2/4\"", "\"1/0\"", "\"1/-2\"", "\"+1\"", "\"4/1\"", "\"\"", "1"] {
            assert!(serde_json::from_str::<Fraction>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn stored_parts_that_are_no_fraction_are_refused() {
        for parts in [(1, 0), (2, 4), (1, -2), (0, 2), (i128::MIN, -1)] {
            let bytes = postcard::to_allocvec::<(i128, i128)>(&parts).expect("encodes");
            assert!(postcard::from_bytes::<Fraction>(&bytes).is_err(), "{parts:?}");
        }
    }
}
