//! The day on which each process that waits for one has something to do for a subscription.
//!
//! A day that cannot be computed is never due: the decision that would take the step says so.

use schemas::event::ScheduledFor;
use schemas::{Date, Span, Timestamp};

use super::asked::Asked;
use crate::billing::Account;
use crate::customer::erase::documents_free_on;
use crate::customer::rules::Rules;
use crate::subscription::advance::opens_on;
use crate::subscription::item::Item;
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
pub(super) fn change_on(asked: &Asked<'_>, subscription: &Subscription) -> Option<Date> {
    if subscription.ending.is_some() {
        return None;
    }
    let days = subscription.scheduled.iter().filter_map(|change| match change.at {
        ScheduledFor::At(at) => asked.account.rules().date(at).ok(),
        ScheduledFor::Paid => None,
    });
    days.min()
}

/// The day on which the contract term is over.
pub(super) fn term_ends_on(asked: &Asked<'_>, subscription: &Subscription) -> Option<Date> {
    let term = subscription.term.filter(|_| subscription.ending.is_none())?;
    asked.account.rules().date(term.span.end()).ok()
}

/// The first day on which a cycle is to be opened, or what of one is not billed.
pub(super) fn cycle_on(asked: &Asked<'_>, subscription: &Subscription) -> Option<Date> {
    if subscription.waits() && subscription.ending.is_none() {
        return None;
    }
    let rules = asked.account.rules();
    let ends = |at: Timestamp| subscription.ending.is_some_and(|ending| ending.at <= at);
    let next = subscription.items.iter().filter_map(|item| {
        let (span, _) = item.next_period(rules).ok()?;
        let over = ends(span.start()) || item.removed_at().is_some_and(|at| at <= span.start());
        next_due(subscription, item, span, rules).filter(|_| !over)
    });
    next.chain(asked.differs_on).min()
}

/// The day on which the next cycle is opened, also where it is billed later: it may begin on
/// another version of its plan, which says when. None if nothing of it is lived through.
fn next_due(subscription: &Subscription, item: &Item, span: Span, rules: &Rules) -> Option<Date> {
    if subscription.living(span.start(), span.end(), rules).is_none() {
        let trial = subscription.trial_end.is_some_and(|end| span.end() <= end);
        // The one behind it may be billed before it begins.
        let (behind, _) = item.period_ahead(1, rules).ok()?;
        return opens_on(item, behind, rules).ok().filter(|_| trial);
    }
    opens_on(item, span, rules).ok()
}
