//! Redeeming coupons.

use schemas::Rejection;
use schemas::command::{ApplyDiscount, RedeemCoupon};
use schemas::event::Event;

use super::discount::given;
use crate::customer::state::Customer;
use crate::ledger::Context;

/// Gives the discount of a coupon, if it may still be redeemed. Commands of a book are decided
/// one after the other, so of two customers at the same instant the first in the log gets it.
pub(crate) fn redeem(
    context: &Context<'_>,
    customer: &Customer,
    command: &RedeemCoupon,
) -> Result<Vec<Event>, Rejection> {
    let coupon = command.coupon;
    let found = context.book.coupon(coupon)?;
    let today = context.stamp.recorded_at.utc_date();
    let begun = found.from.is_none_or(|from| from <= today);
    let over = found.through.is_some_and(|through| through < today);
    if !begun || over {
        return Err(Rejection::CouponNotValid { coupon, today });
    }
    if customer.coupons.contains(&coupon) {
        return Err(Rejection::CouponRedeemed { customer: customer.id, coupon });
    }
    if let Some(limit) = found.max_redemptions
        && context.registry.redemptions(coupon) >= limit
    {
        return Err(Rejection::CouponExhausted { coupon, limit });
    }
    let discount = ApplyDiscount {
        customer: command.customer,
        discount: command.discount,
        on: command.on.clone(),
        value: found.value,
        duration: found.duration,
    };
    given(context, customer, &discount, Some(coupon))
}
