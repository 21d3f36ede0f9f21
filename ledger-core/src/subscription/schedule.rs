//! When changes take effect: now, later, or when what is open is paid.

use std::borrow::Cow;

use schemas::event::{
    ChangeScheduled, Event, ScheduledChange, ScheduledChangeWithdrawn, ScheduledFor,
};
use schemas::ids::SubscriptionId;
use schemas::terms::{ChangeTime, Proration};
use schemas::{Rejection, Timestamp};

use super::case::Case;
use super::item::Item;
use super::state::{Subscription, is_end};
use crate::mistakes::{Mistake, makes};

/// The most changes that one subscription has scheduled.
const MAX_SCHEDULED: usize = 100;

/// A subscription at the present, the instant of a change of it, and what brought it there.
pub(crate) struct Changing<'a> {
    /// When something that begins takes effect.
    pub(crate) at: Timestamp,
    pub(crate) subscription: Cow<'a, Subscription>,
    pub(crate) events: Vec<Event>,
}

/// What was to happen by now has happened, billed or not. `whole` also opens the cycles that have
/// begun.
///
/// # Errors
/// [`Rejection::UnknownSubscription`], [`Rejection::SubscriptionCanceled`],
/// [`Rejection::BeforeSubscriptionStart`]; what advancing refuses.
pub(crate) fn changing<'a>(
    case: &Case<'a>,
    id: SubscriptionId,
    whole: bool,
) -> Result<Changing<'a>, Rejection> {
    let subscription = case.active(id)?;
    let rules = &case.profile.rules;
    let at = rules.moment(case.context.stamp.effective_at)?;
    let now = case.context.stamp.recorded_at;
    let passed = subscription.scheduled.iter().any(|due| match due.at {
        ScheduledFor::At(due) => due <= now,
        ScheduledFor::Paid => false,
    });
    let renewed = subscription.term.is_some_and(|term| term.span.end() <= now);
    // Cycles that begin may have other terms and other lengths, whether a run has come or not.
    let migrates = case.advance().may_migrate(subscription);
    let mut changing = Changing { at, subscription: Cow::Borrowed(subscription), events: vec![] };
    if whole || passed || renewed || (migrates && !subscription.waits()) {
        let present = case.present()?;
        let made = case.advance().through(changing.subscription.to_mut(), present, 0)?;
        changing.events = made.into_iter().map(Event::from).collect();
    } else if migrates {
        // Of what waits for its first payment no cycle is opened, but this is how they lie.
        changing.subscription = Cow::Owned(case.advance().projected(subscription, now)?);
    }
    if let Some(ending) = changing.subscription.ending {
        let end = rules.date(ending.at)?;
        return Err(Rejection::SubscriptionCanceled { subscription: id, end });
    }
    Ok(changing)
}

/// A change does not lie before the subscription.
///
/// # Errors
/// [`Rejection::BeforeSubscriptionStart`].
pub(crate) fn not_before_start(
    case: &Case<'_>,
    subscription: &Subscription,
    at: Timestamp,
) -> Result<(), Rejection> {
    if at < subscription.start {
        let rules = &case.profile.rules;
        let (at, start) = (rules.date(at)?, rules.date(subscription.start)?);
        return Err(Rejection::BeforeSubscriptionStart {
            subscription: subscription.id,
            at,
            start,
        });
    }
    Ok(())
}

/// Cycles that were laid anew are not looked behind.
///
/// # Errors
/// [`Rejection::BeforeAnchor`].
pub(crate) fn not_before_anchor(
    case: &Case<'_>,
    subscription: &Subscription,
    at: Timestamp,
) -> Result<(), Rejection> {
    let rules = &case.profile.rules;
    let anchor = subscription.items.iter().filter_map(Item::moved_at).max();
    if let Some(anchor) = anchor.filter(|anchor| at < *anchor) {
        let (subscription, at, anchor) = (subscription.id, rules.date(at)?, rules.date(anchor)?);
        return Err(Rejection::BeforeAnchor { subscription, at, anchor });
    }
    Ok(())
}

/// Nothing is agreed for a time at which the subscription is known to be over.
///
/// # Errors
/// [`Rejection::BeyondEnd`].
pub(crate) fn within_life(
    case: &Case<'_>,
    subscription: &Subscription,
    at: Timestamp,
    due: Option<ScheduledFor>,
) -> Result<(), Rejection> {
    let rules = &case.profile.rules;
    let known = subscription.known_end(rules).filter(|known| known.at <= at);
    match (known, due) {
        (None, _) | (Some(_), Some(ScheduledFor::Paid)) => Ok(()),
        (Some(known), Some(ScheduledFor::At(_)) | None) => {
            let (at, end) = (rules.date(at)?, rules.date(known.at)?);
            Err(Rejection::BeyondEnd { subscription: subscription.id, at, end })
        }
    }
}

