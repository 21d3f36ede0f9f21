//! Migrations: from one version of a plan to another.
//!
//! # Shape
//!
//! What becomes of each price is decided when a migration is made. Of one version at most one
//! migration stands; a later one takes its place. Those that do not stand any more are kept: a
//! cycle takes what stood when it began, also where it is billed later.

use std::collections::BTreeSet;

use schemas::command::{MigratePlan, PriceMapping};
use schemas::event::{
    Event, PlanMigrationSet, PlanMigrationWithdrawn, PlanVersionDefined, PricesMapped,
};
use schemas::ids::PlanId;
use schemas::terms::{PriceDefinition, Recurrence};
use schemas::text::Code;
use schemas::{Rejection, Timestamp};

use super::state::Plan;
use super::terms::recurrence;

/// Decides a migration. Its target is checked here: what takes the place of what, what begins,
/// what ends.
pub(super) fn migrate(
    plan: &Plan,
    command: &MigratePlan,
    now: Timestamp,
) -> Result<Vec<Event>, Rejection> {
    let (id, latest) = (command.plan, plan.latest());
    if command.from_version == command.to_version {
        let why = format!("version {} would move to itself", command.from_version);
        return Err(Rejection::InvalidMigration { why });
    }
    let defined = |version: u32| {
        let unknown = Rejection::UnknownPlanVersion { plan: id, version, latest };
        plan.version(version).map(|found| &found.defined).ok_or(unknown)
    };
    let (from, to) = (defined(command.from_version)?, defined(command.to_version)?);
    let told = command.map.as_deref().unwrap_or_default();
    let prices = map(Versions { from, to }, told)?;
    let set = PlanMigrationSet {
        plan: id,
        migration: plan.next_migration(),
        from_version: command.from_version,
        to_version: command.to_version,
        on: command.on,
        made_at: now,
        prices,
    };
    Ok(vec![set.into()])
}

/// Decides that a migration stands no more.
pub(super) fn withdraw(
    plan: &Plan,
    id: PlanId,
    from_version: u32,
    now: Timestamp,
) -> Result<Vec<Event>, Rejection> {
    let Some(found) = plan.standing(from_version) else {
        let others: Vec<String> = plan.all_standing().map(|of| of.to_string()).collect();
        let way = if others.is_empty() {
            "there is none to withdraw".to_owned()
        } else {
            format!("there is one from: {}", others.join(", "))
        };
        return Err(Rejection::UnknownMigration { plan: id, version: from_version, way });
    };
    let migration = found.set.migration;
    let withdrawn = PlanMigrationWithdrawn { plan: id, migration, from_version, withdrawn_at: now };
    Ok(vec![withdrawn.into()])
}

/// Two versions of a plan.
#[derive(Clone, Copy)]
struct Versions<'a> {
    from: &'a PlanVersionDefined,
    to: &'a PlanVersionDefined,
}

/// Prices by their ids or as told, recurring ones to recurring ones and add-ons to add-ons.
fn map(versions: Versions<'_>, told: &[PriceMapping]) -> Result<PricesMapped, Rejection> {
    for mapping in told {
        check_told(versions, mapping)?;
    }
    let named: BTreeSet<_> = told.iter().map(|mapping| &mapping.from).collect();
    if named.len() < told.len() {
        return Err(Rejection::InvalidMigration { why: "a price is mapped twice".to_owned() });
    }
    let mut prices = PricesMapped::default();
    let mut taken = BTreeSet::new();
    let mut moves = false;
    for price in versions.from.prices.iter().filter(|price| can_move(price)) {
        let id = &price.price;
        let to = match told.iter().find(|mapping| mapping.from == *id) {
            Some(mapping) => mapping.to.as_ref(),
            None => of_kind(versions.to, id, recurrence(price)).map(|found| &found.price),
        };
        let Some(to) = to else {
            prices.ended.push(id.clone());
            continue;
        };
        if !taken.insert(to) {
            let why = format!("two prices would become {to}");
            return Err(Rejection::InvalidMigration { why });
        }
        moves |= recurrence(price) == Recurrence::Recurring;
        prices.mapped.push(PriceMapping { from: id.clone(), to: Some(to.clone()) });
    }
    if !moves {
        return Err(no_counterpart(versions));
    }
    let begins = recurring(versions.to).filter(|price| !taken.contains(&price.price));
    prices.started = begins.map(|price| price.price.clone()).collect();
    Ok(prices)
}

/// Both prices of a mapping are there, and of one kind.
fn check_told(versions: Versions<'_>, told: &PriceMapping) -> Result<(), Rejection> {
    let unknown =
        |price: &Code| Rejection::UnknownPrice { plan: versions.to.plan, price: price.clone() };
    let from = versions.from.prices.iter().find(|price| price.price == told.from);
    let from = from.filter(|price| can_move(price)).ok_or_else(|| unknown(&told.from))?;
    match &told.to {
        None => Ok(()),
        Some(to) => {
            let found = of_kind(versions.to, to, recurrence(from));
            found.map(|_| ()).ok_or_else(|| unknown(to))
        }
    }
}

fn no_counterpart(versions: Versions<'_>) -> Rejection {
    let price = recurring(versions.from).next();
    let price = price.expect("a version is not defined without a recurring price");
    let others: Vec<&str> = recurring(versions.to).map(|found| found.price.as_str()).collect();
    Rejection::NoCounterpart {
        plan: versions.to.plan,
        from: versions.from.version,
        to: versions.to.version,
        price: price.price.clone(),
        others: others.join(", "),
    }
}

fn recurring(version: &PlanVersionDefined) -> impl Iterator<Item = &PriceDefinition> {
    version.prices.iter().filter(|price| recurrence(price) == Recurrence::Recurring)
}

/// A setup fee was charged when the subscription began: it neither moves nor ends.
fn can_move(price: &PriceDefinition) -> bool {
    match recurrence(price) {
        Recurrence::Recurring | Recurrence::AddOn => true,
        Recurrence::Setup => false,
    }
}

fn of_kind<'a>(
    version: &'a PlanVersionDefined,
    price: &Code,
    kind: Recurrence,
) -> Option<&'a PriceDefinition> {
    version.prices.iter().find(|found| found.price == *price && recurrence(found) == kind)
}
