//! Decisions that stop a subscription, for a while or for good, and that undo it.

use schemas::Rejection;
use schemas::command::{
    CancelSubscription, PauseSubscription, ResumeSubscription, SetRenewal, UncancelSubscription,
    WithdrawChange,
};
use schemas::event::{
    CancellationUndone, ChangeScheduled, EndAgreed, Event, RenewalSet, ScheduledChange,
    ScheduledChangeWithdrawn, ScheduledFor, SubscriptionCanceled, SubscriptionPaused, Term,
};
use schemas::terms::{CancelCredit, ChangeTime, EarlyEnd, EndReason, InvoiceTiming, Proration};
use schemas::terms::{Renewal, Settle};

use super::advance::reason;
use super::case::{Bill, Case, Decided};
use super::schedule::{
    Changing, Counts, beyond, changing, not_before_anchor, not_before_start, schedule, time_of,
    withdrawal, withdrawn, within_life,
};
use super::state::{Pause, Subscription, default_credit, is_end};
use super::term::ends_by_itself;
use crate::spans::just_before;

/// Ends a subscription now, on a date, at the end of its cycle, or when it is paid.
///
/// What lies beyond the end is put aside until the end is undone. A cycle that was billed and
/// will not begin is credited in the same commit, whatever the command says of credit. What waits
/// for its first payment never began.
pub(super) fn cancel(case: &Case<'_>, command: &CancelSubscription) -> Result<Decided, Rejection> {
    let Changing { at: _, subscription, mut events } = changing(case, command.subscription, false)?;
    let subscription = subscription.as_ref();
    let (id, rules) = (subscription.id, &case.profile.rules);
    let credit = command.credit.unwrap_or(default_credit(rules));
    let waive_fee = command.waive_fee == Some(true);
    let (at, due) = time_of(case, subscription, command.when, Counts::Ends)?;
    // What has not begun ends where it would have.
    let at = at.max(subscription.start);
    let due = due.map(|due| match due {
        ScheduledFor::At(_) => ScheduledFor::At(at),
        ScheduledFor::Paid => ScheduledFor::Paid,
    });
    let scheduled = cancellation(subscription);
    if due.is_some() && scheduled.is_some() {
        return Err(Rejection::CancellationScheduled { subscription: id });
    }
    if scheduled.is_none() {
        within_life(case, subscription, at, due)?;
    }
    if due != Some(ScheduledFor::Paid) {
        not_before_anchor(case, subscription, at)?;
    }
    // What waits for a payment does not end before it comes.
    let ends = match due {
        Some(ScheduledFor::Paid) => at.max(case.context.stamp.recorded_at),
        Some(ScheduledFor::At(_)) | None => at,
    };
    check_least_term(case, subscription, ends, waive_fee)?;
    let Some(due) = due else {
        events.extend(scheduled.map(|change| withdrawal(subscription, change).into()));
        if case.waits(subscription) {
            events.push(never_begins(subscription, EndReason::Canceled).into());
            return Ok(Decided { events, bill: Some(Bill::WontBegin(id)) });
        }
        let begun = rules.moment(case.context.stamp.recorded_at)?;
        let canceled = SubscriptionCanceled {
            subscription: id,
            end: at,
            credit,
            reason: EndReason::Canceled,
            change: None,
            begun,
            fee_waived: waive_fee,
        };
        events.push(canceled.into());
        let bill = match credit {
            CancelCredit::Prorated | CancelCredit::Full => Bill::All(id),
            CancelCredit::None => Bill::WontBegin(id),
        };
        return Ok(Decided { events, bill: Some(bill) });
    };
    let end = ScheduledChange::Cancel(EndAgreed { credit, waive_fee });
    let mut planned = schedule(subscription, 0, due, end, command.when)?;
    planned.sets_aside = beyond(subscription, due);
    events.push(planned.into());
    Ok(Decided { events, bill: Some(Bill::WontBegin(id)) })
}

/// The end of what never was activated: where it would have begun, so that nobody owes anything.
pub(crate) fn never_begins(subscription: &Subscription, reason: EndReason) -> SubscriptionCanceled {
    SubscriptionCanceled {
        subscription: subscription.id,
        end: subscription.start,
        credit: CancelCredit::None,
        reason,
        change: None,
        begun: just_before(subscription.start),
        fee_waived: true,
    }
}

