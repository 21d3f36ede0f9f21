//! What changes without proration leave alone, and what ends that.
//!
//! # Shape
//!
//! [`mark`] writes beside the timelines of items how the difference of a change is billed: time
//! that stays as it is invoiced is [`Frozen`], with what was charged of it before the change was
//! told. A later change that is billed, an end or a pause takes that off again ([`thaw`]).

use schemas::terms::{BillingTiming, ChangeBilling, Settle};

use crate::change::{Told, Touched};
use crate::civil::Instant;
use crate::giving_way::{BilledAhead, all_billed_ahead, stays_billed};
use crate::item::{Ahead, Frozen, Item};
use crate::passing::View;
use crate::rules::NoneScope;
use crate::stretches::{both, without};
use crate::subscription::Subscription;

/// How the difference is billed is written beside the timelines.
pub(crate) fn mark(
    view: &View<'_>,
    before: &Subscription,
    next: &mut Subscription,
    touched: &Touched,
    (how, number): (Settle, Option<u32>),
    at: Instant,
) {
    let numbers = number.unwrap_or(before.numbers);
    let billed = |place: usize| view.customer.billed_until(before, place);
    let plan_billed = before.plan_items(at).into_iter().filter_map(|place| {
        let until = billed(place)?;
        // What was billed ahead when it was scheduled already is to be charged of it, too.
        let told = number.and_then(|number| before.told_by.get(&number));
        let cycles = before.items[place].cycles(view.rules, view.clock, until);
        let since = cycles.into_iter().filter(|cycle| {
            let first = view.customer.first_billed(before.id, place, cycle.id);
            told.zip(first).is_some_and(|(told, first)| *told < first.number)
        });
        Some(since.map(|cycle| cycle.start).min().map_or(until, |since| until.min(since)))
    });
    let plan_billed = plan_billed.max();
    let mut freezes: Vec<(usize, crate::civil::Stretch)> = Vec::new();
    let stays = before.stays.get(&number.unwrap_or(0)).cloned().unwrap_or_default();
    // What begins later and is another by this.
    for place in (0..before.items.len()).filter(|place| !touched.items.contains(place)) {
        if before.items[place].costs_the_same_always(&next.items[place]) {
            continue;
        }
        let item = &mut next.items[place];
        let last = item.calendars.len() - 1;
        match (how, billed(place)) {
            (Settle::None, Some(until)) if at < until => {
                let mut frozen = as_it_was(view, &before.items[place], (at, until));
                stays_billed(view, &mut frozen, &stays, place);
                item.frozen.push(Frozen { pieces: last, numbers, ..frozen });
                freezes.push((place, (at, until)));
            }
            (Settle::None, _) => {}
            (Settle::Now | Settle::Next, _) => thaw(item, at, last, None),
        }
    }
    for place in &touched.items {
        let new = *place >= before.items.len();
        let restarted = touched.restarted.contains(place);
        let item = &mut next.items[*place];
        if !new {
            item.changes.push(at);
        }
        let at_once = view.rules.of.change_billing == ChangeBilling::AtOnce;
        if how == Settle::Now && at_once {
            item.settled.push(at);
        }
        if how != Settle::None {
            let last = before.items.get(*place).map_or(0, |item| item.calendars.len() - 1);
            if restarted {
                thaw_for_ever(item, at, last);
            } else {
                thaw(item, at, last, number);
            }
            continue;
        }
        let until = if new { plan_billed } else { billed(*place) };
        // With cycles laid anew nothing is forfeited of what was not to be used.
        let end = before.known_end().map(|(end, _)| end).filter(|_| restarted && !new);
        let until = until.map(|until| end.map_or(until, |end| until.min(end)));
        let arrears = item.terms_at(at).is_some_and(|t| t.timing == BillingTiming::InArrears);
        // Of what begins in arrears nothing is invoiced.
        let skipped = new && (arrears || view.rules.of.none_scope == NoneScope::BilledLines);
        if let Some(until) = until.filter(|until| at < *until && !skipped) {
            let last = item.calendars.len() - 1;
            let pieces = if restarted { last.saturating_sub(1) } else { last };
            if !new || touched.restarted.is_empty() {
                let mut frozen = match before.items.get(*place) {
                    Some(before) => as_it_was(view, before, (at, until)),
                    None => nothing_of(item, (at, until), numbers),
                };
                if restarted {
                    // Of what was paused and comes back nothing was to be charged.
                    let pauses = before.pauses.iter().filter(|pause| !pause.kept);
                    let pauses: Vec<crate::civil::Stretch> =
                        pauses.map(|p| (p.from, p.until.unwrap_or(Instant::MAX))).collect();
                    frozen.paused = both(&[frozen.time], &pauses);
                }
                let mut frozen = Frozen { pieces, numbers, ..frozen };
                let mut stays = stays.clone();
                if restarted {
                    let known = all_billed_ahead(view, before).into_iter();
                    let said = |told: &BilledAhead| {
                        stays
                            .iter()
                            .any(|known| (known.number, known.place) == (told.number, told.place))
                    };
                    let known: Vec<BilledAhead> = known.filter(|told| !said(told)).collect();
                    stays.extend(known);
                }
                if let (true, Some(of)) = (restarted, before.items.get(*place)) {
                    // Migrations that cycles billed ahead have taken are not of that time yet.
                    let mut then = Subscription { scheduled: Vec::new(), ..before.clone() };
                    crate::passing::pass(view, &mut then, until - 1);
                    let taken = &then.items[*place].migrated;
                    let first = taken.iter().map(|(from, _)| *from).filter(|from| at < *from).min();
                    if let Some(from) = first.filter(|_| of.migrated.len() < taken.len()) {
                        let was = as_it_was(view, &then.items[*place], (at, until)).was;
                        frozen.ahead.push(Ahead { from, change: 0, was });
                    }
                }
                let gave_way = stays_billed(view, &mut frozen, &stays, *place);
                let number = number.filter(|_| !restarted && !gave_way);
                if let (Some(number), Some(old)) = (number, before.items.get(*place)) {
                    let new = item.clone();
                    let told = touched.told.get(place).copied().unwrap_or_default();
                    let now = new.price_at(view.rules, at);
                    let last = old.calendars.len() - 1;
                    let also = |of: &Frozen| {
                        let was = of.ahead.last().map_or(&of.was, |ahead| &ahead.was);
                        of.and(was, (&new, told), at, now.as_ref())
                    };
                    let known = told_after(&mut item.frozen, (number, last), at).last();
                    let was = known.map_or_else(|| also(&frozen), |known| also(known));
                    frozen.ahead.push(Ahead { from: at, change: number, was });
                }
                item.frozen.push(frozen);
                freezes.push((*place, (at, until)));
            }
        }
    }
    // What gave way was of others as well.
    let mut others: Vec<usize> = stays.iter().map(|told| told.place).collect();
    others.retain(|place| {
        !touched.items.contains(place) && freezes.iter().all(|(frozen, _)| frozen != place)
    });
    others.sort_unstable();
    others.dedup();
    for place in others {
        let Some(until) = billed(place).filter(|until| at < *until) else { continue };
        let mut frozen = as_it_was(view, &before.items[place], (at, until));
        stays_billed(view, &mut frozen, &stays, place);
        let item = &mut next.items[place];
        item.changes.push(at);
        let pieces = item.calendars.len() - 1;
        item.frozen.push(Frozen { pieces, numbers, ..frozen });
        freezes.push((place, (at, until)));
    }
    if let (Some(number), true) = (number, how != Settle::None) {
        let told = touched.told.iter().filter(|(place, _)| !touched.restarted.contains(place));
        for (place, told) in told.filter(|(place, _)| **place < before.items.len()) {
            is_billed_too(view, &mut next.items[*place], (number, *told), at);
        }
    }
    // Also what was billed again before stays as it is from here on.
    for (place, time) in freezes {
        let known = std::mem::take(&mut next.as_agreed);
        for (of, id, old) in known {
            let left = if of == place { without(&[old], &[time]) } else { vec![old] };
            next.as_agreed.extend(left.into_iter().map(|time| (of, id, time)));
        }
    }
}

