//! Answers of the queries `subscriptions` and `customers`, by the gateway from the state that
//! commands are decided on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decimal::Decimal;
use crate::event::{Dimension, ItemTerms, ScheduledChange, ScheduledFor, Term};
use crate::ids::{
    BillingRunId, CouponId, CustomerId, DiscountId, InvoiceId, QuoteId, SubscriptionId,
};
use crate::money::Money;
use crate::terms::{DiscountDuration, DiscountTarget, DiscountValue};
use crate::text::{Code, Label};
use crate::time::{Date, Span, Timestamp};

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident,)* })*) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            JsonSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)* }
    )*};
}

words! {
    /// Where a subscription is in its life.
    SubscriptionState {
        /// It waits for its first payment, or has not begun.
        Pending,
        /// It runs and is free.
        Trialing,
        /// It runs.
        Active,
        /// It runs, and an invoice with a line of it is open after its due date.
        PastDue,
        /// Access is taken away because it is not paid for.
        Suspended,
        /// It is stopped for a while.
        Paused,
        /// It was canceled.
        Canceled,
        /// Its term ended, or the payment that it waited for did not come.
        Expired,
    }
    /// Why a customer has access, or has none.
    AccessReason {
        /// It waits for its first payment, or has not begun.
        Pending,
        /// It is free until the trial ends.
        Trial,
        /// The present is paid for.
        Paid,
        /// The present is not billed yet, costs nothing, or is billed at the end.
        NotBilled,
        /// The present is billed, and there is still time to pay.
        WithinPaymentTerms,
        /// The present is not paid for, and the time to pay is over.
        Unpaid,
        /// It is paused.
        Paused,
        /// It has ended.
        Ended,
        /// There is no subscription.
        None,
    }
}

/// A subscription as it is at an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Subscription {
    /// Which one.
    pub subscription: SubscriptionId,
    /// Who pays.
    pub customer: CustomerId,
    /// The child that uses it.
    pub beneficiary: Option<CustomerId>,
    /// Where it is in its life.
    pub state: SubscriptionState,
    /// The instant that this is said of.
    pub at: Timestamp,
    /// Its first instant.
    pub start: Timestamp,
    /// Until then it is free.
    pub trial_end: Option<Timestamp>,
    /// It waits for its first payment until then.
    pub activation_expires: Option<Timestamp>,
    /// The instant after its last, if an end is known.
    pub end: Option<Timestamp>,
    /// The contract term, with what follows it.
    pub term: Option<Term>,
    /// What is bought, by number.
    pub items: Vec<SubscriptionItem>,
    /// Everything that begins before then is billed, or is free.
    pub charged_through: Option<Timestamp>,
    /// What will change, by number.
    pub scheduled: Vec<PendingChange>,
    /// The last scheduled changes that could not take effect, or not whole, oldest first.
    pub left_out: Vec<ChangeLeftOut>,
    /// Discounts on it.
    pub discounts: Vec<SubscriptionDiscount>,
    /// Open invoices with a line of it.
    pub open: Vec<OpenDocument>,
    /// The quote that it fulfils.
    pub quote: Option<QuoteId>,
    /// What reports group by.
    pub dimensions: Vec<Dimension>,
    /// The names of the commands that are legal now.
    pub next: Vec<String>,
}

/// An item of a subscription at an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubscriptionItem {
    /// Its number.
    pub item: u16,
    /// It was asked for beside the plan.
    pub add_on: bool,
    /// Plan, version, price and timing; none once the item has ended.
    pub terms: Option<ItemTerms>,
    /// How many units.
    pub quantity: Decimal,
    /// The cycle that the instant lies in.
    pub cycle: Option<ItemCycle>,
    /// Everything of it that begins before then is billed, or is free.
    pub charged_through: Option<Timestamp>,
    /// Terms and quantities that are agreed for later.
    pub upcoming: Vec<ItemStep>,
}

/// A cycle of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ItemCycle {
    /// 0, 1, 2 … over the life of the item.
    pub cycle: u32,
    /// Its time.
    pub span: Span,
    /// The whole cycle that it is a part of, or itself.
    pub full: Span,
}

/// Terms of an item from an instant on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ItemStep {
    /// Its first instant.
    pub from: Timestamp,
    /// The terms; none if the item ends.
    pub terms: Option<ItemTerms>,
    /// How many units.
    pub quantity: Decimal,
}

/// A change that waits for its time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PendingChange {
    /// Its number; `subscription.withdraw_change` takes it.
    pub change: u32,
    /// When it takes effect.
    pub at: ScheduledFor,
    /// What changes.
    pub what: ScheduledChange,
}

/// A scheduled change of which something could not take effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeLeftOut {
    /// Its number.
    pub change: u32,
    /// When it was to take effect.
    pub at: ScheduledFor,
    /// What was to change.
    pub what: ScheduledChange,
    /// Why it did not, or not whole.
    pub why: Label,
}

/// A discount as it bears on a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubscriptionDiscount {
    /// Which discount.
    pub discount: DiscountId,
    /// On what.
    pub on: DiscountTarget,
    /// How much.
    pub value: DiscountValue,
    /// How long.
    pub duration: DiscountDuration,
    /// Only cycles that start in it have the discount, as in a phase of a ramp.
    pub window: Option<Span>,
    /// The coupon that was redeemed for it.
    pub coupon: Option<CouponId>,
}

/// An invoice with something still to pay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenDocument {
    /// Which invoice.
    pub invoice: InvoiceId,
    /// The last day to pay.
    pub due_date: Date,
    /// What is still owed.
    pub balance_due: Money,
    /// That day is over.
    pub overdue: bool,
}

/// A customer that processes leave out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ParkedCustomer {
    /// Which customer. `customer.release` lets runs bill it again.
    pub customer: CustomerId,
    /// The process that met it, such as `billing_run`.
    pub process: Code,
    /// The billing run that met it, if one did.
    pub run: Option<BillingRunId>,
    /// The code of the rejection, or `internal` for a fault of the ledger.
    pub reason: Label,
    /// What is, and the way out.
    pub detail: Label,
}

/// Whether a customer has access, until when, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerAccess {
    /// Which customer.
    pub customer: CustomerId,
    /// The instant that this is said of.
    pub at: Timestamp,
    /// It has access by at least one subscription.
    pub access: bool,
    /// The longest of what its subscriptions say; none if there is no access, or no end in sight.
    pub until: Option<Timestamp>,
    /// Why, in one word: of the subscription that gives access longest, or of the latest one.
    pub reason: AccessReason,
    /// What all of them grant together, by feature; nothing of those that give no access.
    pub grants: Vec<Entitlement>,
    /// Each subscription that it uses: its own, and those that its parent pays for it.
    pub subscriptions: Vec<SubscriptionAccess>,
}

/// A feature that somebody may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entitlement {
    /// Which feature.
    pub feature: Code,
    /// How much of it, all limits added up; none without a limit.
    pub limit: Option<Decimal>,
}

/// What one subscription means for access.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubscriptionAccess {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// Who pays for it.
    pub payer: CustomerId,
    /// Where it is in its life.
    pub state: SubscriptionState,
    /// It gives access now.
    pub access: bool,
    /// Until then, by what is known now; none if there is no access, or no end in sight.
    pub until: Option<Timestamp>,
    /// Why.
    pub reason: AccessReason,
    /// The last instant that is paid for ends here.
    pub paid_through: Option<Timestamp>,
    /// What its plan and add-ons grant, by feature; nothing without access.
    pub grants: Vec<Entitlement>,
}
