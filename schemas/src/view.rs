//! Answers of the read models.
//!
//! # Shape
//!
//! One thing comes as [`Answer`], a list as [`Page`]. Both carry the position that they reflect
//! and when that commit was recorded. Amounts are [`crate::Money`] with minor units; days are
//! civil.

mod balances;
mod explain;
mod invoices;
mod parties;
mod plans;
mod preview;
mod revenue;
mod subscriptions;

pub use balances::{
    AccountBalance, Ageing, AgeingBuckets, BalancesSummary, CurrencyBalances, CustomerBalance,
    CustomerBalanceSummary, Lot, LotSource, LotUsage, OpenInvoice, Payment, PaymentAllocation,
    StatementEntry, StatementKind, TrialBalance,
};
pub use explain::{
    CreditBefore, CreditedLine, DiscountBefore, DiscountShare, EventPlace, GivenDiscount,
    InvoiceExplanation, LineExplanation, MadeBy, MadeByRole, OtherLine, SharedDiscount,
};
pub use invoices::{
    Invoice, InvoiceFigures, InvoiceStatus, InvoiceSummary, Line, LineDiscount, LineTax,
    Settlement, SettlementKind,
};
pub use parties::{Customer, Entity, NextInvoice};
pub use plans::{MigrationObstacle, MigrationStanding, MigrationStep, SubscriptionMigration};
pub use preview::{CommandPreview, InvoicePreview, LeftOut, PreviewedCommand};
pub use revenue::{
    InvoiceRevenue, LineRevenue, MonthRevenue, RecognizedRevenue, Waterfall, WaterfallMonth,
};
pub use subscriptions::{
    AccessReason, ChangeLeftOut, CustomerAccess, Entitlement, ItemCycle, ItemStep, OpenDocument,
    ParkedCustomer, PendingChange, Subscription, SubscriptionAccess, SubscriptionDiscount,
    SubscriptionItem, SubscriptionState,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// One thing, and what it reflects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Answer<T> {
    /// The thing.
    pub data: T,
    /// The last commit that it reflects, as an opaque token.
    pub position: String,
    /// When that commit was recorded; none before the first.
    pub time: Option<Timestamp>,
}

/// A part of a list, and what it reflects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Page<T> {
    /// The items.
    pub data: Vec<T>,
    /// There are more, or there is more to look through.
    pub has_more: bool,
    /// Give this as `after` to get them.
    pub next: Option<String>,
    /// The last commit that the page reflects, as an opaque token.
    pub position: String,
    /// When that commit was recorded; none before the first.
    pub time: Option<Timestamp>,
}
