//! What is scheduled gives way to a new change: of two words on one thing for one time the later
//! one holds. What the earlier change says besides is done all the same.

use schemas::command::{ChangeSubscription, ItemRequest};
use schemas::terms::Settle;
use schemas::text::Code;

use crate::change::{Asked, Told, apply};
use crate::civil::Instant;
use crate::item::{Ahead, Frozen, Item};
use crate::passing::{View, pass, settle};
use crate::subscription::{At, Later, Named, Scheduled, Subscription};

/// An item as a change that gave way would have made it, which was billed before its time.
#[derive(Debug, Clone)]
pub(crate) struct BilledAhead {
    pub(crate) at: Instant,
    pub(crate) number: u32,
    pub(crate) place: usize,
    item: Item,
    told: Told,
}

/// What was billed ahead with changes of `before` that gave way to one without proration.
pub(crate) fn billed_ahead(
    view: &View<'_>,
    (before, left): (&Subscription, &Subscription),
    new: &ChangeSubscription,
) -> Vec<BilledAhead> {
    if settle(view.rules, new.proration) != Settle::None {
        return Vec::new();
    }
    let gives_way = |old: &&Scheduled| {
        let known = left.scheduled.iter().find(|known| known.number == old.number);
        known.is_none_or(|known| format!("{:?}", known.what) != format!("{:?}", old.what))
    };
    let gone = before.scheduled.iter().filter(gives_way).collect();
    of_changes(view, before, gone)
}

/// What was billed ahead with any scheduled change.
pub(crate) fn all_billed_ahead(view: &View<'_>, before: &Subscription) -> Vec<BilledAhead> {
    of_changes(view, before, before.scheduled.iter().collect())
}

fn of_changes(
    view: &View<'_>,
    before: &Subscription,
    mut changes: Vec<&Scheduled>,
) -> Vec<BilledAhead> {
    let mut found = Vec::new();
    changes.sort_by_key(|old| match old.at {
        At::Time(at) => (at, old.number),
        At::Paid => (Instant::MAX, old.number),
    });
    for old in changes {
        let (At::Time(at), Later::Change(change)) = (old.at, &old.what) else { continue };
        let billed = |place: usize| {
            let until = view.customer.billed_until(before, place);
            until.is_some_and(|until| at < until)
        };
        if !(0..before.items.len()).any(billed) {
            continue;
        }
        let mut then = before.clone();
        then.scheduled.retain(|known| known.number != old.number);
        pass(view, &mut then, at);
        let inherited = before.stays.get(&old.number).cloned().unwrap_or_default();
        let Ok(touched) = apply(view, &mut then, change, (at, Asked::Before(old.number))) else {
            continue;
        };
        let known =
            |place: usize| place < before.items.len() && !touched.restarted.contains(&place);
        for place in touched.items.iter().copied().filter(|place| known(*place) && billed(*place)) {
            if inherited.iter().any(|old| old.place == place) {
                continue;
            }
            let told = touched.told.get(&place).copied().unwrap_or_default();
            let (item, number) = (then.items[place].clone(), old.number);
            found.push(BilledAhead { at, number, place, item, told });
        }
        found.extend(inherited);
    }
    found
}

/// What was billed ahead so of an item stays, where its time is left alone.
pub(crate) fn stays_billed(
    view: &View<'_>,
    frozen: &mut Frozen,
    all: &[BilledAhead],
    place: usize,
) -> bool {
    let mut any = false;
    for told in all.iter().filter(|told| told.place == place) {
        any = true;
        let price = told.item.price_at(view.rules, told.at);
        let known = frozen.ahead.last();
        let from = known.map_or(told.at, |ahead| told.at.min(ahead.from));
        let change = known.map_or(told.number, |ahead| ahead.change.max(told.number));
        let was = known.map_or(&frozen.was, |ahead| &ahead.was);
        let was = frozen.and(was, (&told.item, told.told), told.at, price.as_ref());
        frozen.ahead.push(Ahead { from, change, was });
    }
    any
}

