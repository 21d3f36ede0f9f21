//! Events of the book's stream, and of who the customer is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::command::PriceMapping;
use crate::currency::Currency;
use crate::ids::{BillingRunId, CustomerId, EntityId, PlanId};
use crate::personal::{Contact, Personal};
use crate::terms::{
    BillingTiming, BookClock, Every, Grant, Policies, PriceDefinition, Profile, SeriesDefinition,
};
use crate::text::{BookName, Code, ExternalId, Label};
use crate::time::{Date, Timestamp, ZoneName};

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

/// A seller was defined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EntityDefined {
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
    /// Its documents are kept for so many years after the one in which the last was issued.
    pub document_retention_years: u8,
}

/// A seller was defined: the form before documents had a retention.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityDefinedV1 {
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

impl From<EntityDefinedV1> for EntityDefined {
    fn from(old: EntityDefinedV1) -> Self {
        let EntityDefinedV1 { entity, name, zone, payment_terms_days, series } = old;
        let document_retention_years = DOCUMENT_RETENTION_YEARS;
        Self { entity, name, zone, payment_terms_days, series, document_retention_years }
    }
}

/// How many years documents are kept unless the seller says otherwise.
///
/// Ten: books of account in Germany (HGB § 257 (4), AO § 147 (3); invoices alone eight since
/// 2025), in Switzerland (OR art. 958f) and in France (Code de commerce L123-22) are kept so
/// long, each from the end of the year on.
pub const DOCUMENT_RETENTION_YEARS: u8 = 10;

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
    /// What having the plan grants.
    pub grants: Vec<Grant>,
}

/// What a change of plan did to prices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PricesMapped {
    /// Prices, and those that took their places.
    pub mapped: Vec<PriceMapping>,
    /// Prices that begin.
    pub started: Vec<Code>,
    /// Prices that end.
    pub ended: Vec<Code>,
}

/// Subscriptions of one version of a plan move to another. It takes the place of an earlier
/// migration from the same version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanMigrationSet {
    /// Which plan.
    pub plan: PlanId,
    /// Its number: 1, 2, 3 … over the life of the plan.
    pub migration: u32,
    /// The version that they have.
    pub from_version: u32,
    /// The version that they get.
    pub to_version: u32,
    /// Cycles that start on this day or later have the new version.
    pub on: Date,
    /// When it was made: cycles that had begun keep their version.
    pub made_at: Timestamp,
    /// What becomes of its prices and add-ons, in the order of their versions. What begins does so
    /// with one unit.
    pub prices: PricesMapped,
}

/// A migration was withdrawn: no subscription takes it any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanMigrationWithdrawn {
    /// Which plan.
    pub plan: PlanId,
    /// Which migration of it.
    pub migration: u32,
    /// The version that subscriptions would have left.
    pub from_version: u32,
    /// When. Cycles that had begun have taken it, whether they are billed or not.
    pub withdrawn_at: Timestamp,
}

/// A plan was closed to new subscriptions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanRetired {
    /// Which plan.
    pub plan: PlanId,
}

/// A customer was registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerRegistered {
    /// Its id.
    pub customer: CustomerId,
    /// Who sells to it.
    pub entity: EntityId,
    /// Its id in another system.
    pub external_id: Option<ExternalId>,
    /// Its name.
    pub name: Contact,
    /// Where invoices go.
    pub email: Option<Contact>,
    /// The currency of all its invoices.
    pub currency: Currency,
    /// The zone of its cycles.
    pub zone: ZoneName,
    /// Days from document date to due date.
    pub payment_terms_days: u16,
    /// Who pays for it.
    pub parent: Option<CustomerId>,
    /// Its days are counted at this offset for ever, in seconds east of UTC; by the rules of its
    /// zone if there is none.
    pub fixed_offset: Option<i32>,
}

/// A process could not do for a customer what it had to. Processes leave the customer out until
/// it is released; payments are taken all the same.
///
/// The commit's cause is what the process was about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerParked {
    /// The process that met it, such as `billing_run`.
    pub process: Code,
    /// The billing run that met it, if one did.
    pub run: Option<BillingRunId>,
    /// The code of the rejection, or `internal` for a fault of the ledger.
    pub reason: Label,
    /// What is, and the way out.
    pub detail: Label,
}

/// [`CustomerParked`] while only billing runs parked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerParkedV1 {
    /// The run that met it.
    pub run: BillingRunId,
    /// The code of the rejection.
    pub reason: Label,
    /// What is, and the way out.
    pub detail: Label,
}

impl From<CustomerParkedV1> for CustomerParked {
    fn from(old: CustomerParkedV1) -> Self {
        let CustomerParkedV1 { run, reason, detail } = old;
        let process = "billing_run".parse().expect("a token of ASCII letters is a code");
        Self { process, run: Some(run), reason, detail }
    }
}

/// A parked customer is billed again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerReleased {}

/// A customer's own key was destroyed: what it sealed can be read by nobody any more. Nothing new
/// is sold to it; what is open of old documents is settled as ever.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerErased {
    /// Why; sealed with what its documents say.
    pub reason: Personal,
    /// Until the end of this day its documents must be kept, and what they say of it can be read;
    /// none if there are none, and their key was destroyed, too. Later bookings move it.
    pub documents_until: Option<Date>,
    /// Documents are kept for so many years after the one in which the last was issued.
    pub document_retention_years: u8,
}

/// The key of an erased customer's documents was destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DocumentsErased {}

/// A customer has another name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerRenamed {
    /// The new name.
    pub name: Contact,
}

/// A customer has another address for invoices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerEmailChanged {
    /// The new address.
    pub email: Contact,
}

/// A customer has other payment terms, for invoices from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerTermsChanged {
    /// Days from document date to due date.
    pub payment_terms_days: u16,
}

/// A customer has another id in another system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerExternalIdChanged {
    /// The new id.
    pub external_id: ExternalId,
}
