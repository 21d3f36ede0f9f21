//! Events of what happens by itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{BillingRunId, SubscriptionId};
use crate::terms::Differs;
use crate::time::Date;

/// A billing run began; one commit for each due customer follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BillingRunStarted {
    /// Which run.
    pub run: BillingRunId,
    /// Cycles that fall due up to and on this date.
    pub through: Date,
    /// Also those that have not begun.
    pub ahead: bool,
}

/// The day on which a billing run next has something to do for the customer is another one, or
/// that of one of its subscriptions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DueSet {
    /// Which day, in the customer's zone; none while nothing is ahead.
    pub on: Option<Date>,
    /// Subscriptions that have another day, or cycles that are settled.
    pub subscriptions: Vec<SubscriptionDue>,
}

/// When a subscription next has something to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubscriptionDue {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// Which day, in the customer's zone; none while nothing is ahead.
    pub on: Option<Date>,
    /// What of it differs from its invoices.
    pub differs: Differs,
    /// Cycles that have begun and of which all is billed: nothing is to be done for them until
    /// something changes them.
    pub settled: Vec<CycleSettled>,
}

/// A cycle of which all is billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CycleSettled {
    /// Which item.
    pub item: u16,
    /// Which cycle of it.
    pub cycle: u32,
}
