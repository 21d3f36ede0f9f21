//! From the catalog to the terms of an item.

use schemas::event::{ItemTerms, PlanVersionDefined};
use schemas::terms::PriceDefinition;
use schemas::{Currency, Rejection};

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
    })
}
