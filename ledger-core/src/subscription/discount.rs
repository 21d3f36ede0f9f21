//! Decisions about discounts.

use schemas::Rejection;
use schemas::command::{ApplyDiscount, RemoveDiscount};
use schemas::event::{DiscountApplied, DiscountRemoved, Event, FirstCycle};
use schemas::ids::CouponId;
use schemas::terms::{DiscountTarget, DiscountValue};

use super::case::Case;
use super::item::Item;
use super::schedule::changing;
use crate::catalog::decide::check_discount;

/// The most discounts of one customer, removed ones included: each is looked at for every line.
const MAX_DISCOUNTS: usize = 200;

pub(super) fn apply(case: &Case<'_>, command: &ApplyDiscount) -> Result<Vec<Event>, Rejection> {
    given(case, command, None)
}

/// Gives a discount, perhaps for a coupon.
pub(super) fn given(
    case: &Case<'_>,
    command: &ApplyDiscount,
    coupon: Option<CouponId>,
) -> Result<Vec<Event>, Rejection> {
    let discount = command.discount;
    if case.context.registry.taken.contains(discount.uuid()) {
        return Err(Rejection::DiscountExists { discount });
    }
    if case.agreements.discounts().len() >= MAX_DISCOUNTS {
        return Err(Rejection::TooMany {
            what: "discounts of this customer",
            limit: MAX_DISCOUNTS,
            way: "those that were removed count, too; register another customer for more",
        });
    }
    check_discount(command.value, command.duration)?;
    let item = check_target(case, &command.on)?;
    if let DiscountValue::Amount(amount) = command.value
        && amount.currency() != case.profile.currency
    {
        let (expected, found) = (case.profile.currency, amount.currency());
        return Err(Rejection::CurrencyMismatch { expected, found });
    }
    Ok(vec![
        DiscountApplied {
            discount,
            on: command.on.clone(),
            value: command.value,
            duration: command.duration,
            coupon,
            first_cycles: first_cycles(case, &command.on),
            item,
        }
        .into(),
    ])
}

/// The first unbilled cycle of each item that a discount is on.
fn first_cycles(case: &Case<'_>, on: &DiscountTarget) -> Vec<FirstCycle> {
    let subscription = match on {
        DiscountTarget::Subscription(id) => case.agreements.subscription(*id),
        DiscountTarget::Item(target) => case.agreements.subscription(target.subscription),
        DiscountTarget::Customer | DiscountTarget::Product(_) => None,
    };
    let Some(subscription) = subscription else { return Vec::new() };
    let first = |item: &Item| FirstCycle {
        item: item.number,
        cycle: case.books.first_unbilled(subscription.id, item.number),
    };
    subscription.items.iter().map(first).collect()
}

/// What is discounted is there and goes on; the item, where that is a price.
fn check_target(case: &Case<'_>, on: &DiscountTarget) -> Result<Option<u16>, Rejection> {
    match on {
        DiscountTarget::Customer => Ok(None),
        DiscountTarget::Product(product) if case.context.catalog.has_product(product) => Ok(None),
        DiscountTarget::Product(product) => {
            Err(Rejection::UnknownProduct { product: product.clone() })
        }
        // An end that has come is one, whether a run has been or not.
        DiscountTarget::Subscription(id) => changing(case, *id, false).map(|_| None),
        DiscountTarget::Item(target) => {
            let found = changing(case, target.subscription, false)?.subscription;
            let now = case.context.stamp.recorded_at;
            let named = |item: &&Item| {
                item.last_terms().is_some_and(|terms| terms.price == target.price)
                    && item.removed_at().is_none_or(|gone| now < gone)
            };
            if let Some(item) = found.items.iter().find(named) {
                return Ok(Some(item.number));
            }
            let plan = found.plan_terms(found.start).expect("a subscription begins with items");
            Err(Rejection::UnknownPrice { plan: plan.plan, price: target.price.clone() })
        }
    }
}

/// Ends a discount: lines that are billed later do not have it.
pub(super) fn remove(case: &Case<'_>, command: &RemoveDiscount) -> Result<Vec<Event>, Rejection> {
    let discount = command.discount;
    let found =
        case.agreements.discount(discount).ok_or(Rejection::UnknownDiscount { discount })?;
    if found.removed {
        return Err(Rejection::DiscountEnded { discount });
    }
    Ok(vec![DiscountRemoved { discount }.into()])
}
