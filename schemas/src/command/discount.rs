//! Commands about discounts and coupons.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{CouponId, CustomerId, DiscountId};
use crate::terms::{DiscountDuration, DiscountTarget, DiscountValue};
use crate::time::Date;

/// Defines a coupon. It never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DefineCoupon {
    /// Its id.
    pub coupon: CouponId,
    /// How much it takes off.
    pub value: DiscountValue,
    /// How long.
    pub duration: DiscountDuration,
    /// How often it can be redeemed in the book; without limit if left out.
    pub max_redemptions: Option<u32>,
    /// The first day on which it can be redeemed, in UTC; from now on if left out.
    pub from: Option<Date>,
    /// The last day on which it can be redeemed, in UTC; for ever if left out.
    pub through: Option<Date>,
}

/// Redeems a coupon: the customer gets its discount. A customer may redeem a coupon once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedeemCoupon {
    /// Who gets it.
    pub customer: CustomerId,
    /// Which coupon.
    pub coupon: CouponId,
    /// The id of the discount that it gives.
    pub discount: DiscountId,
    /// On what.
    pub on: DiscountTarget,
}

/// Gives a discount on cycles or invoices that are still to be billed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyDiscount {
    /// Who gets it.
    pub customer: CustomerId,
    /// The discount's id.
    pub discount: DiscountId,
    /// On what.
    pub on: DiscountTarget,
    /// How much.
    pub value: DiscountValue,
    /// How long.
    pub duration: DiscountDuration,
}

/// Ends a discount: lines billed from now on do not have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveDiscount {
    /// Whose discount.
    pub customer: CustomerId,
    /// Which one.
    pub discount: DiscountId,
}
