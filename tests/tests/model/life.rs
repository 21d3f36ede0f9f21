//! Ends, pauses and what undoes them.
//!
//! # Shape
//!
//! Each command finds its instant, checks that it will really happen, and writes a fact or
//! schedules one. What it gives back follows when the subscription is billed.

use schemas::command::{
    CancelSubscription, ChangeSubscription, EndTrial, UncancelSubscription, WithdrawChange,
};
use schemas::ids::SubscriptionId;
use schemas::terms::{
    CancelCredit, CancelDefault, ChangeTime, EndReason, InvoiceTiming, Proration, Settle,
    TrialAnchor,
};

use crate::bill::{Billing, Which, bill};
use crate::book::Book;
use crate::calendar::Calendar;
use crate::change::{Asked, apply};
use crate::civil::Instant;
use crate::compare::unbilled;
use crate::customer::{Customer, Refused, When};
use crate::left_alone::thaw_cycles;
use crate::passing::{View, costs, end, settle, take_effect};
use crate::subscription::{At, Later, Leaving, Subscription};

/// Works on a copy of a subscription; a refusal changes nothing.
pub(crate) fn on<R>(
    book: &Book,
    customer: &mut Customer,
    id: SubscriptionId,
    work: impl FnOnce(&View<'_>, &mut Subscription) -> Result<R, Refused>,
) -> Result<R, Refused> {
    let place = customer.place_of(id)?;
    let seen = customer.clone();
    let view = View { rules: &book.rules, clock: &seen.clock, book, customer: &seen };
    let result = work(&view, &mut customer.subscriptions[place])?;
    Ok(result)
}

/// Something ends (or begins), and so at which end of its day it counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counts {
    Begins,
    Ends,
}

/// When a command takes effect; none where that is now.
pub(crate) fn time_of(
    view: &View<'_>,
    of: &Subscription,
    told: ChangeTime,
    when: When,
    counts: Counts,
) -> Result<(Instant, Option<At>), Refused> {
    let now = match counts {
        Counts::Begins => view.clock.moment(when.effective),
        Counts::Ends => view.clock.end_moment(when.effective),
    };
    // What has not begun can still be changed.
    if now < of.start && of.start <= when.recorded {
        return Err("before the subscription starts");
    }
    match told {
        ChangeTime::Now => Ok((now, None)),
        ChangeTime::CycleEnd => {
            let effective = view.clock.moment(when.effective);
            let end = of.told_end(view.rules, view.clock, effective);
            let at = end.ok_or("there is no cycle any more")?;
            // An end of a cycle that has come is no time to wait for.
            Ok((at, (when.recorded < at).then_some(At::Time(at))))
        }
        ChangeTime::On(date) => {
            if i64::from(date.days()) <= view.clock.day(when.recorded) {
                return Err("the day has passed");
            }
            let start = view.clock.start_of(date.days().into());
            let at = match counts {
                Counts::Begins => start,
                Counts::Ends => view.clock.end_moment(start),
            };
            Ok((at, Some(At::Time(at))))
        }
        ChangeTime::WhenPaid => {
            let open = |invoice: &&crate::customer::Invoice| {
                invoice.open() > 0 && invoice.has(view.customer, of.id)
            };
            if !view.customer.invoices.iter().any(|invoice| open(&invoice)) {
                return Err("nothing is open");
            }
            Ok((now, Some(At::Paid)))
        }
    }
}

/// It lives, and is not known to end before an instant.
pub(crate) fn lives(of: &Subscription, at: Instant, told: Option<At>) -> Result<(), Refused> {
    if of.end.is_some() {
        return Err("it has ended");
    }
    if of.known_end().is_some_and(|(end, _)| end <= at) && told != Some(At::Paid) {
        return Err("beyond the end");
    }
    Ok(())
}

