//! What the migrations of a plan are to the subscriptions that have it.
//!
//! # Correctness
//!
//! What is ahead is found by the steps that billing takes, on a copy: so a scheduled end, a change
//! of plan or an anchor that moves count as they will.

use schemas::ids::{CustomerId, PlanId};
use schemas::view::{MigrationObstacle, MigrationStanding, MigrationStep, SubscriptionMigration};
use schemas::{Date, Rejection, Timestamp};

use crate::catalog::state::{Migration, Plan};
use crate::catalog::terms::is_sold_in;
use crate::ledger::{Customer, Ledger};
use crate::subscription::advance::Advance;
use crate::subscription::item::Item;
use crate::subscription::migration::leads;
use crate::subscription::state::{Migrated, Subscription};

/// Cycles ahead among which the one is looked for that takes a migration.
const MOST_CYCLES: u32 = 4_000;
/// How often a change on the way may move the cycle that is looked for.
const MOST_TRIES: usize = 3;

impl Ledger {
    /// What the migrations of a plan are to the subscriptions of a customer, by id, at `now`;
    /// those are left out to which they are nothing.
    ///
    /// # Errors
    /// [`Rejection::UnknownPlan`], [`Rejection::UnknownCustomer`], or a date that cannot be
    /// computed.
    pub fn migrations_of(
        &self,
        customer: CustomerId,
        plan: PlanId,
        now: Timestamp,
    ) -> Result<Vec<SubscriptionMigration>, Rejection> {
        let found = self.plan_of_migrations(plan)?;
        let customer = self.known(customer)?;
        let (rules, currency) = (&customer.profile.rules, customer.profile.currency);
        let invoiced = &customer.billing;
        let advance =
            Advance { rules, catalog: &self.facts.catalog, currency, invoiced, looks_ahead: false };
        let asked = Asked { advance, plan, found, now };
        let rows = customer.subscriptions().map(|subscription| asked.row(customer, subscription));
        rows.filter_map(Result::transpose).collect()
    }

    /// A plan is there.
    ///
    /// # Errors
    /// [`Rejection::UnknownPlan`].
    pub fn check_plan(&self, plan: PlanId) -> Result<(), Rejection> {
        self.plan_of_migrations(plan).map(|_| ())
    }

    fn plan_of_migrations(&self, plan: PlanId) -> Result<&Plan, Rejection> {
        self.facts.catalog.known(plan).ok_or(Rejection::UnknownPlan { plan })
    }
}

/// A plan and an instant.
struct Asked<'a> {
    advance: Advance<'a>,
    plan: PlanId,
    found: &'a Plan,
    now: Timestamp,
}

/// Where a migration that leads on takes a subscription.
enum Ahead {
    Moves(MigrationStep),
    Cannot(MigrationStep, MigrationObstacle),
}