/// Where the least term says so, a subscription does not end before it is over.
fn check_least_term(
    case: &Case<'_>,
    subscription: &Subscription,
    end: schemas::Timestamp,
    waive_fee: bool,
) -> Result<(), Rejection> {
    let Some(least) = subscription.least_term.filter(|least| end < least.until) else {
        return Ok(());
    };
    match least.early_end {
        EarlyEnd::Refused if !waive_fee => {
            let until = case.profile.rules.date(least.until)?;
            Err(Rejection::LeastTerm { subscription: subscription.id, until })
        }
        EarlyEnd::Refused | EarlyEnd::Fee(_) => Ok(()),
    }
}

/// The scheduled cancellation.
fn cancellation(subscription: &Subscription) -> Option<u32> {
    subscription.scheduled.iter().find(|due| is_end(due)).map(|due| due.change)
}

/// Undoes a cancellation that is scheduled, or whose last day is not over. Its notes stay, and the
/// time that they credit is billed again.
pub(super) fn uncancel(
    case: &Case<'_>,
    command: &UncancelSubscription,
) -> Result<Vec<Event>, Rejection> {
    let (id, rules) = (command.subscription, &case.profile.rules);
    let subscription = case.found(id)?;
    if let Some(ending) = subscription.ending.filter(|_| subscription.waits()) {
        let end = rules.date(ending.at)?;
        return Err(Rejection::SubscriptionCanceled { subscription: id, end });
    }
    if subscription.waits() {
        // What the end gave back is not paid: nobody goes on who has not begun.
        return Err(Rejection::NotActiveYet { subscription: id });
    }
    let Some(ending) = subscription.ending else {
        let found =
            cancellation(subscription).ok_or(Rejection::NotCanceled { subscription: id })?;
        // It may have come meanwhile, and nobody was told.
        let now = case.context.stamp.recorded_at;
        let over = subscription.ends_by(now, rules);
        let Some(due) = subscription.change(found).filter(|_| over) else {
            return Ok(vec![withdrawal(subscription, found).into()]);
        };
        let mut then = subscription.clone();
        let made = case.advance().through(&mut then, case.present()?, 0)?;
        let mut events: Vec<Event> = made.into_iter().map(Event::from).collect();
        let Some(ending) = then.ending else {
            // What came before it has moved the end of the cycle.
            events.push(withdrawal(&then, due.change).into());
            return Ok(events);
        };
        // Who has waited for a first payment until then has never begun.
        let before = just_before(ending.at);
        let waited = case.books.waits(case.context.catalog, subscription, before);
        if ending.reason != EndReason::Canceled || waited {
            let end = rules.date(ending.at)?;
            return Err(Rejection::SubscriptionCanceled { subscription: id, end });
        }
        check_undoable(case, id, ending.at)?;
        events.push(CancellationUndone { subscription: id }.into());
        return Ok(events);
    };
    match ending.reason {
        EndReason::Canceled => {}
        EndReason::TermEnded | EndReason::NotPaid => {
            let end = rules.date(ending.at)?;
            return Err(Rejection::SubscriptionCanceled { subscription: id, end });
        }
    }
    check_undoable(case, id, ending.at)?;
    Ok(vec![CancellationUndone { subscription: id }.into()])
}

/// The last day is not over yet: nothing was served since.
fn check_undoable(
    case: &Case<'_>,
    subscription: schemas::ids::SubscriptionId,
    end: schemas::Timestamp,
) -> Result<(), Rejection> {
    let rules = &case.profile.rules;
    let end = rules.date(end)?;
    let last = match rules.policies.proration {
        Proration::ByDayInclusive => end.plus_days(-1)?,
        Proration::BySecond
        | Proration::ByMillisecond
        | Proration::ByMinute
        | Proration::ByDayHalfOpen
        | Proration::Fixed30
        | Proration::Actual
        | Proration::ActualOver30
        | Proration::Strict30360 => end,
    };
    if last < rules.date(case.context.stamp.recorded_at)? {
        return Err(Rejection::SubscriptionCanceled { subscription, end });
    }
    Ok(())
}

