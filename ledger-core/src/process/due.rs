//! When a billing run has something to do for a customer.
//!
//! The day is decided with the commit that moves it and is an event: folding asks no calendar.

use schemas::Date;
use schemas::event::{
    CustomerParked, CustomerReleased, CustomerZoneChanged, DueSet, Event, SettlementEvent,
    SubscriptionEvent,
};

use super::table::{PROCESSES, When};
use crate::billing::Account;
use crate::subscription::state::Subscription;

/// Whether an event can move the day.
pub(crate) fn moves(event: &Event) -> bool {
    match event {
        Event::Customer(_) => {
            event.get::<CustomerParked>().is_some()
                || event.get::<CustomerZoneChanged>().is_some()
                || event.get::<CustomerReleased>().is_some()
                || event.erases().is_some()
        }
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
    if waiting { Some(Date::MIN) } else { cycles.into_iter().chain(of_its_own(account)).min() }
}

/// The first day on which a process has something to do for the customer itself.
fn of_its_own(account: Account<'_>) -> Option<Date> {
    let days = PROCESSES.iter().filter_map(|process| match process.when {
        When::Own(on) => on(account),
        When::Day(_)
        | When::First(..)
        | When::Job(_)
        | When::With(_)
        | When::AtOnce
        | When::Asked => None,
    });
    days.min()
}

/// The first day on which a process has something to do for a subscription.
fn due_for(account: Account<'_>, subscription: &Subscription) -> Option<Date> {
    let days = PROCESSES.iter().filter_map(|process| match process.when {
        When::Day(on) | When::First(on, _) => on(account, subscription),
        When::Own(_) | When::Job(_) | When::With(_) | When::AtOnce | When::Asked => None,
    });
    days.min()
}
