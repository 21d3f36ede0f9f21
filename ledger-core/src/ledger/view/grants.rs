//! What subscriptions grant: features put together, limits added up.
//!
//! # Correctness
//!
//! Limits are whole numbers of the smallest part that a limit for each unit can have, so sums
//! are exact.

use std::collections::BTreeMap;

use schemas::fraction::FractionError;
use schemas::terms::Grant;
use schemas::text::Code;
use schemas::view::{Entitlement, SubscriptionAccess};
use schemas::{Decimal, Rejection};

use super::subscription::Shown;
use crate::catalog::grants::is_per_unit;
use crate::ledger::Ledger;
use crate::mistakes::{Mistake, makes};
use crate::subscription::migration::leads;

/// Places of a limit (3) for each unit of a quantity (9).
const PLACES: u32 = 12;

/// Features by name; none is without a limit.
#[derive(Default)]
struct Together(BTreeMap<Code, Option<i128>>);

impl Together {
    /// A feature that is without a limit once stays so.
    fn add(&mut self, feature: &Code, limit: Option<i128>) -> Result<(), FractionError> {
        let Some(before) = self.0.get_mut(feature) else {
            self.0.insert(feature.clone(), limit);
            return Ok(());
        };
        *before = match (*before, limit) {
            (Some(_), Some(more)) if makes(Mistake::LastLimitHolds) => Some(more),
            (Some(before), Some(more)) => {
                Some(before.checked_add(more).ok_or(FractionError::Overflow)?)
            }
            (None, _) | (_, None) => None,
        };
        Ok(())
    }

    fn all(self) -> Result<Vec<Entitlement>, FractionError> {
        let shown = |(feature, limit): (Code, Option<i128>)| {
            let limit = limit.map(shown).transpose()?;
            Ok(Entitlement { feature, limit })
        };
        self.0.into_iter().map(shown).collect()
    }
}

/// A decimal in smallest parts; it has at most so many places.
fn parts(value: Decimal, places: u32) -> Result<i128, FractionError> {
    let scale = places.checked_sub(value.scale()).ok_or(FractionError::Overflow)?;
    value.mantissa().checked_mul(10_i128.pow(scale)).ok_or(FractionError::Overflow)
}

fn shown(mut parts: i128) -> Result<Decimal, FractionError> {
    let mut places = PLACES;
    while places > 0 && parts % 10 == 0 {
        parts /= 10;
        places -= 1;
    }
    Decimal::from_parts(parts, places).ok_or(FractionError::Overflow)
}

/// What the plan and the add-ons of a subscription grant, by feature: the plan by its first
/// price, and every price for itself.
///
/// # Errors
/// A limit that does not fit.
pub(super) fn of_subscription(shown: &Shown<'_>) -> Result<Vec<Entitlement>, Rejection> {
    let mut together = Together::default();
    let first = leads(&shown.then, shown.at);
    // What is billed ahead may have begun items that are not there yet.
    for item in shown.living().filter(|item| item.began() <= shown.at) {
        let Some(terms) = item.terms_at(shown.at) else { continue };
        let plan = terms.plan_grants.iter().filter(|_| first == Some(item.number));
        let quantity = item.quantity_at(shown.at);
        for grant in plan.chain(&terms.grants) {
            together.add(&grant.feature, limit(grant, quantity)?)?;
        }
    }
    Ok(together.all()?)
}

/// The limit of a grant in smallest parts.
fn limit(grant: &Grant, quantity: Decimal) -> Result<Option<i128>, FractionError> {
    let Some(limit) = grant.limit else { return Ok(None) };
    let times = if is_per_unit(limit) { quantity } else { Decimal::ONE };
    let (amount, times) = (parts(limit.amount, 3)?, parts(times, 9)?);
    amount.checked_mul(times).map(Some).ok_or(FractionError::Overflow)
}

impl Ledger {
    /// What several subscriptions grant together, by feature.
    ///
    /// # Errors
    /// A limit that does not fit.
    pub fn granted_together(
        subscriptions: &[SubscriptionAccess],
    ) -> Result<Vec<Entitlement>, Rejection> {
        let mut together = Together::default();
        for grant in subscriptions.iter().flat_map(|found| &found.grants) {
            let limit = grant.limit.map(|limit| parts(limit, PLACES)).transpose()?;
            together.add(&grant.feature, limit)?;
        }
        Ok(together.all()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().expect("a decimal")
    }

    fn added(limits: &[Option<&str>]) -> Option<Decimal> {
        let mut together = Together::default();
        let feature: Code = "storage".parse().expect("a code");
        for limit in limits {
            let limit = limit.map(|limit| parts(decimal(limit), PLACES).expect("it fits"));
            together.add(&feature, limit).expect("it fits");
        }
        together.all().expect("it fits")[0].limit
    }

    #[test]
    fn limits_are_added_and_no_limit_wins() {
        assert_eq!(added(&[Some("0.5"), Some("10"), Some("0.005")]), Some(decimal("10.505")));
        assert_eq!(added(&[Some("0")]), Some(Decimal::ZERO));
        assert_eq!(added(&[Some("5"), None, Some("5")]), None);
    }

    #[test]
    fn the_largest_limit_for_the_largest_quantity_fits() {
        let limit = parts(decimal("1000000000"), 3).expect("it fits");
        let quantity = parts(decimal("1000000000000"), 9).expect("it fits");
        let all = limit.checked_mul(quantity).expect("it fits");
        assert_eq!(shown(all), Ok(decimal("1000000000000000000000")));
    }
}
