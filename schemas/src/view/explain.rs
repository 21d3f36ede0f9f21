//! The answer of `invoices.explain`: everything that an amount follows from.
//!
//! # Shape
//!
//! Lines are given as they are stored, in minor units, with what cannot be read off the line
//! itself beside it: the line that it credits with what was credited of that before, the lines
//! that share a fixed discount with it, and the events that brought it about. Whoever has this
//! document can reckon every amount of it again and needs nothing else.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::currency::Currency;
use crate::event::{DiscountApplied, InvoiceLine, InvoiceTotals, LineRef, TermsInForce};
use crate::fraction::Fraction;
use crate::ids::{BillingRunId, CreditNoteId, CustomerId, DiscountId, InvoiceId, SubscriptionId};
use crate::money::Minor;
use crate::terms::{Policies, Profile};
use crate::text::Code;
use crate::time::{Date, Span, Timestamp};

/// An invoice with everything that its amounts follow from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InvoiceExplanation {
    /// Which invoice.
    pub invoice: InvoiceId,
    /// The printed number.
    pub number: Code,
    /// Who buys.
    pub customer: CustomerId,
    /// The currency of every amount.
    pub currency: Currency,
    /// Decimal places of the currency: amounts are in units of `10^-digits`.
    pub digits: u8,
    /// The issue date.
    pub document_date: Date,
    /// The last day to pay.
    pub due_date: Date,
    /// The profile of the book.
    pub profile: Profile,
    /// Every policy it was computed by.
    pub policies: Policies,
    /// The version of the arithmetic.
    pub engine_version: u32,
    /// The customer's revision that it was computed from.
    pub input_revision: u64,
    /// The billing run that made it.
    pub run: Option<BillingRunId>,
    /// The commit that issued it.
    pub issued_by: EventPlace,
    /// Sums over all lines.
    pub totals: InvoiceTotals,
    /// How many lines it has.
    pub line_count: u32,
    /// Its lines: the one that was asked for, or those after `after_line`.
    pub lines: Vec<LineExplanation>,
    /// Give this as `after_line` to get more; none at the end.
    pub next_line: Option<u32>,
}

/// A line with everything that its amount follows from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineExplanation {
    /// The line as it is stored. Amounts are minor units.
    pub line: InvoiceLine,
    /// The line that it credits.
    pub credited: Option<CreditedLine>,
    /// Lines of the same invoice that share a fixed discount with it, itself among them.
    pub sharing: Vec<SharedDiscount>,
    /// What other lines of the cycle billed, where the amount depends on it: for the rest of a
    /// cycle, and for what is missing to a minimum.
    pub others: Vec<OtherLine>,
    /// The terms in force just before the credited time, where a credit is reckoned on them.
    pub in_force: Option<TermsInForce>,
    /// The discounts on it, as they were given.
    pub discounts: Vec<GivenDiscount>,
    /// The events that made it, in the order of the log.
    pub events: Vec<MadeBy>,
}

/// A discount as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GivenDiscount {
    /// What was decided.
    pub applied: DiscountApplied,
    /// The event that says so.
    pub event: EventPlace,
}

/// A credited line, and what was credited of it before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreditedLine {
    /// The invoice that it is on.
    pub invoice: InvoiceId,
    /// The printed number of that invoice.
    pub number: Code,
    /// The policies of that invoice.
    pub policies: Policies,
    /// The line as it is stored.
    pub line: InvoiceLine,
    /// What was credited of it before, in the order of the log.
    pub before: Vec<CreditBefore>,
}

/// What was credited of a line before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreditBefore {
    /// The line that credited it; none if a credit note did.
    pub line: Option<LineRef>,
    /// The credit note that did.
    pub credit_note: Option<CreditNoteId>,
    /// The time that it took back.
    pub span: Option<Span>,
    /// Gross, negative.
    pub gross: Minor,
    /// The part of each discount, negative.
    pub discounts: Vec<DiscountBefore>,
    /// Net, negative.
    pub net: Minor,
}

/// What was credited of a discount before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiscountBefore {
    /// Which discount.
    pub discount: DiscountId,
    /// Negative.
    pub amount: Minor,
}

/// A fixed discount with all lines that share it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SharedDiscount {
    /// Which discount.
    pub discount: DiscountId,
    /// The lines, in their order: at most 500.
    pub shares: Vec<DiscountShare>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_none")]
    pub more: u32,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands it so")]
const fn is_none(more: &u32) -> bool {
    *more == 0
}

/// A line's share of a fixed discount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiscountShare {
    /// Which line of the invoice.
    pub line: u32,
    /// What the discounts before have left of it.
    pub of: Minor,
    /// What this one takes off.
    pub amount: Minor,
}

/// Another line of the same cycle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OtherLine {
    /// Which line.
    pub at: LineRef,
    /// The time that it covers.
    pub span: Option<Span>,
    /// Its part of a whole cycle.
    pub ratio: Fraction,
    /// Its amount before discounts.
    pub gross: Minor,
}

/// Where an event lies in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventPlace {
    /// `<log>:<position>:<index>`, as in the feed.
    pub id: String,
    /// Public name.
    #[serde(rename = "type")]
    pub kind: String,
    /// When its commit was recorded.
    pub recorded_at: Timestamp,
    /// When it takes effect.
    pub effective_at: Timestamp,
}

/// What an event is to a line.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum MadeByRole {
    /// It defined the plan version with the price.
    Price,
    /// It opened the segment: from here on the item had this price and quantity.
    Segment,
    /// It opened the cycle.
    Cycle,
    /// It added the one-off charge.
    Charge,
    /// It gave a discount.
    Discount,
    /// It issued the invoice with the line that is credited.
    CreditedInvoice,
    /// It ended, paused or changed what was billed, so that it is credited.
    Change,
    /// It issued the invoice.
    Invoice,
}

/// An event that made a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MadeBy {
    /// What it is to the line.
    pub role: MadeByRole,
    /// The subscription that it is about.
    pub subscription: Option<SubscriptionId>,
    /// Where it lies.
    pub event: EventPlace,
}
