//! What should be billed less what was: the credits and charges of a subscription.
//!
//! # Shape
//!
//! For every cycle that is due or has lines: time that a line charges at the price that should
//! be charged stays; other billed time is credited; what should be charged and is not, is. All
//! of it is found anew each time, from the timelines and from the lines.

use schemas::terms::BillingTiming;

use crate::calendar::{Cycle, CycleId};
use crate::civil::{Day, Instant, Stretch};
use crate::customer::{At, Customer, CycleOf, Line};
use crate::passing::{View, pass};
use crate::rules::CreditDocument;
use crate::stretches::{both, joined, without};
use crate::subscription::Subscription;
use crate::wanted::{Billed, Wanted, billed_ahead, gone_alone, stays, untouchable, wanted};

/// Billed time that should not be.
#[derive(Debug, Clone)]
pub(crate) struct Gone {
    pub(crate) line: At,
    pub(crate) time: Stretch,
    /// Nothing is charged in its place.
    pub(crate) alone: bool,
}

/// Time that should be billed and is not.
#[derive(Debug, Clone)]
pub(crate) struct Missing {
    pub(crate) of: CycleOf,
    pub(crate) what: Wanted,
    /// It is a reason for an invoice, and not only a difference.
    pub(crate) reason: bool,
    /// Nothing of its cycle was billed before.
    pub(crate) first: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Difference {
    pub(crate) gone: Vec<Gone>,
    pub(crate) missing: Vec<Missing>,
}

/// Days through which something is billed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Days {
    /// In arrears: nothing before it was used.
    pub(crate) used: Day,
    /// In advance: what begins up to a later day, if that was told.
    pub(crate) begins: Day,
    /// It was.
    pub(crate) told: bool,
}

/// The differences of one subscription.
pub(crate) fn difference(
    view: &View<'_>,
    customer: &Customer,
    subscription: &Subscription,
    now: Instant,
    days: Days,
) -> Difference {
    let mut found = Difference::default();
    // Where a cycle has taken a migration and is not due yet, nothing behind it is.
    let mut waiting: Vec<(usize, Instant)> = Vec::new();
    for (number, item) in subscription.items.iter().enumerate() {
        // What a migration begins waits with what takes it.
        let first = item.terms.keys().next().filter(|_| item.by_edge);
        if first.is_some_and(|began| waiting.iter().any(|(_, at)| at == began)) {
            continue;
        }
        let begun = item.cycles(view.rules, view.clock, now + 1);
        let mut ids: Vec<CycleId> = Vec::new();
        for cycle in &begun {
            ids.push(cycle.id);
            let lines = lines_of(customer, subscription, number, cycle.id);
            if lines.is_empty() && waiting.iter().any(|(of, _)| *of == number) {
                continue;
            }
            let waits = one(view, subscription, number, Some(cycle), &lines, days, &mut found);
            if waits && item.left_leads.contains_key(&cycle.start) {
                waiting.push((number, cycle.start));
            }
        }
        // Lines of cycles that have not begun, or that a change cut away.
        let mut others: Vec<(CycleId, Instant)> = lines_of_item(customer, subscription, number)
            .into_iter()
            .map(|of| (of.id, of.start))
            .filter(|(id, _)| !ids.contains(id))
            .collect();
        others.sort_unstable();
        others.dedup();
        for (id, start) in others {
            ids.push(id);
            // What has not begun is billed as it will be then.
            let mut then = as_if_paid(subscription);
            pass(view, &mut then, start.max(now));
            let ahead = then.items[number].cycles(view.rules, view.clock, start + 1);
            let cycle = ahead.iter().find(|cycle| cycle.id == id && cycle.start == start);
            let lines = lines_of(customer, subscription, number, id);
            let of = if now < start { &then } else { subscription };
            one(view, of, number, cycle, &lines, days, &mut found);
        }
    }
    ahead(view, customer, (subscription, &waiting), now, days, &mut found);
    found.gone.sort_by_key(|gone| customer.line(gone.line).cycle().map(|of| (of.item, of.id)));
    found.missing.sort_by_key(|missing| (missing.of.item, missing.of.id));
    found
}

