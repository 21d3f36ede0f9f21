//! How long charges and differences wait for the next invoice.
//!
//! A run makes an invoice for a reason: a cycle of which nothing is billed, time in arrears, what
//! an end or something that happened by itself left, what was voided to be billed again. One-off
//! charges and differences go along with that. Alone they wait for the next invoice, as long as
//! the policy `charge_wait` lets them; where no invoice is to come, they go out with the next run,
//! so that nothing is forgotten.

use schemas::event::{CycleSettled, EventAt};
use schemas::terms::{BillingTiming, ChargeWait};
use schemas::{Date, Rejection, Span, Timestamp};

use super::Account;
use super::ahead::Ahead;
use super::pieces::{Comparison, ahead};
use super::place::Place;
use crate::customer::rules::Rules;
use crate::mistakes::{Mistake, makes};
use crate::spans;
use crate::subscription::advance::{Horizon, opens_on};
use crate::subscription::item::{Cycle, Item};
use crate::subscription::state::Subscription;

/// The longest wait in days; none where the policy lets everything wait.
const fn longest(account: Account<'_>) -> Option<i32> {
    match account.profile.rules.policies.charge_wait {
        ChargeWait::Days31 => Some(31),
        ChargeWait::NextInvoice => None,
    }
}

/// Cycles further ahead than so many days are not looked for.
const HORIZON_DAYS: i32 = 500;

/// Whether what waits has waited long enough.
///
/// # Errors
/// A date that cannot be computed.
pub(super) fn is_over(account: Account<'_>, horizon: Horizon) -> Result<bool, Rejection> {
    let today = account.rules().date(horizon.now)?;
    goes_out(account, horizon.day.max(today))
}

