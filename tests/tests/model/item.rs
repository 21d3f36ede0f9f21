//! One item of a subscription: what it costs, from when on.
//!
//! # Shape
//!
//! An item is three timelines (instant → terms, instant → quantity, instant → percent off) and
//! the calendars of its cycles. Nothing that follows from these is kept. What no timeline can
//! say stands beside: time that was billed and stays whatever changes ([`Frozen`]), and time
//! that was given up.

use std::collections::BTreeMap;

use schemas::Decimal;
use schemas::ids::PlanId;
use schemas::terms::{BillingTiming, Every, Grant, Rate, RebillRule};
use schemas::text::Code;

use crate::calendar::{Calendar, Cycle, CycleId};
use crate::change::Told;
use crate::civil::{Clock, Instant, Stretch};
use crate::customer::CycleOf;
use crate::price::{costs_the_same, counts_units};
use crate::rules::Rules;
use crate::voices::Voice;

/// A price as an item has it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Terms {
    pub(crate) plan: PlanId,
    pub(crate) version: u32,
    pub(crate) product: Option<Code>,
    pub(crate) price: Code,
    pub(crate) rate: Rate,
    /// It is the subscription's own, not the plan's.
    pub(crate) own: bool,
    pub(crate) minimum: Option<Decimal>,
    pub(crate) timing: BillingTiming,
    pub(crate) lead: i64,
    pub(crate) every: Every,
    /// What the plan grants, of its recurring prices.
    pub(crate) of_plan: Vec<Grant>,
    /// What the price grants.
    pub(crate) grants: Vec<Grant>,
}

/// What is charged for at an instant: two instants with an equal one need no second line.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Price {
    pub(crate) terms: Terms,
    pub(crate) quantity: Decimal,
    /// How many there are, also where a flat price has none.
    pub(crate) units: Decimal,
    pub(crate) percent: Option<Decimal>,
    /// The last change and which one of its instant, where every change is billed.
    pub(crate) since: Option<(Instant, usize)>,
}

impl Price {
    /// A line for one need not be replaced by a line for the other.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.costs_as(other) && self.percent == other.percent && self.since == other.since
    }

    /// A whole cycle costs the same, before discounts.
    pub(crate) fn costs_as(&self, other: &Self) -> bool {
        let (a, b) = (&self.terms, &other.terms);
        let units = !counts_units(&a.rate) || self.quantity == other.quantity;
        (a.plan, a.version, &a.price) == (b.plan, b.version, &b.price)
            && (a.rate == b.rate || costs_the_same((&a.rate, &b.rate), self.quantity))
            && a.minimum == b.minimum
            && units
    }
}

/// What was charged from an instant on.
type Prices = Vec<(Instant, Option<Price>)>;

/// Billed time that stays as it is: nothing of it is charged or given back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Frozen {
    pub(crate) time: Stretch,
    /// When the change was that left it alone.
    pub(crate) since: Instant,
    /// What was charged from an instant on, before the change was told.
    pub(crate) was: Prices,
    /// What phases took off before the change.
    pub(crate) percents: BTreeMap<Instant, Option<Decimal>>,
    /// In cycles of the calendars up to this one.
    pub(crate) pieces: usize,
    /// How many changes had been scheduled when it was told.
    pub(crate) numbers: u32,
    /// What was billed ahead of it with changes that were scheduled, in their order.
    pub(crate) ahead: Vec<Ahead>,
    /// Where cycles are laid anew: time of pauses of which nothing was to be charged.
    pub(crate) paused: Vec<Stretch>,
}

/// What was to be charged with a change, in cycles that begin at an instant or later and were
/// billed when it was scheduled.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ahead {
    pub(crate) from: Instant,
    pub(crate) change: u32,
    pub(crate) was: Prices,
}

impl Frozen {
    /// What was charged at an instant.
    pub(crate) fn at(&self, at: Instant) -> Option<&Price> {
        let (_, price) = self.was.iter().rfind(|(from, _)| *from <= at)?;
        price.as_ref()
    }

    /// As it was billed with changes up to a number.
    pub(crate) fn up_to(&self, start: Instant, change: u32) -> Self {
        let mut known = self.ahead.iter();
        let known = known.rfind(|ahead| ahead.from <= start && ahead.change <= change);
        let was = known.map_or(&self.was, |ahead| &ahead.was).clone();
        Self { was, ..self.clone() }
    }

    /// All that it may have been billed as, in a cycle that begins then.
    pub(crate) fn any(&self, start: Instant) -> Vec<Self> {
        let ahead = self.ahead.iter().filter(|ahead| ahead.from <= start);
        let all = [&self.was].into_iter().chain(ahead.map(|ahead| &ahead.was));
        all.map(|was| Self { was: was.clone(), ..self.clone() }).collect()
    }

