//! Commands on the book's own stream: clock, sellers, catalog, billing runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::{BillingRunId, EntityId, PlanId};
use crate::terms::{
    BillingTiming, BookClock, Every, PricingModel, Profile, SeriesDefinition, UnitPrice,
};
use crate::text::{BookName, Label};
use crate::time::{Date, Timestamp, ZoneName};

/// Opens a book. The first commit of every log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenBook {
    /// The book's name.
    pub book: BookName,
    /// The policies it bills by.
    pub profile: Profile,
    /// What it takes for the present.
    pub clock: BookClock,
}

/// Moves the test clock forward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdvanceClock {
    /// The new present; not before the old one.
    pub to: Timestamp,
}

/// Defines a seller with its zone, terms and number series.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DefineEntity {
    /// Its id.
    pub entity: EntityId,
    /// Its legal name.
    pub name: Label,
    /// The zone of its document dates.
    pub zone: ZoneName,
    /// Days from document date to due date, 0 to 365, unless a customer has its own.
    pub payment_terms_days: u16,
    /// At least one series of kind `invoice`; the first of a kind is the default.
    pub series: Vec<SeriesDefinition>,
}

/// Defines a plan, or the next version of one. Versions never change; subscriptions keep theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DefinePlan {
    /// Its id.
    pub plan: PlanId,
    /// Its name.
    pub name: Label,
    /// The length of a cycle.
    pub every: Every,
    /// Billed at the start or the end of a cycle.
    pub timing: BillingTiming,
    /// Flat or per unit.
    pub model: PricingModel,
    /// One price for each currency.
    pub prices: Vec<UnitPrice>,
}

/// Closes a plan: no new subscriptions, no changes to it. Subscriptions that have it keep it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetirePlan {
    /// Which plan.
    pub plan: PlanId,
}

/// Bills every customer that has a cycle due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunBilling {
    /// The run's id.
    pub run: BillingRunId,
    /// Cycles that fall due up to and on this date are billed. It is never an invoice date.
    pub through: Date,
}
