//! Subscriptions that wait for their first payment, and end if it does not come.

use std::collections::BTreeSet;

use schemas::event::{Event, SubscriptionCanceled};
use schemas::terms::{CancelCredit, EndReason};
use schemas::text::Label;
use schemas::{Date, Rejection, Timestamp};

use super::asked::Asked;
use crate::settlement::case::Case;
use crate::settlement::void::expired;
use crate::subscription::agreements::Agreements;
use crate::subscription::state::Subscription;

/// The day on which a subscription ends if its first payment has not come.
pub(super) fn expires_on(asked: &Asked<'_>, subscription: &Subscription) -> Option<Date> {
    let (_, expires) = subscription.activation?.asked?;
    asked.account.rules().date(expires).ok().filter(|_| subscription.ending.is_none())
}

/// Ends subscriptions whose first payment did not come in time, and voids the invoice that asked
/// for it: what was paid of it is credit, and what it bills of others is billed again.
///
/// # Errors
/// A date that cannot be computed.
pub(super) fn expire(case: &Case<'_>, agreements: &Agreements) -> Result<Vec<Event>, Rejection> {
    let now = case.context.stamp.recorded_at;
    let mut events: Vec<Event> = Vec::new();
    let mut voided = BTreeSet::new();
    for subscription in agreements.subscriptions().filter(|found| found.ending.is_none()) {
        let asked = subscription.activation.and_then(|activation| activation.asked);
        let Some((invoice, _)) = asked.filter(|(_, expires)| *expires <= now) else { continue };
        // Two subscriptions may wait for the payment of one invoice.
        let counts = case.settlement.invoices().get(invoice).is_some_and(|found| !found.voided);
        if counts && voided.insert(invoice) {
            let reason = Label::try_from("the first payment did not come".to_owned());
            let reason = reason.expect("a short text").into();
            // What it bills of others is billed again. Where it cannot be voided, because others
            // were given something back of it, the time that will not begin is credited.
            events.extend(expired(case, invoice, true, reason).ok().map(Event::from));
        }
        let end = subscription.start;
        events.push(
            SubscriptionCanceled {
                subscription: subscription.id(),
                end,
                credit: CancelCredit::None,
                reason: EndReason::NotPaid,
                change: None,
                begun: Timestamp::from_micros(end.micros() - 1).unwrap_or(end),
                fee_waived: true,
            }
            .into(),
        );
    }
    Ok(events)
}
