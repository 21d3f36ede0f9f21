//! Events of subscriptions that move: to another version of their plan, to another clock.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::subscription::{ItemChange, LaterTerms};
use crate::ids::{PlanId, SubscriptionId};
use crate::time::Timestamp;

/// A migration that a subscription took. It takes each once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MigrationTaken {
    /// Its number in the plan.
    pub migration: u32,
    /// The version that was left.
    pub from_version: u32,
    /// The version that was reached.
    pub to_version: u32,
}

/// A cycle of an item began with the terms of another version of its plan. With the plan's first
/// item, its add-ons move and what the version has beside begins.
///
/// The difference that it makes for what was billed goes out with the next invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubscriptionMigrated {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// The item whose cycle begins.
    pub item: u16,
    /// The start of that cycle.
    pub from: Timestamp,
    /// Which plan.
    pub plan: PlanId,
    /// The migrations that were taken, in the order in which they lead on.
    pub taken: Vec<MigrationTaken>,
    /// What changed, by number; nothing where the migrations lead back to where they began.
    pub items: Vec<ItemChange>,
    /// Terms of these items that hold later, where this makes them others.
    pub later: Vec<LaterTerms>,
}

/// An instant that was agreed for later, and the one that takes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Relocated {
    /// By the clock that the customer has had.
    pub from: Timestamp,
    /// The same day, and the same time of it, by the new clock.
    pub to: Timestamp,
}

/// The customer has another clock, and what was agreed for a later day is due on the same day by
/// it. Folding replaces instants by others and asks no calendar.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SubscriptionRelocated {
    /// Which subscription.
    pub subscription: SubscriptionId,
    /// What becomes of each instant that was agreed for later, in the order of time.
    pub instants: Vec<Relocated>,
}
