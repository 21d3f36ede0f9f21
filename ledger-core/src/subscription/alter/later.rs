//! What a change leaves of the terms that hold later.
//!
//! # Shape
//!
//! A change lies before what was agreed or has happened for later: phases of a ramp, migrations,
//! prices of one's own, add-ons that began, other plans. It holds until the next command that
//! says otherwise of the same thing, and each later step is read as if it had come after it: a
//! price of one's own is one of the new plan, a migration of the plan that was left did not
//! happen, the next change of plan stays as it was told.

use std::collections::BTreeMap;

use schemas::event::{
    ChangeScheduled, ItemChange, ItemTerms, LaterTerms, PlanVersionDefined, ScheduledChange,
    ScheduledFor, SubscriptionEvent,
};
use schemas::ids::PlanId;
use schemas::terms::Recurrence;
use schemas::text::Code;
use schemas::{Rejection, Timestamp};

use super::{Draft, Edit};
use crate::catalog::terms::{item_terms, recurrence};
use crate::mistakes::{Mistake, makes};
use crate::subscription::advance::Advance;
use crate::subscription::evolve::try_out;
use crate::subscription::item::Item;
use crate::subscription::migration::leads;
use crate::subscription::schedule::withdrawal;
use crate::subscription::state::Subscription;
use crate::subscription::steps::Word;

/// What holds of an item from each instant on.
type Steps = Vec<(Timestamp, Option<Box<ItemTerms>>)>;

impl Advance<'_> {
    /// What follows where a scheduled change is withdrawn: cycles that were opened ahead in the
    /// plan that it leads to are of the present one, and take its migrations.
    ///
    /// # Errors
    /// As [`Advance::change`].
    pub(crate) fn without(
        self,
        subscription: &Subscription,
        due: &ChangeScheduled,
    ) -> Result<Vec<SubscriptionEvent>, Rejection> {
        let ScheduledFor::At(at) = due.at else { return Ok(Vec::new()) };
        match &due.what {
            ScheduledChange::Items(items) if items.plan.is_some() => {}
            ScheduledChange::Items(_)
            | ScheduledChange::Cancel(_)
            | ScheduledChange::Pause(_)
            | ScheduledChange::Resume(_) => return Ok(Vec::new()),
        }
        let mut events = vec![withdrawal(subscription, due.change).into()];
        Draft::of(self, subscription, at).take_migrations(&mut events)?;
        Ok(events.split_off(1))
    }
}

