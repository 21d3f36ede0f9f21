//! What scheduled changes leave to a new one.
//!
//! # Shape
//!
//! Of two words on one thing for one time the later one holds. What an earlier change says besides
//! stays scheduled, under its number; where nothing is left of it, it is withdrawn.

use schemas::Rejection;
use schemas::command::ItemRequest;
use schemas::event::{
    BilledAhead, ChangeAgreed, ChangeScheduled, Event, ScheduledChange, ScheduledFor,
    SubscriptionEvent,
};
use schemas::terms::Settle;

use crate::subscription::case::Case;
use crate::subscription::evolve::try_out;
use crate::subscription::names::same_item;
use crate::subscription::schedule::{beyond, withdrawal};
use crate::subscription::state::{Subscription, is_end};

/// The scheduled changes that give way to a new one, withdrawn, also those that a scheduled end put
/// aside; and the subscription without them. `before` events of the commit come before these.
pub(super) fn without_what_gives_way(
    subscription: &Subscription,
    new: &ChangeAgreed,
    due: Option<ScheduledFor>,
    before: usize,
) -> (Vec<Event>, Subscription) {
    let gives_way = |known: &ChangeScheduled| match &known.what {
        ScheduledChange::Items(old) => left_of(known, old, new, due).as_ref() != Some(&**old),
        ScheduledChange::Cancel(_) | ScheduledChange::Pause(_) | ScheduledChange::Resume(_) => {
            false
        }
    };
    let mut events: Vec<SubscriptionEvent> = Vec::new();
    let mut left = subscription.clone();
    let mut push = |left: &mut Subscription, event: SubscriptionEvent| {
        try_out(left, &event, before + events.len());
        events.push(event);
    };
    // What an end has put aside is told without it, and put aside again.
    let end = subscription.scheduled.iter().find(|due| is_end(due));
    let end = end.filter(|_| subscription.aside.iter().any(gives_way)).cloned();
    if let Some(end) = &end {
        let withdrawn = withdrawal(&left, end.change).into();
        push(&mut left, withdrawn);
    }
    for known in left.scheduled.clone() {
        let ScheduledChange::Items(old) = &known.what else { continue };
        if !gives_way(&known) {
            continue;
        }
        let rest = left_of(&known, old, new, due);
        let withdrawn = withdrawal(&left, known.change).into();
        push(&mut left, withdrawn);
        if let Some(rest) = rest {
            let what = ScheduledChange::Items(Box::new(rest));
            push(&mut left, ChangeScheduled { what, ..known.clone() }.into());
        }
    }
    if let Some(end) = end {
        let sets_aside = beyond(&left, end.at);
        push(&mut left, ChangeScheduled { sets_aside, ..end }.into());
    }
    (events.into_iter().map(Event::from).collect(), left)
}

/// What was billed ahead with changes that give way to one without proration: what is `left` is
/// without them.
///
/// # Errors
/// What advancing refuses.
pub(super) fn billed_ahead(
    case: &Case<'_>,
    subscription: &Subscription,
    left: &Subscription,
    settle: Settle,
) -> Result<Vec<BilledAhead>, Rejection> {
    match settle {
        Settle::None => {}
        Settle::Now | Settle::Next => return Ok(Vec::new()),
    }
    let gives_way = |due: &&ChangeScheduled| left.change(due.change) != Some(*due);
    let gone: Vec<&ChangeScheduled> = subscription.scheduled.iter().filter(gives_way).collect();
    let last = gone.iter().filter_map(|due| match due.at {
        ScheduledFor::At(at) => Some(at),
        ScheduledFor::Paid => None,
    });
    let Some(last) = last.max() else { return Ok(Vec::new()) };
    let gone: Vec<u32> = gone.iter().map(|due| due.change).collect();
    case.advance().billed_ahead(subscription, last, |change| gone.contains(&change))
}

/// What is left of a scheduled change beside a new one. To a change of plan gives way what is of a
/// plan or a rate and does not come before it, and to the end of an add-on what is for later of
/// that.
fn left_of(
    known: &ChangeScheduled,
    old: &ChangeAgreed,
    new: &ChangeAgreed,
    due: Option<ScheduledFor>,
) -> Option<ChangeAgreed> {
    let same_time = due == Some(known.at);
    let later = match (due, known.at) {
        (None, _) => true,
        (Some(ScheduledFor::At(at)), ScheduledFor::At(known)) => at <= known,
        (Some(ScheduledFor::At(_) | ScheduledFor::Paid), _) => false,
    };
    // Which of two comes first is not known where one waits for a payment.
    let before = match (due, known.at) {
        (Some(ScheduledFor::At(at)), ScheduledFor::At(known)) => known < at,
        (None | Some(ScheduledFor::At(_) | ScheduledFor::Paid), _) => false,
    };
    let mut left = old.clone();
    if new.plan.is_some() && !before && (same_time || !new.keep_scheduled) {
        if left.plan.take().is_some() {
            // What it says of prices is of prices of that plan.
            left.items.clear();
            left.map.clear();
            (left.keep_prices, left.keep_scheduled) = (false, false);
        }
        if !new.keep_scheduled {
            left.items = left.items.into_iter().filter_map(without_rate).collect();
        }
    }
    let same = |item: &ItemRequest, other: &ItemRequest| {
        same_item((old, &item.price), (new, &other.price))
    };
    if same_time {
        left.quantity = left.quantity.filter(|_| new.quantity.is_none());
        left.anchor = left.anchor.filter(|_| new.anchor.is_none());
        let beside = |item: ItemRequest| match new.items.iter().find(|new| same(&item, new)) {
            Some(new) => beside(item, new),
            None => Some(item),
        };
        left.items = left.items.into_iter().filter_map(beside).collect();
    }
    // What a price that ends was to be later would begin it again.
    let ends = |item: &ItemRequest| {
        let removes = |new: &ItemRequest| new.remove == Some(true) && same(item, new);
        // What it says of prices of another plan is of those.
        later && old.plan.is_none() && new.items.iter().any(removes)
    };
    left.items.retain(|item| !ends(item));
    let says_something = left.plan.is_some()
        || left.quantity.is_some()
        || left.anchor.is_some()
        || !left.items.is_empty();
    says_something.then_some(left)
}

/// What is left of one price's change where its rate is of no account.
fn without_rate(mut item: ItemRequest) -> Option<ItemRequest> {
    let rate = item.rate.take().is_some();
    (!rate || item.quantity.is_some()).then_some(item)
}

/// What is left of one price's change beside a new change for the same time.
fn beside(mut item: ItemRequest, new: &ItemRequest) -> Option<ItemRequest> {
    if new.remove == Some(true) || item.remove == Some(true) {
        return None;
    }
    item.quantity = item.quantity.filter(|_| new.quantity.is_none());
    item.rate = item.rate.filter(|_| new.rate.is_none());
    (item.quantity.is_some() || item.rate.is_some()).then_some(item)
}
