//! Events of subscriptions. Instants are exact; under policies that bill by day they are the
//! starts of civil days in the customer's zone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::book::PricesMapped;
use crate::currency::Currency;
use crate::decimal::Decimal;
use crate::event::{Dimension, LineRef};
use crate::ids::{CustomerId, DiscountId, InvoiceId, PlanId, QuoteId, SubscriptionId};
use crate::money::Minor;
use crate::terms::{
    Anchor, BillingTiming, CancelCredit, EarlyEnd, EndReason, Every, Grant, Rate, Renewal, Settle,
};
use crate::text::{Code, Label};
use crate::time::{Date, Interval, Span, Timestamp};

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
    /// What the plan version grants, whatever its prices: told by the plan's first living item.
    /// Empty of an add-on.
    pub plan_grants: Vec<Grant>,
    /// What this price grants.
    pub grants: Vec<Grant>,
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
    /// Cycles start with the calendar's month, year or week.
    pub aligned: bool,
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

/// The least term of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeastTerm {
    /// Its length, from the start on.
    pub length: Every,
    /// The instant after its last.
    pub until: Timestamp,
    /// What an earlier end costs.
    pub early_end: EarlyEnd,
}

/// Waits for a first payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ActivationAgreed {
    /// Hours from the first invoice above zero on.
    pub expires_after_hours: u16,
    /// So much may be missing of the payment.
    pub tolerance: Minor,
}

/// A subscription began, or will at its start.
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
    /// It waits for its first payment once an invoice asks for one.
    pub activation: Option<ActivationAgreed>,
    /// The contract term.
    pub term: Option<Term>,
    /// The least term.
    pub least_term: Option<LeastTerm>,
    /// Where it asked that cycles start; by the book's policies if none.
    pub anchor: Option<Anchor>,
    /// The child that uses what the customer pays.
    pub beneficiary: Option<CustomerId>,
    /// The quote that it fulfils.
    pub quote: Option<QuoteId>,
    /// What reports group by, on every line.
    pub dimensions: Vec<Dimension>,
}

/// An invoice asks for the payment that a subscription waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentAwaited {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// The invoice; none: it was voided, and nothing asks for a payment any more.
    pub invoice: Option<InvoiceId>,
    /// The subscription ends if it is not paid until then.
    pub expires: Timestamp,
}

/// The first payment came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubscriptionActivated {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// When.
    pub at: Timestamp,
    /// It begins then, and what was paid runs from there; none if it runs from its start.
    pub moved: Option<Box<SubscriptionMoved>>,
}

/// A subscription begins later than it was agreed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubscriptionMoved {
    /// Its first instant.
    pub start: Timestamp,
    /// The contract term.
    pub term: Option<Term>,
    /// The least term.
    pub least_term: Option<LeastTerm>,
    /// Instants at which something changes, before and after, in order.
    pub steps: Vec<(Timestamp, Timestamp)>,
    /// Its items, by number.
    pub items: Vec<ItemMoved>,
    /// The lines that it paid, with the days over which the rest of them is earned.
    pub lines: Vec<LineMoved>,
    /// The day on which they are booked anew.
    pub posting_date: Date,
}

/// A line is earned over other days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineMoved {
    /// Which line.
    pub line: LineRef,
    /// What was earned of it before the posting date and stays earned.
    pub kept: Minor,
    /// The days over which the rest is earned.
    pub service: Interval,
    /// The rest.
    pub left: Minor,
    /// The currency of the amounts.
    pub currency: Currency,
}

/// The cycles of an item lie elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ItemMoved {
    /// Which item.
    pub item: u16,
    /// From where its cycles are computed.
    pub calendar: Calendar,
    /// The time of each cycle up to the last that was billed, from the first on.
    pub cycles: Vec<Span>,
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
    /// Up to then what is invoiced stays as it is: nothing of the time is charged or given back.
    pub left_alone_until: Option<Timestamp>,
}

/// What holds later of an item, in the place of all that did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LaterTerms {
    /// Which item.
    pub item: u16,
    /// The first instant of each, in order, and its terms; none where the item ends.
    pub steps: Vec<(Timestamp, Option<Box<ItemTerms>>)>,
    /// Up to when what is invoiced of it stays, where the change asks for no proration.
    pub left_alone_until: Option<Timestamp>,
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
    /// Cycles start on other days, also those that are laid anew later.
    pub anchor: Option<Anchor>,
    /// What a change of plan did to prices.
    pub prices: Option<PricesMapped>,
    /// Phases of a ramp from then on do not hold any more; what the running one takes off ends
    /// there.
    pub ramp_withdrawn_from: Option<Timestamp>,
    /// Terms that held later, where this change makes them others: it lies before them.
    pub later: Vec<LaterTerms>,
    /// What was told and holds already: no change for an earlier day runs through it.
    pub repeats: Vec<ItemChange>,
    /// What was billed ahead with scheduled changes that gave way to this one, which leaves alone
    /// what is invoiced; where it lays cycles anew, with any.
    pub billed_ahead: Vec<BilledAhead>,
}

/// What a scheduled change would have changed of an item. It was billed before its time, and has
/// no effect on what was billed any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BilledAhead {
    /// Its time.
    pub from: Timestamp,
    /// What it would have changed.
    pub change: ItemChange,
    /// How many changes of the item there would have been for its time.
    pub nth: u32,
    /// The number of the scheduled change.
    pub number: u32,
}

/// A phase of a ramp begins here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RampStep {
    /// Its first instant.
    pub from: Timestamp,
    /// What it changes.
    pub items: Vec<ItemChange>,
    /// Percent off every line of a cycle that starts in it.
    pub discount_percent: Option<Decimal>,
    /// It is the end of the ramp: what was agreed holds again, or what a command has said of the
    /// quantity meanwhile.
    pub ends: bool,
}

/// A ramp deal was agreed: terms that are known ahead. A step takes the place of one at the same
/// instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RampAgreed {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// What lines call that which phases take off.
    pub discount: DiscountId,
    /// Its phases, in order; what the first one says of items is in the items of the start.
    pub steps: Vec<RampStep>,
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
    /// Up to when each of these items is left as it is invoiced.
    pub left_alone: Vec<LeftAlone>,
}

/// Time of an item that stays as it is invoiced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftAlone {
    /// Which item.
    pub item: u16,
    /// The instant after its last.
    pub until: Timestamp,
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
    /// Cycles that start up to and at this instant had begun when the end was told.
    pub begun: Timestamp,
    /// An early-termination fee is not charged.
    pub fee_waived: bool,
}

/// A cancellation was undone. The changes that it put aside wait again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CancellationUndone {
    /// Which subscription.
    pub subscription: SubscriptionId,
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
