//! Commands on the book's own stream: clock, sellers, catalog, billing runs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use std::collections::BTreeMap;

use crate::ids::{BillingRunId, EntityId, PlanId};
use crate::party::{Address, TaxId};
use crate::terms::{
    BillingTiming, BookClock, Every, Grant, PriceDefinition, Profile, SeriesDefinition,
};
use crate::text::{BookName, Code, Label};
use crate::time::{Date, Timestamp, ZoneName};

/// Opens a book. The first commit of every log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenBook {
    /// The book's name.
    pub book: BookName,
    /// The policies it bills by.
    pub profile: Profile,
    /// Policies that are replaced, by name; none if left out.
    pub policies: Option<BTreeMap<Code, Code>>,
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
    /// 1 to 64 series, at least one of kind `invoice`; the first of a kind is the default. If none
    /// is of kind `credit_note`, one is made: code and prefix `CN` (or `CN2`, `CN3` … where that is
    /// taken), with the digits of the first series of kind `invoice`.
    pub series: Vec<SeriesDefinition>,
    /// Documents are kept for so many years after the one in which the last was issued, 0 to 100;
    /// 10 if left out.
    pub document_retention_years: Option<u8>,
    /// Where it is; printed on documents.
    pub address: Option<Address<Label>>,
    /// How tax authorities know it, at most 16; printed on documents.
    pub tax_ids: Option<Vec<TaxId<Label>>>,
}

/// Corrects a seller. What is left out stays. Documents that were issued stay as they are; those
/// that are issued from then on show the seller as it is then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdateEntity {
    /// Which seller.
    pub entity: EntityId,
    /// Its legal name.
    pub name: Option<Label>,
    /// Where it is.
    pub address: Option<Address<Label>>,
    /// Days from document date to due date, 0 to 365, of customers that have no terms of their
    /// own.
    pub payment_terms_days: Option<u16>,
    /// Documents are kept for so many years after the one in which the last was issued, 0 to 100.
    /// Of customers that were erased before, it stays as it was.
    pub document_retention_years: Option<u8>,
    /// How tax authorities know it, at most 16, all of them; none if the list is empty.
    pub tax_ids: Option<Vec<TaxId<Label>>>,
    /// More number series. Those that are there stay: numbers that were given never change.
    pub add_series: Option<Vec<SeriesDefinition>>,
    /// The series of kind `invoice`, of kind `credit_note`, or one of each, that documents get
    /// their numbers from unless they say otherwise.
    pub default_series: Option<Vec<Code>>,
}

/// Defines a seller: the form before documents had a retention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefineEntityV1 {
    /// Its id.
    pub entity: EntityId,
    /// Its legal name.
    pub name: Label,
    /// The zone of its document dates.
    pub zone: ZoneName,
    /// Days from document date to due date.
    pub payment_terms_days: u16,
    /// Its number series.
    pub series: Vec<SeriesDefinition>,
}

impl From<DefineEntityV1> for DefineEntity {
    fn from(old: DefineEntityV1) -> Self {
        let DefineEntityV1 { entity, name, zone, payment_terms_days, series } = old;
        let (address, tax_ids) = (None, None);
        Self {
            entity,
            name,
            zone,
            payment_terms_days,
            series,
            document_retention_years: None,
            address,
            tax_ids,
        }
    }
}

/// Defines a plan, or the next version of one. Versions never change; subscriptions keep theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DefinePlan {
    /// Its id.
    pub plan: PlanId,
    /// Its name.
    pub name: Label,
    /// The product that it belongs to; reports and discounts know it.
    pub product: Option<Code>,
    /// The length of a cycle.
    pub every: Every,
    /// Billed at the start or the end of a cycle.
    pub timing: BillingTiming,
    /// Days that are free at the start, 0 to 3,650; 0 if left out.
    pub trial_days: Option<u16>,
    /// Days before a cycle on which it is invoiced, 0 to 366; 0 if left out.
    pub lead_days: Option<u16>,
    /// What is charged.
    pub prices: Vec<PriceDefinition>,
    /// What having the plan grants, each feature once; nothing if left out. A limit for each unit
    /// counts the units of the only recurring price; where there are several, it is a grant of
    /// one of them.
    pub grants: Option<Vec<Grant>>,
}

/// Closes a plan: no new subscriptions, no changes to it. Subscriptions that have it keep it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetirePlan {
    /// Which plan.
    pub plan: PlanId,
}

/// Moves the subscriptions that have a plan version to another one of the same plan, each when
/// its first cycle on or after a date starts. It takes the place of an earlier migration from the
/// same version.
///
/// A cycle that had begun, or was billed, keeps its version. Quantities, add-ons and
/// rates of a subscription's own go along. A subscription takes each migration once; where several
/// lead on from one another, it takes them in one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MigratePlan {
    /// Which plan.
    pub plan: PlanId,
    /// The version that they have.
    pub from_version: u32,
    /// The version that they get.
    pub to_version: u32,
    /// Cycles that start on this day or later have the new version.
    pub on: Date,
    /// Which price takes the place of which, of the same kind, where their ids do not say.
    ///
    /// A price whose place nothing takes ends; a recurring price of the new version that takes no
    /// place begins with one unit.
    pub map: Option<Vec<PriceMapping>>,
}

/// A price of another plan or version that takes the place of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceMapping {
    /// A price that the subscription has.
    pub from: Code,
    /// The one that takes its place; none if it ends.
    pub to: Option<Code>,
}

/// Withdraws the migration from a plan version. Subscriptions that have moved stay where they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawMigration {
    /// Which plan.
    pub plan: PlanId,
    /// The version that subscriptions would leave.
    pub from_version: u32,
}

/// Bills every customer that has a cycle due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunBilling {
    /// The run's id.
    pub run: BillingRunId,
    /// Cycles that fall due up to and on this date are billed, as far as they have begun. It is
    /// never an invoice date.
    pub through: Date,
    /// Cycles that begin later, up to and on that date, are billed ahead; it may then lie up to
    /// 366 days in the future.
    pub ahead: Option<bool>,
}
