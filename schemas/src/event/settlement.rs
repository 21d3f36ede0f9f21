//! Events that settle, credit or reverse what was invoiced.
//!
//! Amounts are minor units of the customer's currency.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::currency::Currency;
use crate::event::{InvoiceLine, LotPart, LotReturn, LotSwap};
use crate::ids::{CreditGrantId, CreditNoteId, InvoiceId, PaymentId, RefundId};
use crate::money::{Minor, Money};
use crate::personal::Personal;
use crate::terms::{GrantKind, LotPriority, LotRef, LotScope};
use crate::text::{Code, ExternalId};
use crate::time::{Date, Interval};

/// A part of a payment on one invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Allocation {
    /// Which invoice.
    pub invoice: InvoiceId,
    /// How much; more than zero.
    pub amount: Minor,
}

/// Money was received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentRecorded {
    /// Which payment.
    pub payment: PaymentId,
    /// Its id at the bank or processor.
    pub external_id: Option<ExternalId>,
    /// How much.
    pub amount: Money,
    /// How it came.
    pub method: Option<Code>,
    /// The day it is booked on.
    pub posting_date: Date,
    /// What it settles, in order: invoices that were booked on its day or before.
    pub allocations: Vec<Allocation>,
    /// What becomes customer credit; what of it pays invoices follows in the same commit.
    pub to_credit: Minor,
}

/// A payment was not honoured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentReversed {
    /// Which payment.
    pub payment: PaymentId,
    /// What it had left, all of it taken back.
    pub amount: Money,
    /// The day it is booked on.
    pub posting_date: Date,
    /// Invoices that it had settled and that are open again, and by how much.
    pub reopened: Vec<Allocation>,
    /// Invoices that its credit had paid later and that are open again, and by how much.
    pub credit_unapplied: Vec<Allocation>,
    /// Credit that was left of it and is withdrawn.
    pub credit_withdrawn: Minor,
    /// Why.
    pub reason: Personal,
}

/// Where a refund was taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundedTo {
    /// From invoices that are open again.
    Reopened,
    /// From invoices that are credited by the credit notes in the same commit.
    Credited,
    /// From customer credit: the payment's own, or what takes its place on invoices.
    CustomerCredit,
}

/// Money was paid back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentRefunded {
    /// Which refund.
    pub refund: RefundId,
    /// Of which payment.
    pub payment: PaymentId,
    /// How much.
    pub amount: Money,
    /// The day it is booked on.
    pub posting_date: Date,
    /// Where it was taken from.
    pub effect: RefundedTo,
    /// Allocations that are undone: the receivable rises by these.
    pub reopened: Vec<Allocation>,
    /// What its credit had paid later and that is undone: the receivable rises by these, too.
    pub credit_unapplied: Vec<Allocation>,
    /// Credit of invoices below zero that takes its place on invoices: so much more of the payment
    /// is credit then.
    pub swapped: Vec<LotSwap>,
    /// What is taken from its customer credit.
    pub from_credit: Minor,
    /// Why.
    pub reason: Personal,
}

/// How much of a line is reversed, split by what was earned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineReversal {
    /// Which line of the invoice.
    pub line: u32,
    /// Net amount reversed; of the same sign as the line's.
    pub net: Minor,
    /// Tax reversed.
    pub tax: Minor,
    /// The part of `net` that was earned before the posting date: booked against a contra account.
    pub recognised: Minor,
    /// The part of `net` that was not: taken off deferred revenue.
    pub unrecognised: Minor,
    /// What was earned of the line before the posting date and stays earned.
    pub kept: Minor,
    /// From the posting date on the line is earned like this; none: nothing more is.
    pub amended: Option<Amendment>,
}

/// What is left to be earned of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Amendment {
    /// Over these days, evenly.
    pub service: Interval,
    /// This much.
    pub amount: Minor,
}