impl Draft<'_> {
    /// Where the next phase of a ramp begins.
    pub(super) fn next_phase(&self) -> Option<Timestamp> {
        let phases = self.subscription.phases.as_ref()?;
        phases.later.iter().copied().filter(|from| *from > self.at).min()
    }

    /// What holds later of each item, where the change makes it other. `keeps_phases`: a change of
    /// plan leaves the ramp in force.
    ///
    /// # Errors
    /// [`Rejection::BeforeAnchor`] where an add-on that began later would have other cycles.
    pub(super) fn later(&self, keeps_phases: bool) -> Result<Vec<LaterTerms>, Rejection> {
        let next = self.to_plan.as_ref().and_then(|_| self.next_plan());
        let mut later = Vec::new();
        for edit in &self.edits {
            let item = self.subscription.item(edit.item).filter(|_| !edit.is_new);
            let (known, steps) = match (item, &self.to_plan) {
                // It goes along with the plan as add-ons do.
                (None, _) if edit.add_on => (Vec::new(), self.goes_along(edit)?),
                // It is of this plan, and not of the next one.
                (None, Some(_)) => {
                    (Vec::new(), next.map(|next| (next, None)).into_iter().collect())
                }
                (Some(item), _) if edit.terms.is_none() && self.to_plan.is_none() => {
                    (all(item, self.at), Vec::new())
                }
                (Some(item), Some(_)) => {
                    let known = after_ramp(item, self.at, keeps_phases);
                    (known, replanned(item, self.at, edit.terms.as_ref(), keeps_phases))
                }
                // Cycles that were billed ahead begin no more, nor does what they were told.
                (Some(item), None) if edit.calendar != item.calendar => {
                    (all(item, self.at), replanned(item, self.at, edit.terms.as_ref(), true))
                }
                (Some(item), None) if edit.asked.rate => {
                    (all(item, self.at), repriced(item, edit, self.at))
                }
                (None | Some(_), None) => continue,
            };
            if known != steps {
                later.push(LaterTerms { item: edit.item, steps, left_alone_until: None });
            }
        }
        let restarts = |edit: &Edit| {
            let item = self.subscription.item(edit.item).filter(|_| !edit.is_new);
            item.is_some_and(|item| item.calendar != edit.calendar)
        };
        if self.to_plan.is_none() && self.edits.iter().any(restarts) {
            let unborn = |item: &&Item| {
                let mut later = item.later_terms(self.at);
                let first = later.next().map(|(.., by)| by);
                self.at < item.began() && first == Some(Word::Migration)
            };
            for item in self.subscription.items.iter().filter(unborn) {
                let (item, steps) = (item.number, vec![(item.began(), None)]);
                later.push(LaterTerms { item, steps, left_alone_until: None });
            }
        }
        if let Some(version) = self.to_plan {
            let until = next.unwrap_or(Timestamp::MAX);
            let born = |item: &&Item| self.at < item.began() && item.began() < until;
            for item in self.subscription.items.iter().filter(born) {
                let known: Steps = all(item, self.at);
                let steps = self.born_later(item, version)?;
                if known != steps {
                    let left_alone_until = None;
                    later.push(LaterTerms { item: item.number, steps, left_alone_until });
                }
            }
        }
        Ok(later)
    }

    /// What becomes of an add-on that begins before what is known of the plan later.
    ///
    /// # Errors
    /// [`Rejection::BeforeAnchor`] where it would have other cycles.
    fn goes_along(&self, edit: &Edit) -> Result<Steps, Rejection> {
        let mut plans: BTreeMap<Timestamp, (Word, PlanId, u32)> = BTreeMap::new();
        for item in self.subscription.items.iter().filter(|item| !item.add_on) {
            for (from, terms, by) in item.later_terms(self.at) {
                // What migrated is told anew where the plan is another; add-ons move with the
                // cycle of the plan's first price.
                let leads = || leads(self.subscription, from) == Some(item.number);
                let migrates = by == Word::Migration && self.to_plan.is_none() && leads();
                let told = by == Word::Plan || migrates;
                if let Some(terms) = terms.filter(|_| told) {
                    plans.entry(from).or_insert((by, terms.plan, terms.version));
                }
            }
        }
        let Some(mut now) = edit.terms.clone() else { return Ok(Steps::new()) };
        // It was bought later, too: what was told then holds from there.
        let bought = self.subscription.items.iter().filter(|item| {
            let first = item.later_terms(self.at).next();
            let same = |(_, terms, _): &(_, Option<&ItemTerms>, _)| {
                terms.is_some_and(|terms| terms.price == now.price)
            };
            item.add_on && self.at < item.began() && first.as_ref().is_some_and(same)
        });
        let bought = bought.map(Item::began).min();
        let mut steps = Steps::new();
        for (from, (by, plan, version)) in plans {
            if bought.is_some_and(|bought| bought <= from) {
                break;
            }
            if (plan, version) == (now.plan, now.version) {
                continue;
            }
            let becomes = match by {
                Word::Migration => self.migrated_to(&now, from),
                Word::Plan | Word::Own | Word::Phase | Word::RampEnd => Some(now.price.clone()),
            };
            let found = self.advance.catalog.version(plan, version);
            let price = found.zip(becomes).and_then(|(version, named)| {
                let mut prices = version.prices.iter();
                let price = prices
                    .find(|price| recurrence(price) == Recurrence::AddOn && price.price == named);
                Some((version, price?))
            });
            let Some((version, price)) = price else {
                steps.push((from, None));
                break;
            };
            let mut terms = item_terms(version, price, self.advance.currency)?;
            if terms.every != now.every {
                return Err(self.laid_later(from)?);
            }
            if by == Word::Migration {
                own(&mut terms, &now);
            }
            steps.push((from, Some(Box::new(terms.clone()))));
            now = terms;
        }
        let goes_on = steps.last().is_none_or(|(_, terms)| terms.is_some());
        steps.extend(bought.filter(|_| goes_on).map(|bought| (bought, None)));
        Ok(steps)
    }

    /// Prices of what was told to begin later, and does not in the new plan.
    pub(super) fn ended_later<'b>(
        &'b self,
        later: &'b [LaterTerms],
    ) -> impl Iterator<Item = Code> + 'b {
        later.iter().filter_map(|later| {
            let item = self.subscription.item(later.item)?;
            let (began, was, by) = item.later_terms(self.at).next()?;
            let ends = matches!(later.steps.first(), Some((from, None)) if *from == began);
            (ends && began == item.began() && by == Word::Own)
                .then(|| was.map(|t| t.price.clone()))?
        })
    }

    /// What is invoiced of what begins later stays as it is, too.
    pub(super) fn leave_later_alone(&self, items: &[ItemChange], later: &mut [LaterTerms]) {
        let told = |item: u16| items.iter().any(|change| change.item == item);
        for later in later.iter_mut().filter(|later| !told(later.item)) {
            let until = self.advance.invoiced.charged_until(self.subscription, later.item);
            later.left_alone_until = until.filter(|until| self.at < *until);
        }
    }

    /// The price that a price became by what was taken at an instant.
    fn migrated_to(&self, now: &ItemTerms, at: Timestamp) -> Option<Code> {
        let plan = self.advance.catalog.known(now.plan)?;
        let taken = self.subscription.migrated.iter().filter(|taken| taken.at == at);
        let first = taken.clone().next()?.item;
        taken.filter(|taken| taken.item == first).try_fold(now.price.clone(), |price, taken| {
            plan.migration(taken.taken.migration)?.becomes(&price).cloned()
        })
    }

    fn laid_later(&self, anchor: Timestamp) -> Result<Rejection, Rejection> {
        let rules = self.advance.rules;
        let (at, anchor) = (rules.date(self.at)?, rules.date(anchor)?);
        Ok(Rejection::BeforeAnchor { subscription: self.subscription.id, at, anchor })
    }

    /// Where the next change of plan begins.
    fn next_plan(&self) -> Option<Timestamp> {
        let later = self.subscription.items.iter().flat_map(|item| item.later_terms(self.at));
        later.filter(|(.., by)| *by == Word::Plan).map(|(from, ..)| from).min()
    }

    /// An add-on that began later is one of the new plan; what a migration began did not begin.
    fn born_later(&self, item: &Item, version: &PlanVersionDefined) -> Result<Steps, Rejection> {
        let Some((_, Some(was), by)) = item.later_terms(self.at).next() else {
            return Ok(all(item, self.at));
        };
        let add_on = |price: &&schemas::terms::PriceDefinition| {
            by == Word::Own && recurrence(price) == Recurrence::AddOn && price.price == was.price
        };
        let terms = version.prices.iter().find(add_on);
        let terms = terms.map(|price| item_terms(version, price, self.advance.currency));
        let mut terms = terms.transpose()?;
        if let Some(terms) = &mut terms {
            if terms.every != was.every {
                return Err(self.laid_later(item.began())?);
            }
            own(terms, was);
        }
        let began = item.began();
        let mut steps = vec![(began, terms.clone().map(Box::new))];
        steps.extend(replanned(item, began, terms.as_ref(), true));
        Ok(steps)
    }

    /// Cycles of the new plan that have begun, or were billed ahead, take its migrations as if
    /// they had begun in it.
    pub(super) fn take_migrations(
        &self,
        events: &mut Vec<SubscriptionEvent>,
    ) -> Result<(), Rejection> {
        let mut then = self.subscription.clone();
        for (before, event) in events.iter().enumerate() {
            try_out(&mut then, event, before);
        }
        let until = self.next_plan().unwrap_or(Timestamp::MAX);
        let until = until.min(then.next_scheduled_plan().unwrap_or(Timestamp::MAX));
        loop {
            let made = self.next_migration(&then, until)?;
            if made.is_empty() {
                return Ok(());
            }
            for event in made {
                try_out(&mut then, &event, events.len());
                events.push(event);
            }
        }
    }

    fn next_migration(
        &self,
        then: &Subscription,
        until: Timestamp,
    ) -> Result<Vec<SubscriptionEvent>, Rejection> {
        let mut cycles: Vec<(Timestamp, &Item)> = Vec::new();
        for item in then.items.iter().filter(|item| !item.add_on) {
            let is = |start| self.at <= start && start < until;
            let opened = item.cycles.iter().filter(|cycle| cycle.start < cycle.end);
            cycles.extend(opened.map(|cycle| cycle.start).filter(|s| is(*s)).map(|s| (s, item)));
        }
        cycles.sort_by_key(|(start, item)| (*start, item.number));
        for (start, item) in cycles {
            let made = self.advance.migrate(then, item, start)?;
            if !made.is_empty() {
                return Ok(made);
            }
        }
        Ok(Vec::new())
    }
}

