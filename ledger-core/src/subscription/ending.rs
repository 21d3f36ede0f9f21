//! Decisions that stop a subscription, for a while or for good, and that undo it.

use std::collections::BTreeSet;

use schemas::command::{
    CancelSubscription, PauseSubscription, ResumeSubscription, SetRenewal, UncancelSubscription,
    VoidInvoice, WithdrawChange,
};
use schemas::event::{
    CancellationUndone, ChangeScheduled, Event, LineSource, RenewalSet, ScheduledChange,
    ScheduledChangeWithdrawn, ScheduledFor, SubscriptionCanceled, SubscriptionPaused,
    SubscriptionResumed,
};
use schemas::ids::SubscriptionId;
use schemas::terms::{CancelCredit, CancelDefault, ChangeTime, EndReason, InvoiceTiming, Settle};
use schemas::text::Label;
use schemas::{Rejection, Span, Timestamp};

use super::create::with_invoice;
use super::schedule::{Changing, active, changing, found, open_with, schedule, time_of, withdrawn};
use super::state::Subscription;
use crate::customer::state::{Customer, Invoice};
use crate::ledger::Context;
use crate::settlement;

pub(crate) fn cancel(
    context: &Context<'_>,
    customer: &Customer,
    command: &CancelSubscription,
) -> Result<Vec<Event>, Rejection> {
    let Changing { at, subscription, mut events } =
        changing(context, customer, command.subscription, false)?;
    let subscription = subscription.as_ref();
    // Also at the end of a cycle there may be something to credit: a cycle that was billed ahead.
    let default = match customer.rules.policies.cancel_default {
        CancelDefault::Credit => CancelCredit::Prorated,
        CancelDefault::Keep => CancelCredit::None,
    };
    let credit = command.credit.unwrap_or(default);
    if let Some(due) = time_of(context, customer, subscription, at, command.when)? {
        if cancellation(subscription).is_some() {
            return Err(Rejection::CancellationScheduled { subscription: subscription.id });
        }
        let due = match (command.when, due) {
            // A last day that counts as used ends with the day.
            (ChangeTime::On(_), ScheduledFor::At(on)) => {
                ScheduledFor::At(customer.rules.ending(on)?)
            }
            (
                ChangeTime::Now | ChangeTime::CycleEnd | ChangeTime::WhenPaid | ChangeTime::On(_),
                due,
            ) => due,
        };
        events.push(schedule(subscription, 0, due, ScheduledChange::Cancel(credit))?);
        return Ok(events);
    }
    events.extend(withdrawn(subscription, |_| true));
    let end = customer.rules.ending(context.stamp.effective_at)?;
    let (id, reason) = (subscription.id, EndReason::Canceled);
    let canceled = SubscriptionCanceled { subscription: id, end, credit, reason, change: None };
    events.push(canceled.into());
    let invoice = match credit {
        CancelCredit::Prorated | CancelCredit::Full => InvoiceTiming::Now,
        CancelCredit::None => InvoiceTiming::Next,
    };
    with_invoice(context, customer, id, events, Some(invoice))
}

/// The scheduled cancellation.
fn cancellation(subscription: &Subscription) -> Option<u32> {
    subscription.scheduled.iter().find_map(|due| match &due.what {
        ScheduledChange::Cancel(_) => Some(due.change),
        ScheduledChange::Items(_) | ScheduledChange::Pause(_) | ScheduledChange::Resume(_) => None,
    })
}

pub(crate) fn uncancel(
    context: &Context<'_>,
    customer: &Customer,
    command: &UncancelSubscription,
) -> Result<Vec<Event>, Rejection> {
    let id = command.subscription;
    let subscription = found(customer, id)?;
    if let Some(change) = cancellation(subscription) {
        return Ok(vec![ScheduledChangeWithdrawn { subscription: id, change }.into()]);
    }
    let ending = subscription.ending.ok_or(Rejection::NotCanceled { subscription: id })?;
    let end = customer.rules.date(ending.at)?;
    if end < customer.rules.date(context.stamp.effective_at)? {
        // Nothing was served since.
        return Err(Rejection::SubscriptionCanceled { subscription: id, end });
    }
    let settled = match ending.reason {
        EndReason::NotPaid => true,
        EndReason::Canceled | EndReason::TermEnded => credited(customer, subscription, ending.at),
    };
    if settled {
        return Err(Rejection::CancellationSettled { subscription: id });
    }
    Ok(vec![CancellationUndone { subscription: id }.into()])
}

/// Whether time beyond the end was credited.
fn credited(customer: &Customer, subscription: &Subscription, end: Timestamp) -> bool {
    let Some(beyond) = Span::new(end, Timestamp::MAX) else { return false };
    let lines = subscription.items.iter().flat_map(|item| &item.cycles).flat_map(|c| &c.lines);
    lines.filter_map(|at| customer.line(*at)).any(|line| {
        let billed = line.priced.as_ref().and_then(|priced| priced.span.overlap(beyond));
        let live: i64 = line.live.iter().filter_map(|s| s.overlap(beyond)).map(Span::micros).sum();
        billed.is_some_and(|billed| billed.micros() > live)
    })
}

