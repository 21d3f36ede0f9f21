//! Lots of customer credit: what made one, whom it is for.

use core::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{CreditGrantId, CreditNoteId, InvoiceId, PaymentId, SubscriptionId};

/// A lot of customer credit, named by what made it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LotRef {
    /// A payment.
    Payment(PaymentId),
    /// A grant.
    Grant(CreditGrantId),
    /// An invoice below zero.
    Invoice(InvoiceId),
    /// A credit note for more than the invoice that it credits ever asked to be paid, because
    /// credits of earlier invoices stood on it.
    CreditNote(CreditNoteId),
}

impl fmt::Display for LotRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Payment(id) => id.fmt(f),
            Self::Grant(id) => id.fmt(f),
            Self::Invoice(id) => id.fmt(f),
            Self::CreditNote(id) => id.fmt(f),
        }
    }
}

/// Which invoices a lot may pay.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum LotScope {
    /// Every invoice of the customer.
    Customer,
    /// What invoices bill of one subscription.
    Subscription(SubscriptionId),
}

/// The order of lots that expire on the same day, from [`MIN_LOT_PRIORITY`] to
/// [`MAX_LOT_PRIORITY`]: the lower one is used first.
pub type LotPriority = i8;

/// The lots that are used first have it.
pub const MIN_LOT_PRIORITY: LotPriority = -100;
/// The lots that are used last have it.
pub const MAX_LOT_PRIORITY: LotPriority = 100;
