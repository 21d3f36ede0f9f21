//! What plans and prices grant.

use std::collections::BTreeSet;

use schemas::command::DefinePlan;
use schemas::terms::{Grant, GrantLimit, GrantScope, PriceDefinition, Recurrence};
use schemas::{Decimal, Rejection};

use super::terms::recurrence;

/// The most grants of one plan, or of one price.
const MOST: usize = 64;

/// Grants of a plan and its prices that can be added up for every quantity.
///
/// # Errors
/// [`Rejection::InvalidGrants`].
pub(super) fn check(plan: &DefinePlan) -> Result<(), Rejection> {
    let grants = plan.grants.as_deref().unwrap_or_default();
    check_list(grants)?;
    let of_kind =
        |kind| plan.prices.iter().filter(move |price: &&PriceDefinition| recurrence(price) == kind);
    let several = of_kind(Recurrence::Recurring).count() > 1;
    if several && grants.iter().filter_map(|grant| grant.limit).any(is_per_unit) {
        return invalid("a limit of the plan is for each unit, and several prices have units");
    }
    for price in &plan.prices {
        check_list(price.grants.as_deref().unwrap_or_default())?;
    }
    if of_kind(Recurrence::Setup).any(|price| price.grants.iter().flatten().next().is_some()) {
        return invalid("a setup fee is charged once and grants nothing");
    }
    Ok(())
}

fn check_list(grants: &[Grant]) -> Result<(), Rejection> {
    if grants.len() > MOST {
        return invalid("there are too many grants");
    }
    let features: BTreeSet<_> = grants.iter().map(|grant| &grant.feature).collect();
    if features.len() < grants.len() {
        return invalid("a feature is granted twice");
    }
    let most = Decimal::from(1_000_000_000);
    let in_range = |limit: GrantLimit| {
        let amount = limit.amount;
        !amount.is_negative() && amount <= most && amount.scale() <= 3
    };
    if !grants.iter().filter_map(|grant| grant.limit).all(in_range) {
        return invalid("a limit is out of range");
    }
    Ok(())
}

/// Whether a limit is for each unit of a quantity.
pub(crate) fn is_per_unit(limit: GrantLimit) -> bool {
    match limit.per {
        Some(GrantScope::Unit) => true,
        Some(GrantScope::Subscription) | None => false,
    }
}

fn invalid(why: &'static str) -> Result<(), Rejection> {
    Err(Rejection::InvalidGrants { why })
}
