//! Decisions that stop a subscription, for a while or for good, and that undo it.

use schemas::Rejection;
use schemas::command::{
    CancelSubscription, PauseSubscription, ResumeSubscription, SetRenewal, UncancelSubscription,
    WithdrawChange,
};
use schemas::event::{
    CancellationUndone, ChangeScheduled, Event, RenewalSet, ScheduledChange,
    ScheduledChangeWithdrawn, ScheduledFor, SubscriptionCanceled, SubscriptionPaused,
    SubscriptionResumed,
};
use schemas::terms::{CancelCredit, CancelDefault, ChangeTime, EndReason, InvoiceTiming, Settle};

use super::case::{Case, Decided};
use super::schedule::{Changing, changing, schedule, time_of, withdrawn};
use super::state::Subscription;

/// Ends a subscription now, on a date, at the end of its cycle, or when it is paid.
pub(super) fn cancel(case: &Case<'_>, command: &CancelSubscription) -> Result<Decided, Rejection> {
    let Changing { at, subscription, mut events } = changing(case, command.subscription, false)?;
    let subscription = subscription.as_ref();
    // Also at the end of a cycle there may be something to credit: a cycle that was billed ahead.
    let default = match case.profile.rules.policies.cancel_default {
        CancelDefault::Credit => CancelCredit::Prorated,
        CancelDefault::Keep => CancelCredit::None,
    };
    let credit = command.credit.unwrap_or(default);
    if let Some(due) = time_of(case, subscription, at, command.when)? {
        if cancellation(subscription).is_some() {
            return Err(Rejection::CancellationScheduled { subscription: subscription.id });
        }
        let due = match (command.when, due) {
            // A last day that counts as used ends with the day.
            (ChangeTime::On(_), ScheduledFor::At(on)) => {
                ScheduledFor::At(case.profile.rules.ending(on)?)
            }
            (
                ChangeTime::Now | ChangeTime::CycleEnd | ChangeTime::WhenPaid | ChangeTime::On(_),
                due,
            ) => due,
        };
        events.push(schedule(subscription, 0, due, ScheduledChange::Cancel(credit))?);
        return Ok(events.into());
    }
    events.extend(withdrawn(subscription, |_| true));
    let end = case.profile.rules.ending(case.context.stamp.effective_at)?;
    let (id, reason) = (subscription.id, EndReason::Canceled);
    let canceled = SubscriptionCanceled { subscription: id, end, credit, reason, change: None };
    events.push(canceled.into());
    let invoice = match credit {
        CancelCredit::Prorated | CancelCredit::Full => InvoiceTiming::Now,
        CancelCredit::None => InvoiceTiming::Next,
    };
    Ok(Decided::billed(events, id, invoice))
}

/// The scheduled cancellation.
fn cancellation(subscription: &Subscription) -> Option<u32> {
    subscription.scheduled.iter().find_map(|due| match &due.what {
        ScheduledChange::Cancel(_) => Some(due.change),
        ScheduledChange::Items(_) | ScheduledChange::Pause(_) | ScheduledChange::Resume(_) => None,
    })
}

/// Undoes a cancellation that is scheduled, or whose time beyond the end was not credited.
pub(super) fn uncancel(
    case: &Case<'_>,
    command: &UncancelSubscription,
) -> Result<Vec<Event>, Rejection> {
    let id = command.subscription;
    let subscription = case.found(id)?;
    if let Some(change) = cancellation(subscription) {
        return Ok(vec![ScheduledChangeWithdrawn { subscription: id, change }.into()]);
    }
    let ending = subscription.ending.ok_or(Rejection::NotCanceled { subscription: id })?;
    let end = case.profile.rules.date(ending.at)?;
    if end < case.profile.rules.date(case.context.stamp.effective_at)? {
        // Nothing was served since.
        return Err(Rejection::SubscriptionCanceled { subscription: id, end });
    }
    let settled = match ending.reason {
        EndReason::NotPaid => true,
        EndReason::Canceled | EndReason::TermEnded => case.books.is_credited_beyond(id, ending.at),
    };
    if settled {
        return Err(Rejection::CancellationSettled { subscription: id });
    }
    Ok(vec![CancellationUndone { subscription: id }.into()])
}

/// Withdraws a scheduled change.
pub(super) fn withdraw(case: &Case<'_>, command: &WithdrawChange) -> Result<Vec<Event>, Rejection> {
    let subscription = case.active(command.subscription)?;
    let (id, change) = (subscription.id, command.change);
    if subscription.change(change).is_none() {
        return Err(Rejection::UnknownChange { subscription: id, change });
    }
    Ok(vec![ScheduledChangeWithdrawn { subscription: id, change }.into()])
}

