//! Changes of subscriptions that wait for their time.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::command::{ItemRequest, PriceMapping};
use crate::decimal::Decimal;
use crate::event::{BilledAhead, PlanVersion};
use crate::ids::{PlanId, SubscriptionId};
use crate::terms::{Anchor, CancelCredit, Settle};
use crate::text::{Code, Label};
use crate::time::Timestamp;

/// A change of plan, items or anchor that waits for its time. It is applied to the subscription
/// as it is then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeAgreed {
    /// Another plan or version.
    pub plan: Option<PlanVersion>,
    /// Another quantity of every price of the plan.
    pub quantity: Option<Decimal>,
    /// Other quantities and prices, add-ons that begin or end.
    pub items: Vec<ItemRequest>,
    /// Cycles start on other days.
    pub anchor: Option<Anchor>,
    /// Which price takes the place of which.
    pub map: Vec<PriceMapping>,
    /// Prices of its own go along.
    pub keep_prices: bool,
    /// Later phases and scheduled changes go along.
    pub keep_scheduled: bool,
    /// How the difference is billed.
    pub settle: Settle,
    /// The items that there were when it was told, by the ids that their prices were to have at its
    /// time: it means these, whatever migrations call them since.
    pub names: Vec<ItemNamed>,
    /// Without proration, what was billed ahead with changes that gave way to this one: it stays.
    pub billed_ahead: Vec<BilledAhead>,
}

/// An item, by the id of its price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ItemNamed {
    /// Which item.
    pub item: u16,
    /// The plan that it was to be of.
    pub plan: PlanId,
    /// The id of its price in that.
    pub price: Code,
}

/// An end that waits for its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EndAgreed {
    /// What becomes of time that is billed beyond it.
    pub credit: CancelCredit,
    /// An early-termination fee is not charged.
    pub waive_fee: bool,
}

/// What will change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScheduledChange {
    /// Plan, items or anchor.
    Items(Box<ChangeAgreed>),
    /// The subscription ends.
    Cancel(EndAgreed),
    /// It pauses.
    Pause(Settle),
    /// It goes on after a pause.
    Resume(Settle),
}

/// When a scheduled change takes effect.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ScheduledFor {
    /// At this instant.
    At(Timestamp),
    /// When nothing is open that has a line of the subscription.
    Paid,
}

/// A change will take effect; another event says when it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeScheduled {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// Its number: 1, 2, 3 … over the life of the subscription.
    pub change: u32,
    /// When.
    pub at: ScheduledFor,
    /// What.
    pub what: ScheduledChange,
    /// It waits for the end of the cycle, wherever that is.
    pub cycle_end: bool,
    /// Changes that lie beyond the end that this is, put aside until it is undone.
    pub sets_aside: Vec<u32>,
}

/// A scheduled change will not take effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduledChangeWithdrawn {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// Which change.
    pub change: u32,
    /// Changes that wait again, because the end was withdrawn that had put them aside.
    pub restores: Vec<u32>,
    /// Why it could not take effect, where nobody withdrew it.
    pub why: Option<Label>,
}
