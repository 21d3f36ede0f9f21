//! A customer moves to another zone.
//!
//! # Shape
//!
//! Cycles that have begun, or were invoiced, end where they were to end. The move is behind all of
//! them: the day that begins then is the last one of the old place. What was agreed for a later day
//! is due on that day at the new place.

use std::collections::BTreeMap;

use crate::civil::{Clock, Day, Instant};
use crate::customer::{Customer, CycleOf};
use crate::subscription::{At, Scheduled, Subscription};

/// The customer is elsewhere from the next cycle on; not where it is there, or on its way.
pub(crate) fn moves(customer: &mut Customer, zone: &str, now: Instant) {
    if customer.zone == zone {
        return;
    }
    zone.clone_into(&mut customer.zone);
    let before = customer.clock.clone();
    let day = last_day(customer, now);
    let after = before.moved(&customer.rules, day, zone);
    let old = before.start_of(day);
    let there = |at: Instant| {
        if at <= old { at } else { after.at(before.day(at), before.time_of_day(at)) }
    };
    let today = before.start_of(before.day(now));
    for of in &mut customer.subscriptions {
        // Days count as days anywhere; finer time of what is over was measured where it was.
        if of.end.as_ref().is_some_and(|end| end.at < today) && !before.counts_days() {
            let laid = of.items.iter_mut().flat_map(|item| &mut item.calendars);
            laid.for_each(|laid| laid.stays = Some(laid.stays.take().unwrap_or(before.clone())));
        }
        takes_along(of, (&before, &after), &there);
    }
    customer.clock = after;
}

/// The last day of the old place: not before tomorrow, nor before the end of a cycle that runs or
/// was invoiced; one that a change has cut counts whole.
fn last_day(customer: &Customer, now: Instant) -> Day {
    let clock = &customer.clock;
    let today = clock.day(now);
    let mut day = today + 1;
    for of in &customer.subscriptions {
        if of.end.as_ref().is_some_and(|end| end.at < clock.start_of(today)) {
            continue;
        }
        // Also of what is invoiced and has not begun.
        let lives = now.max(of.start);
        for (place, item) in of.items.iter().enumerate().filter(|(_, item)| item.lives_at(lives)) {
            let begun = item.cycles(&customer.rules, clock, now + 1);
            let begun = begun.into_iter().map(|cycle| cycle.full.1);
            let lines = customer.invoices.iter().flat_map(|invoice| &invoice.lines);
            // A change may have laid others in the place of one that was invoiced ahead.
            let own = |cycle: &CycleOf| {
                (cycle.subscription, cycle.item) == (of.id, place)
                    && item.is_there(&customer.rules, clock, cycle)
            };
            let invoiced = lines.filter(|line| line.cycle().is_some_and(own)).map(|l| l.full.1);
            for end in begun.chain(invoiced) {
                day = day.max(first_day_from(clock, end));
            }
        }
    }
    day
}

fn first_day_from(clock: &Clock, at: Instant) -> Day {
    let day = clock.day(at);
    if clock.start_of(day) < at { day + 1 } else { day }
}

fn takes_along(
    of: &mut Subscription,
    clocks: (&Clock, &Clock),
    there: &dyn Fn(Instant) -> Instant,
) {
    let old_start = of.start;
    of.start = there(of.start);
    of.trial_end = of.trial_end.map(there);
    if let Some(term) = &mut of.term {
        term.end = there(term.end);
        term.origin = there(term.origin);
        term.last = term.last.map(there);
    }
    if let Some(least) = &mut of.least {
        least.end = there(least.end);
    }
    if let Some(end) = of.end.as_mut().filter(|end| old_start <= end.at) {
        end.at = there(end.at);
    }
    let aside = of.end.iter_mut().flat_map(|end| &mut end.withdrawn);
    let waiting = of.scheduled.iter_mut().chain(&mut of.set_aside).chain(aside);
    waiting.for_each(|waiting: &mut Scheduled| {
        waiting.at = match waiting.at {
            At::Time(at) => At::Time(there(at)),
            At::Paid => At::Paid,
        };
    });
    for told in of.stays.values_mut().flatten() {
        told.at = there(told.at);
    }
    for item in &mut of.items {
        item.terms = keyed(&item.terms, there);
        item.quantities = keyed(&item.quantities, there);
        item.percents = keyed(&item.percents, there);
        item.voices = keyed(&item.voices, there);
        item.told = keyed(&item.told, there);
        item.back_at = item.back_at.map(there);
        item.changes.iter_mut().for_each(|at| *at = there(*at));
        item.ramp.iter_mut().for_each(|at| *at = there(*at));
        for calendar in &mut item.calendars {
            calendar.begins_elsewhere(clocks, there(calendar.from));
        }
    }
}

fn keyed<T: Clone>(
    line: &BTreeMap<Instant, T>,
    there: &dyn Fn(Instant) -> Instant,
) -> BTreeMap<Instant, T> {
    line.iter().map(|(at, value)| (there(*at), value.clone())).collect()
}
