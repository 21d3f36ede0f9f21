//! Pauses, and what goes on after them.

use schemas::command::{PauseSubscription, ResumeSubscription};
use schemas::terms::{ChangeBilling, Settle};

use crate::bill::{Billing, Which, bill};
use crate::book::Book;
use crate::civil::Instant;
use crate::customer::{Customer, Refused, When};
use crate::life::{Counts, lives, on, time_of};
use crate::passing::{View, settle};
use crate::subscription::{At, Later, Pause, Subscription};

pub(crate) fn pause(
    book: &Book,
    customer: &mut Customer,
    command: &PauseSubscription,
    when: When,
) -> Result<(), Refused> {
    let how = settle(&book.rules, command.credit);
    let now = on(book, customer, command.subscription, |view, of| {
        let (at, later) = time_of(view, of, command.when, when, Counts::Begins)?;
        if at < of.start {
            return Err("before the subscription starts");
        }
        lives(of, at, later)?;
        if crate::activation::waits(view.book, view.customer, of, when.recorded) {
            return Err("it waits for its first payment");
        }
        let pauses = |later: &Later| matches!(later, Later::Pause(_));
        let after = of.pauses.iter().any(|pause| pause.until.is_none_or(|until| at < until));
        if after || of.scheduled.iter().any(|known| pauses(&known.what)) {
            return Err("it is paused, or will be");
        }
        if let Some(date) = command.resume_on {
            let day = i64::from(date.days());
            let from = if later == Some(At::Paid) { when.recorded } else { at.max(when.recorded) };
            if day <= view.clock.day(from) {
                return Err("it would go on before it pauses");
            }
            let resumes = view.clock.start_of(day);
            lives(of, resumes, Some(At::Time(resumes)))?;
        }
        // Another pause that a scheduled end put aside does not come back beside this one.
        of.set_aside.retain(|known| !matches!(known.what, Later::Pause(_) | Later::Resume(_)));
        match later {
            Some(later) => {
                of.schedule(later, Later::Pause(how));
                of.follows_the_cycle(command.when);
            }
            None => pause_at(view, of, at, how),
        }
        if let Some(date) = command.resume_on {
            let at = At::Time(view.clock.start_of(date.days().into()));
            of.schedule(at, Later::Resume(settle(view.rules, None)));
        }
        Ok(later.is_none())
    })?;
    if now && how == Settle::Now {
        bill(book, customer, &Billing::now(Which::Of(command.subscription), when));
    }
    Ok(())
}

/// It pauses from an instant on.
pub(crate) fn pause_at(view: &View<'_>, of: &mut Subscription, at: Instant, how: Settle) {
    let at_once = view.rules.of.change_billing == ChangeBilling::AtOnce;
    if how == Settle::Now && at_once {
        of.items.iter_mut().for_each(|item| item.settled.push(at));
    }
    if how != Settle::None {
        crate::left_alone::thaw_living(of, at);
    }
    of.pauses.push(Pause { from: at, until: None, kept: how == Settle::None });
}

pub(crate) fn resume(
    book: &Book,
    customer: &mut Customer,
    command: &ResumeSubscription,
    when: When,
) -> Result<(), Refused> {
    let how = settle(&book.rules, command.proration);
    let now = on(book, customer, command.subscription, |view, of| {
        let (at, later) = time_of(view, of, command.when, when, Counts::Begins)?;
        if at < of.start {
            return Err("before the subscription starts");
        }
        lives(of, at, later)?;
        let will = of.scheduled.iter().any(|known| {
            matches!((&known.what, known.at), (Later::Pause(_), At::Time(from)) if from <= at)
        });
        if of.paused_at(at).is_none() && !(will && later.is_some()) {
            return Err("it is not paused");
        }
        let over = of
            .pauses
            .iter()
            .any(|pause| pause.from <= at && pause.until.is_some_and(|until| at < until));
        of.scheduled.retain(|known| over || !matches!(known.what, Later::Resume(_)));
        match later {
            Some(later) => {
                of.schedule(later, Later::Resume(how));
                of.follows_the_cycle(command.when);
            }
            None => resume_at(view, of, (at, None), how),
        }
        Ok(later.is_none())
    })?;
    if now && how == Settle::Now {
        bill(book, customer, &Billing::now(Which::Of(command.subscription), when));
    }
    Ok(())
}

/// It goes on from an instant on.
pub(crate) fn resume_at(
    view: &View<'_>,
    of: &mut Subscription,
    (at, number): (Instant, Option<u32>),
    how: Settle,
) {
    let numbers = number.unwrap_or(of.numbers);
    let running =
        |pause: &&mut Pause| pause.from <= at && pause.until.is_none_or(|until| at < until);
    let Some(pause) = of.pauses.iter_mut().find(running) else { return };
    pause.until = Some(at);
    if how != Settle::None {
        return;
    }
    let id = of.id;
    for (number, item) in of.items.iter_mut().enumerate() {
        if let Some(until) = view.customer.last_cycle_end(id, number).filter(|end| at < *end) {
            let frozen = crate::left_alone::nothing_of(item, (at, until), numbers);
            item.frozen.push(frozen);
        }
    }
}
