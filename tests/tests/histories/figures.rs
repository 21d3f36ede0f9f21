//! Exact fractions of these tests' own.

use schemas::{Decimal, Fraction};

/// A fraction in lowest terms with a positive denominator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ratio {
    over: i128,
    under: i128,
}

impl Ratio {
    pub(crate) fn new(over: i128, under: i128) -> Self {
        assert!(under != 0, "a denominator of zero");
        let divisor = gcd(over.unsigned_abs(), under.unsigned_abs());
        let divisor = i128::try_from(divisor).expect("small") * under.signum();
        Self { over: over / divisor, under: under / divisor }
    }

    pub(crate) fn whole(value: i64) -> Self {
        Self::new(i128::from(value), 1)
    }

    pub(crate) fn decimal(value: Decimal) -> Self {
        Self::new(value.mantissa(), 10_i128.pow(value.scale()))
    }

    pub(crate) fn of(value: Fraction) -> Self {
        Self::new(value.numerator(), value.denominator())
    }

    pub(crate) fn times(self, other: Self) -> Self {
        Self::new(self.over * other.over, self.under * other.under)
    }

    /// The nearest integer; a half goes away from zero.
    pub(crate) fn rounded(self) -> i64 {
        let (twice, under) = (2 * self.over.abs(), self.under);
        let rounded = self.over.signum() * ((twice + under) / (2 * under));
        i64::try_from(rounded).expect("an amount of these tests")
    }

    /// The nearest value with so many decimals.
    pub(crate) fn to_places(self, places: u32) -> Self {
        let scale = 10_i128.pow(places);
        let scaled = Self::new(self.over * scale, self.under);
        Self::new(i128::from(scaled.rounded()), scale)
    }

    /// In billionths, rounded down: many of these can be added without a common denominator.
    pub(crate) const fn billionths(self) -> i128 {
        let (whole, rest) = (self.over.div_euclid(self.under), self.over.rem_euclid(self.under));
        whole * BILLION + rest * BILLION / self.under
    }
}

/// What [`Ratio::billionths`] counts in.
pub(crate) const BILLION: i128 = 1_000_000_000;

const fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[test]
fn halves_go_away_from_zero() {
    let rounded = [(5, 2), (-5, 2), (7, 3), (-7, 3), (1, 3)];
    assert_eq!(rounded.map(|(n, d)| Ratio::new(n, d).rounded()), [3, -3, 2, -2, 0]);
    assert_eq!(Ratio::new(1, 3).to_places(2), Ratio::new(33, 100));
    assert_eq!(Ratio::new(-1, 3).billionths(), -333_333_334);
}
