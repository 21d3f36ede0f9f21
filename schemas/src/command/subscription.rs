//! Commands about what is bought again and again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::book::PriceMapping;
use crate::decimal::Decimal;
use crate::event::Dimension;
use crate::ids::{CustomerId, PlanId, QuoteId, SubscriptionId};
use crate::money::Money;
use crate::terms::{
    Anchor, CancelCredit, ChangeTime, InvoiceTiming, LeastTermRequest, RampEnd, Rate, Renewal,
    Settle, TermRequest,
};
use crate::text::Code;
use crate::time::{Date, Interval};

/// Subscribes a customer to a plan from the effective time on, or from a later day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateSubscription {
    /// Who buys, and pays.
    pub customer: CustomerId,
    /// The subscription's id.
    pub subscription: SubscriptionId,
    /// What is bought.
    pub plan: PlanId,
    /// Which version of it; the latest if left out.
    pub version: Option<u32>,
    /// How many units of each price of the plan; 1 if left out.
    pub quantity: Option<Decimal>,
    /// The day in the customer's zone on which it begins, later than today; the effective time
    /// if left out.
    pub start: Option<Date>,
    /// `next` if left out.
    pub invoice: Option<InvoiceTiming>,
    /// What is not as in the plan; nothing if left out.
    pub with: Option<SubscriptionTerms>,
}

/// Terms of one subscription beside its plan; all may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionTerms {
    /// Quantities, prices of its own, and add-ons.
    pub items: Option<Vec<ItemRequest>>,
    /// On which days cycles start; by the book's policies if left out.
    pub anchor: Option<Anchor>,
    /// Days of trial; the plan's if left out.
    pub trial_days: Option<u16>,
    /// The contract term; none if left out.
    pub term: Option<TermRequest>,
    /// The least term, and what an earlier end costs; none if left out.
    pub least_term: Option<LeastTermRequest>,
    /// Prices, quantities and discounts by phases from the start on.
    pub ramp: Option<Vec<RampPhase>>,
    /// What follows the last phase; `hold` if left out.
    pub ramp_end: Option<RampEnd>,
    /// Access begins when the first invoice is paid; at once if left out.
    pub activation: Option<Activation>,
    /// The child that uses what this customer pays; the customer itself if left out.
    pub beneficiary: Option<CustomerId>,
    /// The quote that this subscription fulfils.
    pub quote: Option<QuoteId>,
    /// What reports group by, such as the sales channel; on every line.
    pub dimensions: Option<Vec<Dimension>>,
}

/// One price of a subscription that is not as the plan says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemRequest {
    /// Which price of the plan.
    pub price: Code,
    /// How many units; as they are, or 1, if left out.
    pub quantity: Option<Decimal>,
    /// A price of its own in the customer's currency; the plan's if left out.
    pub rate: Option<Rate>,
    /// The item ends; only in a change, and only an add-on.
    pub remove: Option<bool>,
}

/// Waits for the first payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Activation {
    /// Hours from its first invoice above zero until an unpaid subscription ends and that invoice
    /// is voided, 1 to 8,784. The next billing run or invoice after them ends it; a payment that
    /// comes before that activates it. While nothing is to be paid, it does not wait.
    pub expires_after_hours: u16,
    /// So much may be missing of the payment; nothing if left out. It stays open.
    pub tolerance: Option<Money>,
}

/// A phase of a ramp deal: a length of time, told in days or in months. Phases follow each other
/// from the start of the subscription on, whenever that is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RampPhase {
    /// Its length in days, told by the days on which it would begin and end.
    pub days: Option<Interval>,
    /// Its length in months, 1 to 120.
    pub months: Option<u16>,
    /// Quantities and prices of the phase.
    pub items: Option<Vec<ItemRequest>>,
    /// Percent off every line of the phase.
    pub discount_percent: Option<Decimal>,
}

/// Changes plan, items or anchor of a subscription, in one step.
///
/// Changes that are scheduled stand beside each other. Where two say something of the same thing
/// for the same time, the later one holds, and what else the earlier one says stays; a change of
/// plan takes the place of every scheduled change of plan or price, and of later phases of a ramp.
/// What was dropped is among the events.
///
/// The prices of another plan take the places of those of this one by their ids; else the only
/// recurring price that of the only one; else by `map`. Quantities, add-ons and discounts on the
/// subscription go along.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeSubscription {
    /// Whose subscription.
    pub customer: CustomerId,
    /// Which one.
    pub subscription: SubscriptionId,
    /// Another plan.
    pub plan: Option<PlanId>,
    /// Which version of it; the latest if left out.
    pub version: Option<u32>,
    /// Another quantity of every price of the plan.
    pub quantity: Option<Decimal>,
    /// Other quantities and prices, add-ons to add or remove.
    pub items: Option<Vec<ItemRequest>>,
    /// Cycles start on other days.
    pub anchor: Option<Anchor>,
    /// Which price of the other plan takes the place of which, where their ids do not say.
    pub map: Option<Vec<PriceMapping>>,
    /// Prices of the subscription's own go along to prices of the same id; if left out they do
    /// not.
    pub keep_prices: Option<bool>,
    /// Later phases of a ramp and scheduled changes stay with the other plan; if left out they
    /// are withdrawn.
    pub keep_scheduled: Option<bool>,
    /// When it takes effect.
    pub when: ChangeTime,
    /// How the difference is billed; by the book's policies if left out.
    pub proration: Option<Settle>,
}

