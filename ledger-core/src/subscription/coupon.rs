//! Redeeming coupons.

use schemas::Rejection;
use schemas::command::{ApplyDiscount, RedeemCoupon};
use schemas::event::Event;

use super::case::Case;
use super::discount::given;

/// Gives the discount of a coupon, if it may still be redeemed. Commands of a book are decided
/// one after the other, so of two customers at the same instant the first in the log gets it.
pub(super) fn redeem(case: &Case<'_>, command: &RedeemCoupon) -> Result<Vec<Event>, Rejection> {
    let coupon = command.coupon;
    let found = case.context.catalog.coupon(coupon)?;
    let today = case.context.stamp.recorded_at.utc_date();
    let begun = found.from.is_none_or(|from| from <= today);
    let over = found.through.is_some_and(|through| through < today);
    if !begun || over {
        return Err(Rejection::CouponNotValid { coupon, today });
    }
    if case.agreements.coupons.contains(&coupon) {
        return Err(Rejection::CouponRedeemed { customer: case.profile.id, coupon });
    }
    if let Some(limit) = found.max_redemptions
        && case.context.registry.redemptions(coupon) >= limit
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
    given(case, &discount, Some(coupon))
}