/// Withdraws a scheduled change.
pub(super) fn withdraw(case: &Case<'_>, command: &WithdrawChange) -> Result<Vec<Event>, Rejection> {
    let Changing { at: _, subscription, mut events } = changing(case, command.subscription, false)?;
    let (id, change) = (subscription.id, command.change);
    if subscription.change(change).is_none() {
        return Err(Rejection::UnknownChange { subscription: id, change });
    }
    events.push(withdrawal(&subscription, change).into());
    if let Some(due) = subscription.change(change) {
        events.extend(case.advance().without(&subscription, due)?.into_iter().map(Event::from));
    }
    // With a pause goes what ends it.
    let pause = |due: &ChangeScheduled| matches!(due.what, ScheduledChange::Pause(_));
    let now = case.context.stamp.recorded_at;
    if subscription.change(change).is_some_and(pause) && subscription.paused_at(now).is_none() {
        events
            .extend(withdrawn(&subscription, |due| matches!(due.what, ScheduledChange::Resume(_))));
    }
    Ok(events)
}

/// Stops a subscription for a while, perhaps until a date.
pub(super) fn pause(case: &Case<'_>, command: &PauseSubscription) -> Result<Decided, Rejection> {
    let Changing { at: _, subscription, mut events } = changing(case, command.subscription, false)?;
    let subscription = subscription.as_ref();
    let (id, rules) = (subscription.id, &case.profile.rules);
    let (from, due) = time_of(case, subscription, command.when, Counts::Begins)?;
    not_before_start(case, subscription, from)?;
    within_life(case, subscription, from, due)?;
    if case.waits(subscription) {
        return Err(Rejection::NotActiveYet { subscription: id });
    }
    let overlaps = |pause: &Pause| pause.until.is_none_or(|until| from < until);
    let waits = |due: &ScheduledChange| matches!(due, ScheduledChange::Pause(_));
    if subscription.pauses.iter().any(overlaps)
        || subscription.scheduled.iter().any(|due| waits(&due.what))
    {
        return Err(Rejection::AlreadyPaused { subscription: id, at: rules.date(from)? });
    }
    let now = case.context.stamp.recorded_at;
    let resume = match command.resume_on {
        None => None,
        Some(date) => {
            let begins = match due {
                Some(ScheduledFor::Paid) => now,
                Some(ScheduledFor::At(_)) | None => from.max(now),
            };
            let from = rules.date(begins)?;
            if date <= from {
                return Err(Rejection::ResumePassed { date, from });
            }
            let at = rules.local.start_of(date)?;
            within_life(case, subscription, at, Some(ScheduledFor::At(at)))?;
            Some(at)
        }
    };
    // What a scheduled end put aside of another pause would come back beside this one.
    let pauses = |due: &&ChangeScheduled| {
        matches!(due.what, ScheduledChange::Pause(_) | ScheduledChange::Resume(_))
    };
    let aside = subscription.aside.iter().filter(pauses);
    events.extend(aside.map(|due| Event::from(withdrawal(subscription, due.change))));
    let settle = rules.settle(command.credit);
    match due {
        Some(due) => {
            let what = ScheduledChange::Pause(settle);
            events.push(schedule(subscription, 0, due, what, command.when)?.into());
        }
        None => {
            events.push(SubscriptionPaused { subscription: id, from, settle, change: None }.into());
        }
    }
    if let Some(on) = resume {
        let before = usize::from(due.is_some());
        let what = ScheduledChange::Resume(rules.settle(None));
        let when = ChangeTime::Now;
        events.push(schedule(subscription, before, ScheduledFor::At(on), what, when)?.into());
    }
    // What is only scheduled gives nothing back yet.
    let invoice = if due.is_none() { timing(settle) } else { InvoiceTiming::Next };
    Ok(Decided::billed(events, id, invoice))
}

const fn timing(settle: Settle) -> InvoiceTiming {
    match settle {
        Settle::Now => InvoiceTiming::Now,
        Settle::Next | Settle::None => InvoiceTiming::Next,
    }
}