/// An invoice was voided; it keeps its number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InvoiceVoided {
    /// Which invoice.
    pub invoice: InvoiceId,
    /// The currency of the amounts.
    pub currency: Currency,
    /// The day it is booked on.
    pub posting_date: Date,
    /// Every line, reversed by what was left of it.
    pub lines: Vec<LineReversal>,
    /// What was still owed and no longer is.
    pub receivable: Minor,
    /// What had paid for it, in the order in which it goes back to the lots.
    pub released: Vec<LotReturn>,
    /// Customer credit that its negative total had made and that is withdrawn.
    pub credit_withdrawn: Minor,
    /// Its cycles and charges are billed again.
    pub rebill: bool,
    /// Numbers of its credit lines whose time the credited line charges again.
    pub returned: Vec<u32>,
    /// Why.
    pub reason: Personal,
}

/// A credit note was issued for part of an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreditNoteIssued {
    /// Which note.
    pub note: CreditNoteId,
    /// The invoice that it credits.
    pub invoice: InvoiceId,
    /// The currency of the amounts.
    pub currency: Currency,
    /// The number series.
    pub series: Code,
    /// Its place in the series.
    pub sequence: u64,
    /// The printed number.
    pub number: Code,
    /// The issue date, in the entity's zone.
    pub document_date: Date,
    /// The day it is booked on.
    pub posting_date: Date,
    /// What it takes off each line.
    pub lines: Vec<LineReversal>,
    /// The time that it credits: lines as they would stand on an invoice, below zero, with what
    /// they credit; none where it credits amounts.
    pub credits: Vec<InvoiceLine>,
    /// Their sum, with tax.
    pub total: Minor,
    /// What of it was never owed on the invoice, because credits of earlier invoices stand on it:
    /// it becomes a lot of customer credit.
    pub to_credit: Minor,
    /// What had paid for it and is not needed any more, in the order in which it goes back to the
    /// lots.
    pub released: Vec<LotReturn>,
    /// The refund that it stands for.
    pub refund: Option<RefundId>,
}

/// Credit was given to the customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreditGranted {
    /// Which grant.
    pub grant: CreditGrantId,
    /// How much.
    pub amount: Money,
    /// Why, in a word.
    pub kind: GrantKind,
    /// It may be paid out.
    pub refundable: bool,
    /// Which invoices it may pay.
    pub scope: LotScope,
    /// Of lots that expire on the same day the one with the lower number is used first.
    pub priority: LotPriority,
    /// The last day on which it can be used; none: it does not expire.
    pub expires: Option<Date>,
    /// The day it is booked on.
    pub posting_date: Date,
    /// Why.
    pub reason: Personal,
}

/// Lots of customer credit pay invoices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreditApplied {
    /// The currency of the amounts.
    pub currency: Currency,
    /// The day it is booked on.
    pub posting_date: Date,
    /// What pays what, in order.
    pub parts: Vec<LotPart>,
}

/// What a lot paid of an invoice goes back to the lot. No credit pays the invoice by itself until
/// it is paid, or credit was applied to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreditReleased {
    /// The invoice, which owes that much more.
    pub invoice: InvoiceId,
    /// The currency of the amounts.
    pub currency: Currency,
    /// The day it is booked on.
    pub posting_date: Date,
    /// What goes back, in order.
    pub parts: Vec<LotReturn>,
}

/// What was left of a grant was taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreditRevoked {
    /// Which grant.
    pub grant: CreditGrantId,
    /// How much: all that was left.
    pub amount: Money,
    /// The day it is booked on.
    pub posting_date: Date,
    /// Why.
    pub reason: Personal,
}

/// The last day of a grant passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreditExpired {
    /// Which grant.
    pub grant: CreditGrantId,
    /// How much: all that was left.
    pub amount: Money,
    /// The day it is booked on.
    pub posting_date: Date,
}

/// Credit was paid out in cash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreditPaidOut {
    /// Which refund.
    pub refund: RefundId,
    /// The lot that it was taken from.
    pub lot: LotRef,
    /// How much.
    pub amount: Money,
    /// The day it is booked on.
    pub posting_date: Date,
    /// Why.
    pub reason: Personal,
}