/// Takes out of what is scheduled, or was put aside by an end, what a new change says otherwise.
/// `meant` is what items are called at its time.
pub(crate) fn give_way(
    of: &mut Subscription,
    new: &ChangeSubscription,
    at: Option<At>,
    meant: &[Named],
) {
    let waiting = std::mem::take(&mut of.scheduled);
    let there = of.items.len();
    let less = |old: Scheduled| {
        let of_old = of.meant.get(&old.number).map(Vec::as_slice).unwrap_or_default();
        let item = |names: &[Named], price: &Code| {
            let mut names = names.iter().filter(|named| named.place < there);
            names.find(|named| named.name == *price).map(|named| named.place)
        };
        let same = |of_it: &Code, of_new: &Code| match (item(of_old, of_it), item(meant, of_new)) {
            (Some(one), Some(other)) => one == other,
            _ => of_it == of_new,
        };
        less(old, new, at, &same)
    };
    of.scheduled = waiting.into_iter().filter_map(less).collect();
    let aside = std::mem::take(&mut of.set_aside);
    of.set_aside = aside.into_iter().filter_map(less).collect();
}

/// A scheduled change without what the new one says; none if it says nothing more.
fn less(
    mut old: Scheduled,
    new: &ChangeSubscription,
    at: Option<At>,
    same_item: &dyn Fn(&Code, &Code) -> bool,
) -> Option<Scheduled> {
    let Later::Change(change) = &mut old.what else { return Some(old) };
    let of_plan = change.plan.is_some();
    let same_time = at == Some(old.at);
    let keeps = new.keep_scheduled == Some(true);
    // What comes before another plan comes.
    let earlier = matches!((at, old.at), (Some(At::Time(at)), At::Time(old)) if old < at);
    if new.plan.is_some() && !earlier && (same_time || !keeps) {
        // Prices of a plan that is not taken go with it; seats stay.
        if change.plan.take().is_some() {
            (change.items, change.map) = (None, None);
            (change.keep_prices, change.keep_scheduled) = (None, None);
        }
        if !keeps {
            for item in change.items.iter_mut().flatten() {
                let nothing_else = item.rate.is_some() && item.quantity.is_none();
                item.rate = None;
                item.remove = item.remove.or(nothing_else.then_some(false));
            }
            if let Some(items) = &mut change.items {
                items.retain(|item| item.remove != Some(false));
            }
        }
    }
    if same_time && new.quantity.is_some() {
        change.quantity = None;
    }
    if same_time && new.anchor.is_some() {
        change.anchor = None;
    }
    // What ends is not changed later.
    let from_now_on = match (at, old.at) {
        (None, _) => true,
        (Some(At::Time(at)), At::Time(old)) => at <= old,
        (Some(At::Time(_) | At::Paid), _) => false,
    };
    let mut items: Vec<ItemRequest> = change.items.take().unwrap_or_default();
    for told in new.items.iter().flatten() {
        // What it says of prices of another plan is of those.
        let ends = told.remove == Some(true) && (same_time || !of_plan);
        items.retain(|item| {
            let gone = item.remove == Some(true) && same_time;
            let gives_way = gone || (ends && (same_time || from_now_on));
            !same_item(&item.price, &told.price) || !gives_way
        });
        if !same_time {
            continue;
        }
        let same = |item: &&mut ItemRequest| same_item(&item.price, &told.price);
        for item in items.iter_mut().filter(same) {
            if told.quantity.is_some() {
                item.quantity = None;
            }
            if told.rate.is_some() {
                item.rate = None;
            }
        }
        let empty = |item: &ItemRequest| item.quantity.is_none() && item.rate.is_none();
        items.retain(|item| !same_item(&item.price, &told.price) || !empty(item));
    }
    let any = change.plan.is_some()
        || change.quantity.is_some()
        || change.anchor.is_some()
        || !items.is_empty();
    change.items = Some(items);
    any.then_some(old)
}
