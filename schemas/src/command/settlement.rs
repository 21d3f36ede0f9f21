//! Commands about charges, invoices, payments and credit.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decimal::Decimal;
use crate::ids::{
    BillingRunId, ChargeId, CreditGrantId, CreditNoteId, CustomerId, InvoiceId, PaymentId, RefundId,
};
use crate::money::Money;
use crate::personal::Personal;
use crate::terms::{GrantKind, LotPriority, LotRef, LotScope, NoteTarget, UnitPrice};
use crate::text::{Code, ExternalId, Label};
use crate::time::{Date, Interval};

/// Charges something once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddCharge {
    /// Who pays.
    pub customer: CustomerId,
    /// The charge's id.
    pub charge: ChargeId,
    /// What it is for; printed on the line.
    #[serde(deserialize_with = "crate::personal::label")]
    #[schemars(with = "Label")]
    pub description: Personal,
    /// A total, or a price for each unit.
    pub price: ChargePrice,
    /// How many units; 1 if left out. With a total it is for information.
    pub quantity: Option<Decimal>,
    /// The days over which it is earned; all on the invoice's date if left out.
    pub service: Option<Interval>,
    /// Invoiced in the same commit, or with the next invoice (if left out).
    pub invoice: Option<ChargeInvoice>,
}

/// The price of a one-off charge; zero is a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChargePrice {
    /// This much in all.
    Total(Money),
    /// This much for each unit.
    PerUnit(UnitPrice),
}

/// When a one-off charge is invoiced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChargeInvoice {
    /// With the next invoice of the customer.
    Next,
    /// On an invoice of its own, now.
    Now(InvoiceRequest),
}

/// What the caller wants of an invoice; all may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InvoiceRequest {
    /// Its id; derived from the command's if left out.
    pub invoice: Option<InvoiceId>,
    /// Its id in another system; unique in the book.
    pub external_id: Option<ExternalId>,
    /// The number series; the entity's first of kind `invoice` if left out.
    pub series: Option<Code>,
    /// The issue date, only in a series of kind `historical`; else it is today.
    pub document_date: Option<Date>,
    /// A sentence for its reader; that of `invoice.annotate` if left out.
    pub memo: Option<Personal>,
    /// The number of the purchase order that it fulfils; that of `invoice.annotate`, or else of
    /// the customer, if left out.
    pub purchase_order: Option<Label>,
}

/// Withdraws a charge that waits for an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawCharge {
    /// Whose charge.
    pub customer: CustomerId,
    /// Which one.
    pub charge: ChargeId,
}

/// Invoices all that is due or pending for one customer, today.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InvoiceNow {
    /// Who pays.
    pub customer: CustomerId,
    /// Cycles that fall due up to and on this date; today if left out.
    pub through: Option<Date>,
    /// Cycles that begin later, up to and on that date, are billed ahead; it may then lie up to
    /// 366 days in the future.
    pub ahead: Option<bool>,
    /// What the caller wants of the invoice.
    pub invoice: Option<InvoiceRequest>,
}

/// Voids a finalized invoice. It keeps its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VoidInvoice {
    /// Whose invoice.
    pub customer: CustomerId,
    /// Which one.
    pub invoice: InvoiceId,
    /// Why.
    #[serde(deserialize_with = "crate::personal::label")]
    #[schemars(with = "Label")]
    pub reason: Personal,
    /// Bill its cycles and charges again with the next invoice; else they are given up.
    pub rebill: bool,
}

/// Bills one customer of a billing run. Only the engine makes this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BillCustomer {
    /// Who.
    pub customer: CustomerId,
    /// Which run.
    pub run: BillingRunId,
    /// Cycles that fall due up to and on this date.
    pub through: Date,
    /// Also those that have not begun.
    pub ahead: bool,
}

/// Records money received. What no invoice takes becomes customer credit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordPayment {
    /// Who paid.
    pub customer: CustomerId,
    /// The payment's id.
    pub payment: PaymentId,
    /// How much; more than zero.
    pub amount: Money,
    /// Its id at the bank or processor; unique in the book.
    pub external_id: Option<ExternalId>,
    /// How it came, such as `card` or `transfer`.
    pub method: Option<Code>,
    /// Which invoices it settles; oldest first if left out.
    pub allocate: Option<Allocate>,
}

/// Which invoices a payment settles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Allocate {
    /// By due date, then by the order of finalization.
    OldestFirst,
    /// As told, at most 1,000; the rest becomes customer credit.
    To(Vec<AllocationRequest>),
}

/// A part of a payment for one invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AllocationRequest {
    /// Which invoice.
    pub invoice: InvoiceId,
    /// How much of the payment.
    pub amount: Money,
}

/// Takes a payment back that was not honoured, all that was not refunded of it; its invoices are
/// open again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReversePayment {
    /// Who paid.
    pub customer: CustomerId,
    /// Which payment.
    pub payment: PaymentId,
    /// Why.
    #[serde(deserialize_with = "crate::personal::label")]
    #[schemars(with = "Label")]
    pub reason: Personal,
}

