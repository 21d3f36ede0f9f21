//! What a price lets its users do beside being billed for it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::decimal::Decimal;
use crate::text::Code;

/// A feature that comes with a plan or a price, perhaps up to a limit.
///
/// Features of several prices are put together, and limits of one feature are added up; a grant
/// without a limit has none, whatever others say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// Which feature.
    pub feature: Code,
    /// How much of it; without a limit if left out.
    pub limit: Option<GrantLimit>,
}

/// How much of a feature is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantLimit {
    /// 0 to 1000000000 with at most 3 decimal places.
    pub amount: Decimal,
    /// Of what; `subscription` if left out.
    pub per: Option<GrantScope>,
}

/// What a limit is counted for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum GrantScope {
    /// The subscription, whatever its quantity.
    Subscription,
    /// Each unit of the price's quantity.
    Unit,
}