impl Asked<'_> {
    fn row(
        &self,
        customer: &Customer,
        subscription: &Subscription,
    ) -> Result<Option<SubscriptionMigration>, Rejection> {
        if !subscription.has_had(self.plan) {
            return Ok(None);
        }
        // One that is too far behind to be brought up at once is shown as it is.
        let then = self.advance.projected(subscription, self.now);
        let then = then.unwrap_or_else(|_| subscription.clone());
        let moved = self.moved(&then);
        let (standing, next, obstacle) = match self.ahead(&then)? {
            Some(Ahead::Moves(step)) => (MigrationStanding::WillMove, Some(step), None),
            Some(Ahead::Cannot(step, why)) => {
                (MigrationStanding::CannotMove, Some(step), Some(why))
            }
            None if moved.is_empty() => return Ok(None),
            None => (MigrationStanding::Moved, None, None),
        };
        let (customer, subscription) = (customer.id(), subscription.id);
        Ok(Some(SubscriptionMigration { customer, subscription, standing, moved, next, obstacle }))
    }

    /// Moves of the item that led each time.
    fn moved(&self, of: &Subscription) -> Vec<MigrationStep> {
        let mut moved: Vec<MigrationStep> = Vec::new();
        let of_plan = of.migrated.iter().filter(|found| found.plan == self.plan);
        for found in of_plan.filter(|found| led(of, found)) {
            match moved.last_mut() {
                Some(last) if last.at == Some(found.at) => last.to_version = found.taken.to_version,
                Some(_) | None => moved.push(MigrationStep {
                    from_version: found.taken.from_version,
                    to_version: found.taken.to_version,
                    at: Some(found.at),
                }),
            }
        }
        moved
    }

    /// What the migration does that stands from the version that it has.
    fn ahead(&self, of: &Subscription) -> Result<Option<Ahead>, Rejection> {
        let at = self.now.max(of.start);
        if of.ending.is_some_and(|ending| ending.at <= at) {
            return Ok(None);
        }
        let Some(item) = leads(of, at).and_then(|number| of.item(number)) else { return Ok(None) };
        let version = item.terms_at(at).filter(|terms| terms.plan == self.plan);
        let Some(version) = version.map(|terms| terms.version) else { return Ok(None) };
        let standing = self.found.standing(version);
        let standing =
            standing.filter(|found| !of.has_taken(item.number, self.plan, found.set.migration));
        let Some(next) = standing else { return Ok(None) };
        let step =
            MigrationStep { from_version: version, to_version: next.set.to_version, at: None };
        let to = self.found.version(step.to_version);
        if !to.is_some_and(|to| is_sold_in(&to.defined, self.advance.currency)) {
            return Ok(Some(Ahead::Cannot(step, MigrationObstacle::Currency)));
        }
        self.look_ahead(of.clone(), item.number, next, step).map(Some)
    }

    /// Lets time pass up to the cycle that takes it.
    fn look_ahead(
        &self,
        mut of: Subscription,
        number: u16,
        next: &Migration,
        step: MigrationStep,
    ) -> Result<Ahead, Rejection> {
        for _ in 0..MOST_TRIES {
            let item = of.item(number).expect("items are numbered for ever");
            let Some(start) = self.first_cycle(item, next.set.on)? else { break };
            let step = MigrationStep { at: Some(start), ..step };
            let Ok(then) = self.advance.projected(&of, start) else {
                // Too many cycles lie before it; the calendar says when it begins.
                return Ok(Ahead::Moves(step));
            };
            of = then;
            let taken = |found: &&Migrated| {
                (found.item, found.plan, found.taken.migration)
                    == (number, self.plan, next.set.migration)
            };
            if let Some(taken) = of.migrated.iter().find(taken) {
                let same = |found: &&Migrated| (found.item, found.at) == (number, taken.at);
                let last = of.migrated.iter().rev().find(same).unwrap_or(taken);
                let to_version = last.taken.to_version;
                return Ok(Ahead::Moves(MigrationStep { to_version, at: Some(taken.at), ..step }));
            }
            let without = MigrationStep { at: None, ..step };
            if of.ending.is_some_and(|ending| ending.at <= start) {
                return Ok(Ahead::Cannot(without, MigrationObstacle::Ends));
            }
            let terms = of.item(number).and_then(|item| item.terms_at(start));
            let stays = terms
                .is_some_and(|terms| (terms.plan, terms.version) == (self.plan, step.from_version));
            if !stays {
                return Ok(Ahead::Cannot(without, MigrationObstacle::Changes));
            }
        }
        Ok(Ahead::Moves(step))
    }

    /// The start of an item's first cycle that is not opened and begins on a day or later.
    fn first_cycle(&self, item: &Item, day: Date) -> Result<Option<Timestamp>, Rejection> {
        let rules = self.advance.rules;
        for n in 0..MOST_CYCLES {
            let (span, _) = item.period_ahead(n, rules)?;
            if day <= rules.date(span.start())? {
                return Ok(Some(span.start()));
            }
        }
        Ok(None)
    }
}

/// Whether the item of a move was the plan's first one then: the first of those that lived on or
/// ended with it.
fn led(of: &Subscription, moved: &Migrated) -> bool {
    let moves = |item: &Item| {
        of.migrated.iter().any(|found| (found.item, found.at) == (item.number, moved.at))
    };
    let mut items = of.items.iter().filter(|item| !item.add_on);
    let first = items.find(|item| item.terms_at(moved.at).is_some() || moves(item));
    first.is_some_and(|item| item.number == moved.item)
}
