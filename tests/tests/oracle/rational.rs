//! Exact fractions of the oracle's own.

use schemas::Decimal;

/// A fraction in lowest terms with a positive denominator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ratio {
    over: i128,
    under: i128,
}

impl Ratio {
    pub(crate) fn new(over: i128, under: i128) -> Self {
        assert!(under > 0, "denominators are positive here");
        let divisor = gcd(over.abs(), under);
        Self { over: over / divisor, under: under / divisor }
    }

    pub(crate) fn whole(value: i128) -> Self {
        Self::new(value, 1)
    }

    pub(crate) fn decimal(value: Decimal) -> Self {
        Self::new(value.mantissa(), 10_i128.pow(value.scale()))
    }

    pub(crate) fn times(self, other: Self) -> Self {
        Self::new(self.over * other.over, self.under * other.under)
    }

    /// The nearest integer; a half goes away from zero.
    pub(crate) fn rounded(self) -> i128 {
        let doubled = 2 * self.over.abs() + self.under;
        self.over.signum() * (doubled / (2 * self.under))
    }
}

fn gcd(a: i128, b: i128) -> i128 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Shares `amount` out in proportion to `weights`, by largest remainder; earlier first on a tie.
pub(crate) fn share_out(amount: i128, weights: &[i128]) -> Vec<i128> {
    let whole: i128 = weights.iter().sum();
    let mut shares: Vec<i128> = weights.iter().map(|weight| amount * weight / whole).collect();
    while shares.iter().sum::<i128>() < amount {
        let lost = |at: usize| amount * weights[at] - shares[at] * whole;
        let mut best = 0;
        for at in 1..weights.len() {
            if lost(at) > lost(best) {
                best = at;
            }
        }
        shares[best] += 1;
    }
    shares
}

#[test]
fn halves_go_away_from_zero() {
    let rounded = [(5, 2), (-5, 2), (7, 3), (-7, 3), (1, 3), (825, 30)];
    assert_eq!(rounded.map(|(n, d)| Ratio::new(n, d).rounded()), [3, -3, 2, -2, 0, 28]);
}

#[test]
fn shares_sum_to_the_whole() {
    assert_eq!(share_out(100, &[1, 1, 1]), [34, 33, 33]);
    assert_eq!(share_out(2, &[1, 5, 5]), [0, 1, 1]);
}
