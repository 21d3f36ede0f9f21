//! When a billing run has something to do for a customer.
//!
//! The day is decided with the commit that moves it and is an event: folding asks no calendar.

use schemas::event::{
    CustomerEvent, DueSet, Event, ScheduledFor, SettlementEvent, SubscriptionEvent,
};
use schemas::terms::ChangeBilling;
use schemas::{Date, Timestamp};

use super::table::{PROCESSES, When};
use crate::billing::Account;
use crate::billing::pieces::{self, Place};
use crate::subscription::state::Subscription;

/// Whether an event can move the day.
pub(crate) fn moves(event: &Event) -> bool {
    match event {
        Event::Customer(event) => match event {
            CustomerEvent::CustomerParked(_) | CustomerEvent::CustomerReleased(_) => true,
            CustomerEvent::CustomerRegistered(_)
            | CustomerEvent::CustomerRenamed(_)
            | CustomerEvent::CustomerEmailChanged(_)
            | CustomerEvent::CustomerTermsChanged(_)
            | CustomerEvent::CustomerExternalIdChanged(_) => false,
        },
        Event::Subscription(event) => !is_aside(event),
        Event::Billing(_) | Event::Settlement(SettlementEvent::InvoiceVoided(_)) => true,
        Event::Settlement(_)
        | Event::Process(_)
        | Event::Book(_)
        | Event::Seller(_)
        | Event::Catalog(_) => false,
    }
}

/// Offers and discounts change amounts, not days.
fn is_aside(event: &SubscriptionEvent) -> bool {
    matches!(
        event,
        SubscriptionEvent::QuoteCreated(_)
            | SubscriptionEvent::QuoteAccepted(_)
            | SubscriptionEvent::QuoteVoided(_)
            | SubscriptionEvent::DiscountApplied(_)
            | SubscriptionEvent::DiscountRemoved(_)
    )
}

/// The event by which the day becomes another one; none if it stays.
pub(crate) fn set(before: Option<Date>, account: Account<'_>) -> Option<Event> {
    let on = next(account);
    (on != before).then(|| DueSet { on }.into())
}

/// The day on which a billing run has something to do for this customer.
///
/// Pending charges wait for the next cycle; where no cycle is ahead they are due at once, so that
/// nothing is forgotten. What was voided to be billed again is due at once, too.
fn next(account: Account<'_>) -> Option<Date> {
    if account.profile.parked.is_some() {
        return None;
    }
    let subscriptions = account.agreements.subscriptions();
    let cycles = subscriptions.filter_map(|found| due_for(account, found)).min();
    let pending = account.billing.pending().len() > 0;
    let waiting = account.billing.rebill || (cycles.is_none() && pending);
    if waiting { Some(Date::MIN) } else { cycles }
}

/// The first day on which a process has something to do for a subscription.
///
/// Dates that cannot be computed are never due: the decision that would bill them says so.
fn due_for(account: Account<'_>, subscription: &Subscription) -> Option<Date> {
    let days = PROCESSES.iter().filter_map(|process| match process.when {
        When::Day(on) => on(account, subscription),
        When::Job(_) | When::With(_) | When::AtOnce | When::Asked => None,
    });
    days.min()
}

/// The first day of a scheduled change.
pub(super) fn change_on(account: Account<'_>, subscription: &Subscription) -> Option<Date> {
    let days = subscription.scheduled.iter().filter_map(|change| match change.at {
        ScheduledFor::At(at) => account.rules().date(at).ok(),
        ScheduledFor::Paid => None,
    });
    days.min()
}

/// The day on which the contract term is over.
pub(super) fn term_ends_on(account: Account<'_>, subscription: &Subscription) -> Option<Date> {
    let term = subscription.term.filter(|_| subscription.ending.is_none())?;
    account.rules().date(term.span.end()).ok()
}

/// The first day on which a cycle is to be opened, or what of one is not billed.
pub(super) fn cycle_on(account: Account<'_>, subscription: &Subscription) -> Option<Date> {
    let rules = account.rules();
    let differences_wait = match rules.policies.change_billing {
        ChangeBilling::NextInvoice => true,
        ChangeBilling::AtOnce => false,
    };
    let pauses = subscription.pause_spans();
    let ends = |at: Timestamp| subscription.ending.is_some_and(|ending| ending.at <= at);
    let mut due: Vec<Date> = Vec::new();
    for item in &subscription.items {
        let place = Place { account, subscription, item, pauses: &pauses };
        let next = item.next_period(rules).ok().map(|(span, _)| span);
        let next = next.filter(|span| {
            !ends(span.start()) && item.removed_at().is_none_or(|at| span.start() < at)
        });
        let ahead = next.and_then(|span| place.next_due(span));
        let waits = differences_wait && ahead.is_some();
        let opened = |cycle| pieces::due_on(place, cycle, waits);
        due.extend(item.cycles.iter().filter_map(opened).chain(ahead));
    }
    due.into_iter().min()
}
