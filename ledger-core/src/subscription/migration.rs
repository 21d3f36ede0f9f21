//! Migrations: a cycle that begins takes the newest version of its plan that migrations lead to.
//!
//! # Shape
//!
//! Every item of the plan takes migrations at the start of its own cycles, several in one step,
//! and each once. With the first item of the plan go the add-ons, and what the new version has
//! beside begins then.
//!
//! # Correctness
//!
//! What leads on is what stood when the cycle began, so a run that comes late gives what one in
//! time would have given. A version that is not sold in the
//! customer's currency is no way on: the subscription stays before it.

use schemas::event::{
    ItemChange, ItemTerms, LaterTerms, MigrationTaken, PlanVersionDefined, SubscriptionEvent,
    SubscriptionMigrated, TermsChange,
};
use schemas::terms::Recurrence;
use schemas::text::Code;
use schemas::{Currency, Decimal, Rejection, Timestamp};

use super::advance::Advance;
use super::alter::cut_away;
use super::calendar;
use super::evolve::try_out;
use super::item::Item;
use super::state::Subscription;
use super::steps::Word;
use crate::catalog::state::{Migration, Plan};
use crate::catalog::terms::{is_sold_in, item_terms, recurrence};
use crate::mistakes::{Mistake, makes};

/// Migrations that lead on from the version of an item.
struct Path<'a> {
    from: &'a PlanVersionDefined,
    steps: Vec<&'a Migration>,
    to: &'a PlanVersionDefined,
}

impl Path<'_> {
    /// The price that takes the place of one at the end of the path.
    fn becomes<'b>(&'b self, price: &'b Code) -> Option<&'b Code> {
        self.steps.iter().try_fold(price, |price, step| step.becomes(price))
    }

    /// The terms that take the place of others; none if the price ends.
    fn terms(&self, old: &ItemTerms, currency: Currency) -> Option<ItemTerms> {
        let mut terms = self.named(self.becomes(&old.price)?, currency);
        if old.own_rate && !makes(Mistake::MigrationDropsOwnPrice) {
            terms.rate.clone_from(&old.rate);
            terms.own_rate = true;
        }
        Some(terms)
    }

    fn named(&self, price: &Code, currency: Currency) -> ItemTerms {
        let found = self.to.prices.iter().find(|found| found.price == *price);
        let found = found.expect("a migration maps to prices that its version has");
        item_terms(self.to, found, currency).expect("the path ends where it is sold")
    }

    /// Recurring prices at its end that take no place.
    fn begins(&self) -> impl Iterator<Item = &Code> {
        let recurs = |version: &PlanVersionDefined| {
            let prices = version.prices.iter();
            let prices = prices.filter(|price| recurrence(price) == Recurrence::Recurring);
            prices.map(|price| price.price.clone()).collect::<Vec<_>>()
        };
        let taken: Vec<Code> =
            recurs(self.from).iter().filter_map(|price| self.becomes(price).cloned()).collect();
        let there = recurs(self.to);
        let prices = self.to.prices.iter().map(|price| &price.price);
        prices.filter(move |price| there.contains(price) && !taken.contains(price))
    }

    fn taken(&self) -> Vec<MigrationTaken> {
        let taken = |step: &&Migration| MigrationTaken {
            migration: step.set.migration,
            from_version: step.set.from_version,
            to_version: step.set.to_version,
        };
        self.steps.iter().map(taken).collect()
    }
}

