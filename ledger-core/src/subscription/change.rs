//! Decisions that change plan, items or anchor, and that end a trial.

use schemas::Rejection;
use schemas::command::{ChangePlan, ChangeQuantity, ChangeSubscription, EndTrial};
use schemas::event::{
    ChangeAgreed, Event, PlanVersion, PlanVersionDefined, ScheduledChange, ScheduledFor,
    SubscriptionEvent,
};
use schemas::terms::{InvoiceTiming, Settle};

use super::case::{Case, Decided};
use super::item::Item;
use super::names::names_at;
use super::schedule::{
    Changing, Counts, changing, not_before_anchor, not_before_start, schedule, time_of, within_life,
};
use super::state::Subscription;

mod giving_way;

/// Moves a subscription to another plan or version.
pub(super) fn plan(case: &Case<'_>, command: &ChangePlan) -> Result<Decided, Rejection> {
    let command = command.clone();
    let command = ChangeSubscription {
        customer: command.customer,
        subscription: command.subscription,
        plan: Some(command.plan),
        version: command.version,
        quantity: None,
        items: None,
        anchor: None,
        map: command.map,
        keep_prices: command.keep_prices,
        keep_scheduled: command.keep_scheduled,
        when: command.when,
        proration: command.proration,
    };
    change(case, &command)
}

/// Gives all items of the plan another quantity.
pub(super) fn quantity(case: &Case<'_>, command: &ChangeQuantity) -> Result<Decided, Rejection> {
    let command = ChangeSubscription {
        customer: command.customer,
        subscription: command.subscription,
        plan: None,
        version: None,
        quantity: Some(command.quantity),
        items: None,
        anchor: None,
        map: None,
        keep_prices: None,
        keep_scheduled: None,
        when: command.when,
        proration: command.proration,
    };
    change(case, &command)
}

/// Changes plan, items or anchor now, or schedules that.
pub(super) fn change(case: &Case<'_>, command: &ChangeSubscription) -> Result<Decided, Rejection> {
    let version = match command.plan {
        Some(plan) => Some(case.context.catalog.on_sale(plan, command.version)?),
        None => None,
    };
    let mut agreed = agreed(case, command, version)?;
    // Cycles up to a new anchor exist before it: nothing is left between.
    let whole = agreed.anchor.is_some() || agreed.plan.is_some() || !agreed.items.is_empty();
    let Changing { at: _, subscription, mut events } = changing(case, command.subscription, whole)?;
    let subscription = subscription.as_ref();
    let id = subscription.id;
    let (at, due) = time_of(case, subscription, command.when, Counts::Begins)?;
    not_before_start(case, subscription, at)?;
    within_life(case, subscription, at, due)?;
    if case.waits(subscription) {
        return Err(Rejection::NotActiveYet { subscription: id });
    }
    if let Some(due) = due {
        if due != ScheduledFor::Paid {
            not_before_anchor(case, subscription, at)?;
        }
        // What cannot be done is refused now, and not when its time has come.
        // What waits for a payment does not happen before it was asked for.
        let at = match due {
            ScheduledFor::Paid => {
                at.max(case.profile.rules.moment(case.context.stamp.recorded_at)?)
            }
            ScheduledFor::At(_) => at,
        };
        let mut then = case.advance().projected(subscription, at)?;
        agreed.names = names_at(subscription, &then, at);
        let (gone, left) =
            giving_way::without_what_gives_way(subscription, &agreed, Some(due), events.len());
        if !gone.is_empty() {
            then = case.advance().projected(&left, at)?;
            agreed.names = names_at(&left, &then, at);
        }
        agreed.billed_ahead = giving_way::billed_ahead(case, subscription, &left, agreed.settle)?;
        case.advance().change(&then, at, &agreed, None)?;
        events.extend(gone);
        let what = ScheduledChange::Items(Box::new(agreed));
        events.push(schedule(subscription, 0, due, what, command.when)?.into());
        return Ok(events.into());
    }
    not_before_anchor(case, subscription, at)?;
    agreed.names = names_at(subscription, subscription, at);
    let (gone, left) =
        giving_way::without_what_gives_way(subscription, &agreed, None, events.len());
    agreed.billed_ahead = giving_way::billed_ahead(case, subscription, &left, agreed.settle)?;
    let made = case.advance().change(&left, at, &agreed, None)?;
    not_in_the_past(case, subscription, at, &made)?;
    // What only says again what is so bills nothing.
    let changes = made.iter().any(|event| {
        let SubscriptionEvent::SubscriptionChanged(changed) = event else { return true };
        !changed.items.is_empty() || changed.trial_end.is_some()
    });
    events.extend(gone);
    let settle = agreed.settle;
    events.extend(made.into_iter().map(Event::from));
    let invoice = match settle {
        Settle::Now if changes => InvoiceTiming::Now,
        Settle::Now | Settle::Next | Settle::None => InvoiceTiming::Next,
    };
    Ok(Decided::billed(events, id, invoice))
}