/// Everything that holds later.
fn all(item: &Item, at: Timestamp) -> Steps {
    after_ramp(item, at, true)
}

/// The same, without phases where the ramp is withdrawn.
fn after_ramp(item: &Item, at: Timestamp, keeps_phases: bool) -> Steps {
    let stays = |by: Word| keeps_phases || !by.is_of_ramp();
    let left = item.later_terms(at).filter(|(.., by)| stays(*by));
    left.map(|(from, terms, _)| (from, terms.cloned().map(Box::new))).collect()
}

/// Later steps of an item that has other terms of a plan from an instant on; none where it ends.
fn replanned(item: &Item, at: Timestamp, now: Option<&ItemTerms>, keeps_phases: bool) -> Steps {
    let mut steps = Steps::new();
    let mut base = now.cloned();
    let mut later = item.later_terms(at);
    for (from, terms, by) in later.by_ref() {
        match (by, terms, &mut base) {
            // From here on it is as it was told then.
            (Word::Plan, terms, _) => {
                steps.push((from, terms.cloned().map(Box::new)));
                break;
            }
            (Word::Own, None, base) => {
                *base = None;
                steps.push((from, None));
            }
            (Word::Own, Some(told), Some(base)) if told.price == base.price => {
                own(base, told);
                steps.push((from, Some(Box::new(base.clone()))));
            }
            (Word::Phase, Some(told), Some(base)) if keeps_phases => {
                let mut terms = base.clone();
                own(&mut terms, told);
                steps.push((from, Some(Box::new(terms))));
            }
            (Word::RampEnd, Some(_), Some(base)) if keeps_phases => {
                steps.push((from, Some(Box::new(base.clone()))));
            }
            (Word::Phase, terms, Some(_)) if makes(Mistake::RampStepSurvives) => {
                steps.push((from, terms.cloned().map(Box::new)));
            }
            (Word::Own | Word::Phase | Word::RampEnd | Word::Migration, ..) => {}
        }
    }
    steps.extend(later.map(|(from, terms, _)| (from, terms.cloned().map(Box::new))));
    steps
}

/// Later steps of an item that has a price of its own from an instant on: it holds through
/// migrations and after the ramp, until a command or a phase has another.
fn repriced(item: &Item, edit: &Edit, at: Timestamp) -> Steps {
    let Some(told) = &edit.terms else { return Steps::new() };
    let (mut holds, mut in_phase) = (true, false);
    let mut steps = Steps::new();
    for (from, terms, by) in item.later_terms(at) {
        let mut terms = terms.cloned();
        match by {
            Word::Plan | Word::Own => holds = false,
            Word::Phase => in_phase = terms.as_ref().is_some_and(|terms| terms.own_rate),
            Word::RampEnd => in_phase = false,
            Word::Migration => {}
        }
        if let Some(terms) = terms.as_mut().filter(|_| holds && !in_phase) {
            own(terms, told);
        }
        steps.push((from, terms.map(Box::new)));
    }
    steps
}

/// Terms get the own rate of others, if those have one.
fn own(terms: &mut ItemTerms, told: &ItemTerms) {
    if told.own_rate {
        terms.rate.clone_from(&told.rate);
        terms.own_rate = true;
    }
}
