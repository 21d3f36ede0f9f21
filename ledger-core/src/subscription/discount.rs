//! Decisions about discounts.

use schemas::command::{ApplyDiscount, RemoveDiscount};
use schemas::event::{DiscountApplied, DiscountRemoved, Event};
use schemas::terms::{DiscountDuration, DiscountTarget, DiscountValue};
use schemas::{Decimal, Rejection};

use super::decide::active;
use crate::customer::state::Customer;
use crate::ledger::Context;

/// The most discounts of one customer, removed ones included: each is looked at for every line.
const MAX_DISCOUNTS: usize = 200;

pub(crate) fn apply(
    context: &Context<'_>,
    customer: &Customer,
    command: &ApplyDiscount,
) -> Result<Vec<Event>, Rejection> {
    let discount = command.discount;
    if context.registry.taken.contains(discount.uuid()) {
        return Err(Rejection::DiscountExists { discount });
    }
    if customer.discounts.len() >= MAX_DISCOUNTS {
        return Err(Rejection::TooMany { what: "discounts", limit: MAX_DISCOUNTS });
    }
    check_value(customer, command.value)?;
    if let DiscountDuration::Cycles(count) = command.duration
        && !(1..=1_200).contains(&count)
    {
        return Err(Rejection::InvalidDiscount { why: "the number of cycles is out of range" });
    }
    let first_cycle = match command.on {
        DiscountTarget::Customer => 0,
        DiscountTarget::Subscription(id) => active(customer, id)?.first_unbilled_cycle(),
    };
    Ok(vec![
        DiscountApplied {
            discount,
            on: command.on,
            value: command.value,
            duration: command.duration,
            first_cycle,
        }
        .into(),
    ])
}

fn check_value(customer: &Customer, value: DiscountValue) -> Result<(), Rejection> {
    match value {
        DiscountValue::Percent(percent) => {
            let most = Decimal::from(100);
            if percent.is_negative() || percent.is_zero() || percent > most {
                return Err(Rejection::InvalidDiscount { why: "the percentage is out of range" });
            }
            if percent.scale() > 9 {
                let why = "the percentage has more than 9 decimal places";
                return Err(Rejection::InvalidDiscount { why });
            }
        }
        DiscountValue::Amount(amount) => {
            if amount.currency() != customer.currency {
                return Err(Rejection::CurrencyMismatch {
                    expected: customer.currency,
                    found: amount.currency(),
                });
            }
            if !amount.minor().is_positive() {
                return Err(Rejection::InvalidDiscount { why: "the amount is not positive" });
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
