//! What should be billed of a cycle: read off the timelines, each time anew.
//!
//! # Shape
//!
//! [`wanted`] cuts the living time of a cycle where price or quantity change and says of each
//! piece what is charged for it and from which day on. [`stays`] says which billed time is left
//! alone whatever the timelines say.

use schemas::Decimal;
use schemas::terms::{BillingTiming, CancelCredit, Proration, Rate};

use crate::calendar::{Cycle, CycleId};
use crate::civil::{Clock, Day, Instant, Stretch};
use crate::item::{Frozen, Item, Price, latest};
use crate::number::Exact;
use crate::rules::Rules;
use crate::stretches::{both, cut, joined, without};
use crate::subscription::Subscription;

/// A piece of a cycle that should be charged.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) time: Stretch,
    pub(crate) full: Stretch,
    pub(crate) price: Price,
    /// The day on which it may be billed.
    pub(crate) due: Day,
}

/// The part of a cycle in which the subscription lives, pauses included.
fn living(subscription: &Subscription, cycle: &Cycle) -> Option<Stretch> {
    let trial = subscription.trial_end.unwrap_or(subscription.start);
    let from = cycle.start.max(subscription.start).max(trial);
    let end = subscription.known_end().map_or(Instant::MAX, |(at, _)| at);
    let to = cycle.end.min(end);
    (from < to).then_some((from, to))
}

/// Everything of it is given back, or not billed: it ends with full credit in this cycle.
fn given_back(subscription: &Subscription, cycle: &Cycle, timing: BillingTiming) -> bool {
    timing == BillingTiming::InAdvance && ends_with_full_credit(subscription, cycle)
}

fn ends_with_full_credit(subscription: &Subscription, cycle: &Cycle) -> bool {
    let inside = |end: Instant| cycle.start < end && end < cycle.end;
    subscription
        .known_end()
        .is_some_and(|(end, credit)| credit == CancelCredit::Full && inside(end))
}

/// What is known of the bills of a cycle.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Billed<'a> {
    /// The time that lines were for, given back or not.
    pub(crate) ever: &'a [Stretch],
    /// Changes up to this number were scheduled when it was first billed.
    pub(crate) changes: u32,
}

/// The pieces of a cycle that should be charged, in order. Of what it has lost because cycles were
/// laid anew, what was billed ever was to be charged as it was then.
pub(crate) fn wanted(
    (rules, clock): (&Rules, &Clock),
    subscription: &Subscription,
    item: &Item,
    cycle: &Cycle,
    billed: Billed<'_>,
) -> Vec<Wanted> {
    let frozen = frozen(subscription, item, place_of(cycle), Some(cycle));
    let frozen: Vec<Frozen> =
        frozen.iter().map(|left| left.up_to(cycle.start, billed.changes)).collect();
    let lost = lost_and_compared(&frozen, billed.ever, cycle);
    let mut found = wanted_but(&frozen, (rules, clock), (subscription, item), (cycle, &lost));
    found.retain(|want| !given_back(subscription, cycle, want.price.terms.timing));
    found
}

/// Time that a cycle has lost and of which something was to be charged in advance.
fn lost_and_compared(frozen: &[Frozen], ever: &[Stretch], cycle: &Cycle) -> Vec<Stretch> {
    let mut found = Vec::new();
    for left in frozen {
        let lost = lost(&[left.time], place_of(cycle), Some(cycle));
        let steps: Vec<Instant> = left.was.iter().map(|(at, _)| *at).collect();
        for time in cut(&both(ever, &without(&lost, &left.paused)), &steps) {
            let advance = |price: &&Price| price.terms.timing == BillingTiming::InAdvance;
            found.extend(left.at(time.0).filter(advance).map(|_| time));
        }
    }
    found
}

/// A cycle, where it begins, and the whole that it was.
pub(crate) type Place = (CycleId, Instant, Stretch);

fn place_of(cycle: &Cycle) -> Place {
    (cycle.id, cycle.start, cycle.full)
}

/// What of a time lies behind the cut of a cycle, or in one of which nothing is left.
fn lost(times: &[Stretch], (_, start, full): Place, cycle: Option<&Cycle>) -> Vec<Stretch> {
    both(times, &[(cycle.map_or(start, |cycle| cycle.end), full.1)])
}

