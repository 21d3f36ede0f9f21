//! Exact fractions of the model's own.
//!
//! # Shape
//!
//! [`Exact`] is a fraction of two 128-bit integers in lowest terms. Amounts stay exact until the
//! one place where a rule says that they are rounded.

use std::cmp::Ordering;

use schemas::Decimal;

/// A fraction in lowest terms with a positive denominator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exact {
    over: i128,
    under: i128,
}

impl Exact {
    pub(crate) const ZERO: Self = Self { over: 0, under: 1 };
    pub(crate) const ONE: Self = Self { over: 1, under: 1 };

    pub(crate) fn new(over: i128, under: i128) -> Self {
        assert!(under != 0, "a denominator of zero");
        let shared = common(over.unsigned_abs(), under.unsigned_abs());
        let shared = i128::try_from(shared).expect("small") * under.signum();
        Self { over: over / shared, under: under / shared }
    }

    pub(crate) fn whole(value: i128) -> Self {
        Self::new(value, 1)
    }

    pub(crate) fn decimal(value: Decimal) -> Self {
        Self::new(value.mantissa(), 10_i128.pow(value.scale()))
    }

    pub(crate) fn percent(value: Decimal) -> Self {
        Self::decimal(value).times(Self::new(1, 100))
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self::new(self.over * other.under + other.over * self.under, self.under * other.under)
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        self.plus(Self { over: -other.over, under: other.under })
    }

    pub(crate) fn times(self, other: Self) -> Self {
        // Crosswise first: products of long seconds and long prices stay within 128 bits.
        let a = Self::new(self.over, other.under);
        let b = Self::new(other.over, self.under);
        Self::new(a.over * b.over, a.under * b.under)
    }

    pub(crate) fn over(self, other: Self) -> Self {
        self.times(Self::new(other.under, other.over))
    }

    /// The nearest integer; a half goes away from zero.
    pub(crate) fn rounded(self) -> i128 {
        let doubled = 2 * self.over.abs() + self.under;
        self.over.signum() * (doubled / (2 * self.under))
    }

    /// The nearest value with so many decimals.
    pub(crate) fn to_places(self, places: u32) -> Self {
        let scale = 10_i128.pow(places);
        Self::new(self.times(Self::whole(scale)).rounded(), scale)
    }

    /// The least integer that is not below it.
    pub(crate) const fn ceiling(self) -> i128 {
        -(-self.over).div_euclid(self.under)
    }

    pub(crate) const fn is_zero(self) -> bool {
        self.over == 0
    }

    pub(crate) fn most(self, other: Self) -> Self {
        if self < other { other } else { self }
    }
}

impl PartialOrd for Exact {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Exact {
    fn cmp(&self, other: &Self) -> Ordering {
        self.minus(*other).over.cmp(&0)
    }
}

const fn common(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Shares `amount` out in proportion, rounded down; what is left goes to the largest remainders,
/// earlier ones first where these are equal.
pub(crate) fn by_largest_remainder(amount: i128, weights: &[i128]) -> Vec<i128> {
    let all: i128 = weights.iter().sum();
    if all == 0 {
        return vec![0; weights.len()];
    }
    let mut shares: Vec<i128> = weights.iter().map(|weight| amount * weight / all).collect();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|at| std::cmp::Reverse(amount * weights[*at] - shares[*at] * all));
    let missing = amount - shares.iter().sum::<i128>();
    for at in order.into_iter().take(usize::try_from(missing).expect("fewer than lines")) {
        shares[at] += 1;
    }
    shares
}

/// In proportion, rounded down; the last one gets what is left, as far as it has room.
pub(crate) fn last_gets_the_rest(amount: i128, weights: &[i128]) -> Vec<i128> {
    let all: i128 = weights.iter().sum();
    if all == 0 {
        return vec![0; weights.len()];
    }
    let mut shares: Vec<i128> = weights.iter().map(|weight| amount * weight / all).collect();
    let mut rest = amount - shares.iter().sum::<i128>();
    for at in (0..shares.len()).rev() {
        let more = rest.min(weights[at] - shares[at]);
        shares[at] += more;
        rest -= more;
    }
    shares
}

/// The first one first, as far as it goes.
pub(crate) fn one_after_the_other(amount: i128, weights: &[i128]) -> Vec<i128> {
    let mut left = amount;
    weights
        .iter()
        .map(|weight| {
            let share = left.min(*weight);
            left -= share;
            share
        })
        .collect()
}

#[test]
fn halves_go_away_from_zero() {
    let rounded = [(5, 2), (-5, 2), (7, 3), (-7, 3), (1, 3), (825, 30)];
    assert_eq!(rounded.map(|(n, d)| Exact::new(n, d).rounded()), [3, -3, 2, -2, 0, 28]);
    assert_eq!(Exact::new(8, 31).to_places(6), Exact::new(258_065, 1_000_000));
    assert_eq!((Exact::new(7, 3).ceiling(), Exact::new(-7, 3).ceiling()), (3, -2));
}

#[test]
fn shares_sum_to_the_whole() {
    // docs/policies.md: 5.00 over lines of 10.00 and 20.00.
    assert_eq!(by_largest_remainder(500, &[1_000, 2_000]), [167, 333]);
    assert_eq!(last_gets_the_rest(500, &[1_000, 2_000]), [166, 334]);
    assert_eq!(one_after_the_other(500, &[1_000, 2_000]), [500, 0]);
    assert_eq!(by_largest_remainder(100, &[1, 1, 1]), [34, 33, 33]);
}
