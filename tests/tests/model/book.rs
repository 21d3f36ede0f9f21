//! The book's own facts: plans and their versions, migrations, coupons.
//!
//! # Shape
//!
//! Kept as the commands said it. A migration is an edge from one version of a plan to another;
//! a later edge from the same version replaces it, and all are kept, with when they held.

use std::collections::BTreeMap;

use schemas::Currency;
use schemas::command::{DefineCoupon, DefinePlan, MigratePlan, WithdrawMigration};
use schemas::ids::{CouponId, PlanId};
use schemas::terms::{BillingTiming, Every, Grant, GrantScope, PriceDefinition, Recurrence};
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
    grants: Vec<Grant>,
}

/// A command of the book: when it was given, and how many were before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Told {
    pub(crate) at: Instant,
    pub(crate) number: u64,
}

/// From a version to another one.
#[derive(Debug, Clone)]
pub(crate) struct Edge {
    pub(crate) plan: PlanId,
    from: u32,
    pub(crate) to: u32,
    pub(crate) on: Day,
    /// Which price becomes which; others end.
    pub(crate) becomes: BTreeMap<Code, Code>,
    pub(crate) made: Told,
    /// Replaced or withdrawn.
    pub(crate) gone: Option<Told>,
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
    pub(crate) edges: Vec<Edge>,
    /// How many commands there were.
    pub(crate) commands: u64,
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
            of_plan: match recurrence(price) {
                Recurrence::Recurring => self.grants.clone(),
                Recurrence::AddOn | Recurrence::Setup => Vec::new(),
            },
            grants: price.grants.clone().unwrap_or_default(),
        })
    }

    /// All that recurs has a price in a currency.
    pub(crate) fn has_currency(&self, currency: Currency) -> bool {
        let mut prices = self.prices.iter().filter(|p| recurrence(p) != Recurrence::Setup);
        prices.all(|price| self.terms(price, currency).is_some())
    }

    /// The price of a name and a kind.
    pub(crate) fn of_name(&self, name: &Code, kind: Recurrence) -> Option<&PriceDefinition> {
        self.of_kind(kind).find(|price| price.price == *name)
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
            commands: 0,
            coupons: BTreeMap::new(),
            terms_days: 14,
            zone: String::new(),
        }
    }

    pub(crate) fn define(&mut self, plan: &DefinePlan) -> Result<(), Refused> {
        check_grants(plan)?;
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
            grants: plan.grants.clone().unwrap_or_default(),
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

    /// A migration is checked when it is made: something that recurs must become something.
    pub(crate) fn migrate(&mut self, command: &MigratePlan, at: Instant) -> Result<(), Refused> {
        let from = self.version(command.plan, command.from_version)?;
        let to = self.version(command.plan, command.to_version)?;
        if from.number == to.number {
            return Err("from a version to itself");
        }
        let mut told: BTreeMap<&Code, Option<&Code>> = BTreeMap::new();
        for mapping in command.map.iter().flatten() {
            let price = from.price(&mapping.from).ok_or("an unknown price is mapped")?;
            let kind = recurrence(price);
            if kind == Recurrence::Setup {
                return Err("a setup fee is mapped");
            }
            if mapping.to.as_ref().is_some_and(|name| to.of_name(name, kind).is_none()) {
                return Err("mapped to an unknown price, or to one of another kind");
            }
            if told.insert(&mapping.from, mapping.to.as_ref()).is_some() {
                return Err("mapped twice");
            }
        }
        let mut becomes: BTreeMap<Code, Code> = BTreeMap::new();
        let mut recurs = false;
        for price in from.prices.iter().filter(|price| recurrence(price) != Recurrence::Setup) {
            let (name, kind) = (&price.price, recurrence(price));
            let same = to.of_name(name, kind).map(|price| &price.price);
            let Some(new) = told.get(name).copied().unwrap_or(same) else { continue };
            if becomes.values().any(|taken| taken == new) {
                return Err("two prices become one");
            }
            becomes.insert(name.clone(), new.clone());
            recurs |= kind == Recurrence::Recurring;
        }
        if !recurs {
            return Err("no price of the one becomes a price of the other");
        }
        let (plan, from, to) = (command.plan, command.from_version, command.to_version);
        let made = Told { at, number: self.commands };
        if let Some(before) = self.standing(plan, from) {
            before.gone = Some(made);
        }
        let on = command.on.days().into();
        self.edges.push(Edge { plan, from, to, on, becomes, made, gone: None });
        Ok(())
    }

    pub(crate) fn withdraw(&mut self, c: &WithdrawMigration, at: Instant) -> Result<(), Refused> {
        self.plans.get(&c.plan).ok_or("unknown plan")?;
        let gone = Told { at, number: self.commands };
        let edge = self.standing(c.plan, c.from_version).ok_or("no migration to withdraw")?;
        edge.gone = Some(gone);
        Ok(())
    }

    fn standing(&mut self, plan: PlanId, from: u32) -> Option<&mut Edge> {
        let mut edges = self.edges.iter_mut();
        edges.find(|edge| (edge.plan, edge.from) == (plan, from) && edge.gone.is_none())
    }

    /// Every edge from a version with its place, the latest first.
    pub(crate) fn edges_from(
        &self,
        plan: PlanId,
        from: u32,
    ) -> impl Iterator<Item = (usize, &Edge)> {
        let all = self.edges.iter().enumerate().rev();
        all.filter(move |(_, edge)| (edge.plan, edge.from) == (plan, from))
    }

    pub(crate) fn has_product(&self, product: &Code) -> bool {
        let mut versions = self.plans.values().flat_map(|(versions, _)| versions);
        versions.any(|version| version.product.as_ref() == Some(product))
    }
}

/// Every feature is granted once by a plan and once by a price, within bounds.
fn check_grants(plan: &DefinePlan) -> Result<(), Refused> {
    let lists = plan.prices.iter().map(|price| &price.grants).chain([&plan.grants]);
    for list in lists.flatten() {
        let mut features: Vec<&Code> = list.iter().map(|grant| &grant.feature).collect();
        features.sort_unstable();
        features.dedup();
        if features.len() < list.len() || list.len() > 64 {
            return Err("a feature twice, or too many");
        }
        let most = schemas::Decimal::from(1_000_000_000);
        let wrong = |grant: &Grant| {
            grant.limit.is_some_and(|limit| {
                limit.amount.is_negative() || limit.amount > most || limit.amount.scale() > 3
            })
        };
        if list.iter().any(wrong) {
            return Err("a limit out of range");
        }
    }
    let of = |kind| plan.prices.iter().filter(move |price| recurrence(price) == kind);
    let per_unit =
        |grant: &Grant| grant.limit.is_some_and(|limit| limit.per == Some(GrantScope::Unit));
    if plan.grants.iter().flatten().any(per_unit) && of(Recurrence::Recurring).count() > 1 {
        return Err("units of which price");
    }
    if of(Recurrence::Setup).any(|price| price.grants.iter().flatten().count() > 0) {
        return Err("a setup fee grants nothing");
    }
    Ok(())
}
