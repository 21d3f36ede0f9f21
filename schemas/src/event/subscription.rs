//! Events of subscriptions. Instants are exact; under policies that bill by day they are the
//! starts of civil days in the customer's zone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::currency::Currency;
use crate::decimal::Decimal;
use crate::event::Dimension;
use crate::ids::{CustomerId, PlanId, QuoteId, SubscriptionId};
use crate::terms::{Anchor, BillingTiming, CancelCredit, EndReason, Every, Rate, Renewal, Settle};
use crate::text::{Code, Label};
use crate::time::{Span, Timestamp};

/// A price of a plan version as one subscription has it: in the customer's currency, frozen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ItemTerms {
    /// Which plan.
    pub plan: PlanId,
    /// Which version of it.
    pub version: u32,
    /// Which price of that version.
    pub price: Code,
    /// Its name, printed on lines.
    pub name: Label,
    /// The product of the plan.
    pub product: Option<Code>,
    /// The length of a cycle.
    pub every: Every,
    /// Billed at the start or the end of a cycle.
    pub timing: BillingTiming,
    /// Days before a cycle on which it is invoiced.
    pub lead_days: u16,
    /// The currency of the amounts.
    pub currency: Currency,
    /// The price.
    pub rate: Rate,
    /// The rate is the subscription's own, not the plan's.
    pub own_rate: bool,
    /// What a whole cycle costs at least.
    pub minimum: Option<Decimal>,
}

/// From where the cycles of an item are computed. The n-th boundary is computed from the first
/// whole cycle's start, never from the boundary before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Calendar {
    /// Cycles exist from here on; before `first` lies a part of one.
    pub from: Timestamp,
    /// The start of the first whole cycle.
    pub first: Timestamp,
    /// The intended day of the month, 1 to 31; none for cycles of days and weeks.
    pub day: Option<u8>,
    /// The length of a cycle.
    pub every: Every,
}

/// An item at the start of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ItemStarted {
    /// Its number: 0, 1, 2 … over the life of the subscription.
    pub item: u16,
    /// It was asked for beside the plan.
    pub add_on: bool,
    /// Price and timing.
    pub terms: ItemTerms,
    /// How many units.
    pub quantity: Decimal,
    /// Its cycles.
    pub calendar: Calendar,
}

/// A contract term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Term {
    /// From when to when.
    pub span: Span,
    /// Its length.
    pub length: Every,
    /// What follows.
    pub renewal: Renewal,
}

/// A subscription began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubscriptionCreated {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// Its first instant.
    pub start: Timestamp,
    /// What was bought, by number.
    pub items: Vec<ItemStarted>,
    /// Until then it is free.
    pub trial_end: Option<Timestamp>,
    /// It waits for its first payment, and ends if there is none until then.
    pub activation_expires: Option<Timestamp>,
    /// The contract term.
    pub term: Option<Term>,
    /// The child that uses what the customer pays.
    pub beneficiary: Option<CustomerId>,
    /// The quote that it fulfils.
    pub quote: Option<QuoteId>,
    /// What reports group by, on every line.
    pub dimensions: Vec<Dimension>,
}

/// The first payment came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubscriptionActivated {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// When.
    pub at: Timestamp,
}

/// A cycle of an item exists from now on and can be billed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CycleOpened {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// Which item of it.
    pub item: u16,
    /// 0, 1, 2 … over the life of the item.
    pub cycle: u32,
    /// Its time.
    pub span: Span,
    /// The whole cycle that it is a part of, or itself: what proration divides by.
    pub full: Span,
}

/// A cycle ends early, because cycles start on other days from then on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CycleCut {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// Which item of it.
    pub item: u16,
    /// Which cycle.
    pub cycle: u32,
    /// Its new end.
    pub end: Timestamp,
}

/// What becomes of an item's terms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TermsChange {
    /// They stay.
    Keep,
    /// They are these.
    Set(Box<ItemTerms>),
    /// The item ends.
    Remove,
}

/// What changes of one item; an item with a new number begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ItemChange {
    /// Which item.
    pub item: u16,
    /// It was asked for beside the plan.
    pub add_on: bool,
    /// Its terms.
    pub terms: TermsChange,
    /// Its quantity, if that changes.
    pub quantity: Option<Decimal>,
    /// Its cycles, if they change. The current one was cut before.
    pub calendar: Option<Calendar>,
}

/// A subscription has other terms from an instant on, each until its next recorded change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubscriptionChanged {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// The first instant of the new terms.
    pub from: Timestamp,
    /// What changed, by number.
    pub items: Vec<ItemChange>,
    /// How the difference is billed.
    pub settle: Settle,
    /// The scheduled change that this is.
    pub change: Option<u32>,
    /// The trial has another end.
    pub trial_end: Option<Timestamp>,
}

/// A phase of a ramp begins here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RampStep {
    /// Its first instant.
    pub from: Timestamp,
    /// What it changes.
    pub items: Vec<ItemChange>,
}

/// A ramp deal was agreed: terms that are known ahead.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RampAgreed {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// Its phases after the first, in order.
    pub steps: Vec<RampStep>,
}

/// Item changes that wait for their time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduledItems {
    /// What changes. Calendars are computed when it takes effect.
    pub items: Vec<ItemChange>,
    /// Cycles start on other days.
    pub anchor: Option<Anchor>,
    /// How the difference is billed.
    pub settle: Settle,
}

/// What will change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScheduledChange {
    /// Items or anchor.
    Items(ScheduledItems),
    /// The subscription ends.
    Cancel(CancelCredit),
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
}

/// A scheduled change will not take effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduledChangeWithdrawn {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// Which change.
    pub change: u32,
}

/// A subscription paused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubscriptionPaused {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// Its first instant without service.
    pub from: Timestamp,
    /// How time billed beyond is settled.
    pub settle: Settle,
    /// The scheduled change that this is.
    pub change: Option<u32>,
}

/// A paused subscription went on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubscriptionResumed {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// Its first instant with service.
    pub from: Timestamp,
    /// How the rest of the cycle is billed.
    pub settle: Settle,
    /// The scheduled change that this is.
    pub change: Option<u32>,
}

/// A subscription ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubscriptionCanceled {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// The instant after its last.
    pub end: Timestamp,
    /// What becomes of time that was billed beyond it.
    pub credit: CancelCredit,
    /// Why.
    pub reason: EndReason,
    /// The scheduled change that this is.
    pub change: Option<u32>,
}

/// A cancellation was undone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CancellationUndone {
    /// Which subscription.
    pub subscription: SubscriptionId,
}

/// The customer has another clock, and what was agreed for a later day is due on the same day by
/// it. Folding replaces instants by others and asks no calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubscriptionRelocated {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// What becomes of each instant that was agreed for later, in the order of time.
    pub instants: Vec<Relocated>,
}

/// An instant that was agreed for later, and the one that takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Relocated {
    /// By the clock that the customer has had.
    pub from: Timestamp,
    /// The same day, and the same time of it, by the new clock.
    pub to: Timestamp,
}

/// Another contract term began, or none follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TermRenewed {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// The new term; none if it goes on without one.
    pub term: Option<Term>,
}

/// What follows the contract term was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RenewalSet {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// What follows.
    pub renewal: Renewal,
}