/// Cycles that have not begun and are billed so many days before, or were told to be, as they will
/// be then.
fn ahead(
    view: &View<'_>,
    customer: &Customer,
    (subscription, waiting): (&Subscription, &[(usize, Instant)]),
    now: Instant,
    days: Days,
    found: &mut Difference,
) {
    let mut then = as_if_paid(subscription);
    let mut reached = now;
    // Cycles that are told what they are, and so what begins with them.
    let billed = lines_of_all(customer, subscription);
    let mut told: Vec<Instant> = billed.into_iter().map(|of| of.start).collect();
    loop {
        let next = (0..then.items.len())
            .filter_map(|number| next_due(view, &then, number, reached, days))
            .min();
        let Some(start) = next else { return };
        pass(view, &mut then, start);
        reached = start;
        for number in 0..then.items.len() {
            let cycles = then.items[number].cycles(view.rules, view.clock, start + 1);
            let Some(cycle) = cycles.into_iter().rfind(|cycle| cycle.start == start) else {
                continue;
            };
            let lines = lines_of(customer, subscription, number, cycle.id);
            let item = &then.items[number];
            // What a migration begins is billed with what takes it.
            let by_edge = item.by_edge.then(|| *item.terms.keys().next().expect("it began"));
            let same = match subscription.items.get(number) {
                // Cycles that will be laid anew are billed when they begin.
                Some(now) => now.calendars == item.calendars,
                None => by_edge.is_some_and(|began| told.contains(&began)),
            };
            let waits = waiting.iter().any(|(of, at)| *of == number || by_edge == Some(*at));
            if lines.is_empty() && same && !waits {
                let before = found.missing.len();
                one(view, &then, number, Some(&cycle), &lines, days, found);
                told.extend((before < found.missing.len()).then_some(start));
            }
        }
    }
}

/// What will be is looked at as if its first payment had come: whether it is waited for then is
/// not known.
fn as_if_paid(of: &Subscription) -> Subscription {
    Subscription { gate: None, ..of.clone() }
}

/// The start of an item's next cycle, if it is billed by then.
fn next_due(
    view: &View<'_>,
    subscription: &Subscription,
    number: usize,
    after: Instant,
    days: Days,
) -> Option<Instant> {
    let item = &subscription.items[number];
    let terms = item.last_terms().filter(|terms| terms.timing == BillingTiming::InAdvance)?;
    let lead = terms.lead;
    if lead == 0 && !days.told {
        return None;
    }
    let horizon = view.clock.start_of(days.begins + lead + 1);
    let cycles = item.cycles(view.rules, view.clock, horizon);
    cycles.into_iter().map(|cycle| cycle.start).find(|start| *start > after)
}

fn lines_of_all(customer: &Customer, of: &Subscription) -> Vec<CycleOf> {
    let cycles = customer.charging().filter_map(|(_, line)| line.cycle().copied());
    cycles.filter(|cycle| cycle.subscription == of.id).collect()
}

fn lines_of_item(customer: &Customer, of: &Subscription, item: usize) -> Vec<CycleOf> {
    let cycles = customer.charging().filter_map(|(_, line)| line.cycle().copied());
    cycles.filter(|cycle| (cycle.subscription, cycle.item) == (of.id, item)).collect()
}

fn lines_of(
    customer: &Customer,
    subscription: &Subscription,
    item: usize,
    id: CycleId,
) -> Vec<(At, Line)> {
    let same = |of: &CycleOf| (of.subscription, of.item, of.id) == (subscription.id, item, id);
    let lines = customer.charging().filter(|(_, line)| line.cycle().is_some_and(same));
    lines.map(|(at, line)| (at, line.clone())).collect()
}

/// The time that lines were for.
fn ever(lines: &[(At, Line)]) -> Vec<Stretch> {
    joined(lines.iter().map(|(_, line)| line.time).collect())
}

/// How many changes were scheduled when a cycle was first billed.
fn changes(customer: &Customer, of: &Subscription, number: usize, id: CycleId) -> u32 {
    let Some(first) = customer.first_billed(of.id, number, id) else { return u32::MAX };
    let known = of.told_by.iter().filter(|(_, told)| **told < first.number);
    known.map(|(number, _)| *number).max().unwrap_or(0)
}

/// The pieces of a cycle that should be charged and are not, whatever they cost.
pub(crate) fn unbilled(
    customer: &Customer,
    of: &Subscription,
    number: usize,
    cycle: &Cycle,
) -> Vec<Wanted> {
    let item = &of.items[number];
    let lines = lines_of(customer, of, number, cycle.id);
    let changes = changes(customer, of, number, cycle.id);
    let billed = Billed { ever: &ever(&lines), changes };
    let all = wanted((&customer.rules, &customer.clock), of, item, cycle, billed);
    let place = (cycle.id, cycle.start, cycle.full);
    let given_up = untouchable(of, item, place, Some(cycle));
    let mut wants = all;
    wants.retain(|want| {
        let like = lines.iter().filter(|(_, line)| {
            line.price.as_ref().is_some_and(|price| price.is_like(&want.price))
        });
        let mut billed: Vec<Stretch> =
            like.flat_map(|(_, line)| line.live.iter().copied()).collect();
        billed.extend(&given_up);
        !without(&[want.time], &billed).is_empty()
    });
    wants
}

