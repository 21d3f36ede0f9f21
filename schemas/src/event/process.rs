//! Events of what happens by itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::BillingRunId;
use crate::time::Date;

/// A billing run began; one commit for each due customer follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BillingRunStarted {
    /// Which run.
    pub run: BillingRunId,
    /// Cycles that fall due up to and on this date.
    pub through: Date,
    /// Also those that have not begun.
    pub ahead: bool,
}

/// The day on which a billing run next has something to do for the customer is another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DueSet {
    /// Which day, in the customer's zone; none while nothing is ahead.
    pub on: Option<Date>,
}