/// What a command asks for, with all that is left out.
fn agreed(
    case: &Case<'_>,
    command: &ChangeSubscription,
    version: Option<&PlanVersionDefined>,
) -> Result<ChangeAgreed, Rejection> {
    let items = command.items.clone().unwrap_or_default();
    let nothing = command.plan.is_none()
        && command.quantity.is_none()
        && command.anchor.is_none()
        && items.is_empty();
    if nothing {
        return Err(Rejection::NothingToChange);
    }
    Ok(ChangeAgreed {
        plan: version.map(|found| PlanVersion { plan: found.plan, version: found.version }),
        quantity: command.quantity,
        items,
        anchor: command.anchor,
        map: command.map.clone().unwrap_or_default(),
        keep_prices: command.keep_prices == Some(true),
        keep_scheduled: command.keep_scheduled == Some(true),
        settle: case.profile.rules.settle(command.proration),
        names: Vec::new(),
        billed_ahead: Vec::new(),
    })
}

/// Cycles that are over keep their length: what lays them anew lies in the current one.
fn not_in_the_past(
    case: &Case<'_>,
    subscription: &Subscription,
    at: schemas::Timestamp,
    made: &[SubscriptionEvent],
) -> Result<(), Rejection> {
    let rules = &case.profile.rules;
    let changed = made.iter().find_map(|event| {
        if let SubscriptionEvent::SubscriptionChanged(changed) = event {
            Some(changed)
        } else {
            None
        }
    });
    let items = changed.into_iter().flat_map(|changed| &changed.items);
    let moved = items.filter(|change| change.calendar.is_some());
    let now = case.context.stamp.recorded_at;
    for item in moved.filter_map(|change| subscription.item(change.item)) {
        // What begins in its first cycle has none before.
        let current = item.cycle_at(now, rules)?.filter(|_| item.began() <= at);
        if let Some(current) = current.filter(|current| at < current.start()) {
            let (at, anchor) = (rules.date(at)?, rules.date(current.start())?);
            return Err(Rejection::BeforeAnchor { subscription: subscription.id, at, anchor });
        }
    }
    Ok(())
}

/// From now on a trial is paid for.
pub(super) fn end_trial(case: &Case<'_>, command: &EndTrial) -> Result<Decided, Rejection> {
    let Changing { at, subscription, mut events } = changing(case, command.subscription, true)?;
    let subscription = subscription.as_ref();
    not_before_start(case, subscription, at)?;
    let id = subscription.id;
    let now = case.profile.rules.moment(case.context.stamp.recorded_at)?;
    if subscription.trial_end.is_none_or(|end| end <= now || end <= at) {
        return Err(Rejection::NotTrialing { subscription: id });
    }
    if case.waits(subscription) {
        return Err(Rejection::NotActiveYet { subscription: id });
    }
    // A later change has laid its cycles.
    let other = |item: &Item| {
        let every = item.terms_at(at)?.every;
        let mut later = item.later_terms(at);
        let laid = later.find(|(_, terms, _)| terms.is_some_and(|terms| terms.every != every));
        laid.map(|(from, ..)| from)
    };
    if let Some(anchor) = subscription.items.iter().filter_map(other).max() {
        let rules = &case.profile.rules;
        let (at, anchor) = (rules.date(at)?, rules.date(anchor)?);
        return Err(Rejection::BeforeAnchor { subscription: id, at, anchor });
    }
    let made = case.advance().end_trial(subscription, at)?;
    events.extend(made.into_iter().map(Event::from));
    Ok(Decided::billed(events, id, command.invoice.unwrap_or(InvoiceTiming::Next)))
}