/// Lets a paused subscription go on.
pub(super) fn resume(case: &Case<'_>, command: &ResumeSubscription) -> Result<Decided, Rejection> {
    let Changing { at: _, subscription, mut events } = changing(case, command.subscription, false)?;
    let subscription = subscription.as_ref();
    let (id, rules) = (subscription.id, &case.profile.rules);
    let (on, due) = time_of(case, subscription, command.when, Counts::Begins)?;
    not_before_start(case, subscription, on)?;
    within_life(case, subscription, on, due)?;
    let will_pause = |known: &ChangeScheduled| match (&known.what, known.at) {
        (ScheduledChange::Pause(_), ScheduledFor::At(from)) => from <= on,
        (
            ScheduledChange::Pause(_)
            | ScheduledChange::Resume(_)
            | ScheduledChange::Items(_)
            | ScheduledChange::Cancel(_),
            _,
        ) => false,
    };
    let paused = subscription.pauses.iter().any(|pause| pause.runs_at(on));
    if !paused && (due.is_none() || !subscription.scheduled.iter().any(will_pause)) {
        return Err(Rejection::NotPaused { subscription: id, at: rules.date(on)? });
    }
    let settle = rules.settle(command.proration);
    // A pause that is over has its resumption behind it.
    let over = subscription.pauses.iter().any(|pause| pause.runs_at(on) && pause.until.is_some());
    events.extend(withdrawn(subscription, |due| {
        !over && matches!(due.what, ScheduledChange::Resume(_))
    }));
    if let Some(due) = due {
        let what = ScheduledChange::Resume(settle);
        events.push(schedule(subscription, 0, due, what, command.when)?.into());
        return Ok(events.into());
    }
    events.push(case.advance().resumed(subscription, on, settle, None).into());
    Ok(Decided::billed(events, id, timing(settle)))
}

/// Withdraws what is scheduled for the end of a term or later, and says why.
fn without_what_lies_beyond(
    case: &Case<'_>,
    subscription: &Subscription,
    end: schemas::Timestamp,
) -> Result<Vec<Event>, Rejection> {
    let (id, rules) = (subscription.id, &case.profile.rules);
    let mut known: Vec<&ChangeScheduled> =
        subscription.scheduled.iter().chain(&subscription.aside).collect();
    // An end that was put aside for another brings nothing back.
    known.sort_by_key(|due| (!is_end(due), due.change));
    let mut events = Vec::new();
    for due in known {
        let ScheduledFor::At(at) = due.at else { continue };
        if end <= at {
            let (at, end) = (rules.date(at)?, rules.date(end)?);
            let beyond = Rejection::BeyondEnd { subscription: id, at, end };
            let why = Some(reason(&beyond));
            events.push(
                ScheduledChangeWithdrawn { why, ..withdrawal(subscription, due.change) }.into(),
            );
        }
    }
    Ok(events)
}

/// Changes what follows when the contract term ends. What was billed beyond the end of a term that
/// is not renewed will not begin.
pub(super) fn set_renewal(case: &Case<'_>, command: &SetRenewal) -> Result<Decided, Rejection> {
    let Changing { at: _, subscription, mut events } = changing(case, command.subscription, false)?;
    let (id, renewal): (_, Renewal) = (subscription.id, command.renewal);
    let rules = &case.profile.rules;
    match subscription.term {
        None => Err(Rejection::NoTerm { subscription: id }),
        Some(term) if term.renewal == renewal => Ok(events.into()),
        Some(term) => {
            // Not to renew is to leave: what was to happen then or later will not.
            if let Some(end) = ends_by_itself(Term { renewal, ..term }, subscription.start, rules)?
            {
                check_least_term(case, &subscription, end, false)?;
                events.extend(without_what_lies_beyond(case, &subscription, end)?);
            }
            events.push(RenewalSet { subscription: id, renewal }.into());
            let bill = match renewal {
                Renewal::Cancel | Renewal::RenewOnce => Some(Bill::WontBegin(id)),
                Renewal::Renew | Renewal::Evergreen => None,
            };
            Ok(Decided { events, bill })
        }
    }
}