/// What leaves an instant alone and was told after a change was scheduled.
fn told_after(
    frozen: &mut [Frozen],
    (number, last): (u32, usize),
    at: Instant,
) -> impl Iterator<Item = &mut Frozen> {
    frozen.iter_mut().filter(move |left| {
        number <= left.numbers && last <= left.pieces && left.time.0 <= at && at < left.time.1
    })
}

/// A scheduled change is billed of what was left alone after it was told, too.
pub(crate) fn is_billed_too(
    view: &View<'_>,
    item: &mut Item,
    (number, told): (u32, Told),
    at: Instant,
) {
    let new = item.clone();
    let last = new.calendars.len() - 1;
    let now = new.price_at(view.rules, at);
    for left in told_after(&mut item.frozen, (number, last), at) {
        let ahead = left.ahead.iter().map(|ahead| {
            let was = left.and(&ahead.was, (&new, told), at, now.as_ref());
            Ahead { was, ..*ahead }
        });
        let ahead = ahead.collect();
        left.was = left.and(&left.was, (&new, told), at, now.as_ref());
        left.ahead = ahead;
    }
}

/// Time as it was charged before a change: also what was left alone before that.
fn as_it_was(view: &View<'_>, before: &Item, time: crate::civil::Stretch) -> Frozen {
    let last = before.calendars.len() - 1;
    let known: Vec<&Frozen> = before.frozen.iter().filter(|f| last <= f.pieces).collect();
    let was = |known: &[&Frozen]| {
        let mut steps = before.steps();
        for old in known {
            steps.extend([old.time.0, old.time.1]);
            steps.extend(old.was.iter().map(|(at, _)| *at));
        }
        steps.push(time.0);
        steps.retain(|at| time.0 <= *at && *at < time.1);
        steps.sort_unstable();
        steps.dedup();
        let was = steps.into_iter().map(|at| {
            let old = known.iter().rfind(|old| old.time.0 <= at && at < old.time.1);
            (at, old.map_or_else(|| before.price_at(view.rules, at), |old| old.at(at).cloned()))
        });
        was.collect::<Vec<_>>()
    };
    let old = known.iter().rfind(|old| old.time.0 <= time.0 && time.0 < old.time.1);
    let percents = old.map_or(&before.percents, |old| &old.percents).clone();
    // What was billed ahead before that stays so.
    let mut changes: Vec<(u32, Instant)> =
        known.iter().flat_map(|old| &old.ahead).map(|ahead| (ahead.change, ahead.from)).collect();
    changes.sort_unstable();
    changes.dedup();
    let ahead = changes.into_iter().map(|(change, from)| {
        let billed: Vec<Frozen> = known.iter().map(|old| old.up_to(Instant::MAX, change)).collect();
        Ahead { from, change, was: was(&billed.iter().collect::<Vec<_>>()) }
    });
    let ahead = ahead.collect();
    let was = was(&known);
    let paused = Vec::new();
    Frozen { time, since: time.0, was, percents, pieces: last, numbers: 0, ahead, paused }
}

