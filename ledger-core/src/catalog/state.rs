//! The catalog, folded from the book's stream.

use std::collections::BTreeMap;

use schemas::event::{
    CatalogEvent, CouponDefined, EventAt, ItemTerms, PlanMigrationSet, PlanVersionDefined,
};
use schemas::ids::{CouponId, PlanId};
use schemas::text::Code;
use schemas::{Currency, Date, Rejection};
use serde::{Deserialize, Serialize};

use super::terms::item_terms;
use crate::unmade::Unmade;

/// A version of a plan and the event that defined it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlanVersion {
    pub(crate) defined: PlanVersionDefined,
    pub(crate) made: EventAt,
}

/// A plan with all its versions; version n is at index n - 1.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    versions: Vec<PlanVersion>,
    /// In the order they were set.
    migrations: Vec<PlanMigrationSet>,
    retired: bool,
}

impl Plan {
    /// The number of its latest version.
    pub(crate) fn latest(&self) -> u32 {
        self.versions.last().map_or(0, |version| version.defined.version)
    }

    /// It is closed to new subscriptions.
    pub(crate) const fn is_retired(&self) -> bool {
        self.retired
    }

    pub(crate) fn version(&self, version: u32) -> Option<&PlanVersion> {
        self.versions.get(usize::try_from(version.checked_sub(1)?).ok()?)
    }
}

/// What is on sale.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Catalog {
    pub(super) plans: BTreeMap<PlanId, Plan>,
    pub(super) coupons: BTreeMap<CouponId, CouponDefined>,
}

impl Catalog {
    /// Counts what decisions take from the catalog.
    pub(crate) fn revision(&self) -> usize {
        let facts =
            |plan: &Plan| plan.versions.len() + plan.migrations.len() + usize::from(plan.retired);
        self.plans.values().map(facts).sum::<usize>() + self.coupons.len()
    }

    /// The version asked for, or the latest; not of a retired plan.
    ///
    /// # Errors
    /// [`Rejection::UnknownPlan`], [`Rejection::PlanRetired`], [`Rejection::UnknownPlanVersion`].
    pub(crate) fn on_sale(
        &self,
        plan: PlanId,
        version: Option<u32>,
    ) -> Result<&PlanVersionDefined, Rejection> {
        let found = self.plans.get(&plan).ok_or(Rejection::UnknownPlan { plan })?;
        if found.is_retired() {
            return Err(Rejection::PlanRetired { plan });
        }
        let latest = found.latest();
        let wanted = version.unwrap_or(latest);
        let unknown = match version {
            Some(version) => Rejection::UnknownPlanVersion { plan, version, latest },
            None => Rejection::UnknownPlan { plan },
        };
        found.version(wanted).map(|found| &found.defined).ok_or(unknown)
    }

    /// Whether any version of a plan belongs to a product.
    pub(crate) fn has_product(&self, product: &Code) -> bool {
        let versions = self.plans.values().flat_map(|plan| &plan.versions);
        versions.into_iter().any(|version| version.defined.product.as_ref() == Some(product))
    }

    /// A version of a plan, on sale or not.
    pub(crate) fn version(&self, plan: PlanId, version: u32) -> Option<&PlanVersionDefined> {
        Some(&self.plans.get(&plan)?.version(version)?.defined)
    }

    /// The event that defined a version of a plan.
    pub(crate) fn defined_by(&self, plan: PlanId, version: u32) -> Option<EventAt> {
        Some(self.plans.get(&plan)?.version(version)?.made)
    }

    /// # Errors
    /// [`Rejection::UnknownCoupon`].
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
        let version = &plan.version(to)?.defined;
        let price = version.prices.iter().find(|price| price.price == terms.price)?;
        let moved = item_terms(version, price, currency).ok()?;
        // Cycles of another length would need a new anchor; such a price stays.
        (moved.every == terms.every).then_some(moved)
    }

    /// Folds one event in.
    ///
    /// # Errors
    /// [`Unmade`] when it names a plan that no event defined.
    pub(crate) fn evolve(&mut self, event: &CatalogEvent, made: EventAt) -> Result<(), Unmade> {
        match event {
            CatalogEvent::PlanVersionDefined(version) => {
                let plan = self.plans.entry(version.plan).or_default();
                if version.version != plan.latest() + 1 {
                    return Err(Unmade::of("a version before it of", version.plan));
                }
                plan.versions.push(PlanVersion { defined: version.clone(), made });
            }
            CatalogEvent::PlanRetired(retired) => self.plan(retired.plan)?.retired = true,
            CatalogEvent::PlanMigrationSet(set) => {
                self.plan(set.plan)?.migrations.push(set.clone());
            }
            CatalogEvent::CouponDefined(coupon) => {
                self.coupons.insert(coupon.coupon, coupon.clone());
            }
        }
        Ok(())
    }

    fn plan(&mut self, id: PlanId) -> Result<&mut Plan, Unmade> {
        self.plans.get_mut(&id).ok_or_else(|| Unmade::named(id))
    }
}
