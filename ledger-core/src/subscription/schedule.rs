//! When changes take effect: now, later, or when what is open is paid.

use std::borrow::Cow;

use schemas::event::{
    ChangeScheduled, Event, ScheduledChange, ScheduledChangeWithdrawn, ScheduledFor,
};
use schemas::ids::SubscriptionId;
use schemas::terms::ChangeTime;
use schemas::{Rejection, Timestamp};

use super::case::Case;
use super::item::{Cycle, Item};
use super::state::Subscription;

/// The most changes that one subscription has scheduled.
const MAX_SCHEDULED: usize = 100;

/// A subscription at the instant of a change, and what brought it there.
pub(crate) struct Changing<'a> {
    pub(crate) at: Timestamp,
    pub(crate) subscription: Cow<'a, Subscription>,
    pub(crate) events: Vec<Event>,
}

/// What was scheduled up to the instant of a change has happened before it, billed or not.
/// `whole` brings it up to date in any case.
pub(crate) fn changing<'a>(
    case: &Case<'a>,
    id: SubscriptionId,
    whole: bool,
) -> Result<Changing<'a>, Rejection> {
    let subscription = case.active(id)?;
    let rules = &case.profile.rules;
    let at = rules.moment(case.context.stamp.effective_at)?;
    if at < subscription.start {
        let (at, start) = (rules.date(at)?, rules.date(subscription.start)?);
        return Err(Rejection::BeforeSubscriptionStart { subscription: id, at, start });
    }
    let anchor = subscription.items.iter().filter_map(Item::moved_at).max();
    let behind = anchor.is_none_or(|anchor| anchor <= at);
    let passed = subscription.scheduled.iter().any(|due| match due.at {
        ScheduledFor::At(due) => due <= at,
        ScheduledFor::Paid => false,
    });
    let renewed = subscription.term.is_some_and(|term| term.span.end() <= at);
    let mut changing = Changing { at, subscription: Cow::Borrowed(subscription), events: vec![] };
    if behind && (whole || passed || renewed) {
        let made = case.advance().through(changing.subscription.to_mut(), rules.date(at)?, 0)?;
        changing.events = made.into_iter().map(Event::from).collect();
    }
    if let Some(ending) = changing.subscription.ending {
        let end = rules.date(ending.at)?;
        return Err(Rejection::SubscriptionCanceled { subscription: id, end });
    }
    if let Some(anchor) = anchor.filter(|anchor| at < *anchor) {
        let (at, anchor) = (rules.date(at)?, rules.date(anchor)?);
        return Err(Rejection::BeforeAnchor { subscription: id, at, anchor });
    }
    Ok(changing)
}

/// When a change takes effect that is not made now.
pub(crate) fn time_of(
    case: &Case<'_>,
    subscription: &Subscription,
    at: Timestamp,
    when: ChangeTime,
) -> Result<Option<ScheduledFor>, Rejection> {
    let id = subscription.id;
    match when {
        ChangeTime::Now => Ok(None),
        ChangeTime::CycleEnd => {
            let mut copy = subscription.clone();
            copy.scheduled.clear();
            case.advance().through(&mut copy, case.profile.rules.date(at)?, 0)?;
            let now = case.context.stamp.recorded_at;
            Ok(Some(ScheduledFor::At(cycle_end(&copy, at, now))))
        }
        ChangeTime::On(date) => {
            let today = case.profile.rules.date(case.context.stamp.recorded_at)?;
            let on = case.profile.rules.local.start_of(date)?;
            if on <= at {
                return Err(Rejection::DatePassed { date, today });
            }
            Ok(Some(ScheduledFor::At(on)))
        }
        ChangeTime::WhenPaid if case.books.owes(id) => Ok(Some(ScheduledFor::Paid)),
        ChangeTime::WhenPaid => Err(Rejection::NothingOpen { subscription: id }),
    }
}

/// The end of the current cycle of the first item that lives: the last one opened that has begun.
fn cycle_end(subscription: &Subscription, at: Timestamp, now: Timestamp) -> Timestamp {
    let alive = |item: &&Item| item.removed_at().is_none_or(|removed| at < removed);
    let Some(item) = subscription.items.iter().find(alive) else { return at };
    let begun = |cycle: &&Cycle| cycle.start <= at.max(now);
    // Before the first cycle, such as in a trial, it is the start of that one.
    item.cycles.iter().rfind(begun).map_or(item.calendar.from, |cycle| cycle.end).max(at)
}

/// Schedules a change; it has the next number.
pub(crate) fn schedule(
    subscription: &Subscription,
    scheduled_before: usize,
    at: ScheduledFor,
    what: ScheduledChange,
) -> Result<Event, Rejection> {
    if subscription.scheduled.len() >= MAX_SCHEDULED {
        return Err(Rejection::TooMany {
            what: "scheduled changes of this subscription",
            limit: MAX_SCHEDULED,
            way: "withdraw some first, with subscription.withdraw_change",
        });
    }
    let change = subscription.changes + 1 + u32::try_from(scheduled_before).unwrap_or(u32::MAX);
    Ok(ChangeScheduled { subscription: subscription.id, change, at, what }.into())
}

pub(crate) fn withdrawn(
    subscription: &Subscription,
    which: impl Fn(&ChangeScheduled) -> bool,
) -> Vec<Event> {
    let id = subscription.id;
    subscription
        .scheduled
        .iter()
        .filter(|due| which(due))
        .map(|due| ScheduledChangeWithdrawn { subscription: id, change: due.change }.into())
        .collect()
}
