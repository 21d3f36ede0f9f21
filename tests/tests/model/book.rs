//! The book's own facts: plans and their versions, migrations, coupons.
//!
//! # Shape
//!
//! Kept as the commands said it. A migration is an edge from one version of a plan to another;
//! a later edge from the same version replaces it.

use std::collections::BTreeMap;

use schemas::Currency;
use schemas::command::{DefineCoupon, DefinePlan, MigratePlan};
use schemas::ids::{CouponId, PlanId};
use schemas::terms::{BillingTiming, Every, PriceDefinition, Recurrence};
use schemas::text::Code;

use crate::civil::{Day, Instant};
use crate::customer::Refused;
use crate::item::Terms;
use crate::rules::Rules;

/// A version of a plan.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) plan: PlanId,
    pub(crate) number: u32,
    product: Option<Code>,
    every: Every,
    timing: BillingTiming,
    pub(crate) trial: i64,
    lead: i64,
    pub(crate) prices: Vec<PriceDefinition>,
}

/// From a version to another one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Edge {
    pub(crate) plan: PlanId,
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) on: Day,
    pub(crate) made: Instant,
}

#[derive(Debug, Clone)]
pub(crate) struct Coupon {
    pub(crate) terms: DefineCoupon,
    pub(crate) redeemed: u32,
    pub(crate) made: Day,
}

#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) rules: Rules,
    plans: BTreeMap<PlanId, (Vec<Version>, bool)>,
    edges: Vec<Edge>,
    pub(crate) coupons: BTreeMap<CouponId, Coupon>,
    pub(crate) terms_days: i64,
    /// The seller's zone.
    pub(crate) zone: String,
}

/// Whether a price recurs; it does if nothing is said.
pub(crate) fn recurrence(price: &PriceDefinition) -> Recurrence {
    price.recurrence.unwrap_or(Recurrence::Recurring)
}

impl Version {
    /// A price of it in a currency, as an item has it.
    pub(crate) fn terms(&self, price: &PriceDefinition, currency: Currency) -> Option<Terms> {
        let amount = price.amounts.iter().find(|amount| amount.currency == currency)?;
        Some(Terms {
            plan: self.plan,
            version: self.number,
            product: self.product.clone(),
            price: price.price.clone(),
            rate: amount.rate.clone(),
            own: false,
            minimum: amount.minimum,
            timing: price.timing.unwrap_or(self.timing),
            lead: self.lead,
            every: price.every.unwrap_or(self.every),
        })
    }

    pub(crate) fn of_kind(&self, kind: Recurrence) -> impl Iterator<Item = &PriceDefinition> {
        self.prices.iter().filter(move |price| recurrence(price) == kind)
    }

    pub(crate) fn price(&self, of: &Code) -> Option<&PriceDefinition> {
        self.prices.iter().find(|price| price.price == *of)
    }
}

impl Book {
    pub(crate) const fn new(rules: Rules) -> Self {
        Self {
            rules,
            plans: BTreeMap::new(),
            edges: Vec::new(),
            coupons: BTreeMap::new(),
            terms_days: 14,
            zone: String::new(),
        }
    }

    pub(crate) fn define(&mut self, plan: &DefinePlan) -> Result<(), Refused> {
        let (versions, retired) = self.plans.entry(plan.plan).or_default();
        if *retired {
            return Err("the plan is retired");
        }
        versions.push(Version {
            plan: plan.plan,
            number: u32::try_from(versions.len()).expect("few") + 1,
            product: plan.product.clone(),
            every: plan.every,
            timing: plan.timing,
            trial: plan.trial_days.unwrap_or(0).into(),
            lead: plan.lead_days.unwrap_or(0).into(),
            prices: plan.prices.clone(),
        });
        Ok(())
    }

    pub(crate) fn retire(&mut self, plan: PlanId) -> Result<(), Refused> {
        let (_, retired) = self.plans.get_mut(&plan).ok_or("unknown plan")?;
        if std::mem::replace(retired, true) { Err("retired already") } else { Ok(()) }
    }

    pub(crate) fn version(&self, plan: PlanId, number: u32) -> Result<&Version, Refused> {
        let (versions, _) = self.plans.get(&plan).ok_or("unknown plan")?;
        versions.iter().find(|known| known.number == number).ok_or("unknown version")
    }

    /// What is on sale: a version that was named, or the latest.
    pub(crate) fn on_sale(
        &self,
        plan: PlanId,
        version: Option<u32>,
        currency: Currency,
    ) -> Result<&Version, Refused> {
        let (versions, retired) = self.plans.get(&plan).ok_or("unknown plan")?;
        let latest = u32::try_from(versions.len()).expect("few");
        let found = self.version(plan, version.unwrap_or(latest))?;
        let sold = found.prices.iter().all(|price| found.terms(price, currency).is_some());
        if *retired || !sold { Err("not on sale") } else { Ok(found) }
    }

    /// A migration is checked when it is made: something must map by the ids of prices.
    pub(crate) fn migrate(&mut self, command: &MigratePlan, made: Instant) -> Result<(), Refused> {
        let from = self.version(command.plan, command.from_version)?;
        let to = self.version(command.plan, command.to_version)?;
        if from.number == to.number {
            return Err("from a version to itself");
        }
        let maps = |price: &PriceDefinition| {
            to.of_kind(Recurrence::Recurring).any(|new| new.price == price.price)
        };
        if !from.of_kind(Recurrence::Recurring).any(maps) {
            return Err("no price of the one is a price of the other");
        }
        let (plan, from, to) = (command.plan, command.from_version, command.to_version);
        self.edges.retain(|edge| (edge.plan, edge.from) != (plan, from));
        self.edges.push(Edge { plan, from, to, on: command.on.days().into(), made });
        Ok(())
    }

    pub(crate) fn has_product(&self, product: &Code) -> bool {
        let mut versions = self.plans.values().flat_map(|(versions, _)| versions);
        versions.any(|version| version.product.as_ref() == Some(product))
    }

    /// The one edge from a version.
    pub(crate) fn edge(&self, plan: PlanId, from: u32) -> Option<&Edge> {
        self.edges.iter().find(|edge| (edge.plan, edge.from) == (plan, from))
    }
}
