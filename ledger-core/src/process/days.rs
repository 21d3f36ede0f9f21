//! The day on which each process that waits for one has something to do for a subscription.
//!
//! A day that cannot be computed is never due: the decision that would take the step says so.

use schemas::event::ScheduledFor;
use schemas::terms::ChangeBilling;
use schemas::{Date, Timestamp};

use crate::billing::Account;
use crate::billing::pieces;
use crate::billing::place::Place;
use crate::customer::erase::documents_free_on;
use crate::subscription::state::Subscription;

/// The first day on which the documents of an erased customer need not be kept any more.
pub(super) fn documents_on(account: Account<'_>) -> Option<Date> {
    documents_free_on(account.profile.erased, account.last_document)
}

/// The first day on which some credit has expired.
pub(super) fn credit_expires_on(account: Account<'_>) -> Option<Date> {
    account.credit_expires
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
