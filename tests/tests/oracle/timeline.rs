//! What a subscription has on each day, and its cycles.

use std::collections::{BTreeMap, BTreeSet};

use schemas::ids::PlanId;
use schemas::terms::{CancelCredit, Every};
use schemas::{Currency, Decimal};

use crate::calendar::boundary;
use crate::rational::Ratio;

#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) plan: PlanId,
    pub(crate) number: u32,
    pub(crate) every: Every,
    pub(crate) advance: bool,
    pub(crate) per_unit: bool,
    pub(crate) prices: Vec<(Currency, Ratio)>,
}

#[derive(Debug, Clone)]
pub(crate) struct Cycle {
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) denominator: i64,
    pub(crate) waived: BTreeSet<i64>,
}

#[derive(Debug, Clone)]
pub(crate) enum Change {
    Plan(Version),
    Quantity(Decimal),
    Cancel,
}

#[derive(Debug, Clone)]
pub(crate) struct Subscription {
    pub(crate) start: i64,
    pub(crate) anchor: i64,
    anchor_cycle: usize,
    pub(crate) plans: BTreeMap<i64, Version>,
    pub(crate) quantities: BTreeMap<i64, Decimal>,
    pub(crate) scheduled: Vec<(i64, Change)>,
    pub(crate) cycles: Vec<Cycle>,
    pub(crate) end: Option<(i64, CancelCredit)>,
}

/// What is in force on one day: what must be charged for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) plan: PlanId,
    pub(crate) version: u32,
    pub(crate) quantity: Decimal,
    pub(crate) units: Decimal,
    pub(crate) advance: bool,
}

impl Subscription {
    pub(crate) fn new(start: i64, version: Version, quantity: Decimal) -> Self {
        Self {
            start,
            anchor: start,
            anchor_cycle: 0,
            plans: BTreeMap::from([(start, version)]),
            quantities: BTreeMap::from([(start, quantity)]),
            scheduled: Vec::new(),
            cycles: Vec::new(),
            end: None,
        }
    }

    pub(crate) fn version_on(&self, day: i64) -> &Version {
        self.plans.range(..=day).next_back().expect("none before the start").1
    }

    pub(crate) fn quantity_on(&self, day: i64) -> Decimal {
        *self.quantities.range(..=day).next_back().expect("none before the start").1
    }

    /// What is in force on a day; nothing after the end.
    pub(crate) fn terms_on(&self, day: i64) -> Option<Terms> {
        if day < self.start || self.end.is_some_and(|(end, _)| end <= day) {
            return None;
        }
        let version = self.version_on(day);
        let quantity = self.quantity_on(day);
        let units = if version.per_unit { quantity } else { Decimal::ONE };
        let (plan, number, advance) = (version.plan, version.number, version.advance);
        Some(Terms { plan, version: number, quantity, units, advance })
    }

    pub(crate) fn every(&self) -> Every {
        self.plans.last_key_value().expect("never empty").1.every
    }

    fn next_start(&self) -> i64 {
        self.boundary(self.cycles.len())
    }

    pub(crate) fn boundary(&self, cycle: usize) -> i64 {
        let n = i64::try_from(cycle - self.anchor_cycle).expect("small");
        boundary(self.anchor, self.every(), n)
    }

    /// Opens cycles and lets scheduled changes take effect, up to and on `through`.
    pub(crate) fn catch_up(&mut self, through: i64) {
        loop {
            let next = self.next_start();
            let due = self.scheduled.iter().position(|(at, _)| *at <= next && *at <= through);
            if let Some(index) = due {
                let (at, change) = self.scheduled.remove(index);
                self.take_effect(at, change);
                continue;
            }
            if next > through || self.end.is_some_and(|(end, _)| end <= next) {
                return;
            }
            let end = self.boundary(self.cycles.len() + 1);
            let waived = BTreeSet::new();
            self.cycles.push(Cycle { start: next, end, denominator: end - next, waived });
        }
    }

    fn take_effect(&mut self, at: i64, change: Change) {
        match change {
            Change::Plan(version) => self.put_plan(at, version),
            Change::Quantity(quantity) => {
                self.quantities.insert(at, quantity);
            }
            Change::Cancel => self.finish(at, CancelCredit::None),
        }
    }

    pub(crate) fn put_plan(&mut self, from: i64, version: Version) {
        if version.every != self.every() {
            self.anchor = from;
            self.anchor_cycle = self.cycles.len();
        }
        self.plans.insert(from, version);
    }

    pub(crate) fn finish(&mut self, end: i64, credit: CancelCredit) {
        self.scheduled.clear();
        self.end = Some((end, credit));
    }

    /// The end of the cycle that `day` lies in, or of the last one opened.
    pub(crate) fn cycle_end(&self, day: i64) -> i64 {
        let mut copy = self.clone();
        copy.scheduled.clear();
        copy.catch_up(day);
        copy.cycles.last().map_or(day, |cycle| cycle.end)
    }
}