/// Pays money back to the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundPayment {
    /// Who gets it.
    pub customer: CustomerId,
    /// The payment that is refunded.
    pub payment: PaymentId,
    /// The refund's id.
    pub refund: RefundId,
    /// How much; at most what the payment has left.
    pub amount: Money,
    /// What the refund does to the account.
    pub effect: RefundEffect,
    /// Why.
    #[serde(deserialize_with = "crate::personal::label")]
    #[schemars(with = "Label")]
    pub reason: Personal,
}

/// What a refund does to the customer's account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundEffect {
    /// The invoices that the payment paid are open again by that much: first those that it settled
    /// when it was recorded, then those that its credit paid later, each the last one first.
    Reopen,
    /// They are credited by that much: nothing is open, revenue falls. Holds the first note's id;
    /// derived from the command's id if null.
    CreditNote(Option<CreditNoteId>),
    /// It is taken from the customer's credit: what is left of the payment, and beyond that credit
    /// of invoices below zero, which takes its place on invoices.
    CustomerCredit,
}

/// Credits lines of an invoice: the customer owes that much less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueCreditNote {
    /// Whose invoice.
    pub customer: CustomerId,
    /// The credit note's id.
    pub note: CreditNoteId,
    /// Which invoice.
    pub invoice: InvoiceId,
    /// Which lines, and by how much; each once.
    pub lines: Vec<CreditLine>,
    /// Where that goes which is more than the invoice has open; the receivable if left out.
    pub to: Option<NoteTarget>,
}

/// How much of a line is credited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreditLine {
    /// Its number on the invoice.
    pub line: u32,
    /// How much; more than zero, and at most what is left of the line.
    pub amount: Money,
}

/// Gives the customer credit. It pays what is open or the next invoices, as the policies say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantCredit {
    /// Who gets it.
    pub customer: CustomerId,
    /// The grant's id.
    pub grant: CreditGrantId,
    /// How much; more than zero.
    pub amount: Money,
    /// Why, in a word; `goodwill` if left out.
    pub kind: Option<GrantKind>,
    /// The last day on which it can be used, in the seller's zone; it does not expire if left out.
    /// A prepayment never does.
    pub expires: Option<Date>,
    /// Which invoices it may pay; all of the customer's if left out.
    pub scope: Option<LotScope>,
    /// From -100 to 100, 0 if left out. Of lots that expire on the same day the one with the lower
    /// number is used first, then the older one.
    pub priority: Option<LotPriority>,
    /// It may be paid out. If left out, only a prepayment may; a prepayment always may.
    pub refundable: Option<bool>,
    /// Why.
    #[serde(deserialize_with = "crate::personal::label")]
    #[schemars(with = "Label")]
    pub reason: Personal,
}

impl GrantCredit {
    /// A grant of which nothing else is said: goodwill for every invoice that does not expire.
    pub const fn plain(
        customer: CustomerId,
        grant: CreditGrantId,
        amount: Money,
        reason: Personal,
    ) -> Self {
        let (kind, expires, scope, priority, refundable) = (None, None, None, None, None);
        Self { customer, grant, amount, kind, expires, scope, priority, refundable, reason }
    }
}

/// Lets a lot of credit pay an invoice; also one that it was released from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplyCredit {
    /// Whose.
    pub customer: CustomerId,
    /// Which lot.
    pub lot: LotRef,
    /// Which invoice.
    pub invoice: InvoiceId,
    /// How much; as much as the lot has and the invoice takes if left out.
    pub amount: Option<Money>,
}

/// Takes what a lot paid of an invoice back to the lot. No credit pays the invoice by itself then,
/// until it is paid or credit is applied to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleaseCredit {
    /// Whose.
    pub customer: CustomerId,
    /// Which lot.
    pub lot: LotRef,
    /// Which invoice.
    pub invoice: InvoiceId,
    /// How much; all that the lot paid of it if left out.
    pub amount: Option<Money>,
}

/// Takes back what is left of a grant. Prepayments are the customer's money: they are paid out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeCredit {
    /// Whose.
    pub customer: CustomerId,
    /// Which grant.
    pub grant: CreditGrantId,
    /// Why.
    #[serde(deserialize_with = "crate::personal::label")]
    #[schemars(with = "Label")]
    pub reason: Personal,
}

/// Pays credit out in cash: what is left of a lot that is refundable. A payment is paid back with
/// `payment.refund`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PayOutCredit {
    /// Who gets it.
    pub customer: CustomerId,
    /// The refund's id.
    pub refund: RefundId,
    /// Which lot.
    pub lot: LotRef,
    /// How much; if left out, all that may be paid out: what is left, and of a lot that an invoice
    /// below zero made at most what lies on invoices of what the customer has paid.
    pub amount: Option<Money>,
    /// Why.
    #[serde(deserialize_with = "crate::personal::label")]
    #[schemars(with = "Label")]
    pub reason: Personal,
}