/// Time of which nothing was charged.
pub(crate) fn nothing_of(item: &Item, time: crate::civil::Stretch, numbers: u32) -> Frozen {
    let (was, percents) = (vec![(time.0, None)], item.percents.clone());
    let (pieces, ahead, paused) = (item.calendars.len() - 1, Vec::new(), Vec::new());
    Frozen { time, since: time.0, was, percents, pieces, numbers, ahead, paused }
}

/// Cycles that are laid anew with proration leave nothing of the old ones, whatever is told later.
pub(crate) fn thaw_for_ever(item: &mut Item, at: Instant, last: usize) {
    let frozen = std::mem::take(&mut item.frozen);
    for old in frozen {
        let gone = if old.pieces < last { Vec::new() } else { vec![(at, Instant::MAX)] };
        let left = without(&[old.time], &gone);
        item.frozen.extend(left.into_iter().map(|time| Frozen { time, ..old.clone() }));
    }
}

/// An end or a pause gives back what was billed of what is there.
pub(crate) fn thaw_living(of: &mut Subscription, at: Instant) {
    for item in of.items.iter_mut().filter(|item| item.lives_at(at)) {
        let last = item.calendars.len() - 1;
        thaw(item, at, last, None);
    }
}

/// An end is taken back: cycles that were not to begin are billed as agreed.
pub(crate) fn thaw_cycles(view: &View<'_>, of: &mut Subscription, end: Instant) {
    for item in &mut of.items {
        let until = item.frozen.iter().map(|frozen| frozen.time.1).max().unwrap_or(end);
        let cycles = item.cycles(view.rules, view.clock, until);
        let Some(first) = cycles.into_iter().map(|c| c.start).find(|start| end <= *start) else {
            continue;
        };
        let last = item.calendars.len() - 1;
        for frozen in item.frozen.iter_mut().filter(|frozen| frozen.pieces >= last) {
            frozen.time.1 = frozen.time.1.min(first);
        }
        item.frozen.retain(|frozen| frozen.time.0 < frozen.time.1);
    }
}

/// Time after a change that is billed is no longer frozen, until the next recorded change; it stays
/// so by what was told after the change was scheduled.
pub(crate) fn thaw(item: &mut Item, at: Instant, last: usize, scheduled: Option<u32>) {
    let until = item.next_command(at).unwrap_or(Instant::MAX);
    let frozen = std::mem::take(&mut item.frozen);
    for old in frozen {
        // What cycles that were laid anew have forfeited stays forfeited.
        if old.pieces < last || scheduled.is_some_and(|number| number <= old.numbers) {
            item.frozen.push(old);
            continue;
        }
        let left = without(&[old.time], &[(at, until)]);
        item.frozen.extend(left.into_iter().map(|time| Frozen { time, ..old.clone() }));
    }
}
