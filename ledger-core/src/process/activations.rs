//! Subscriptions that wait for their first payment, and end if it does not come.

use std::collections::BTreeSet;

use schemas::Date;
use schemas::event::{Event, SubscriptionCanceled};
use schemas::terms::{CancelCredit, EndReason};
use schemas::text::Label;

use crate::billing::Account;
use crate::billing::state::Billed;
use crate::settlement::case::Case;
use crate::settlement::void::expired;
use crate::subscription::agreements::Agreements;
use crate::subscription::state::Subscription;

/// The day on which a subscription ends if its first payment has not come.
pub(super) fn expires_on(account: Account<'_>, subscription: &Subscription) -> Option<Date> {
    account.rules().date(subscription.activation_expires?).ok()
}

/// Ends subscriptions whose first payment did not come in time, and voids what they owe. What was
/// paid of it is customer credit.
pub(super) fn expire(case: &Case<'_>, agreements: &Agreements) -> Vec<Event> {
    let now = case.context.stamp.recorded_at;
    let is_late = |found: &&Subscription| found.activation_expires.is_some_and(|end| end <= now);
    let mut events: Vec<Event> = Vec::new();
    let mut voided_already = BTreeSet::new();
    for subscription in agreements.subscriptions().filter(is_late) {
        let open = case.settlement.open().filter_map(|open| case.billing.invoice(open.id));
        let owed =
            open.filter(|billed| billed.lines.iter().any(|line| line.is_of(subscription.id)));
        for billed in owed {
            // Two subscriptions may wait for the payment of one invoice.
            if !voided_already.insert(billed.invoice) {
                continue;
            }
            let reason = Label::try_from("the first payment did not come".to_owned());
            let reason = reason.expect("a short text").into();
            // What it bills of others is billed again.
            let rebill = bills_others(billed, subscription);
            if let Ok(voided) = expired(case, billed.invoice, rebill, reason) {
                events.push(voided.into());
            }
        }
        events.push(
            SubscriptionCanceled {
                subscription: subscription.id,
                end: subscription.start,
                credit: CancelCredit::None,
                reason: EndReason::NotPaid,
                change: None,
            }
            .into(),
        );
    }
    events
}

/// Whether an invoice has lines of something else than one subscription.
fn bills_others(billed: &Billed, subscription: &Subscription) -> bool {
    use schemas::event::LineSource;
    billed.lines.iter().any(|line| match line.source {
        LineSource::Cycle { .. } | LineSource::Charge(_) => !line.is_of(subscription.id),
        LineSource::Invoice => false,
    })
}