/// Moves a subscription to another plan, or another version; see [`ChangeSubscription`].
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
    /// Which price of the other plan takes the place of which, where their ids do not say.
    pub map: Option<Vec<PriceMapping>>,
    /// Prices of the subscription's own go along to prices of the same id.
    pub keep_prices: Option<bool>,
    /// Later phases of a ramp and scheduled changes stay with the other plan.
    pub keep_scheduled: Option<bool>,
    /// When it takes effect.
    pub when: ChangeTime,
    /// How the difference is billed; by the book's policies if left out.
    pub proration: Option<Settle>,
}

/// Changes how many units a subscription has of every price of its plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeQuantity {
    /// Whose subscription.
    pub customer: CustomerId,
    /// Which one.
    pub subscription: SubscriptionId,
    /// The new quantity.
    pub quantity: Decimal,
    /// When it takes effect.
    pub when: ChangeTime,
    /// How the difference is billed; by the book's policies if left out.
    pub proration: Option<Settle>,
}

/// Ends a subscription. A credit for unused time is issued at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CancelSubscription {
    /// Whose subscription.
    pub customer: CustomerId,
    /// Which one.
    pub subscription: SubscriptionId,
    /// When it ends.
    pub when: ChangeTime,
    /// What becomes of time that is billed beyond the end; by the book's policies if left out. A
    /// cycle that was billed and will not begin is credited whole in any case.
    pub credit: Option<CancelCredit>,
    /// An early-termination fee is not charged.
    pub waive_fee: Option<bool>,
}

/// Ends a trial now: from the effective time on it is paid for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EndTrial {
    /// Whose subscription.
    pub customer: CustomerId,
    /// Which one.
    pub subscription: SubscriptionId,
    /// `next` if left out.
    pub invoice: Option<InvoiceTiming>,
}

/// Undoes a cancellation, up to the day on which it takes effect. What it withdrew is restored;
/// what was credited stays credited, and that time is billed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UncancelSubscription {
    /// Whose subscription.
    pub customer: CustomerId,
    /// Which one.
    pub subscription: SubscriptionId,
}

/// Withdraws a scheduled change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawChange {
    /// Whose subscription.
    pub customer: CustomerId,
    /// Which one.
    pub subscription: SubscriptionId,
    /// The number of the change, as listed.
    pub change: u32,
}

/// Stops a subscription for a while: no access, no charges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PauseSubscription {
    /// Whose subscription.
    pub customer: CustomerId,
    /// Which one.
    pub subscription: SubscriptionId,
    /// When it starts.
    pub when: ChangeTime,
    /// How time that is billed already is settled; by the book's policies if left out.
    pub credit: Option<Settle>,
    /// The day it goes on by itself; until it is resumed if left out.
    pub resume_on: Option<Date>,
}

/// Lets a paused subscription go on. Cycles stay where they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResumeSubscription {
    /// Whose subscription.
    pub customer: CustomerId,
    /// Which one.
    pub subscription: SubscriptionId,
    /// When it goes on.
    pub when: ChangeTime,
    /// How the rest of the cycle is billed; by the book's policies if left out.
    pub proration: Option<Settle>,
}

/// Changes what follows when the contract term ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetRenewal {
    /// Whose subscription.
    pub customer: CustomerId,
    /// Which one.
    pub subscription: SubscriptionId,
    /// What follows.
    pub renewal: Renewal,
}

/// Offers a subscription. Nothing is billed until it is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateQuote {
    /// To whom.
    pub customer: CustomerId,
    /// The quote's id.
    pub quote: QuoteId,
    /// What is offered.
    pub plan: PlanId,
    /// Which version of it; the latest if left out.
    pub version: Option<u32>,
    /// How many units; 1 if left out.
    pub quantity: Option<Decimal>,
    /// What is not as in the plan.
    pub with: Option<SubscriptionTerms>,
    /// The last day on which it can be accepted.
    pub valid_until: Date,
}

/// Accepts a quote: the subscription begins at the effective time, with the prices offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AcceptQuote {
    /// Whose quote.
    pub customer: CustomerId,
    /// Which one.
    pub quote: QuoteId,
    /// The id of the subscription that begins.
    pub subscription: SubscriptionId,
    /// The day in the customer's zone on which it begins, later than today; the effective time
    /// if left out.
    pub start: Option<Date>,
    /// `next` if left out.
    pub invoice: Option<InvoiceTiming>,
}

/// Withdraws a quote that was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VoidQuote {
    /// Whose quote.
    pub customer: CustomerId,
    /// Which one.
    pub quote: QuoteId,
}