/// Stops a subscription for a while, perhaps until a date.
pub(super) fn pause(case: &Case<'_>, command: &PauseSubscription) -> Result<Decided, Rejection> {
    let Changing { at, subscription, mut events } = changing(case, command.subscription, false)?;
    let subscription = subscription.as_ref();
    let id = subscription.id;
    if subscription.activation_expires.is_some() {
        return Err(Rejection::NotActiveYet { subscription: id });
    }
    let rules = &case.profile.rules;
    let due = time_of(case, subscription, at, command.when)?;
    let from = match due {
        Some(ScheduledFor::At(at)) => at,
        Some(ScheduledFor::Paid) | None => at,
    };
    let overlaps = |pause: &super::state::Pause| pause.until.is_none_or(|until| from < until);
    let waits = |due: &ScheduledChange| matches!(due, ScheduledChange::Pause(_));
    if subscription.pauses.iter().any(overlaps)
        || subscription.scheduled.iter().any(|due| waits(&due.what))
    {
        return Err(Rejection::AlreadyPaused { subscription: id, at: rules.date(from)? });
    }
    let settle = rules.settle(command.credit);
    match due {
        Some(due) => {
            events.push(schedule(subscription, 0, due, ScheduledChange::Pause(settle))?);
        }
        None => events
            .push(SubscriptionPaused { subscription: id, from: at, settle, change: None }.into()),
    }
    if let Some(date) = command.resume_on {
        let on = rules.local.start_of(date)?;
        let today = rules.date(from)?;
        if on <= from {
            return Err(Rejection::DatePassed { date, today });
        }
        let before = usize::from(due.is_some());
        let resume = ScheduledChange::Resume(Settle::Next);
        events.push(schedule(subscription, before, ScheduledFor::At(on), resume)?);
    }
    Ok(Decided::billed(events, id, timing(settle)))
}

const fn timing(settle: Settle) -> InvoiceTiming {
    match settle {
        Settle::Now => InvoiceTiming::Now,
        Settle::Next | Settle::None => InvoiceTiming::Next,
    }
}

/// Lets a paused subscription go on.
pub(super) fn resume(case: &Case<'_>, command: &ResumeSubscription) -> Result<Decided, Rejection> {
    let Changing { at, subscription, mut events } = changing(case, command.subscription, false)?;
    let subscription = subscription.as_ref();
    let id = subscription.id;
    let due = time_of(case, subscription, at, command.when)?;
    let on = match due {
        Some(ScheduledFor::At(on)) => on,
        Some(ScheduledFor::Paid) | None => at,
    };
    let will_pause = |due: &ChangeScheduled| match (&due.what, due.at) {
        (ScheduledChange::Pause(_), ScheduledFor::At(from)) => from < on,
        (
            ScheduledChange::Pause(_)
            | ScheduledChange::Resume(_)
            | ScheduledChange::Items(_)
            | ScheduledChange::Cancel(_),
            _,
        ) => false,
    };
    if !subscription.pauses.iter().any(|pause| pause.runs_at(on))
        && !subscription.scheduled.iter().any(will_pause)
    {
        return Err(Rejection::NotPaused { subscription: id, at: case.profile.rules.date(on)? });
    }
    let settle = case.profile.rules.settle(command.proration);
    events.extend(withdrawn(subscription, |due| matches!(due.what, ScheduledChange::Resume(_))));
    if let Some(due) = due {
        events.push(schedule(subscription, 0, due, ScheduledChange::Resume(settle))?);
        return Ok(events.into());
    }
    let resumed = SubscriptionResumed { subscription: id, from: at, settle, change: None };
    events.push(resumed.into());
    Ok(Decided::billed(events, id, timing(settle)))
}

/// Changes what follows when the contract term ends.
pub(super) fn set_renewal(case: &Case<'_>, command: &SetRenewal) -> Result<Vec<Event>, Rejection> {
    let subscription = case.active(command.subscription)?;
    let (id, renewal) = (subscription.id, command.renewal);
    match subscription.term {
        None => Err(Rejection::NoTerm { subscription: id }),
        Some(term) if term.renewal == renewal => Ok(Vec::new()),
        Some(_) => Ok(vec![RenewalSet { subscription: id, renewal }.into()]),
    }
}
