//! Answers of the read model `balances`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::currency::Currency;
use crate::ids::{CreditGrantId, CreditNoteId, CustomerId, InvoiceId, PaymentId, RefundId};
use crate::money::Money;
use crate::personal::Personal;
use crate::terms::{LotPriority, LotRef, LotScope};
use crate::text::{Code, ExternalId};
use crate::time::{Date, Timestamp};

/// What one customer owes, and its credit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerBalance {
    /// The customer.
    pub customer: CustomerBalanceSummary,
    /// Owed after its due date.
    pub overdue: Money,
    /// What is owed, by days past due.
    pub ageing: AgeingBuckets,
    /// What was received, reversed payments left out.
    pub payments: Money,
    /// What was paid back.
    pub refunds: Money,
    /// Invoices with something open, by due date; at most 500.
    pub open_invoices: Vec<OpenInvoice>,
    /// The day that decides what is overdue.
    pub as_of: Date,
}

/// One customer in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerBalanceSummary {
    /// Which customer.
    pub customer: CustomerId,
    /// Its id in another system.
    pub external_id: Option<ExternalId>,
    /// Its name.
    pub name: Personal,
    /// The currency of every amount.
    pub currency: Currency,
    /// What is owed on invoices.
    pub open: Money,
    /// Credit that invoices can take.
    pub credit: Money,
    /// Open less credit.
    pub balance: Money,
    /// How many invoices were issued, voided ones included.
    pub invoices: u64,
    /// How many have something open.
    pub open_count: u64,
    /// The earliest due date of what is open.
    pub oldest_due: Option<Date>,
    /// Something is owed after its due date.
    pub is_overdue: bool,
    /// When it was registered.
    pub registered_at: Timestamp,
}

/// An invoice with something open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenInvoice {
    /// Which invoice.
    pub invoice: InvoiceId,
    /// The printed number.
    pub number: Code,
    /// The issue date.
    pub document_date: Date,
    /// The last day to pay.
    pub due_date: Date,
    /// Its total.
    pub total: Money,
    /// What is still owed.
    pub open: Money,
    /// Days after the due date; negative before it.
    pub days_past_due: i32,
}

/// Receivables by days past due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AgeingBuckets {
    /// Not yet due, and due on the day.
    pub current: Money,
    /// 1 to 30 days past due.
    pub days_1_30: Money,
    /// 31 to 60 days past due.
    pub days_31_60: Money,
    /// 61 to 90 days past due.
    pub days_61_90: Money,
    /// More than 90 days past due.
    pub days_over_90: Money,
    /// All of it.
    pub total: Money,
}

/// Receivables of one currency by days past due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ageing {
    /// The currency of every amount.
    pub currency: Currency,
    /// The day that the days are counted to.
    pub as_of: Date,
    /// The amounts.
    pub buckets: AgeingBuckets,
}

/// One entry of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatementEntry {
    /// The day it is booked on.
    pub posting_date: Date,
    /// What.
    pub kind: StatementKind,
    /// How what the customer owes changed, credit counted against it.
    pub amount: Money,
    /// What the customer owes after it, credit counted against it; negative: in its favour.
    pub balance: Money,
    /// The invoice.
    pub invoice: Option<InvoiceId>,
    /// The printed number of the invoice or the credit note.
    pub number: Option<Code>,
    /// The payment.
    pub payment: Option<PaymentId>,
    /// The refund.
    pub refund: Option<RefundId>,
    /// The credit note.
    pub credit_note: Option<CreditNoteId>,
    /// The grant of credit.
    pub grant: Option<CreditGrantId>,
    /// The commit, as an opaque token.
    pub position: String,
}

/// What a statement lists.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum StatementKind {
    /// An invoice was issued.
    Invoice,
    /// An invoice was voided.
    InvoiceVoided,
    /// A credit note was issued.
    CreditNote,
    /// Money was received.
    Payment,
    /// A payment was not honoured.
    PaymentReversed,
    /// Money was paid back.
    Refund,
    /// Credit was given.
    CreditGranted,
    /// What was left of credit was taken back.
    CreditRevoked,
    /// What was left of credit expired.
    CreditExpired,
    /// Credit was paid out in cash.
    CreditPaidOut,
}