pub(crate) fn change(
    book: &Book,
    customer: &mut Customer,
    command: &ChangeSubscription,
    when: When,
) -> Result<(), Refused> {
    let billed_now = on(book, customer, command.subscription, |view, of| {
        let nothing = command.plan.is_none()
            && command.quantity.is_none()
            && command.items.as_ref().is_none_or(Vec::is_empty)
            && command.anchor.is_none();
        if nothing {
            return Err("nothing to change");
        }
        let (at, later) = time_of(view, of, command.when, when, Counts::Begins)?;
        lives(of, at, later)?;
        if crate::activation::waits(view.book, view.customer, of, when.recorded) {
            return Err("it waits for its first payment");
        }
        if let Some(later) = later {
            // What cannot be done is refused now, and not when its time has come.
            let mut then = of.clone();
            // What waits for a payment does not happen before it was asked for.
            let now = view.clock.moment(when.recorded);
            let at = if later == At::Paid { at.max(now) } else { at };
            let mut known = of.clone();
            crate::passing::pass(view, &mut known, at);
            let meant = known.names_at(at);
            crate::giving_way::give_way(&mut then, command, Some(later), &meant);
            crate::passing::pass(view, &mut then, at);
            let meant_then = then.names_at(at);
            apply(view, &mut then, command, (at, Asked::Now))?;
            let before = of.clone();
            crate::giving_way::give_way(of, command, Some(later), &meant);
            let stays = crate::giving_way::billed_ahead(view, (&before, of), command);
            let mut command = command.clone();
            if let Some(plan) = command.plan {
                let currency = view.customer.currency;
                let version = view.book.on_sale(plan, command.version, currency)?;
                command.version = Some(version.number);
            }
            of.schedule(later, Later::Change(Box::new(command.clone())));
            // What begins until then is not meant yet.
            let there = of.items.len();
            let meant = meant_then.into_iter().filter(|named| named.place < there);
            of.meant.insert(of.numbers, meant.collect());
            of.stays.insert(of.numbers, stays);
            of.told_by.insert(of.numbers, view.book.commands);
            of.follows_the_cycle(command.when);
            return Ok(false);
        }
        let before = of.clone();
        let mut left = of.clone();
        crate::giving_way::give_way(&mut left, command, None, &before.names_at(at));
        let stays = crate::giving_way::billed_ahead(view, (&before, &left), command);
        of.stays.insert(0, stays);
        let touched = apply(view, of, command, (at, Asked::Now));
        of.stays.remove(&0);
        let touched = touched?;
        for place in &touched.restarted {
            let Some(item) = before.items.get(*place) else { continue };
            // What begins in its first cycle has none before.
            let there = item.terms.first_key_value().is_some_and(|(began, _)| *began <= at);
            let current = item.cycle_at(view.rules, view.clock, when.recorded);
            if there && current.is_some_and(|current| at < current.start) {
                return Err("cycles that are over keep their length");
            }
        }
        crate::giving_way::give_way(of, command, None, &before.names_at(at));
        Ok(!touched.items.is_empty() && settle(view.rules, command.proration) == Settle::Now)
    })?;
    if billed_now {
        bill(book, customer, &Billing::now(Which::Of(command.subscription), when));
    }
    Ok(())
}

/// It may end at an instant: its least term is over, or has a fee.
pub(crate) fn may_end(of: &Subscription, at: Instant) -> Result<(), Refused> {
    match of.is_early(at) {
        Some(least) if least.fee.is_none() => Err("it is agreed for longer"),
        Some(_) | None => Ok(()),
    }
}

/// What an end gives back if nothing is said.
pub(crate) const fn default_credit(book: &Book) -> CancelCredit {
    match book.rules.of.cancel_default {
        CancelDefault::Credit => CancelCredit::Prorated,
        CancelDefault::Keep => CancelCredit::None,
    }
}

