//! Events of discounts, coupons and quotes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::command::SubscriptionTerms;
use crate::decimal::Decimal;
use crate::ids::{CouponId, DiscountId, PlanId, QuoteId, SubscriptionId};
use crate::terms::{DiscountDuration, DiscountTarget, DiscountValue};
use crate::time::Date;

/// A coupon was defined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CouponDefined {
    /// Which coupon.
    pub coupon: CouponId,
    /// How much it takes off.
    pub value: DiscountValue,
    /// How long.
    pub duration: DiscountDuration,
    /// How often it can be redeemed.
    pub max_redemptions: Option<u32>,
    /// The first day on which it can be redeemed, in UTC.
    pub from: Option<Date>,
    /// The last day on which it can be redeemed, in UTC.
    pub through: Option<Date>,
}

/// A discount was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiscountApplied {
    /// Which discount.
    pub discount: DiscountId,
    /// On what.
    pub on: DiscountTarget,
    /// How much.
    pub value: DiscountValue,
    /// How long.
    pub duration: DiscountDuration,
    /// The coupon that was redeemed for it.
    pub coupon: Option<CouponId>,
    /// On a subscription or item: from which cycle each item that was there counts, its first one
    /// of which nothing is billed. Items that begin later count from their first.
    pub first_cycles: Vec<FirstCycle>,
    /// On a price: the item that has it, whatever migrations call the price later.
    pub item: Option<u16>,
}

/// From which cycle on an item has a discount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FirstCycle {
    /// Which item.
    pub item: u16,
    /// Which cycle of it.
    pub cycle: u32,
}

/// A discount was ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiscountRemoved {
    /// Which discount.
    pub discount: DiscountId,
}

/// What a quote offers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuoteOffer {
    /// Which plan.
    pub plan: PlanId,
    /// Which version of it.
    pub version: u32,
    /// How many units.
    pub quantity: Decimal,
    /// What is not as in the plan.
    pub with: SubscriptionTerms,
}

/// A subscription was offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuoteCreated {
    /// Which quote.
    pub quote: QuoteId,
    /// The last day on which it can be accepted.
    pub valid_until: Date,
    /// What is offered.
    pub offer: QuoteOffer,
}

/// A quote was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuoteAccepted {
    /// Which quote.
    pub quote: QuoteId,
    /// The subscription that began.
    pub subscription: SubscriptionId,
}

/// A quote was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuoteVoided {
    /// Which quote.
    pub quote: QuoteId,
}