/// What may have been billed of time that was left alone, with more or less of what was scheduled:
/// it stays so.
pub(crate) fn billed_ahead(
    (rules, clock): (&Rules, &Clock),
    subscription: &Subscription,
    item: &Item,
    cycle: &Cycle,
    billed: Billed<'_>,
) -> Vec<Wanted> {
    let left = frozen(subscription, item, place_of(cycle), Some(cycle));
    let mut found = Vec::new();
    for left in left.iter().filter(|left| !left.ahead.is_empty()) {
        for one in left.any(cycle.start) {
            let one = [one];
            let lost = lost_and_compared(&one, billed.ever, cycle);
            let all = wanted_but(&one, (rules, clock), (subscription, item), (cycle, &lost));
            for want in all {
                if given_back(subscription, cycle, want.price.terms.timing) {
                    continue;
                }
                let parts = both(&[want.time], &[left.time]).into_iter();
                found.extend(parts.map(|time| Wanted { time, ..want.clone() }));
            }
        }
    }
    found
}

/// What should be charged of a cycle, be it given back by an end with full credit, and of time that
/// it has `lost`.
fn wanted_but(
    frozen: &[Frozen],
    (rules, clock): (&Rules, &Clock),
    (subscription, item): (&Subscription, &Item),
    (cycle, lost): (&Cycle, &[Stretch]),
) -> Vec<Wanted> {
    let life = living(subscription, cycle);
    let awake = without(life.as_slice(), &subscription.paused_time());
    let awake = joined(awake.into_iter().chain(lost.iter().copied()).collect());
    let life = life.unwrap_or((cycle.start, cycle.start));
    let mut found: Vec<Wanted> = Vec::new();
    let mut steps = item.steps();
    steps.extend(frozen.iter().flat_map(|left| [left.time.0, left.time.1]));
    steps.extend(frozen.iter().flat_map(|left| left.was.iter().map(|(at, _)| *at)));
    steps.sort_unstable();
    steps.dedup();
    for time in cut(&awake, &steps) {
        let left = left_by(frozen, time.0);
        let price = match left {
            Some(left) => left.at(time.0).cloned(),
            None => item.price_at(rules, time.0),
        };
        let Some(mut price) = price else { continue };
        // A phase's discount is that of the cycles that begin in it.
        let begins = cycle.start.max(subscription.start);
        price.percent = match left {
            Some(left) => latest(&left.percents, begins).copied().flatten(),
            None => item.percent_at(begins),
        };
        if matches!(price.terms.rate, Rate::Capacity(_)) {
            price.quantity = peak(item, frozen, &awake);
        }
        match found.last_mut() {
            Some(last)
                if last.time.1 == time.0
                    && last.price.is_like(&price)
                    && last.price.terms.rate == price.terms.rate
                    && last.price.quantity == price.quantity =>
            {
                last.time.1 = time.1;
            }
            Some(_) | None => found.push(Wanted { time, full: cycle.full, price, due: 0 }),
        }
    }
    // Its first part in advance says when a cycle is billed.
    let mut timed = found.iter().map(|want| &want.price.terms);
    let lead = timed.find(|terms| terms.timing == BillingTiming::InAdvance).map(|terms| terms.lead);
    for want in &mut found {
        want.due = due_on((rules, clock), subscription, item, (life, lead), want);
    }
    found
}

/// What left an instant alone: the change that was told last.
fn left_by(frozen: &[Frozen], at: Instant) -> Option<&Frozen> {
    frozen.iter().rfind(|left| left.time.0 <= at && at < left.time.1)
}

/// Time of a cycle that changes without proration have left alone. Of what it has lost because
/// cycles were laid anew, it is the last one before that which counts.
fn frozen(
    subscription: &Subscription,
    item: &Item,
    (id, start, full): Place,
    cycle: Option<&Cycle>,
) -> Vec<Frozen> {
    if comes_back_whole(subscription, start, cycle) {
        return Vec::new();
    }
    let end = cycle.map_or(start, |cycle| cycle.end);
    let of_time = |of: &Frozen, within: Stretch| {
        let times = both(&[of.time], &[within]).into_iter();
        times.map(|time| Frozen { time, ..of.clone() }).collect::<Vec<_>>()
    };
    let told = item.frozen.iter().filter(|frozen| id.0 <= frozen.pieces);
    let last = item.frozen.iter().rfind(|f| f.pieces == id.0 && id.0 + 1 < item.calendars.len());
    let own = told.flat_map(|frozen| of_time(frozen, (start, end)));
    let lost = last.into_iter().flat_map(|frozen| of_time(frozen, (end, full.1)));
    let frozen: Vec<Frozen> = own.chain(lost).collect();
    let frozen = frozen.iter();
    // What is to be billed again is, as it is agreed now.
    let number = subscription.items.iter().position(|known| std::ptr::eq(known, item));
    let again = subscription.as_agreed.iter();
    let again = again.filter(|(of, at, _)| (Some(*of), *at) == (number, id));
    let again: Vec<Stretch> = again.map(|(_, _, time)| *time).collect();
    let left = |f: &Frozen| {
        let times = without(&[f.time], &again).into_iter();
        times.map(|time| Frozen { time, ..f.clone() }).collect::<Vec<_>>()
    };
    frozen.flat_map(left).collect()
}

