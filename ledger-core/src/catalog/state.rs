//! The catalog, folded from the book's stream.

use std::collections::BTreeMap;

use schemas::event::{CatalogEvent, CouponDefined, EventAt, PlanMigrationSet, PlanVersionDefined};
use schemas::ids::{CouponId, PlanId};
use schemas::text::Code;
use schemas::{Rejection, Timestamp};
use serde::{Deserialize, Serialize};

use crate::unmade::Unmade;

/// A version of a plan and the event that defined it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlanVersion {
    pub(crate) defined: PlanVersionDefined,
    pub(crate) made: EventAt,
}

/// A migration, and when it stopped to stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Migration {
    pub(crate) set: PlanMigrationSet,
    /// Another one took its place, or it was withdrawn.
    pub(crate) gone_at: Option<Timestamp>,
}

impl Migration {
    /// What takes the place of a price; none if nothing does.
    pub(crate) fn becomes(&self, price: &Code) -> Option<&Code> {
        let found = self.set.prices.mapped.iter().find(|mapped| mapped.from == *price)?;
        found.to.as_ref()
    }
}

/// A plan with all its versions; version n is at index n - 1.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Plan {
    versions: Vec<PlanVersion>,
    /// In the order they were set: number n is at index n - 1.
    migrations: Vec<Migration>,
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

    /// The number of the next migration.
    pub(crate) fn next_migration(&self) -> u32 {
        self.migrations.last().map_or(1, |last| last.set.migration + 1)
    }

    /// The migration from a version that stands, if one does.
    pub(crate) fn standing(&self, from: u32) -> Option<&Migration> {
        self.migrations_from(from).find(|found| found.gone_at.is_none())
    }

    /// Every migration from a version, the latest first, also those that stand no more.
    pub(crate) fn migrations_from(&self, from: u32) -> impl Iterator<Item = &Migration> {
        self.migrations.iter().rev().filter(move |found| found.set.from_version == from)
    }

    /// A migration by its number.
    pub(crate) fn migration(&self, number: u32) -> Option<&Migration> {
        self.migrations.get(usize::try_from(number.checked_sub(1)?).ok()?)
    }

    /// The versions from which a migration stands, in order.
    pub(crate) fn all_standing(&self) -> impl Iterator<Item = u32> {
        (1..=self.latest()).filter(|from| self.standing(*from).is_some())
    }

    fn set_migration(&mut self, set: &PlanMigrationSet) {
        let before = |found: &&mut Migration| {
            found.set.from_version == set.from_version && found.gone_at.is_none()
        };
        if let Some(replaced) = self.migrations.iter_mut().find(before) {
            replaced.gone_at = Some(set.made_at);
        }
        self.migrations.push(Migration { set: set.clone(), gone_at: None });
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
        let facts = |plan: &Plan| {
            let gone = plan.migrations.iter().filter(|found| found.gone_at.is_some()).count();
            plan.versions.len() + plan.migrations.len() + gone + usize::from(plan.retired)
        };
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

    /// A plan, on sale or not.
    pub(crate) fn known(&self, plan: PlanId) -> Option<&Plan> {
        self.plans.get(&plan)
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
                let plan = self.plan(set.plan)?;
                if set.migration != plan.next_migration() {
                    return Err(Unmade::of("a migration before it of", set.plan));
                }
                plan.set_migration(set);
            }
            CatalogEvent::PlanMigrationWithdrawn(withdrawn) => {
                let number = withdrawn.migration;
                let unmade = || Unmade::of(format!("migration {number} of"), withdrawn.plan);
                let plan = self.plan(withdrawn.plan)?;
                let mut migrations = plan.migrations.iter_mut();
                let found = migrations.find(|found| found.set.migration == number);
                found.ok_or_else(unmade)?.gone_at = Some(withdrawn.withdrawn_at);
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
