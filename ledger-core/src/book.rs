//! The book's own facts: policies, clock, sellers, catalog, billing runs.

mod catalog;
mod decide;

pub(crate) use catalog::{MAX_TRIAL_DAYS, check_every, check_rate};
pub(crate) use decide::{check_terms, decide};

use crate::subscription::terms::item_terms;

use std::collections::BTreeMap;

use schemas::event::{
    BookEvent, BookOpened, CatalogEvent, CouponDefined, EntityDefined, Event, ItemTerms,
    PlanMigrationSet, PlanVersionDefined, ProcessEvent, SellerEvent,
};
use schemas::ids::{BillingRunId, CouponId, EntityId, PlanId};
use schemas::terms::{BookClock, SeriesDefinition, SeriesKind};
use schemas::text::Code;
use schemas::{Currency, Date, Rejection, Timestamp};
use serde::{Deserialize, Serialize};

/// A plan with all its versions; version n is at index n - 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) versions: Vec<PlanVersionDefined>,
    /// In the order they were set.
    pub(crate) migrations: Vec<PlanMigrationSet>,
    pub(crate) retired: bool,
}

/// State of the book's stream.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Book {
    pub(crate) revision: u64,
    opened: Option<BookOpened>,
    test_clock: Option<Timestamp>,
    entities: BTreeMap<EntityId, EntityDefined>,
    plans: BTreeMap<PlanId, Plan>,
    coupons: BTreeMap<CouponId, CouponDefined>,
    runs: BTreeMap<BillingRunId, Date>,
}

impl Book {
    pub(crate) const fn test_clock(&self) -> Option<Timestamp> {
        self.test_clock
    }

    /// Counts what decisions take from the book.
    pub(crate) fn catalog_revision(&self) -> u64 {
        let plans = self
            .plans
            .values()
            .map(|plan| plan.versions.len() + plan.migrations.len() + usize::from(plan.retired));
        (plans.sum::<usize>() + self.entities.len() + self.coupons.len()) as u64
    }

    pub(crate) fn opened(&self) -> Result<&BookOpened, Rejection> {
        self.opened.as_ref().ok_or(Rejection::BookNotOpen)
    }

    pub(crate) fn entity(&self, entity: EntityId) -> Result<&EntityDefined, Rejection> {
        self.entities.get(&entity).ok_or(Rejection::UnknownEntity { entity })
    }

    /// The version asked for, or the latest; not of a retired plan.
    pub(crate) fn plan_on_sale(
        &self,
        plan: PlanId,
        version: Option<u32>,
    ) -> Result<&PlanVersionDefined, Rejection> {
        let found = self.plans.get(&plan).ok_or(Rejection::UnknownPlan { plan })?;
        if found.retired {
            return Err(Rejection::PlanRetired { plan });
        }
        let latest = found.versions.last().ok_or(Rejection::UnknownPlan { plan })?;
        let Some(version) = version else { return Ok(latest) };
        found
            .versions
            .iter()
            .find(|defined| defined.version == version)
            .ok_or(Rejection::UnknownPlanVersion { plan, version, latest: latest.version })
    }

    /// A version of a plan, on sale or not.
    pub(crate) fn plan_version(&self, plan: PlanId, version: u32) -> Option<&PlanVersionDefined> {
        self.plans.get(&plan)?.versions.iter().find(|defined| defined.version == version)
    }

    pub(crate) fn coupon(&self, coupon: CouponId) -> Result<&CouponDefined, Rejection> {
        self.coupons.get(&coupon).ok_or(Rejection::UnknownCoupon { coupon })
    }

    /// The terms that replace others from a cycle on that starts on `date`; none if they stay,
    /// or if the new version lacks the price or the currency.
    pub(crate) fn migrated(
        &self,
        terms: &ItemTerms,
        date: Date,
        currency: Currency,
    ) -> Option<ItemTerms> {
        let plan = self.plans.get(&terms.plan)?;
        let moves = |set: &&PlanMigrationSet| {
            set.from_version == terms.version && set.on <= date && !terms.own_rate
        };
        let to = plan.migrations.iter().rev().find(moves)?.to_version;
        let version = plan.versions.iter().find(|defined| defined.version == to)?;
        let price = version.prices.iter().find(|price| price.price == terms.price)?;
        let moved = item_terms(version, price, currency).ok()?;
        // Cycles of another length would need a new anchor; such a price stays.
        (moved.every == terms.every).then_some(moved)
    }

    pub(crate) fn evolve(&mut self, event: &Event) {
        match event {
            Event::Book(BookEvent::BookOpened(opened)) => {
                self.test_clock = match opened.clock {
                    BookClock::Wall => None,
                    BookClock::Test(now) => Some(now),
                };
                self.opened = Some(opened.clone());
            }
            Event::Book(BookEvent::ClockAdvanced(advanced)) => self.test_clock = Some(advanced.to),
            Event::Seller(SellerEvent::EntityDefined(entity)) => {
                self.entities.insert(entity.entity, entity.clone());
            }
            Event::Catalog(event) => self.evolve_catalog(event),
            Event::Process(ProcessEvent::BillingRunStarted(started)) => {
                self.runs.insert(started.run, started.through);
            }
            Event::Customer(_)
            | Event::Subscription(_)
            | Event::Billing(_)
            | Event::Settlement(_) => {
                unreachable!(
                    "the reader checked that the book's stream holds book facts: {event:?}"
                )
            }
        }
    }

    fn evolve_catalog(&mut self, event: &CatalogEvent) {
        match event {
            CatalogEvent::PlanVersionDefined(version) => {
                let plan = self.plans.entry(version.plan).or_insert_with(|| Plan {
                    versions: Vec::new(),
                    migrations: Vec::new(),
                    retired: false,
                });
                plan.versions.push(version.clone());
            }
            CatalogEvent::PlanRetired(retired) => {
                if let Some(plan) = self.plans.get_mut(&retired.plan) {
                    plan.retired = true;
                }
            }
            CatalogEvent::PlanMigrationSet(set) => {
                if let Some(plan) = self.plans.get_mut(&set.plan) {
                    plan.migrations.push(set.clone());
                }
            }
            CatalogEvent::CouponDefined(coupon) => {
                self.coupons.insert(coupon.coupon, coupon.clone());
            }
        }
    }
}

/// The series of an entity by code, or its first of `kind`.
pub(crate) fn series<'a>(
    entity: &'a EntityDefined,
    code: Option<&Code>,
    kind: SeriesKind,
) -> Result<Option<&'a SeriesDefinition>, Rejection> {
    match code {
        None => Ok(entity.series.iter().find(|series| series.kind == kind)),
        Some(code) => {
            entity.series.iter().find(|series| series.code == *code).map(Some).ok_or_else(|| {
                Rejection::UnknownSeries { entity: entity.entity, series: code.clone() }
            })
        }
    }
}
