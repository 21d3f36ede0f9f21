//! Events that settle, credit or reverse what was invoiced.
//!
//! Amounts are minor units of the customer's currency.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::currency::Currency;
use crate::event::InvoiceLine;
use crate::ids::{CreditGrantId, CreditNoteId, InvoiceId, PaymentId, RefundId};
use crate::money::{Minor, Money};
use crate::personal::Personal;
use crate::text::{Code, ExternalId};
use crate::time::{Date, Interval};

/// A part of a payment or of customer credit on one invoice.
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
    /// What it settles, in order.
    pub allocations: Vec<Allocation>,
    /// What becomes customer credit.
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
    /// Invoices that are open again, and by how much.
    pub reopened: Vec<Allocation>,
    /// Credit that it had made and that is withdrawn.
    pub credit_withdrawn: Minor,
    /// Credit taken off invoices again, last first, where the credit had been used up.
    pub credit_unapplied: Vec<Allocation>,
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
    /// From customer credit that the payment had made.
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
    /// What is taken from customer credit.
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
    /// Customer credit that had paid for it and is given back.
    pub credit_returned: Minor,
    /// Customer credit that its negative total had made and that is withdrawn.
    pub credit_withdrawn: Minor,
    /// Its cycles and charges are billed again.
    pub rebill: bool,
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
    /// The day it is booked on.
    pub posting_date: Date,
    /// Why.
    pub reason: Personal,
}