fn times(frozen: &[Frozen]) -> Vec<Stretch> {
    frozen.iter().map(|left| left.time).collect()
}

/// The highest quantity of a cycle, of the time in service, as it is billed.
fn peak(item: &Item, frozen: &[Frozen], awake: &[Stretch]) -> Decimal {
    let mut steps = item.steps();
    steps.extend(frozen.iter().flat_map(|left| [left.time.0, left.time.1]));
    steps.sort_unstable();
    steps.extend(frozen.iter().flat_map(|left| left.was.iter().map(|(at, _)| *at)));
    steps.sort_unstable();
    let units = |time: Stretch| match left_by(frozen, time.0) {
        Some(left) => left.at(time.0).map(|price| price.quantity),
        None => item.lives_at(time.0).then(|| item.quantity_at(time.0)),
    };
    let all: Vec<Decimal> = cut(awake, &steps).into_iter().filter_map(units).collect();
    all.into_iter().max_by_key(|quantity| Exact::decimal(*quantity)).unwrap_or(Decimal::ONE)
}

/// In advance when the cycle begins, or so many days before; in arrears when it or the
/// subscription ends, or where a change was to be settled at once. Where the last day of a
/// subscription counts as used, it is that day.
fn due_on(
    (rules, clock): (&Rules, &Clock),
    subscription: &Subscription,
    item: &Item,
    (life, lead): (Stretch, Option<Day>),
    want: &Wanted,
) -> Day {
    match want.price.terms.timing {
        BillingTiming::InAdvance => {
            let lead = lead.unwrap_or(want.price.terms.lead);
            let left = item.left_leads.get(&life.0).copied().unwrap_or(lead);
            clock.day(life.0) - lead.min(left)
        }
        BillingTiming::InArrears => {
            let in_time = |at: &&Instant| want.time.1 <= **at && **at <= life.1;
            let at = item.settled.iter().filter(in_time).min().copied().unwrap_or(life.1);
            let ends = subscription.end.as_ref().is_some_and(|end| end.at == at);
            let last_day = rules.of.proration == Proration::ByDayInclusive && ends;
            clock.day(at) - i64::from(last_day)
        }
    }
}

/// All of a cycle comes back, whatever was left as it was billed: it will not begin, or it ended
/// with full credit.
fn comes_back_whole(subscription: &Subscription, start: Instant, cycle: Option<&Cycle>) -> bool {
    let full = cycle.is_some_and(|cycle| ends_with_full_credit(subscription, cycle));
    // What was cut away whole has others in its place.
    let there = cycle.is_some_and(|cycle| cycle.start < cycle.end);
    (there && !subscription.begins(start)) || (subscription.end.is_some() && full)
}

/// Time of a cycle that a change which laid cycles anew has forfeited and of which nothing was to
/// be charged, or whose bill was given up.
pub(crate) fn untouchable(
    subscription: &Subscription,
    item: &Item,
    place: Place,
    cycle: Option<&Cycle>,
) -> Vec<Stretch> {
    let forfeited = forfeited(subscription, item, place, cycle);
    joined(forfeited.into_iter().chain(given_up(item)).collect())
}

/// Time of a cycle that a change which laid cycles anew has forfeited, and of which nothing was to
/// be charged just before, but for pauses.
fn forfeited(
    subscription: &Subscription,
    item: &Item,
    place: Place,
    cycle: Option<&Cycle>,
) -> Vec<Stretch> {
    let mut found = Vec::new();
    for left in frozen(subscription, item, place, cycle) {
        let steps: Vec<Instant> = left.was.iter().map(|(at, _)| *at).collect();
        for time in cut(&lost(&[left.time], place, cycle), &steps) {
            if left.at(time.0).is_none() {
                found.extend(without(&[time], &left.paused));
            }
        }
    }
    joined(found)
}

/// Time whose bill was given up, also of cycles that a change has laid anew since.
fn given_up(item: &Item) -> Vec<Stretch> {
    item.waived.iter().map(|(_, time)| *time).collect()
}

