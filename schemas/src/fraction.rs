//! Exact fractions: the value of an amount before it is rounded.

use core::fmt;

use serde::{Deserialize, Serialize};

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
}

/// `numerator / denominator`, in lowest terms, with a positive denominator.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
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
}
