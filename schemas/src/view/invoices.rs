//! Answers of the read model `invoices`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::currency::Currency;
use crate::decimal::Decimal;
use crate::event::{
    Dimension, LineRef, LineSource, PlanVersion, RevenueSchedule, RoundingStep, TierPart,
};
use crate::fraction::Fraction;
use crate::ids::{
    BillingRunId, CreditNoteId, CustomerId, DiscountId, EntityId, InvoiceId, PaymentId, RefundId,
};
use crate::money::Money;
use crate::party::{Address, SellerSnapshot, TaxId};
use crate::personal::Personal;
use crate::terms::{LineKind, LotRef, Profile};
use crate::text::{Code, ExternalId, Label};
use crate::time::{Date, Interval, Timestamp};

/// How far an invoice is settled.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceStatus {
    /// Nothing is paid yet.
    Open,
    /// Part is paid.
    PartiallyPaid,
    /// Nothing is owed any more.
    Paid,
    /// Voided.
    Voided,
}

/// An invoice without its lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InvoiceSummary {
    /// Which invoice.
    pub invoice: InvoiceId,
    /// The printed number.
    pub number: Code,
    /// Its id in another system.
    pub external_id: Option<ExternalId>,
    /// Who buys.
    pub customer: CustomerId,
    /// The buyer's name on the document.
    pub customer_name: Personal,
    /// Who sells.
    pub entity: EntityId,
    /// The number series.
    pub series: Code,
    /// The currency of every amount.
    pub currency: Currency,
    /// How far it is settled.
    pub status: InvoiceStatus,
    /// Something is still owed after the due date.
    pub overdue: bool,
    /// The issue date.
    pub document_date: Date,
    /// The last day to pay.
    pub due_date: Date,
    /// The day it is booked on.
    pub posting_date: Date,
    /// When it takes effect.
    pub effective_at: Timestamp,
    /// Before discounts.
    pub gross: Money,
    /// Taken off.
    pub discount: Money,
    /// Gross less discount.
    pub net: Money,
    /// Tax on top.
    pub tax: Money,
    /// Net and tax.
    pub total: Money,
    /// Payments that lie on it.
    pub paid: Money,
    /// Customer credit that lies on it.
    pub credit_applied: Money,
    /// Customer credit that its negative total made.
    pub credit_generated: Money,
    /// Taken off by credit notes.
    pub credited: Money,
    /// What is still owed.
    pub balance_due: Money,
    /// How many lines it has.
    pub line_count: u32,
}

/// An invoice with its lines and its settlement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Invoice {
    /// The document.
    pub invoice: InvoiceSummary,
    /// The seller, as it was on the day.
    pub seller: SellerSnapshot,
    /// The mail address that it goes to.
    pub customer_email: Option<Personal>,
    /// The buyer's postal address on the document.
    pub customer_address: Option<Address<Personal>>,
    /// The buyer's tax ids on the document.
    pub customer_tax_ids: Vec<TaxId<Personal>>,
    /// A sentence for its reader.
    pub memo: Option<Personal>,
    /// The number of the purchase order that it fulfils.
    pub purchase_order: Option<Label>,
    /// The policies it was computed by.
    pub profile: Profile,
    /// The version of the arithmetic.
    pub engine_version: u32,
    /// The billing run that made it.
    pub run: Option<BillingRunId>,
    /// The commit that issued it, as an opaque token.
    pub issued_by: String,
    /// Why it was voided.
    pub void_reason: Option<Personal>,
    /// Its lines, after `after_line`.
    pub lines: Vec<Line>,
    /// Give this as `after_line` to get more; none at the end.
    pub next_line: Option<u32>,
    /// What happened to it since, in the order of the log; the latest 500.
    pub settlement: Vec<Settlement>,
    /// How many settlement entries there are.
    pub settlement_count: u32,
}

