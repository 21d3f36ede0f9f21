//! Subscriptions that wait for their first payment, and end if it does not come.

use std::collections::BTreeMap;

use schemas::event::{Event, PaymentAwaited, SubscriptionCanceled, SubscriptionEvent};
use schemas::ids::{InvoiceId, SubscriptionId};
use schemas::terms::{CancelCredit, EndReason};
use schemas::text::Label;
use schemas::{Date, Rejection, Timestamp};

use super::asked::Asked;
use crate::mistakes::{Mistake, makes};
use crate::settlement::case::Case;
use crate::settlement::credit_note;
use crate::settlement::state::Invoice;
use crate::settlement::void::expired;
use crate::subscription::agreements::Agreements;
use crate::subscription::state::Subscription;

/// The day on which a subscription ends if its first payment has not come.
pub(super) fn expires_on(asked: &Asked<'_>, subscription: &Subscription) -> Option<Date> {
    let (_, expires) = subscription.activation?.asked?;
    asked.account.rules().date(expires).ok().filter(|_| can_expire(subscription))
}

/// Also what was canceled meanwhile: nobody owes the first invoice of what never began.
fn can_expire(subscription: &Subscription) -> bool {
    subscription.ending.is_none_or(|ending| ending.reason != EndReason::NotPaid)
        && !makes(Mistake::NeverExpires)
}

/// Ends subscriptions whose first payment did not come in time, and voids the invoice that asked
/// for it: what was paid of it is credit, and what it bills of others is billed again. Where it
/// cannot be voided, because a later invoice credits lines of others, only what it asks of these
/// subscriptions is credited.
///
/// # Errors
/// A date that cannot be computed; what voiding and crediting refuse.
pub(super) fn expire(case: &Case<'_>, agreements: &Agreements) -> Result<Vec<Event>, Rejection> {
    let now = case.context.stamp.recorded_at;
    let mut events: Vec<Event> = Vec::new();
    // Two subscriptions may wait for the payment of one invoice.
    let mut late: BTreeMap<InvoiceId, Vec<&Subscription>> = BTreeMap::new();
    for subscription in agreements.subscriptions().filter(|found| can_expire(found)) {
        let Some(activation) = subscription.activation else { continue };
        let Some((invoice, expires)) = activation.asked else { continue };
        // What ended while it waited may have been paid since.
        let open = case.settlement.invoices().get(invoice).map(Invoice::open);
        let paid = open.is_some_and(|open| open <= activation.agreed.tolerance);
        if expires <= now && !paid {
            late.entry(invoice).or_default().push(subscription);
        }
    }
    let mut notes = 0;
    for (invoice, of) in &late {
        if case.settlement.invoices().get(*invoice).is_none_or(|found| found.voided) {
            continue;
        }
        let reason = Label::try_from("the first payment did not come".to_owned());
        let reason = reason.expect("a short text").into();
        match expired(case, *invoice, true, reason) {
            Ok(voided) => {
                events.push(voided.into());
                events.extend(asked_no_more(agreements, *invoice, of));
            }
            // Time that will not begin is credited when the customer is billed.
            Err(Rejection::InvoiceLineCredited { .. }) => {
                let of: Vec<SubscriptionId> = of.iter().map(|found| found.id()).collect();
                let note = credit_note::of_charges(case, *invoice, &of, notes)?;
                notes += u64::from(note.is_some());
                events.extend(note.map(Event::from));
            }
            Err(rejection) => return Err(rejection),
        }
    }
    for subscription in late.into_values().flatten() {
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

/// Others that waited for the payment of an invoice that is void wait no more: what it billed of
/// them is billed again, and that asks anew.
fn asked_no_more(
    agreements: &Agreements,
    void: InvoiceId,
    late: &[&Subscription],
) -> impl Iterator<Item = Event> {
    let others = agreements.subscriptions().filter(move |found| {
        found.ending.is_none() && !late.iter().any(|known| known.id() == found.id())
    });
    others.filter_map(move |found| {
        let (invoice, expires) = found.activation?.asked?;
        let no_more = PaymentAwaited { subscription: found.id(), invoice: None, expires };
        (invoice == void).then(|| SubscriptionEvent::from(no_more).into())
    })
}