/// The accounts of one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TrialBalance {
    /// The currency of every amount.
    pub currency: Currency,
    /// What was posted up to and on this day.
    pub as_of: Date,
    /// Every account that was posted to.
    pub accounts: Vec<AccountBalance>,
    /// Sum of all debits.
    pub debits: Money,
    /// Sum of all credits; always equal to the debits.
    pub credits: Money,
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountBalance {
    /// Its name, such as `accounts_receivable`.
    pub account: String,
    /// Sum of its debits.
    pub debits: Money,
    /// Sum of its credits.
    pub credits: Money,
    /// Debits less credits.
    pub balance: Money,
}

/// The whole book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BalancesSummary {
    /// How many customers are registered.
    pub customers: u64,
    /// Money, by currency.
    pub currencies: Vec<CurrencyBalances>,
}

/// The whole book in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CurrencyBalances {
    /// The currency of every amount.
    pub currency: Currency,
    /// Customers that pay in it.
    pub customers: u64,
    /// What is owed on invoices.
    pub open: Money,
    /// How many invoices have something open.
    pub open_invoices: u64,
    /// Credit that invoices can take.
    pub credit: Money,
    /// What was received, reversed payments left out.
    pub payments: Money,
    /// How many payments were received, reversed ones included.
    pub payment_count: u64,
    /// What was not honoured.
    pub reversed: Money,
    /// What was paid back.
    pub refunds: Money,
}

/// A payment and what it settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Payment {
    /// Which payment.
    pub payment: PaymentId,
    /// Its id at the bank or processor.
    pub external_id: Option<ExternalId>,
    /// Who paid.
    pub customer: CustomerId,
    /// How much.
    pub amount: Money,
    /// How it came.
    pub method: Option<Code>,
    /// The day it is booked on.
    pub posting_date: Date,
    /// When it takes effect.
    pub effective_at: Timestamp,
    /// What it settles now, less what was refunded or reversed.
    pub allocations: Vec<PaymentAllocation>,
    /// What became customer credit when it was recorded.
    pub to_credit: Money,
    /// What was paid back of it.
    pub refunded: Money,
    /// Why it was not honoured, if so.
    pub reversed: Option<Personal>,
    /// The commit, as an opaque token.
    pub position: String,
}

/// What one payment settles of one invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentAllocation {
    /// Which invoice.
    pub invoice: InvoiceId,
    /// When it was recorded.
    pub allocated: Money,
    /// Of that, undone since: refunded, reversed, or customer credit again.
    pub undone: Money,
}

/// A lot of customer credit. A payment is one from when something of it became credit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Lot {
    /// What made it: its name in commands.
    pub lot: LotRef,
    /// What that was.
    pub source: LotSource,
    /// How much it was at first.
    pub amount: Money,
    /// What lies on no invoice and is not gone.
    pub left: Money,
    /// It is money that can be paid back.
    pub refundable: bool,
    /// Which invoices it may pay.
    pub scope: LotScope,
    /// Of lots that expire on the same day the one with the lower number is used first.
    pub priority: LotPriority,
    /// The last day on which it can be used; none: it does not expire.
    pub expires: Option<Date>,
    /// The day it is booked on.
    pub posting_date: Date,
    /// What it pays, in order.
    pub uses: Vec<LotUsage>,
    /// The commit, as an opaque token.
    pub position: String,
}

/// What made a lot of customer credit.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LotSource {
    /// A payment.
    Payment,
    /// A grant to make up for something.
    Goodwill,
    /// A grant to win or to keep the customer.
    Promotion,
    /// A grant of what had been paid before.
    Prepayment,
    /// An invoice below zero.
    Invoice,
    /// A credit note for more than its invoice asked to be paid.
    CreditNote,
}

/// What one lot pays of one invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LotUsage {
    /// Which invoice.
    pub invoice: InvoiceId,
    /// How much.
    pub amount: Money,
    /// A payment settled it when it was recorded; else credit did.
    pub direct: bool,
}