/// Something that begins at an instant, or ends: where the last day counts as used, an end counts
/// from the day after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counts {
    Begins,
    Ends,
}

/// When a command takes effect: the instant, and what it waits for where that is not now.
///
/// # Errors
/// [`Rejection::DatePassed`], [`Rejection::NothingOpen`]; a date that cannot be computed.
pub(crate) fn time_of(
    case: &Case<'_>,
    subscription: &Subscription,
    when: ChangeTime,
    counts: Counts,
) -> Result<(Timestamp, Option<ScheduledFor>), Rejection> {
    let rules = &case.profile.rules;
    let (id, stamp) = (subscription.id, case.context.stamp);
    let begins = rules.moment(stamp.effective_at)?;
    let now = match counts {
        Counts::Begins => begins,
        Counts::Ends => rules.ending(stamp.effective_at)?,
    };
    if subscription.start <= stamp.recorded_at {
        not_before_start(case, subscription, now)?;
    }
    match when {
        ChangeTime::Now => Ok((now, None)),
        ChangeTime::CycleEnd => {
            let at = subscription.told_end(begins, rules)?.unwrap_or(begins);
            // An end of a cycle that has come is no time to wait for.
            let later = (stamp.recorded_at < at).then_some(ScheduledFor::At(at));
            Ok((at, later))
        }
        ChangeTime::On(date) => {
            let today = rules.date(stamp.recorded_at)?;
            if date <= today {
                return Err(Rejection::DatePassed { date, today });
            }
            let at = match (counts, rules.policies.proration) {
                (Counts::Ends, Proration::ByDayInclusive) => {
                    rules.local.start_of(date.plus_days(1)?)?
                }
                (Counts::Begins | Counts::Ends, _) => rules.local.start_of(date)?,
            };
            Ok((at, Some(ScheduledFor::At(at))))
        }
        ChangeTime::WhenPaid if case.books.owes(id) => Ok((now, Some(ScheduledFor::Paid))),
        ChangeTime::WhenPaid => Err(Rejection::NothingOpen { subscription: id }),
    }
}

/// Schedules a change; it has the next number after `scheduled_before` others of the commit.
///
/// # Errors
/// [`Rejection::TooMany`].
pub(crate) fn schedule(
    subscription: &Subscription,
    scheduled_before: usize,
    at: ScheduledFor,
    what: ScheduledChange,
    when: ChangeTime,
) -> Result<ChangeScheduled, Rejection> {
    if subscription.scheduled.len() >= MAX_SCHEDULED {
        return Err(Rejection::TooMany {
            what: "scheduled changes of this subscription",
            limit: MAX_SCHEDULED,
            way: "withdraw some first, with subscription.withdraw_change",
        });
    }
    let change = subscription.changes + 1 + u32::try_from(scheduled_before).unwrap_or(u32::MAX);
    Ok(ChangeScheduled {
        subscription: subscription.id,
        change,
        at,
        what,
        cycle_end: when == ChangeTime::CycleEnd,
        sets_aside: Vec::new(),
    })
}

/// What is scheduled for an instant or later.
pub(super) fn beyond(subscription: &Subscription, end: ScheduledFor) -> Vec<u32> {
    let ScheduledFor::At(end) = end else { return Vec::new() };
    let lies_beyond = |due: &&ChangeScheduled| match due.at {
        ScheduledFor::At(at) => end <= at,
        ScheduledFor::Paid => false,
    };
    subscription.scheduled.iter().filter(lies_beyond).map(|due| due.change).collect()
}

pub(crate) fn withdrawn(
    subscription: &Subscription,
    which: impl Fn(&ChangeScheduled) -> bool,
) -> Vec<Event> {
    let due = subscription.scheduled.iter().filter(|due| which(due));
    due.map(|due| withdrawal(subscription, due.change).into()).collect()
}

/// A scheduled change is withdrawn; if it is an end, what that had put aside waits again.
pub(crate) fn withdrawal(subscription: &Subscription, change: u32) -> ScheduledChangeWithdrawn {
    let ends = subscription.change(change).is_some_and(is_end);
    let aside = subscription.aside.iter().map(|due| due.change);
    let brings_back = ends && !makes(Mistake::UncancelForgets);
    let restores = if brings_back { aside.collect() } else { Vec::new() };
    ScheduledChangeWithdrawn { subscription: subscription.id, change, restores, why: None }
}
