//! Commands about customers, plans and coupons.

use schemas::command::{DefineCoupon, DefinePlan, RegisterCustomer};
use schemas::terms::{CurrencyPrice, DiscountValue, PriceDefinition};
use schemas::{Contact, Currency, Money};

use super::super::steps::catalog::{CouponStep, CustomerStep, OffStep, PlanStep, PriceStep};
use super::super::world::World;
use super::label;

pub(super) fn customer(step: &CustomerStep, world: &World) -> Result<RegisterCustomer, String> {
    let external = &step.id;
    Ok(RegisterCustomer {
        customer: world.customer_id(&step.id),
        entity: world.entity_id(&world.seller),
        external_id: Some(external.parse().map_err(|error| format!("{external:?}: {error}"))?),
        name: Contact::Clear(step.id.clone()),
        email: None,
        currency: step.currency.unwrap_or(world.currency),
        zone: step.zone.clone(),
        payment_terms_days: step.terms,
        parent: step.parent.as_deref().map(|parent| world.customer_id(parent)),
    })
}

pub(super) fn plan(step: &PlanStep, world: &World) -> Result<DefinePlan, String> {
    Ok(DefinePlan {
        plan: world.plan_id(&step.id),
        name: label(step.name.as_deref().unwrap_or(&step.id))?,
        product: step.product.clone(),
        every: step.every,
        timing: step.timing,
        trial_days: step.trial_days,
        lead_days: step.lead_days,
        prices: step.prices.iter().map(|price| definition(price, world)).collect(),
    })
}

/// The same figures in every currency that a customer pays in.
fn definition(step: &PriceStep, world: &World) -> PriceDefinition {
    let in_currency = |currency: &Currency| CurrencyPrice {
        currency: *currency,
        rate: step.rate.clone(),
        minimum: step.minimum,
    };
    PriceDefinition {
        price: step.id.clone(),
        name: step.id.as_str().parse().ok(),
        recurrence: step.recurrence,
        every: step.every,
        timing: step.timing,
        amounts: world.currencies.iter().map(in_currency).collect(),
    }
}

pub(super) fn coupon(step: &CouponStep, world: &World) -> Result<DefineCoupon, String> {
    Ok(DefineCoupon {
        coupon: world.coupon_id(&step.id),
        value: off(&step.off, step.currency.unwrap_or(world.currency))?,
        duration: step.duration,
        max_redemptions: step.max_redemptions,
        from: step.from,
        through: step.through,
    })
}

/// How much a discount takes off.
pub(super) fn off(step: &OffStep, currency: Currency) -> Result<DiscountValue, String> {
    Ok(match step {
        OffStep::Percent(percent) => DiscountValue::Percent(*percent),
        OffStep::Amount(amount) => {
            let money = Money::parse(amount, currency).map_err(|error| error.to_string())?;
            DiscountValue::Amount(money)
        }
    })
}
