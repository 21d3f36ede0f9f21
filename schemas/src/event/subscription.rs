//! Events of subscriptions and discounts. All dates are civil, in the customer's zone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decimal::Decimal;
use crate::ids::{DiscountId, PlanId, SubscriptionId};
use crate::terms::{
    BillingTiming, CancelCredit, DiscountDuration, DiscountTarget, DiscountValue, Every,
    PricingModel, UnitPrice,
};
use crate::text::Label;
use crate::time::{Date, Interval};

/// A plan version as one subscription has it: the price in the customer's currency, frozen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanTerms {
    /// Which plan.
    pub plan: PlanId,
    /// Which version of it.
    pub version: u32,
    /// The plan's name in that version, printed on lines.
    pub name: Label,
    /// The length of a cycle.
    pub every: Every,
    /// Billed at the start or the end of a cycle.
    pub timing: BillingTiming,
    /// Flat or per unit.
    pub model: PricingModel,
    /// The price in the customer's currency.
    pub unit_price: UnitPrice,
}

/// A subscription began. Its first day is the billing anchor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubscriptionCreated {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// First day, and the anchor from which every cycle is computed.
    pub start: Date,
    /// What was bought.
    pub terms: PlanTerms,
    /// How many units.
    pub quantity: Decimal,
}

/// A cycle exists from now on and can be billed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CycleOpened {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// 0, 1, 2 … over the life of the subscription.
    pub cycle: u32,
    /// Its days.
    pub period: Interval,
    /// The days that a whole cycle has: what proration divides by.
    pub denominator: u32,
}

/// A cycle ends early, because the length of cycles changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CycleCut {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// Which cycle.
    pub cycle: u32,
    /// The day after its last.
    pub end: Date,
}

/// A subscription has other terms from a date on, until the next recorded change of plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanChanged {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// First day of the new terms.
    pub from: Date,
    /// The new terms.
    pub terms: PlanTerms,
    /// Cycles are computed from `from` on, because their length changes.
    pub new_anchor: bool,
}

/// A subscription has another quantity from a date on, until the next recorded change of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QuantityChanged {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// First day of the new quantity.
    pub from: Date,
    /// How many units.
    pub quantity: Decimal,
}

/// What will change at cycle end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScheduledChange {
    /// The plan.
    Plan(PlanTerms),
    /// The quantity.
    Quantity(Decimal),
    /// The subscription ends.
    Cancel,
}

/// A change will take effect on a date; another event says when it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeScheduled {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// The first day of the new state.
    pub at: Date,
    /// What will change. It replaces a scheduled change of the same kind.
    pub change: ScheduledChange,
}

/// A scheduled change will not take effect: another command took its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduledChangeWithdrawn {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// What would have changed.
    pub change: ScheduledChange,
}

/// A subscription ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubscriptionCanceled {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// The day after its last.
    pub end: Date,
    /// What becomes of days that were billed beyond it.
    pub credit: CancelCredit,
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
    /// On a subscription: the first cycle that has it.
    pub first_cycle: u32,
}

/// A discount was ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiscountRemoved {
    /// Which discount.
    pub discount: DiscountId,
}
