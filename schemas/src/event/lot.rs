//! Parts of lots of customer credit, as events name them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::InvoiceId;
use crate::money::Minor;
use crate::terms::LotRef;

/// A part of a lot of customer credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LotUse {
    /// Which lot.
    pub lot: LotRef,
    /// How much; more than zero.
    pub amount: Minor,
}

/// A part of a lot of customer credit on one invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LotPart {
    /// Which lot.
    pub lot: LotRef,
    /// Which invoice.
    pub invoice: InvoiceId,
    /// How much; more than zero.
    pub amount: Minor,
}

/// A part of a lot that an invoice had and that goes back to the lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LotReturn {
    /// Which lot.
    pub lot: LotRef,
    /// How much; more than zero. It is taken off the last parts that the lot has there.
    pub amount: Minor,
    /// It was a part of a payment that settled the invoice when it was recorded; else of credit.
    pub direct: bool,
}

/// A lot takes the place of a payment's part on an invoice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LotSwap {
    /// Which lot pays it now.
    pub lot: LotRef,
    /// Which invoice.
    pub invoice: InvoiceId,
    /// How much; more than zero.
    pub amount: Minor,
    /// The payment had settled the invoice when it was recorded; else its credit had.
    pub direct: bool,
}