pub(crate) fn cancel(
    book: &Book,
    customer: &mut Customer,
    command: &CancelSubscription,
    when: When,
) -> Result<(), Refused> {
    let id = command.subscription;
    let credit = command.credit.unwrap_or_else(|| default_credit(book));
    let waived = command.waive_fee == Some(true);
    let now = on(book, customer, id, |view, of| {
        let (at, later) = time_of(view, of, command.when, when, Counts::Ends)?;
        // What has not begun ends where it would have.
        let at = at.max(of.start);
        if of.end.is_some() {
            return Err("it has ended");
        }
        // What waits for a payment ends when that comes: not before now.
        let ends = if later == Some(At::Paid) { at.max(when.recorded) } else { at };
        if !waived {
            may_end(of, ends)?;
        }
        let later = later.map(|told| if told == At::Paid { told } else { At::Time(at) });
        let canceled = |later: &Later| matches!(later, Later::Cancel(_));
        let scheduled = of.scheduled.iter().any(|known| canceled(&known.what));
        if later.is_some() && scheduled {
            return Err("it will end already");
        }
        if !scheduled {
            lives(of, at, later)?;
        }
        if of.laid_anew().is_some_and(|from| at < from) && later != Some(At::Paid) {
            return Err("before cycles were laid anew");
        }
        let Some(later) = later else {
            of.scheduled.retain(|known| !canceled(&known.what));
            if crate::activation::waits(view.book, view.customer, of, when.recorded) {
                // What was never paid for has not begun.
                end(of, of.start, CancelCredit::None, EndReason::Canceled);
                return Ok(true);
            }
            end(of, at, credit, EndReason::Canceled);
            if let Some(end) = &mut of.end {
                end.begun = view.clock.moment(when.recorded);
            }
            if !waived {
                costs(of);
            }
            return Ok(true);
        };
        let beyond = |known: &At| matches!(known, At::Time(time) if at <= *time);
        if later != At::Paid {
            let (gone, stay) =
                std::mem::take(&mut of.scheduled).into_iter().partition(|known| beyond(&known.at));
            (of.set_aside, of.scheduled) = (gone, stay);
        }
        of.schedule(later, Later::Cancel(Leaving { credit, waived }));
        of.follows_the_cycle(command.when);
        Ok(false)
    })?;
    let which =
        if now && credit != CancelCredit::None { Which::Of(id) } else { Which::WontBegin(id) };
    bill(book, customer, &Billing::now(which, when));
    Ok(())
}

pub(crate) fn uncancel(
    book: &Book,
    customer: &mut Customer,
    command: &UncancelSubscription,
    when: When,
) -> Result<(), Refused> {
    let mut fees = Vec::new();
    on(book, customer, command.subscription, |view, of| {
        if of.waits() {
            return Err("it waits for its first payment");
        }
        if let Some(ended) = of.end.clone() {
            if ended.reason != EndReason::Canceled {
                return Err("it did not end by a cancellation");
            }
            let inclusive = view.rules.of.proration == Proration::ByDayInclusive;
            let last = view.clock.day(ended.at) - i64::from(inclusive);
            if last < view.clock.day(when.recorded) {
                return Err("the end has passed");
            }
            of.end = None;
            thaw_cycles(view, of, ended.at);
            of.scheduled.extend(ended.withdrawn);
            fees.clone_from(&of.fees);
        } else if !undo_scheduled(view, of) {
            return Err("it is not canceled");
        }
        of.scheduled.sort_by_key(|known| known.number);
        Ok(())
    })?;
    // A fee that waits is withdrawn.
    customer.pending.retain(|charge| !fees.contains(&charge.id));
    Ok(())
}

/// Takes a scheduled cancellation back, with what it set aside.
pub(crate) fn undo_scheduled(view: &View<'_>, of: &mut Subscription) -> bool {
    let canceled = |known: &crate::subscription::Scheduled| matches!(known.what, Later::Cancel(_));
    let Some(end) = of.scheduled.iter().find(|known| canceled(known)).map(|known| known.at) else {
        return false;
    };
    if let At::Time(end) = end {
        thaw_cycles(view, of, end);
    }
    of.scheduled.retain(|known| !canceled(known));
    let aside = std::mem::take(&mut of.set_aside);
    of.scheduled.extend(aside);
    of.scheduled.sort_by_key(|known| known.number);
    true
}

pub(crate) fn withdraw(
    book: &Book,
    customer: &mut Customer,
    command: &WithdrawChange,
    when: When,
) -> Result<(), Refused> {
    let now = when.recorded;
    on(book, customer, command.subscription, |view, of| {
        let found = of.scheduled.iter().position(|known| known.number == command.change);
        let place = found.ok_or("no such change")?;
        if matches!(of.scheduled[place].what, Later::Cancel(_)) {
            undo_scheduled(view, of);
        } else {
            let gone = of.scheduled.remove(place);
            // What was billed ahead in another plan is of this one, and told so now.
            if let (Later::Change(change), At::Time(at)) = (&gone.what, gone.at)
                && change.plan.is_some()
            {
                let told = (at, view.book.commands);
                of.items.iter_mut().for_each(|item| item.replanned.push(told));
            }
            // With a pause goes what ends it.
            if matches!(gone.what, Later::Pause(_)) && of.paused_at(now).is_none() {
                of.scheduled.retain(|known| !matches!(known.what, Later::Resume(_)));
            }
        }
        Ok(())
    })
}

