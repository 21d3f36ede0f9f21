//! Events of the book's stream about the book itself and what is on sale.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::PlanId;
use crate::terms::{BillingTiming, BookClock, Every, Policies, PriceDefinition, Profile};
use crate::text::{BookName, Code, Label};
use crate::time::{Date, Timestamp};

/// A book was opened with its policies and its clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BookOpened {
    /// The book's name.
    pub book: BookName,
    /// The profile it was opened with.
    pub profile: Profile,
    /// The policies it bills by: the profile's, or what replaces them.
    pub policies: Policies,
    /// What it takes for the present.
    pub clock: BookClock,
}

/// The test clock moved forward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClockAdvanced {
    /// The new present.
    pub to: Timestamp,
}

/// A version of a plan was defined; it never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanVersionDefined {
    /// Which plan.
    pub plan: PlanId,
    /// 1, 2, 3 …
    pub version: u32,
    /// The plan's name in this version.
    pub name: Label,
    /// The product that it belongs to.
    pub product: Option<Code>,
    /// The length of a cycle.
    pub every: Every,
    /// Billed at the start or the end of a cycle.
    pub timing: BillingTiming,
    /// Days that are free at the start.
    pub trial_days: u16,
    /// Days before a cycle on which it is invoiced.
    pub lead_days: u16,
    /// What is charged.
    pub prices: Vec<PriceDefinition>,
}

/// Subscriptions of one version of a plan move to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanMigrationSet {
    /// Which plan.
    pub plan: PlanId,
    /// The version that they have.
    pub from_version: u32,
    /// The version that they get.
    pub to_version: u32,
    /// Cycles that start on this day or later have the new version.
    pub on: Date,
}

/// A plan was closed to new subscriptions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanRetired {
    /// Which plan.
    pub plan: PlanId,
}
