//! Commands about what is bought again and again, and discounts on it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decimal::Decimal;
use crate::ids::{CustomerId, DiscountId, PlanId, SubscriptionId};
use crate::terms::{
    CancelCredit, ChangeTime, DiscountDuration, DiscountTarget, DiscountValue, InvoiceTiming,
};

/// Subscribes a customer to a plan from the effective date on, which becomes the billing anchor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateSubscription {
    /// Who buys.
    pub customer: CustomerId,
    /// The subscription's id.
    pub subscription: SubscriptionId,
    /// What is bought.
    pub plan: PlanId,
    /// Which version of it; the latest if left out.
    pub version: Option<u32>,
    /// How many units; 1 if left out.
    pub quantity: Option<Decimal>,
    /// `next` if left out.
    pub invoice: Option<InvoiceTiming>,
}

/// Moves a subscription to another plan, or another version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePlan {
    /// Whose subscription.
    pub customer: CustomerId,
    /// Which one.
    pub subscription: SubscriptionId,
    /// The new plan.
    pub plan: PlanId,
    /// Which version of it; the latest if left out.
    pub version: Option<u32>,
    /// Now with proration, or at cycle end.
    pub when: ChangeTime,
    /// When the proration is invoiced; `next` if left out.
    pub invoice: Option<InvoiceTiming>,
}

/// Changes how many units a subscription has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeQuantity {
    /// Whose subscription.
    pub customer: CustomerId,
    /// Which one.
    pub subscription: SubscriptionId,
    /// The new quantity.
    pub quantity: Decimal,
    /// Now with proration, or at cycle end.
    pub when: ChangeTime,
    /// When the proration is invoiced; `next` if left out.
    pub invoice: Option<InvoiceTiming>,
}

/// Ends a subscription. A credit for unused days is issued at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelSubscription {
    /// Whose subscription.
    pub customer: CustomerId,
    /// Which one.
    pub subscription: SubscriptionId,
    /// On the effective date, or when the current cycle ends.
    pub when: ChangeTime,
    /// What becomes of unused days when it ends now; `prorated` if left out.
    pub credit: Option<CancelCredit>,
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