/// What waits for a payment happens once nothing is open that has a line of it.
pub(crate) fn when_paid(book: &Book, customer: &mut Customer, when: When) {
    loop {
        let waits = |of: &&Subscription| of.scheduled.iter().any(|known| known.at == At::Paid);
        let open = |of: &Subscription| {
            let mut invoices = customer.invoices.iter();
            invoices.any(|invoice| invoice.open() > 0 && invoice.has(customer, of.id))
        };
        // What was voided to be billed again is owed, though nothing asks for it now.
        let again = |of: &Subscription| {
            let mut items = of.items.iter().enumerate();
            let unbilled = items.any(|(number, item)| {
                let begun = item.cycles(&customer.rules, &customer.clock, when.recorded + 1);
                begun.iter().any(|cycle| {
                    let missing = unbilled(customer, of, number, cycle);
                    missing.iter().any(|want| of.bills_again(number, cycle.id, want.time))
                })
            });
            let mut charges = customer.pending.iter();
            unbilled || charges.any(|charge| charge.due && charge.of == Some(of.id))
        };
        let mut all = customer.subscriptions.iter();
        let found = all.find(|of| waits(of) && !open(of) && !again(of));
        let Some(id) = found.map(|of| of.id) else { return };
        let mut now = false;
        let mut ends = false;
        let done = on(book, customer, id, |view, of| {
            // In the order in which they were told.
            of.scheduled.sort_by_key(|known| known.number);
            let place = of.scheduled.iter().position(|known| known.at == At::Paid);
            let scheduled = of.scheduled.remove(place.expect("it waits"));
            ends = matches!(scheduled.what, Later::Cancel(_));
            let at = match scheduled.what {
                Later::Cancel(_) => view.clock.end_moment(when.recorded).max(of.start),
                Later::Change(_) | Later::Pause(_) | Later::Resume(_) => {
                    view.clock.moment(when.recorded)
                }
            };
            let before = std::mem::take(&mut of.owes_a_bill);
            take_effect(view, of, (scheduled.number, scheduled.what), at);
            if let Some(end) = &mut of.end {
                end.begun = end.begun.max(view.clock.moment(when.recorded));
            }
            now = std::mem::replace(&mut of.owes_a_bill, before);
            Ok(())
        });
        debug_assert!(done.is_ok(), "it was just found");
        if now {
            bill(book, customer, &Billing::now(Which::Of(id), when));
        } else if ends {
            bill(book, customer, &Billing::now(Which::WontBegin(id), when));
        }
    }
}

/// A trial ends now: from then on it is paid for.
pub(crate) fn end_trial(
    book: &Book,
    customer: &mut Customer,
    command: &EndTrial,
    when: When,
) -> Result<(), Refused> {
    on(book, customer, command.subscription, |view, of| {
        let at = view.clock.moment(when.effective);
        let now = view.clock.moment(when.recorded);
        if of.end.is_some() || at < of.start {
            return Err("it does not run");
        }
        if of.trial_end.is_none_or(|end| end <= now || end <= at) {
            return Err("it is in no trial");
        }
        if crate::activation::waits(view.book, view.customer, of, when.recorded) {
            return Err("it waits for its first payment");
        }
        let other = |item: &crate::item::Item| {
            let every = item.terms_at(at).map(|terms| terms.every);
            let mut later = item.terms.range(at + 1..).filter_map(|(_, terms)| terms.as_ref());
            every.is_some_and(|every| later.any(|terms| terms.every != every))
        };
        if of.items.iter().any(other) {
            return Err("a later change has laid its cycles");
        }
        of.trial_end = Some(at);
        if view.rules.of.trial_anchor == TrialAnchor::SubscriptionStart {
            return Ok(());
        }
        let told = of.anchor.unwrap_or(view.rules.default_anchor());
        for item in &mut of.items {
            // Also of what ends later.
            let terms = item.terms_at(at).or_else(|| item.last_terms());
            let Some(every) = terms.map(|terms| terms.every) else { continue };
            // What was left alone of the old cycles comes back with them.
            let last = item.calendars.len() - 1;
            crate::left_alone::thaw_for_ever(item, at, last);
            item.lay(Calendar::anchored(view.rules, view.clock, told, (at, at), every));
        }
        Ok(())
    })?;
    if command.invoice == Some(InvoiceTiming::Now) {
        bill(book, customer, &Billing::now(Which::Of(command.subscription), when));
    }
    Ok(())
}