impl Advance<'_> {
    /// Whether a cycle that begins may take a migration.
    pub(super) fn may_migrate(self, subscription: &Subscription) -> bool {
        let mut terms = subscription.items.iter().filter_map(Item::last_terms);
        terms.any(|terms| {
            let plan = self.catalog.known(terms.plan);
            plan.is_some_and(|plan| plan.migrations_from(terms.version).next().is_some())
        })
    }

    /// What migrations make of a cycle that begins; nothing where it keeps its version.
    ///
    /// # Errors
    /// A date that cannot be computed; [`Rejection::TooManyItems`].
    pub(super) fn migrate(
        self,
        subscription: &Subscription,
        item: &Item,
        begins: Timestamp,
    ) -> Result<Vec<SubscriptionEvent>, Rejection> {
        let Some(terms) = item.terms_at(begins).filter(|_| !item.add_on) else {
            return Ok(Vec::new());
        };
        // What was quoted begins as it was quoted, with what is first paid of it.
        let first =
            subscription.trial_end.map_or(subscription.start, |t| t.max(subscription.start));
        if subscription.as_quoted && begins <= first && item.began() <= subscription.start {
            return Ok(Vec::new());
        }
        let Some(path) = self.path(subscription, item.number, terms, begins)? else {
            return Ok(Vec::new());
        };
        let mut migrated = SubscriptionMigrated {
            subscription: subscription.id,
            item: item.number,
            from: begins,
            plan: terms.plan,
            taken: path.taken(),
            items: Vec::new(),
            later: Vec::new(),
        };
        if path.from.version == path.to.version {
            return Ok(vec![migrated.into()]);
        }
        let leads = leads(subscription, begins) == Some(item.number);
        let mut cuts: Vec<SubscriptionEvent> = Vec::new();
        let version = |of: &ItemTerms| (of.plan, of.version);
        let goes_along = |found: &Item| {
            let same = found.terms_at(begins).is_some_and(|now| version(now) == version(terms));
            leads && found.add_on && same && !makes(Mistake::MigrationLeavesAddOns)
        };
        let moves = |found: &&Item| found.number == item.number || goes_along(found);
        // An add-on that was told to begin behind a migration that is taken for an earlier day.
        let begins_behind = |found: &&Item| {
            let mut later = found.later_terms(begins);
            let first_terms = later.next().and_then(|(_, now, _)| now);
            leads
                && found.add_on
                && begins < found.began()
                && first_terms.is_some_and(|now| version(now) == version(terms))
        };
        for moving in subscription.items.iter().filter(moves) {
            let change = self.moved(subscription, moving, begins, &path)?;
            if change.calendar.is_some() {
                cuts.extend(cut_away(subscription, moving, begins));
            }
            migrated.later.extend(self.later(moving, begins, &path, &change.terms));
            migrated.items.push(change);
        }
        for behind in subscription.items.iter().filter(begins_behind) {
            migrated.later.extend(self.later(behind, begins, &path, &TermsChange::Keep));
        }
        if leads {
            let mut moved = subscription.clone();
            try_out(&mut moved, &migrated.clone().into(), 0);
            let begun = self.beginning(&moved, begins, &path)?;
            // They are of this plan, and not of the next one that is known.
            let later = subscription.items.iter().flat_map(|item| item.later_terms(begins));
            let next = later.filter(|(.., by)| *by == Word::Plan).map(|(from, ..)| from).min();
            migrated.later.extend(begun.iter().filter_map(|change| {
                let steps = vec![(next?, None)];
                Some(LaterTerms { item: change.item, steps, left_alone_until: None })
            }));
            migrated.items.extend(begun);
        }
        cuts.push(migrated.into());
        Ok(cuts)
    }

    /// The migrations that an item takes where its cycle begins; none if it takes none.
    fn path(
        &self,
        subscription: &Subscription,
        item: u16,
        terms: &ItemTerms,
        begins: Timestamp,
    ) -> Result<Option<Path<'_>>, Rejection> {
        let Some(plan) = self.catalog.known(terms.plan) else { return Ok(None) };
        let Some(from) = plan.version(terms.version) else { return Ok(None) };
        let mut path = Path { from: &from.defined, steps: Vec::new(), to: &from.defined };
        while let Some(next) = stood(plan, path.to.version, begins) {
            let number = next.set.migration;
            let again = path.steps.iter().any(|step| step.set.migration == number)
                || subscription.has_taken(item, terms.plan, number);
            let Some(to) = plan.version(next.set.to_version) else { break };
            if again
                || self.rules.date(begins)? < next.set.on
                || !is_sold_in(&to.defined, self.currency)
            {
                break;
            }
            path.steps.push(next);
            path.to = &to.defined;
        }
        Ok((!path.steps.is_empty()).then_some(path))
    }

    /// An item with the terms of the new version, and other cycles if these have another length.
    fn moved(
        self,
        subscription: &Subscription,
        item: &Item,
        begins: Timestamp,
        path: &Path<'_>,
    ) -> Result<ItemChange, Rejection> {
        let now = item.terms_at(begins).expect("what moves lives");
        let terms = match path.terms(now, self.currency) {
            Some(terms) => TermsChange::Set(Box::new(terms)),
            None => TermsChange::Remove,
        };
        let mut change = ItemChange {
            item: item.number,
            add_on: item.add_on,
            terms,
            quantity: None,
            calendar: None,
            left_alone_until: None,
        };
        self.lay_anew(subscription, begins, &mut change)?;
        Ok(change)
    }

    /// Items with another length of cycle, and new ones, get a calendar.
    fn lay_anew(
        self,
        subscription: &Subscription,
        at: Timestamp,
        change: &mut ItemChange,
    ) -> Result<(), Rejection> {
        let TermsChange::Set(terms) = &change.terms else { return Ok(()) };
        let (rules, every) = (self.rules, terms.every);
        change.calendar = match subscription.item(change.item) {
            Some(item) if item.calendar.every == every => None,
            Some(item) => {
                let origin = subscription.origin(rules);
                Some(calendar::relengthened(at, origin, every, &item.calendar, rules)?)
            }
            None => {
                let mut living = subscription.items.iter().filter(|item| !item.add_on);
                let base = living.find(|item| item.terms_at(at).is_some());
                let base = base.or(subscription.items.first()).map(|item| item.calendar);
                Some(match base {
                    Some(base) => calendar::beside(at, every, &base, rules)?,
                    None => calendar::calendar(at, every, None, rules)?,
                })
            }
        };
        Ok(())
    }

    /// What holds later of an item, with the terms of the new version; what was told of another
    /// plan stays.
    fn later(
        self,
        item: &Item,
        begins: Timestamp,
        path: &Path<'_>,
        now: &TermsChange,
    ) -> Option<LaterTerms> {
        let known: Vec<_> = item
            .later_terms(begins)
            .map(|(from, terms, by)| (from, terms.cloned().map(Box::new), by))
            .collect();
        let own = known.iter().take_while(|(.., by)| *by != Word::Plan).count();
        let (of_path, other) = known.split_at(own);
        let gone = *now == TermsChange::Remove || makes(Mistake::MigrationDropsPhases);
        let becomes = |terms: &Option<Box<ItemTerms>>| {
            terms.as_deref().and_then(|old| path.terms(old, self.currency)).map(Box::new)
        };
        let of_path = of_path.iter().filter(|_| !gone);
        let steps: Vec<_> = of_path
            .map(|(from, terms, _)| (*from, becomes(terms)))
            .chain(other.iter().map(|(from, terms, _)| (*from, terms.clone())))
            .collect();
        let same = known.iter().map(|(from, terms, _)| (from, terms));
        let same = same.eq(steps.iter().map(|(from, terms)| (from, terms)));
        (!same).then_some(LaterTerms { item: item.number, steps, left_alone_until: None })
    }

    /// What the new version has beside: one unit of each price that takes no place, unless an item
    /// that had left the old version before is that.
    fn beginning(
        self,
        moved: &Subscription,
        begins: Timestamp,
        path: &Path<'_>,
    ) -> Result<Vec<ItemChange>, Rejection> {
        let is_there = |price: &Code| {
            let mut items = moved.items.iter().filter(|item| !item.add_on);
            let is =
                |terms: &ItemTerms| terms.price == *price && terms.version != path.from.version;
            items.any(|item| item.terms_at(begins).is_some_and(is))
        };
        let mut items = Vec::new();
        for price in path.begins().filter(|price| !is_there(price)) {
            let mut change = ItemChange {
                item: moved.new_item(items.len())?,
                add_on: false,
                terms: TermsChange::Set(Box::new(path.named(price, self.currency))),
                quantity: Some(Decimal::ONE),
                calendar: None,
                left_alone_until: None,
            };
            self.lay_anew(moved, begins, &mut change)?;
            items.push(change);
        }
        Ok(items)
    }
}

/// The migration from a version that stands when a cycle begins.
fn stood(plan: &Plan, version: u32, begins: Timestamp) -> Option<&Migration> {
    plan.migrations_from(version).find(|found| {
        let was_made = found.set.made_at <= begins || makes(Mistake::MigratesWhatHadBegun);
        was_made && found.gone_at.is_none_or(|gone| begins < gone)
    })
}

/// The number of the first item of the plan that lives at an instant.
pub(crate) fn leads(subscription: &Subscription, at: Timestamp) -> Option<u16> {
    let mut items = subscription.items.iter().filter(|item| !item.add_on);
    let lives = |item: &&Item| item.began() <= at && item.terms_at(at).is_some();
    items.find(lives).map(|item| item.number)
}
