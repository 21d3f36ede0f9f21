//! Migrations: a cycle that begins takes the newest version that edges lead to.
//!
//! # Shape
//!
//! Each item takes an edge when its first cycle from the edge's day on begins, and each edge
//! once. A cycle that has begun, or is billed, when the edge is made keeps its version.

use schemas::ids::PlanId;
use schemas::terms::Recurrence;

use crate::book::Edge;
use crate::change::{calendar_beside, start_item};
use crate::civil::Instant;
use crate::item::{Item, Terms};
use crate::passing::View;
use crate::subscription::Subscription;

/// The edge that an item's cycle beginning at an instant takes from a version.
fn edge_at<'a>(
    view: &View<'a>,
    item: &Item,
    (plan, version): (PlanId, u32),
    start: Instant,
) -> Option<&'a Edge> {
    let day = view.clock.day(start);
    let edge = view.book.edge(plan, version)?;
    let due = edge.on <= day && view.clock.day(edge.made) <= day;
    (due && !item.migrated.contains(&(plan, version))).then_some(edge)
}

/// When an item next takes one, up to an instant.
pub(crate) fn next(
    view: &View<'_>,
    of: &Subscription,
    number: usize,
    to: Instant,
) -> Option<Instant> {
    let item = &of.items[number];
    if item.add_on {
        return None;
    }
    // Most plans are never migrated.
    let may = |terms: &Terms| view.book.edge(terms.plan, terms.version).is_some();
    if !item.terms.values().flatten().any(may) {
        return None;
    }
    let cycles = item.cycles(view.rules, view.clock, to + 1);
    let takes = |start: &Instant| {
        let terms = item.terms_at(*start);
        terms.is_some_and(|t| edge_at(view, item, (t.plan, t.version), *start).is_some())
    };
    let free = cycles.into_iter().filter(|cycle| !view.is_billed(of, number, cycle.id));
    free.map(|cycle| cycle.start).find(takes)
}

/// An item takes every edge that leads on.
pub(crate) fn take(view: &View<'_>, of: &mut Subscription, number: usize, at: Instant) {
    let Some(now) = of.items[number].terms_at(at).cloned() else { return };
    let mut version = now.version;
    while let Some(edge) = edge_at(view, &of.items[number], (now.plan, version), at) {
        let to = edge.to;
        of.items[number].migrated.push((now.plan, version));
        version = to;
    }
    if version == now.version {
        return;
    }
    let to = view.book.version(now.plan, version).expect("it was checked when the edge was made");
    let price = to.of_kind(Recurrence::Recurring).find(|price| price.price == now.price);
    let terms = price.and_then(|price| to.terms(price, view.customer.currency));
    let Some(terms) = terms else {
        of.items[number].terms.insert(at, None);
        return;
    };
    let item = &mut of.items[number];
    let new = |old: &Terms| {
        let mut new = terms.clone();
        if old.own {
            (new.rate, new.own) = (old.rate.clone(), true);
        }
        new
    };
    // Steps of a ramp that lie ahead are of the new version, too.
    for (from, later) in item.terms.range_mut(at..) {
        if let Some(old) = later
            && (item.ramp.contains(from) || *from == at)
        {
            *later = Some(new(old));
        }
    }
    item.terms.insert(at, Some(new(&now)));
    if terms.every != now.every {
        let (origin, every) = (of.origin(view.rules), terms.every);
        let item = &mut of.items[number];
        let next =
            item.last_calendar().of_other_length(view.rules, view.clock, (at, origin), every);
        item.lay(next);
    }
    // What the new version has beside, begins with the first item's cycle.
    if of.plan_items(at).first() == Some(&number) {
        let new: Vec<_> = to.of_kind(Recurrence::Recurring).cloned().collect();
        for price in new {
            let there = |item: &Item| {
                !item.add_on && item.terms_at(at).is_some_and(|t| t.price == price.price)
            };
            if of.items.iter().any(there) {
                continue;
            }
            let Some(terms) = to.terms(&price, view.customer.currency) else { continue };
            let base = of.items[number].last_calendar().clone();
            let calendar = calendar_beside(view, &base, at, terms.every);
            start_item(of, terms, schemas::Decimal::ONE, calendar, at);
        }
    }
}
