//! Answers of the query `plans`, by the gateway from the state that commands are decided on.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{CustomerId, SubscriptionId};
use crate::time::Timestamp;

/// What the migrations of a plan are to a subscription.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum MigrationStanding {
    /// It has moved, and no migration leads on.
    Moved,
    /// It will move.
    WillMove,
    /// A migration leads on, and it cannot take it.
    CannotMove,
}

/// Why a subscription cannot take a migration.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum MigrationObstacle {
    /// A price of the other version has no amount in the customer's currency.
    Currency,
    /// It ends before its first cycle from the day on.
    Ends,
    /// It changes to another plan or version before that cycle.
    Changes,
}

/// A migration as a subscription took it, or will.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MigrationStep {
    /// The version that is left.
    pub from_version: u32,
    /// The version that is reached, in one step where several migrations lead on.
    pub to_version: u32,
    /// The start of the cycle, of the plan's first price, that takes it; none if it cannot, or if
    /// the cycle lies too far ahead to be told.
    pub at: Option<Timestamp>,
}

/// A subscription that moved by a migration of its plan, will move, or cannot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubscriptionMigration {
    /// Who pays for it.
    pub customer: CustomerId,
    /// Which one.
    pub subscription: SubscriptionId,
    /// What the migrations are to it.
    pub standing: MigrationStanding,
    /// Moves that were made, in order.
    pub moved: Vec<MigrationStep>,
    /// The move that is ahead, or that it cannot make.
    pub next: Option<MigrationStep>,
    /// Why it cannot.
    pub obstacle: Option<MigrationObstacle>,
}