pub(crate) fn withdraw(
    customer: &Customer,
    command: &WithdrawChange,
) -> Result<Vec<Event>, Rejection> {
    let subscription = active(customer, command.subscription)?;
    let (id, change) = (subscription.id, command.change);
    if subscription.change(change).is_none() {
        return Err(Rejection::UnknownChange { subscription: id, change });
    }
    Ok(vec![ScheduledChangeWithdrawn { subscription: id, change }.into()])
}

pub(crate) fn pause(
    context: &Context<'_>,
    customer: &Customer,
    command: &PauseSubscription,
) -> Result<Vec<Event>, Rejection> {
    let Changing { at, subscription, mut events } =
        changing(context, customer, command.subscription, false)?;
    let subscription = subscription.as_ref();
    let id = subscription.id;
    if subscription.activation_expires.is_some() {
        return Err(Rejection::NotActiveYet { subscription: id });
    }
    let rules = &customer.rules;
    let due = time_of(context, customer, subscription, at, command.when)?;
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
    with_invoice(context, customer, id, events, Some(timing(settle)))
}

const fn timing(settle: Settle) -> InvoiceTiming {
    match settle {
        Settle::Now => InvoiceTiming::Now,
        Settle::Next | Settle::None => InvoiceTiming::Next,
    }
}

pub(crate) fn resume(
    context: &Context<'_>,
    customer: &Customer,
    command: &ResumeSubscription,
) -> Result<Vec<Event>, Rejection> {
    let Changing { at, subscription, mut events } =
        changing(context, customer, command.subscription, false)?;
    let subscription = subscription.as_ref();
    let id = subscription.id;
    let due = time_of(context, customer, subscription, at, command.when)?;
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
        return Err(Rejection::NotPaused { subscription: id, at: customer.rules.date(on)? });
    }
    let settle = customer.rules.settle(command.proration);
    events.extend(withdrawn(subscription, |due| matches!(due.what, ScheduledChange::Resume(_))));
    if let Some(due) = due {
        events.push(schedule(subscription, 0, due, ScheduledChange::Resume(settle))?);
        return Ok(events);
    }
    let resumed = SubscriptionResumed { subscription: id, from: at, settle, change: None };
    events.push(resumed.into());
    with_invoice(context, customer, id, events, Some(timing(settle)))
}

pub(crate) fn set_renewal(
    customer: &Customer,
    command: &SetRenewal,
) -> Result<Vec<Event>, Rejection> {
    let subscription = active(customer, command.subscription)?;
    let (id, renewal) = (subscription.id, command.renewal);
    match subscription.term {
        None => Err(Rejection::NoTerm { subscription: id }),
        Some(term) if term.renewal == renewal => Ok(Vec::new()),
        Some(_) => Ok(vec![RenewalSet { subscription: id, renewal }.into()]),
    }
}

/// Whether an invoice has lines of something else than one subscription.
fn bills_others(customer: &Customer, invoice: &Invoice, id: SubscriptionId) -> bool {
    invoice.lines.iter().any(|line| match line.source {
        LineSource::Cycle { subscription, .. } => subscription != id,
        LineSource::Charge(charge) => {
            customer.charges.get(&charge).is_none_or(|found| found.subscription != Some(id))
        }
        LineSource::Invoice => false,
    })
}

/// Ends subscriptions whose first payment did not come in time, and voids what they owe.
pub(crate) fn expire(context: &Context<'_>, customer: &Customer) -> Vec<Event> {
    let now = context.stamp.recorded_at;
    let expired = |found: &&Subscription| found.activation_expires.is_some_and(|end| end <= now);
    let mut events: Vec<Event> = Vec::new();
    let mut voided_already = BTreeSet::new();
    for subscription in customer.subscriptions.values().filter(expired) {
        for invoice in open_with(customer, subscription.id) {
            // Two subscriptions may wait for the payment of one invoice.
            if !voided_already.insert(invoice.id) {
                continue;
            }
            let void = VoidInvoice {
                customer: customer.id,
                invoice: invoice.id,
                reason: Label::try_from("the first payment did not come".to_owned())
                    .expect("a short text"),
                // What it bills of others is billed again.
                rebill: bills_others(customer, invoice, subscription.id),
            };
            // What is paid in part stays open: money was received for it.
            if let Ok(voided) = settlement::void::void(context, customer, &void) {
                events.extend(voided);
            }
        }
        events.push(
            SubscriptionCanceled {
                subscription: subscription.id,
                end: subscription.start,
                credit: CancelCredit::None,
                reason: EndReason::NotPaid,
                change: None,
            }
            .into(),
        );
    }
    events
}
