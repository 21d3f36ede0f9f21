//! A subscription that begins with its first payment: what was paid runs from there.

use schemas::event::{ItemMoved, LeastTerm, LineMoved, LineSource, SubscriptionMoved, Term};
use schemas::ids::{InvoiceId, SubscriptionId};
use schemas::terms::{Anchor, BillingTiming};
use schemas::{Date, Rejection, Span, Timestamp};

use super::Account;
use super::proration::service;
use super::state::{Billed, Line};
use crate::context::Context;
use crate::subscription::calendar::{self, calendar};
use crate::subscription::create::days_after;
use crate::subscription::item::Item;
use crate::subscription::state::Subscription;
use crate::subscription::term::term_span;

/// What moves where a subscription begins with the payment of an invoice; none where it begins as
/// agreed: with a trial, with an anchor of its own, where cycles lie with the calendar (the first
/// is a part of one then, and so is what was paid), where it was paid on its first day, and where
/// it has begun before: something of it was billed earlier, or served before anything was asked.
///
/// # Errors
/// A date that cannot be computed.
pub(crate) fn with_payment(
    context: &Context<'_>,
    account: Account<'_>,
    id: SubscriptionId,
    (invoice, paid_at): (InvoiceId, Timestamp),
) -> Result<Option<SubscriptionMoved>, Rejection> {
    let rules = account.rules();
    let Some(subscription) = account.agreements.subscription(id) else { return Ok(None) };
    let follows_start = calendar::told(subscription.anchor, rules) == Anchor::Anniversary;
    let start = rules.moment(paid_at)?;
    if start <= subscription.start || subscription.trial_end.is_some() || !follows_start {
        return Ok(None);
    }
    if !waited_from_its_start(account, subscription, invoice) {
        return Ok(None);
    }
    let entity = context.sellers.entity(account.profile.entity)?;
    let effective = entity.zone.date_at(context.stamp.effective_at)?;
    // What notes have settled before stays settled.
    let split = account.billing.invoice(invoice).into_iter().flat_map(Billed::lines);
    let posting_date = split.map(|line| line.earning.posted).fold(effective, Date::max);
    let mut items = Vec::with_capacity(subscription.items.len());
    let mut lines = Vec::new();
    for item in &subscription.items {
        let moved = item_moved(account, id, item, start)?;
        for (cycle, span) in (0..).zip(&moved.cycles) {
            let bill = account.billing.cycle(id, item.number, cycle);
            let bill = bill.expect("what was billed was opened");
            for at in bill.lines() {
                let line = account.billing.line(*at);
                let before = posting_date.plus_days(-1)?;
                let through = line.earning.recognised_through(before);
                lines.push(LineMoved {
                    line: account.billing.name(*at),
                    kept: line.earned.plus(through)?,
                    service: service(*span, rules)?,
                    left: line.earning.amount.minus(through)?,
                    currency: line.earning.currency,
                });
            }
        }
        items.push(moved);
    }
    let steps = steps(account, subscription, start)?;
    let term = match subscription.term {
        None => None,
        Some(term) => {
            let span = term_span(start, start, term.length, rules)?;
            Some(Term { span, ..term })
        }
    };
    let least_term = match subscription.least_term {
        None => None,
        Some(least) => {
            let until = term_span(start, start, least.length, rules)?.end();
            Some(LeastTerm { until, ..least })
        }
    };
    Ok(Some(SubscriptionMoved { start, term, least_term, steps, items, lines, posting_date }))
}

/// Nothing of it was served before the invoice was paid: the invoice is the first with a line of
/// it, bills whole cycles, and asks for something that was due at its start. No phase, discount by
/// cycles, credit or scheduled change hangs on its days.
fn waited_from_its_start(
    account: Account<'_>,
    subscription: &Subscription,
    invoice: InvoiceId,
) -> bool {
    let id = subscription.id();
    let asked = |line: &Line| match line.source {
        LineSource::Charge(_) => line.net.is_positive(),
        LineSource::Cycle { item, cycle, .. } => {
            let terms = subscription.item(item).and_then(|item| item.terms_at(subscription.start));
            let ahead = terms.is_some_and(|terms| terms.timing == BillingTiming::InAdvance);
            cycle == 0 && ahead && line.net.is_positive()
        }
        LineSource::Invoice => false,
    };
    if !subscription.scheduled.is_empty()
        || !subscription.aside.is_empty()
        || subscription.phases.is_some()
    {
        return false;
    }
    let billed = account.billing.invoice(invoice);
    let mut lines = billed.into_iter().flat_map(Billed::lines);
    let of_it = lines.any(|line| line.is_of(id) && asked(line));
    of_it
        && subscription.items.iter().all(|item| {
            item.cycles.iter().all(|cycle| {
                let bill = account.billing.cycle(id, item.number, cycle.index);
                let bill = bill.expect("a cycle that was opened can be billed");
                bill.lines().iter().all(|at| {
                    let line = account.billing.line(*at);
                    let span = line.priced.as_ref().map(|priced| priced.pricing.span);
                    account.billing.name(*at).invoice == invoice
                        && span == Some(cycle.full)
                        && line.credited_time == 0
                        && line.reversed_net.is_zero()
                        && line.discounts.iter().all(|taken| taken.cycle.is_none())
                })
            })
        })
}

/// The item's cycles from the new start on, as many as were billed: others that were opened lie
/// where they will.
fn item_moved(
    account: Account<'_>,
    id: SubscriptionId,
    item: &Item,
    start: Timestamp,
) -> Result<ItemMoved, Rejection> {
    let rules = account.rules();
    let every = item.last_terms().map_or(item.calendar.every, |terms| terms.every);
    let calendar = calendar(start, every, Some(Anchor::Anniversary), rules)?;
    let billed = account.billing.first_unbilled(id, item.number).min(item.next_cycle());
    let mut cycles = Vec::new();
    for n in 0..billed {
        let (span, _): (Span, Span) = calendar::period(&calendar, n, rules)?;
        cycles.push(span);
    }
    Ok(ItemMoved { item: item.number, calendar, cycles })
}

/// Steps of its items keep their distance, in days, from the start. A ramp has not moved: see
/// [`waited_from_its_start`].
fn steps(
    account: Account<'_>,
    subscription: &Subscription,
    start: Timestamp,
) -> Result<Vec<(Timestamp, Timestamp)>, Rejection> {
    let rules = account.rules();
    let mut known: Vec<Timestamp> = subscription.items.iter().flat_map(Item::all_steps).collect();
    known.sort_unstable();
    known.dedup();
    let first = rules.date(subscription.start)?;
    let mut moved = Vec::with_capacity(known.len());
    for at in known {
        let days = rules.date(at)?.days_since(first);
        let to = match u16::try_from(days) {
            Ok(days) if subscription.start < at => days_after(start, days, rules)?,
            Ok(_) | Err(_) => start,
        };
        moved.push((at, to));
    }
    Ok(moved)
}