/// A line and how its amount came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// 1, 2, 3 … within the invoice.
    pub line: u32,
    /// What kind.
    pub kind: LineKind,
    /// What is printed.
    pub description: Personal,
    /// What it bills.
    pub source: LineSource,
    /// The price version it used.
    pub plan: Option<PlanVersion>,
    /// The days it covers.
    pub service: Option<Interval>,
    /// How many units.
    pub quantity: Decimal,
    /// The price of one, in major units.
    pub unit_price: Option<Decimal>,
    /// The tiers that made the price.
    pub tiers: Vec<TierPart>,
    /// The part of a whole cycle, such as `11/30`.
    pub ratio: Fraction,
    /// The gross amount before rounding, in minor units.
    pub exact: Fraction,
    /// Every rounding, in order.
    pub rounding: Vec<RoundingStep>,
    /// Before discounts.
    pub gross: Money,
    /// What each discount takes off.
    pub discounts: Vec<LineDiscount>,
    /// Gross less discounts.
    pub net: Money,
    /// Tax parts.
    pub taxes: Vec<LineTax>,
    /// The line that this line credits.
    pub credits: Option<LineRef>,
    /// Net amount of this line that was credited since, by lines and notes.
    pub credited: Money,
    /// The performance obligation of a contract.
    pub obligation: Option<Code>,
    /// When it is earned.
    pub schedule: RevenueSchedule,
    /// What reports group by.
    pub dimensions: Vec<Dimension>,
}

/// What one discount takes off a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineDiscount {
    /// Which discount.
    pub discount: DiscountId,
    /// Before rounding, in minor units.
    pub exact: Fraction,
    /// Taken off.
    pub amount: Money,
}

/// One tax on a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineTax {
    /// Which tax.
    pub code: Code,
    /// In percent.
    pub rate: Decimal,
    /// What it is reckoned on, in minor units.
    pub base: Fraction,
    /// The tax.
    pub amount: Money,
    /// It is part of the net price.
    pub inclusive: bool,
}

/// What happened to an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Settlement {
    /// What.
    pub kind: SettlementKind,
    /// The day it is booked on.
    pub posting_date: Date,
    /// How the balance due changed.
    pub amount: Money,
    /// The payment behind it.
    pub payment: Option<PaymentId>,
    /// The refund behind it.
    pub refund: Option<RefundId>,
    /// The credit note behind it.
    pub credit_note: Option<CreditNoteId>,
    /// The lot of customer credit that paid it, or that takes the place of another.
    pub lot: Option<LotRef>,
    /// The commit, as an opaque token.
    pub position: String,
}

/// What can happen to an invoice.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum SettlementKind {
    /// Customer credit paid part of it.
    CreditApplied,
    /// Its negative total became customer credit.
    CreditGenerated,
    /// A payment was allocated to it.
    Payment,
    /// A payment on it was not honoured.
    PaymentReversed,
    /// Customer credit was taken off it again.
    CreditUnapplied,
    /// A payment on it was paid back.
    Refund,
    /// A credit note took something off.
    CreditNote,
    /// It was voided.
    Voided,
}

/// Counts and totals of a group of invoices. Voided ones are counted apart, unless the group is
/// theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InvoiceFigures {
    /// First day of the month, when grouped by month.
    pub month: Option<Date>,
    /// When grouped by status.
    pub status: Option<InvoiceStatus>,
    /// The currency of every amount.
    pub currency: Currency,
    /// How many.
    pub invoices: u64,
    /// Voided ones.
    pub voided: u64,
    /// Ones whose total is zero.
    pub zero_value: u64,
    /// Units on their lines, lines that credit others left out.
    pub units: String,
    /// Before discounts.
    pub gross: Money,
    /// Taken off.
    pub discount: Money,
    /// Gross less discount.
    pub net: Money,
    /// Tax on top.
    pub tax: Money,
    /// Net and tax.
    pub total: Money,
    /// Payments that lie on them.
    pub paid: Money,
    /// Taken off by credit notes.
    pub credited: Money,
    /// Still owed.
    pub open: Money,
    /// How many have something open.
    pub open_invoices: u64,
}
