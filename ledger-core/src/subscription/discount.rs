//! Decisions about discounts.

use schemas::command::{ApplyDiscount, RemoveDiscount};
use schemas::event::{DiscountApplied, DiscountRemoved, Event};
use schemas::ids::CouponId;
use schemas::terms::{DiscountDuration, DiscountTarget, DiscountValue};
use schemas::{Decimal, Rejection};

use super::item::Item;
use super::schedule::active;
use crate::customer::state::Customer;
use crate::ledger::Context;

/// The most discounts of one customer, removed ones included: each is looked at for every line.
const MAX_DISCOUNTS: usize = 200;

pub(crate) fn apply(
    context: &Context<'_>,
    customer: &Customer,
    command: &ApplyDiscount,
) -> Result<Vec<Event>, Rejection> {
    given(context, customer, command, None)
}

/// Gives a discount, perhaps for a coupon.
pub(crate) fn given(
    context: &Context<'_>,
    customer: &Customer,
    command: &ApplyDiscount,
    coupon: Option<CouponId>,
) -> Result<Vec<Event>, Rejection> {
    let discount = command.discount;
    if context.registry.taken.contains(discount.uuid()) {
        return Err(Rejection::DiscountExists { discount });
    }
    if customer.discounts.len() >= MAX_DISCOUNTS {
        return Err(Rejection::TooMany { what: "discounts", limit: MAX_DISCOUNTS });
    }
    check_discount(command.value, command.duration)?;
    check_target(customer, &command.on)?;
    if let DiscountValue::Amount(amount) = command.value
        && amount.currency() != customer.currency
    {
        let (expected, found) = (customer.currency, amount.currency());
        return Err(Rejection::CurrencyMismatch { expected, found });
    }
    Ok(vec![
        DiscountApplied {
            discount,
            on: command.on.clone(),
            value: command.value,
            duration: command.duration,
            window: None,
            coupon,
        }
        .into(),
    ])
}

/// What is discounted is there and goes on.
fn check_target(customer: &Customer, on: &DiscountTarget) -> Result<(), Rejection> {
    match on {
        DiscountTarget::Customer | DiscountTarget::Product(_) => Ok(()),
        DiscountTarget::Subscription(id) => active(customer, *id).map(|_| ()),
        DiscountTarget::Item(target) => {
            let found = active(customer, target.subscription)?;
            let named =
                |item: &Item| item.last_terms().is_some_and(|terms| terms.price == target.price);
            if found.items.iter().any(named) {
                return Ok(());
            }
            let plan = found.plan_terms(found.start).expect("a subscription begins with items");
            Err(Rejection::UnknownPrice { plan: plan.plan, price: target.price.clone() })
        }
    }
}

/// More than nothing and not more than everything, for a number of cycles that can be counted.
pub(crate) fn check_discount(
    value: DiscountValue,
    duration: DiscountDuration,
) -> Result<(), Rejection> {
    let invalid = |why| Err(Rejection::InvalidDiscount { why });
    if let DiscountDuration::Cycles(count) = duration
        && !(1..=1_200).contains(&count)
    {
        return invalid("the number of cycles is out of range");
    }
    match value {
        DiscountValue::Percent(percent) => {
            let most = Decimal::from(100);
            if percent.is_negative() || percent.is_zero() || percent > most {
                return invalid("the percentage is out of range");
            }
            if percent.scale() > 9 {
                return invalid("the percentage has more than 9 decimal places");
            }
        }
        DiscountValue::Amount(amount) => {
            if !amount.minor().is_positive() {
                return invalid("the amount is not positive");
            }
        }
    }
    Ok(())
}

pub(crate) fn remove(
    customer: &Customer,
    command: &RemoveDiscount,
) -> Result<Vec<Event>, Rejection> {
    let discount = command.discount;
    let found = customer
        .discounts
        .iter()
        .find(|found| found.applied.discount == discount)
        .ok_or(Rejection::UnknownDiscount { discount })?;
    if found.removed {
        return Err(Rejection::DiscountEnded { discount });
    }
    Ok(vec![DiscountRemoved { discount }.into()])
}