/// Whether a run on a day sends out what waits: no invoice is to come for it, or none that comes
/// in time.
///
/// # Errors
/// A date that cannot be computed.
pub(crate) fn goes_out(account: Account<'_>, day: Date) -> Result<bool, Rejection> {
    let last = longest(account).map(|longest| day.plus_days(longest)).transpose()?;
    let days = &account.billing.days;
    // What has nothing to do before a day is not invoiced before it.
    let in_time = |(on, _): &(Date, _)| last.is_none_or(|last| *on <= last);
    let due = days.in_order().take_while(in_time).map(|(_, id)| id);
    for subscription in
        days.touched().chain(due).filter_map(|id| account.agreements.subscription(id))
    {
        let next = next_invoice(account, subscription, day)?;
        if next.is_some_and(|next| last.is_none_or(|last| next <= last)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The first day after `day` on which a cycle of a subscription is billed, as far as one looks.
///
/// # Errors
/// A date that cannot be computed.
fn next_invoice(
    account: Account<'_>,
    subscription: &Subscription,
    day: Date,
) -> Result<Option<Date>, Rejection> {
    if subscription.ending.is_some() || subscription.waits() {
        return Ok(None);
    }
    let pauses = subscription.known_pauses();
    let mut next: Option<Date> = None;
    for item in &subscription.items {
        let place = Place { account, subscription, item, pauses: &pauses };
        next = [next, next_of(place, day)?].into_iter().flatten().min();
    }
    Ok(next)
}

fn next_of(place: Place<'_>, day: Date) -> Result<Option<Date>, Rejection> {
    let Place { subscription, item, pauses, .. } = place;
    let rules = place.rules();
    let mut days: Vec<Date> = Vec::new();
    for number in place.account.billing.unsettled(subscription.id, item.number) {
        let cycle = item.cycle(*number).expect("what was billed of a cycle was opened");
        if rules.date(cycle.end)? <= day && rules.date(cycle.start)? <= day {
            // What is billed after `day` is of cycles that end after it.
            continue;
        }
        // What is billed already is no next invoice.
        let compared = Comparison::of(place, cycle);
        // Nor is a difference, which waits for one.
        for missing in compared.missing()?.into_iter().filter(|missing| missing.reason) {
            let after_pause = follows_a_pause(pauses, missing.time);
            let goes_on = rules.date(missing.time.start())?;
            days.push(if after_pause { missing.due.max(goes_on) } else { missing.due });
        }
    }
    let last = day.plus_days(HORIZON_DAYS)?;
    let given_up = place.account.billing.given_up_behind(subscription.id, item.number);
    let left_of =
        |time: Span| given_up.iter().fold(vec![time], |set, span| spans::without(&set, *span));
    let mut n = 0;
    loop {
        let (span, full) = item.period_ahead(n, rules)?;
        if !is_ahead(subscription, item, span, rules) || opens_on(item, span, rules)? > last {
            break;
        }
        let index = item.next_cycle() + n;
        let (start, end) = (span.start(), span.end());
        let cycle = Cycle { index, start, end, full, made: EventAt::here(0), after: 0 };
        let mut charged = ahead(place, &cycle)?;
        // What is left of a cycle that is given up in part is a difference, unless in arrears.
        charged.retain(|(segment, _)| match segment.terms.timing {
            BillingTiming::InAdvance => left_of(span) == [span],
            BillingTiming::InArrears => !left_of(segment.span).is_empty(),
        });
        if charged.is_empty() {
            match sleeps_until(place, &cycle) {
                None => break,
                Some(until) => n = item.first_ahead_after(n + 1, until, rules)?,
            }
            continue;
        }
        for (segment, due) in charged {
            let after_pause = follows_a_pause(pauses, segment.span);
            let goes_on = rules.date(segment.span.start())?;
            days.push(if after_pause { due.max(goes_on) } else { due });
        }
        if days.iter().any(|found| *found > day) {
            break;
        }
        n += 1;
    }
    Ok(days.into_iter().filter(|found| *found > day).min())
}

/// What follows a pause is billed when it goes on, though its cycle may have begun before.
fn follows_a_pause(pauses: &[Span], time: Span) -> bool {
    pauses.iter().any(|pause| pause.end() == time.start())
}

/// Up to when nothing of an item is billed that has nothing to bill in a cycle; none if that is
/// for ever, as far as it is known.
fn sleeps_until(place: Place<'_>, cycle: &Cycle) -> Option<Timestamp> {
    let Place { subscription, pauses, .. } = place;
    let begins = subscription.trial_end.unwrap_or(subscription.start);
    let pause = pauses.iter().filter(|pause| pause.contains(cycle.start.max(begins)));
    let wakes = pause.map(|pause| pause.end()).max().filter(|end| cycle.end < *end);
    match wakes {
        Some(Timestamp::MAX) => None,
        Some(wakes) => Some(wakes),
        None if cycle.end < begins => Some(begins),
        None => Some(cycle.end),
    }
}

fn is_ahead(subscription: &Subscription, item: &Item, span: Span, rules: &Rules) -> bool {
    let removed = item.removed_at().is_some_and(|at| at <= span.start());
    !removed && subscription.known_end(rules).is_none_or(|known| span.start() < known.at)
}

/// What of a subscription's unsettled cycles is not billed.
#[derive(Default)]
pub(crate) struct Differences {
    /// The first day on which something of it is a reason for an invoice.
    pub(crate) due: Option<Date>,
    /// Something waits for an invoice.
    pub(crate) waits: bool,
    /// Something differs, if only by nothing.
    pub(crate) differs: bool,
    /// Cycles that have begun and of which all is billed.
    pub(crate) settled: Vec<CycleSettled>,
}

/// Compares the unsettled cycles of a subscription with what is billed of them.
///
/// # Errors
/// A date that cannot be computed.
pub(crate) fn differences(
    account: Account<'_>,
    subscription: &Subscription,
    ahead: &Ahead,
    now: Timestamp,
) -> Result<Differences, Rejection> {
    let now_paused = subscription.pause_spans();
    let owed = subscription.ending.is_some() || account.billing.owes_a_bill(subscription.id);
    let mut found = Differences::default();
    let note =
        |due: &mut Option<Date>, day: Date| *due = due.map_or(Some(day), |d| Some(d.min(day)));
    for item in &subscription.items {
        let unsettled = account.billing.unsettled(subscription.id, item.number);
        account.billing.need(subscription.id, item.number, unsettled);
        for number in unsettled {
            let cycle = item.cycle(*number).expect("what was billed of a cycle was opened");
            let (place, cycle) = ahead.place(account, (subscription, &now_paused), item, cycle);
            let compared = Comparison::of(place, cycle);
            for gone in &compared.gone {
                found.differs = true;
                if account.billing.line(gone.line).gross.is_zero() {
                    continue;
                }
                found.waits = true;
                if owed || compared.is_again(gone.time) {
                    note(&mut found.due, Date::MIN);
                }
            }
            let missing = compared.missing()?;
            let is_settled = compared.gone.is_empty() && missing.is_empty();
            if (is_settled || makes(Mistake::SettledTooEarly)) && cycle.start <= now {
                found.settled.push(CycleSettled { item: item.number, cycle: *number });
            }
            for missing in missing {
                if missing.reason || owed {
                    note(&mut found.due, missing.due);
                } else {
                    found.waits = true;
                }
            }
        }
    }
    Ok(found)
}

/// Whether something of a subscription was voided to be billed again and is not yet: of its charges
/// and of what has begun.
pub(crate) fn bills_again(
    account: Account<'_>,
    subscription: &Subscription,
    now: Timestamp,
) -> bool {
    let charged = |charge: &super::state::Pending| {
        charge.again && charge.added.subscription == Some(subscription.id())
    };
    let pauses = subscription.pause_spans();
    let cycle_bills_again = |item: &Item, number: u32| {
        let cycle = item.cycle(number).expect("what was billed of a cycle was opened");
        let place = Place { account, subscription, item, pauses: &pauses };
        if now < cycle.start || !place.bill(cycle).bills_again() {
            return false;
        }
        let compared = Comparison::of(place, cycle);
        compared
            .missing()
            .is_ok_and(|all| all.iter().any(|missing| compared.is_again(missing.time)))
    };
    account.billing.pending().any(charged)
        || subscription.items.iter().any(|item| {
            let unsettled = account.billing.unsettled(subscription.id, item.number);
            unsettled.iter().any(|cycle| cycle_bills_again(item, *cycle))
        })
}

/// In builds of tests: cycles that are settled and should not be.
///
/// # Errors
/// A date that cannot be computed.
#[cfg(feature = "mistakes")]
pub(crate) fn unsettled_by_now(
    account: Account<'_>,
    subscription: &Subscription,
    now: Timestamp,
) -> Result<Vec<CycleSettled>, Rejection> {
    let pauses = subscription.pause_spans();
    let mut found = Vec::new();
    for item in &subscription.items {
        let unsettled = account.billing.unsettled(subscription.id, item.number);
        for cycle in item.cycles.iter().filter(|cycle| cycle.start <= now) {
            let place = Place { account, subscription, item, pauses: &pauses };
            if unsettled.binary_search(&cycle.index).is_ok() {
                continue;
            }
            let compared = Comparison::of(place, cycle);
            if !compared.gone.is_empty() || !compared.missing()?.is_empty() {
                found.push(CycleSettled { item: item.number, cycle: cycle.index });
            }
        }
    }
    Ok(found)
}