/// Time in which the item is there, of a `cycle` as it was before a change cut it. A full credit
/// that has come gives back the cycle that the end lies in, whatever charges it.
fn used(
    (rules, clock): (&Rules, &Clock),
    (subscription, item): (&Subscription, &Item),
    cycle: Option<&Cycle>,
    whole: &Cycle,
) -> Vec<Stretch> {
    let frozen = frozen(subscription, item, place_of(whole), cycle);
    let all = wanted_but(&frozen, (rules, clock), (subscription, item), (whole, &[]));
    let end = subscription.end.as_ref().map(|end| end.at);
    let cycles = end.map(|end| item.cycles(rules, clock, end)).unwrap_or_default();
    let last = cycles.iter().find(|cycle| ends_with_full_credit(subscription, cycle));
    let times = all.into_iter().flat_map(|want| match last {
        Some(last) if want.price.terms.timing == BillingTiming::InAdvance => {
            without(&[want.time], &[(last.start, last.end)])
        }
        Some(_) | None => vec![want.time],
    });
    times.collect()
}

/// Billed time that stays although nothing should be charged for it. `full` is the whole cycle.
pub(crate) fn stays(
    (rules, clock): (&Rules, &Clock),
    subscription: &Subscription,
    item: &Item,
    (id, start, full): Place,
    (cycle, wanted): (Option<&Cycle>, &[Wanted]),
) -> Vec<Stretch> {
    let place = (id, start, full);
    let mut found = forfeited(subscription, item, place, cycle);
    // What an item that ended has forfeited stays, also beyond an end and in a pause.
    let ended = item.terms.iter().next_back().filter(|(_, terms)| terms.is_none());
    if let Some((gone, _)) = ended {
        // But for what is to be charged of it.
        let left = times(&frozen(subscription, item, place, cycle));
        let wanted: Vec<Stretch> = wanted.iter().map(|want| want.time).collect();
        let own = without(&without(&left, &lost(&left, place, cycle)), &wanted);
        found.extend(both(&own, &[(*gone, Instant::MAX)]));
    }
    let whole = Cycle { id, start, end: full.1, full };
    let used = used((rules, clock), (subscription, item), cycle, &whole);
    // What was given up stays where it is used, also behind a cut.
    found.extend(both(&given_up(item), &used));
    if let Some((end, credit)) = subscription.known_end()
        && subscription.begins(start)
        && (credit == CancelCredit::None || subscription.end.is_none())
    {
        // What is given back whole is so when the end comes.
        let whole = subscription.end.is_none()
            && cycle.is_some_and(|cycle| ends_with_full_credit(subscription, cycle));
        found.push((if whole { start } else { end }, Instant::MAX));
    }
    let whole = comes_back_whole(subscription, start, cycle);
    let kept = subscription.pauses.iter().filter(|pause| pause.kept && !whole);
    let kept: Vec<Stretch> =
        kept.map(|pause| (pause.from, pause.until.unwrap_or(Instant::MAX))).collect();
    // An end that gives back does so whatever a pause has kept.
    let gives_back = subscription.end.as_ref().filter(|end| end.credit != CancelCredit::None);
    let beyond: Vec<Stretch> = gives_back.map(|end| (end.at, Instant::MAX)).into_iter().collect();
    let kept = without(&kept, &beyond);
    // Where nothing of a pause came back, nothing of what follows it does.
    let frozen = frozen(subscription, item, place, cycle);
    let follows = |left: &&Frozen| {
        let before = left.since - 1;
        kept.iter().any(|pause| pause.0 <= before && before < pause.1)
    };
    found.extend(frozen.iter().filter(follows).map(|left| left.time));
    found.extend(kept);
    joined(found)
}

/// Time that a credit gives back without a charge beside it: of a pause, or beyond the end.
pub(crate) fn gone_alone(
    subscription: &Subscription,
    item: &Item,
    cycle: Option<&Cycle>,
    start: Instant,
    time: Stretch,
) -> Vec<Stretch> {
    let mut alone = subscription.paused_time();
    if let Some((end, _)) = subscription.known_end() {
        alone.push((end, Instant::MAX));
        let timing = item.terms_at(start).map(|terms| terms.timing);
        let whole =
            cycle.zip(timing).is_some_and(|(c, timing)| given_back(subscription, c, timing));
        if whole || end <= start {
            alone.push(time);
        }
    }
    both(&[time], &alone)
}