    /// What was charged with a change as well that says something of an item: until something
    /// else was to be of the same.
    pub(crate) fn and(
        &self,
        was: &Prices,
        (new, told): (&Item, Told),
        at: Instant,
        price_now: Option<&Price>,
    ) -> Prices {
        let since = price_now.and_then(|price| price.since);
        let began = new.terms.first_key_value().is_some_and(|(began, _)| *began == self.since);
        let terms = new.terms_at(at).filter(|_| told.terms);
        let ended = new.terms_at(at).is_none() && told.terms;
        let other = told.quantity;
        let mut all = was.clone();
        let then = was.iter().rfind(|(from, _)| *from <= at).and_then(|(_, price)| price.clone());
        if all.iter().all(|(from, _)| *from != at) {
            all.push((at, then.clone()));
            all.sort_by_key(|(from, _)| *from);
        }
        let (mut like, mut as_many) = (true, true);
        for (_, price) in all.iter_mut().filter(|(from, _)| at <= *from) {
            like &= price.as_ref().map(|p| &p.terms) == then.as_ref().map(|p| &p.terms);
            as_many &= price.as_ref().map(|p| p.units) == then.as_ref().map(|p| p.units);
            if like && ended {
                *price = None;
            }
            // An add-on that has begun without proration was to begin by this.
            if like && price.is_none() && began && new.add_on && told.quantity {
                *price = price_now.cloned();
            }
            let Some(price) = price else { continue };
            if let Some(terms) = terms.filter(|_| like) {
                price.terms = terms.clone();
            }
            if as_many && other {
                price.units = new.quantity_at(at);
            }
            price.quantity =
                if counts_units(&price.terms.rate) { price.units } else { Decimal::ONE };
            if price.since.is_none_or(|(known, _)| known <= at) {
                price.since = since;
            }
        }
        all
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) add_on: bool,
    /// A migration began it.
    pub(crate) by_edge: bool,
    pub(crate) terms: BTreeMap<Instant, Option<Terms>>,
    /// Who said these.
    pub(crate) voices: BTreeMap<Instant, Voice>,
    pub(crate) quantities: BTreeMap<Instant, Decimal>,
    /// How many a command asked for.
    pub(crate) told: BTreeMap<Instant, Decimal>,
    /// Where phases end that said how many.
    pub(crate) back_at: Option<Instant>,
    /// Percent off by the phases of a ramp.
    pub(crate) percents: BTreeMap<Instant, Option<Decimal>>,
    pub(crate) calendars: Vec<Calendar>,
    pub(crate) frozen: Vec<Frozen>,
    /// Time whose bill was given up with a void.
    pub(crate) waived: Vec<(CycleId, Stretch)>,
    /// Instants of changes.
    pub(crate) changes: Vec<Instant>,
    /// What is in arrears before these instants is billed without waiting for its cycle's end.
    pub(crate) settled: Vec<Instant>,
    /// Migrations that it took, by place, and when.
    pub(crate) migrated: Vec<(Instant, usize)>,
    /// From when on a command gave it another plan, and which command that was.
    pub(crate) replanned: Vec<(Instant, u64)>,
    /// Cycles whose version was told with the bill that was waited for.
    pub(crate) asked: Vec<CycleId>,
    /// Starts of cycles that took one, and the lead that was left: nothing is billed before that.
    pub(crate) left_leads: BTreeMap<Instant, i64>,
    /// Instants at which phases of a ramp begin.
    pub(crate) ramp: Vec<Instant>,
}

pub(crate) fn latest<T>(line: &BTreeMap<Instant, T>, at: Instant) -> Option<&T> {
    line.range(..=at).next_back().map(|(_, value)| value)
}

impl Item {
    pub(crate) fn new(from: Instant, terms: Terms, quantity: Decimal, calendar: Calendar) -> Self {
        Self {
            add_on: false,
            by_edge: false,
            terms: BTreeMap::from([(from, Some(terms))]),
            voices: BTreeMap::from([(from, Voice::Plan)]),
            told: BTreeMap::new(),
            back_at: None,
            quantities: BTreeMap::from([(from, quantity)]),
            percents: BTreeMap::new(),
            calendars: vec![calendar],
            frozen: Vec::new(),
            waived: Vec::new(),
            changes: Vec::new(),
            settled: Vec::new(),
            migrated: Vec::new(),
            replanned: Vec::new(),
            asked: Vec::new(),
            left_leads: BTreeMap::new(),
            ramp: Vec::new(),
        }
    }

    /// Other terms from an instant on, or none.
    pub(crate) fn say(&mut self, at: Instant, terms: Option<Terms>, voice: Voice) {
        self.terms.insert(at, terms);
        self.voices.insert(at, voice);
    }

    /// A command asks for another quantity; where the ramp ends, that holds again.
    pub(crate) fn ask_for(&mut self, at: Instant, quantity: Decimal) {
        self.quantities.insert(at, quantity);
        self.told.insert(at, quantity);
        if let Some(back) = self.back_at.filter(|back| at < *back) {
            let last = self.told.range(..back).next_back().map(|(_, quantity)| *quantity);
            self.quantities.insert(back, last.expect("one was just told"));
        } else if self.back_at == Some(at) {
            self.back_at = None;
        }
    }

    /// At every instant it has the terms of another; what was only told again changes none.
    pub(crate) fn costs_the_same_always(&self, other: &Self) -> bool {
        let mut steps = self.terms.keys().chain(other.terms.keys());
        steps.all(|at| self.terms_at(*at) == other.terms_at(*at))
    }

