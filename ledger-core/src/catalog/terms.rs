//! From the catalog to the terms of an item.

use schemas::event::{ItemTerms, PlanVersionDefined};
use schemas::terms::{PriceDefinition, Recurrence};
use schemas::{Currency, Rejection};

/// Whether a price recurs; it does if nothing is said.
pub(crate) fn recurrence(price: &PriceDefinition) -> Recurrence {
    price.recurrence.unwrap_or(Recurrence::Recurring)
}

/// Whether everything of a version that recurs has an amount in a currency.
pub(crate) fn is_sold_in(version: &PlanVersionDefined, currency: Currency) -> bool {
    version.prices.iter().all(|price| match recurrence(price) {
        Recurrence::Recurring | Recurrence::AddOn => {
            price.amounts.iter().any(|amount| amount.currency == currency)
        }
        Recurrence::Setup => true,
    })
}

/// A price of a plan version as a subscription has it: in the customer's currency, frozen.
///
/// # Errors
/// [`Rejection::NoPriceInCurrency`].
pub(crate) fn item_terms(
    version: &PlanVersionDefined,
    price: &PriceDefinition,
    currency: Currency,
) -> Result<ItemTerms, Rejection> {
    let plan = version.plan;
    let amount = price
        .amounts
        .iter()
        .find(|amount| amount.currency == currency)
        .ok_or(Rejection::NoPriceInCurrency { plan, currency })?;
    let plan_grants = match recurrence(price) {
        Recurrence::Recurring => version.grants.clone(),
        Recurrence::AddOn | Recurrence::Setup => Vec::new(),
    };
    Ok(ItemTerms {
        plan,
        version: version.version,
        price: price.price.clone(),
        name: price.name.clone().unwrap_or_else(|| version.name.clone()),
        product: version.product.clone(),
        every: price.every.unwrap_or(version.every),
        timing: price.timing.unwrap_or(version.timing),
        lead_days: version.lead_days,
        currency,
        rate: amount.rate.clone(),
        own_rate: false,
        minimum: amount.minimum,
        plan_grants,
        grants: price.grants.clone().unwrap_or_default(),
    })
}