/// The differences of one cycle; whether something of it in advance is still to come.
fn one(
    view: &View<'_>,
    subscription: &Subscription,
    number: usize,
    cycle: Option<&Cycle>,
    lines: &[(At, Line)],
    days: Days,
    found: &mut Difference,
) -> bool {
    let item = &subscription.items[number];
    let place = lines.first().and_then(|(_, line)| line.cycle().map(|of| (of.id, of.start)));
    let place = cycle.map(|cycle| (cycle.id, cycle.start)).or(place);
    let Some((id, start)) = place else { return false };
    let full = cycle.map(|cycle| cycle.full).or(lines.first().map(|(_, line)| line.full));
    let whole = (id, start, full.unwrap_or_default());
    // One of which nothing is left.
    let cut = Cycle { id, start, end: start, full: whole.2 };
    let of = cycle.unwrap_or(&cut);
    let changes = changes(view.customer, subscription, number, id);
    let billed = Billed { ever: &ever(lines), changes };
    let clock = (view.rules, view.clock);
    let should = wanted(clock, subscription, item, of, billed);
    let agreed = billed_ahead(clock, subscription, item, of, billed);
    let anyway = stays(clock, subscription, item, whole, (cycle, &should));
    let frozen = untouchable(subscription, item, whole, cycle);
    let mut covered = frozen.clone();
    let mut covered_twice = covered.clone();
    for (at, line) in lines {
        let same: Vec<Stretch> = should
            .iter()
            .chain(&agreed)
            .filter(|want| line.price.as_ref().is_some_and(|price| price.is_like(&want.price)))
            .map(|want| want.time)
            .collect();
        let allowed =
            joined(both(&line.live, &anyway).into_iter().chain(both(&line.live, &same)).collect());
        // Where two lines charge one time, the first keeps it.
        let tops_up = line.kind == schemas::terms::LineKind::MinimumTrueUp;
        let taken = if tops_up { &mut covered_twice } else { &mut covered };
        let others = without(taken, &frozen);
        let keeps = without(&allowed, &others);
        taken.extend(keeps.iter().copied());
        for time in without(&line.live, &keeps) {
            // Where every credit leaves in one way, it does not matter what it is for.
            let alone = match view.rules.credit_document() {
                CreditDocument::InvoiceLine | CreditDocument::CreditNote => Vec::new(),
                CreditDocument::NoteWhenAlone => gone_alone(subscription, item, cycle, start, time),
            };
            let beside = without(&[time], &alone);
            let mut parts: Vec<Gone> = Vec::new();
            parts.extend(alone.iter().map(|t| Gone { line: *at, time: *t, alone: true }));
            parts.extend(beside.iter().map(|t| Gone { line: *at, time: *t, alone: false }));
            parts.sort_by_key(|gone| gone.time);
            found.gone.extend(parts);
        }
    }
    let cycle = of;
    let untouched = lines.iter().all(|(_, line)| line.live.is_empty())
        && both(&covered, &[(cycle.start, cycle.end)]).is_empty();
    // The part of a cycle in which an item was added is a difference of that change.
    let began = item.terms.first_key_value().is_some_and(|(at, _)| subscription.start < *at);
    let added = began && cycle.id == (0, 0) && cycle.start != cycle.full.0;
    let over = subscription.end.is_some();
    // It may be cut only in what is to come.
    let known = lines.iter().filter_map(|(_, line)| Some(line.cycle()?.end)).max();
    let mut waits = false;
    for want in &should {
        let through = match want.price.terms.timing {
            BillingTiming::InAdvance => days.begins,
            BillingTiming::InArrears => days.used,
        };
        // Of what was billed ahead by command, a difference does not wait for its day.
        let billed = lines.iter().any(|(_, line)| !line.live.is_empty());
        let in_advance = want.price.terms.timing == BillingTiming::InAdvance;
        if want.due > through && !(billed && in_advance) {
            waits |= want.price.terms.timing == BillingTiming::InAdvance;
            continue;
        }
        for time in without(&[want.time], &covered) {
            let arrears = want.price.terms.timing == BillingTiming::InArrears;
            found.missing.push(Missing {
                of: CycleOf {
                    subscription: subscription.id,
                    item: number,
                    id: cycle.id,
                    start: cycle.start,
                    end: known.unwrap_or(cycle.end),
                },
                what: Wanted { time, ..want.clone() },
                reason: arrears || (untouched && !added) || over,
                first: lines.is_empty(),
            });
        }
    }
    waits
}