    pub(crate) fn terms_at(&self, at: Instant) -> Option<&Terms> {
        latest(&self.terms, at).and_then(Option::as_ref)
    }

    /// What its price was called up to an instant: migrations call it anew. Another plan is the
    /// same agreement only where it calls the price the same.
    pub(crate) fn called(&self, at: Instant) -> Vec<Code> {
        let mut names: Vec<Code> = Vec::new();
        let mut other_plan = false;
        for (from, terms) in self.terms.range(..=at).rev() {
            let Some(terms) = terms else { break };
            if other_plan && names.last() != Some(&terms.price) {
                break;
            }
            names.push(terms.price.clone());
            other_plan = self.voices[from] == Voice::Plan;
        }
        names
    }

    /// The terms at the last word, whenever it holds.
    pub(crate) fn last_terms(&self) -> Option<&Terms> {
        self.terms.last_key_value().and_then(|(_, terms)| terms.as_ref())
    }

    /// The last terms that it had, also where it has ended.
    pub(crate) fn last_living_terms(&self) -> Option<&Terms> {
        self.terms.values().rev().find_map(Option::as_ref)
    }

    pub(crate) fn quantity_at(&self, at: Instant) -> Decimal {
        latest(&self.quantities, at).copied().unwrap_or(Decimal::ONE)
    }

    /// The percentage that the phase of an instant takes off.
    pub(crate) fn percent_at(&self, at: Instant) -> Option<Decimal> {
        latest(&self.percents, at).copied().flatten()
    }

    /// What is charged for at an instant.
    pub(crate) fn price_at(&self, rules: &Rules, at: Instant) -> Option<Price> {
        let since = match rules.of.rebill {
            RebillRule::OnPriceChange => None,
            RebillRule::OnEveryChange => {
                let last = self.changes.iter().copied().filter(|c| *c <= at).max();
                let of = |last| self.changes.iter().filter(|c| **c == last).count();
                last.map(|last| (last, of(last)))
            }
        };
        let terms = self.terms_at(at)?.clone();
        // A flat price has no units.
        let units = counts_units(&terms.rate);
        Some(Price {
            terms,
            quantity: if units { self.quantity_at(at) } else { Decimal::ONE },
            units: self.quantity_at(at),
            percent: self.percent_at(at),
            since,
        })
    }

    /// Instants at which something of it changes.
    pub(crate) fn steps(&self) -> Vec<Instant> {
        let mut found: Vec<Instant> = self.terms.keys().copied().collect();
        found.extend(self.quantities.keys().copied());
        found.extend(self.changes.iter().copied());
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Its cycles that begin before an instant, cut where a later calendar begins.
    pub(crate) fn cycles(&self, rules: &Rules, clock: &Clock, until: Instant) -> Vec<Cycle> {
        let mut found = Vec::new();
        for (piece, calendar) in self.calendars.iter().enumerate() {
            let next = self.calendars.get(piece + 1).map(|next| next.from);
            let stop = next.map_or(until, |next| next.min(until));
            for mut cycle in calendar.cycles(rules, clock, piece, stop) {
                cycle.end = next.map_or(cycle.end, |next| next.min(cycle.end));
                found.push(cycle);
            }
        }
        found
    }

    /// Whether anything is left of a cycle.
    pub(crate) fn is_there(&self, rules: &Rules, clock: &Clock, cycle: &CycleOf) -> bool {
        let cycles = self.cycles(rules, clock, cycle.start + 1);
        cycles.iter().any(|known| known.id == cycle.id && known.start < known.end)
    }

    /// The cycle in which an instant lies.
    pub(crate) fn cycle_at(&self, rules: &Rules, clock: &Clock, at: Instant) -> Option<Cycle> {
        let cycles = self.cycles(rules, clock, at + 1);
        cycles.into_iter().rfind(|cycle| cycle.start <= at && at < cycle.end)
    }

    /// Where its first cycle begins; a trial that was ended laid the first calendar anew.
    pub(crate) fn first_start(&self) -> Instant {
        let from = self.calendars.iter().map(|calendar| calendar.from).min();
        from.expect("it has one from the start")
    }

    pub(crate) fn last_calendar(&self) -> &Calendar {
        self.calendars.last().expect("it has one from the start")
    }

    /// Its cycles are laid anew from an instant on; a calendar that began there is replaced.
    pub(crate) fn lay(&mut self, calendar: Calendar) {
        self.calendars.push(calendar);
    }

    /// Whether it is there at an instant.
    pub(crate) fn lives_at(&self, at: Instant) -> bool {
        self.terms_at(at).is_some()
    }

    /// The first instant after `at` for which a command said something; phases and migrations are
    /// no commands.
    pub(crate) fn next_command(&self, at: Instant) -> Option<Instant> {
        let commands = |voice: &Voice| matches!(voice, Voice::Plan | Voice::Command);
        let terms = self.voices.iter().filter(|(_, voice)| commands(voice)).map(|(at, _)| *at);
        let told = self.told.keys().copied().chain(self.changes.iter().copied());
        terms.chain(told).filter(|step| *step > at).min()
    }
}
