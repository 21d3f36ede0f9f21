//! When a billing run has something to do for a customer.
//!
//! The day is decided with the commit that moves it and is an event: folding asks no calendar.

use std::collections::BTreeSet;

use schemas::event::{
    CustomerParked, CustomerReleased, CustomerZoneChanged, DueSet, Event, SettlementEvent,
    SubscriptionDue, SubscriptionEvent,
};
use schemas::ids::SubscriptionId;
use schemas::terms::{ChangeBilling, Differs};
use schemas::{Date, Rejection};

use super::asked::Asked;
use super::table::{PROCESSES, When};
use crate::billing::Account;
use crate::billing::ahead::Ahead;
use crate::billing::days::Day;
use crate::billing::lines::{has_begun, is_reason, never_begins};
use crate::billing::waiting::{Differences, differences, goes_out};
use crate::context::Context;
use crate::mistakes::{Mistake, makes};
use crate::subscription::state::Subscription;

#[cfg(feature = "mistakes")]
mod check;

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
        Event::Billing(_) => true,
        Event::Settlement(event) => settles_days(event),
        Event::Process(_) | Event::Book(_) | Event::Seller(_) | Event::Catalog(_) => false,
    }
}

/// A void bills anew, and a note says what is billed no more; the others can change when credit
/// is left that expires.
fn settles_days(event: &SettlementEvent) -> bool {
    match event {
        SettlementEvent::InvoiceVoided(_)
        | SettlementEvent::InvoiceLinesVoided(_)
        | SettlementEvent::CreditNoteLinesDrafted(_)
        | SettlementEvent::CreditNoteIssued(_)
        | SettlementEvent::CreditGranted(_)
        | SettlementEvent::CreditApplied(_)
        | SettlementEvent::CreditReleased(_)
        | SettlementEvent::CreditRevoked(_)
        | SettlementEvent::CreditExpired(_)
        | SettlementEvent::CreditPaidOut(_) => true,
        SettlementEvent::PaymentRecorded(_)
        | SettlementEvent::PaymentReversed(_)
        | SettlementEvent::PaymentRefunded(_) => false,
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

/// The event by which the customer's day becomes another one, or those of subscriptions that were
/// touched; none if all stay. Who `leaves_credit` beside something that it can pay is due at once.
///
/// # Errors
/// A date that cannot be computed.
pub(crate) fn set(
    before: Option<Date>,
    account: Account<'_>,
    context: &Context<'_>,
    leaves_credit: bool,
) -> Result<Option<Event>, Rejection> {
    let profile = account.profile;
    let is_served = profile.parked.is_none() && profile.erased.is_none();
    let subscriptions = if is_served {
        let lost = makes(Mistake::ADayIsLost);
        let touched = account.billing.days.touched().filter(|_| !lost);
        // What is foreseen depends on the catalog, too, and nobody tells of that.
        let all: BTreeSet<_> = touched.chain(account.agreements.foreseeing()).collect();
        let found = all.into_iter().map(|id| day_of(account, context, id));
        found.collect::<Result<Vec<SubscriptionDue>, Rejection>>()?
    } else {
        // What keeps processes from a customer may be that a day cannot be found. Of an erased one
        // nothing new is written: what its subscriptions would ask for never comes.
        Vec::new()
    };
    let on = if leaves_credit && is_served {
        Some(Date::MIN)
    } else {
        next(account, context, &subscriptions)?
    };
    #[cfg(feature = "mistakes")]
    check::untouched(account, context);
    let others = |due: &SubscriptionDue| {
        let now = Day { on: due.on, differs: due.differs };
        !due.settled.is_empty() || account.billing.days.of(due.subscription) != now
    };
    let others: Vec<SubscriptionDue> = subscriptions.into_iter().filter(others).collect();
    let moved = on != before || !others.is_empty();
    Ok(moved.then(|| DueSet { on, subscriptions: others }.into()))
}

/// When a subscription next has something to do.
///
/// # Errors
/// A date that cannot be computed.
fn day_of(
    account: Account<'_>,
    context: &Context<'_>,
    id: SubscriptionId,
) -> Result<SubscriptionDue, Rejection> {
    let subscription = account.agreements.subscription(id);
    let subscription = subscription.expect("what was touched was made");
    let now = context.stamp.recorded_at;
    let asks = subscription.waits() && subscription.ending.is_none();
    let found = if asks {
        Differences::default()
    } else {
        let ahead = Ahead::of(account, context.catalog, subscription, now)?;
        differences(account, subscription, &ahead, now)?
    };
    let differs = match (found.waits, found.differs) {
        (true, _) => Differs::Waits,
        (false, true) => Differs::Along,
        (false, false) => Differs::No,
    };
    let on = due_for(&Asked { account, differs_on: found.due }, subscription);
    Ok(SubscriptionDue { subscription: id, on, differs, settled: found.settled })
}

/// The day on which a billing run has something to do for this customer, with the days `found` of
/// those that were touched.
///
/// Charges and differences wait for the next invoice, as long as the policy lets them; where none
/// is to come they are due at once, so that nothing is forgotten. What was voided to be billed
/// again and what an early end costs is due at once, too.
fn next(
    account: Account<'_>,
    context: &Context<'_>,
    found: &[SubscriptionDue],
) -> Result<Option<Date>, Rejection> {
    if account.profile.parked.is_some() {
        return Ok(None);
    }
    if account.profile.erased.is_some() {
        return Ok(of_its_own(account));
    }
    let now = context.stamp.recorded_at;
    let days = &account.billing.days;
    // What was found anew has another day than the one that is known.
    let anew: BTreeSet<SubscriptionId> = found.iter().map(|due| due.subscription).collect();
    let known = days.in_order().find(|(_, id)| !anew.contains(id)).map(|(day, _)| day);
    let due = found.iter().filter_map(|due| due.on).chain(known).chain(of_its_own(account)).min();
    let waits = found.iter().any(|due| due.differs == Differs::Waits)
        || days.waiting().any(|id| !anew.contains(&id));
    let later = account
        .billing
        .pending()
        .filter(|charge| !has_begun(account, charge, now) && !never_begins(account, charge));
    let starts = later.filter_map(|charge| {
        let of = account.agreements.subscription(charge.added.subscription?)?;
        account.rules().date(of.start).ok()
    });
    let due = due.into_iter().chain(starts).min();
    let mut pending = account.billing.pending().filter(|charge| has_begun(account, charge, now));
    let owed = pending.clone().any(|charge| is_reason(account, charge, now));
    let charges = pending.next().is_some();
    let at_once = match account.rules().policies.change_billing {
        ChangeBilling::AtOnce => true,
        ChangeBilling::NextInvoice => false,
    };
    if owed || ((charges || waits) && at_once) {
        return Ok(Some(Date::MIN));
    }
    if (charges || waits) && goes_out(account, account.rules().date(now)?)? {
        return Ok(Some(Date::MIN));
    }
    Ok(due)
}

/// The first day on which a process has something to do for the customer itself.
fn of_its_own(account: Account<'_>) -> Option<Date> {
    let days = PROCESSES.iter().filter_map(|process| match process.when {
        When::Own(on) | When::OwnFirst(on, _) => on(account),
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
fn due_for(asked: &Asked<'_>, subscription: &Subscription) -> Option<Date> {
    let days = PROCESSES.iter().filter_map(|process| match process.when {
        When::Day(on) | When::First(on, _) => on(asked, subscription),
        When::Own(_)
        | When::OwnFirst(..)
        | When::Job(_)
        | When::With(_)
        | When::AtOnce
        | When::Asked => None,
    });
    days.min()
}
