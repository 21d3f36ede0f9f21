//! Subscriptions that wait for their first payment, and end if it does not come.

use std::collections::BTreeMap;

use schemas::event::{Event, PaymentAwaited, SubscriptionEvent};
use schemas::ids::{InvoiceId, SubscriptionId};
use schemas::terms::EndReason;
use schemas::text::Label;
use schemas::{Date, Rejection};

use super::asked::Asked;
use crate::mistakes::{Mistake, makes};
use crate::settlement::case::Case;
use crate::settlement::credit_note;
use crate::settlement::state::Invoice;
use crate::settlement::void::expired;
use crate::subscription::agreements::Agreements;
use crate::subscription::ending::never_begins;
use crate::subscription::state::Subscription;

/// The day on which a subscription ends if its first payment has not come.
pub(super) fn expires_on(asked: &Asked<'_>, subscription: &Subscription) -> Option<Date> {
    let (_, expires) = subscription.activation?.asked?;
    asked.account.rules().date(expires).ok().filter(|_| can_expire(subscription))
}

/// One that ended while it waited owes nothing already.
fn can_expire(subscription: &Subscription) -> bool {
    subscription.ending.is_none() && !makes(Mistake::NeverExpires)
}

/// Subscriptions by the invoice whose payment they waited for: two may wait for one.
type Unpaid<'a> = BTreeMap<InvoiceId, Vec<&'a Subscription>>;

/// Ends subscriptions whose first payment did not come in time, and voids the invoice that asked
/// for it. An end that has come by then goes before.
///
/// # Errors
/// A date that cannot be computed; what voiding and crediting refuse.
pub(super) fn expire(case: &Case<'_>, agreements: &Agreements) -> Result<Vec<Event>, Rejection> {
    let now = case.context.stamp.recorded_at;
    let rules = &case.profile.rules;
    let mut late: Unpaid<'_> = BTreeMap::new();
    for subscription in agreements.asking().filter(|found| can_expire(found)) {
        let Some(activation) = subscription.activation else { continue };
        let Some((invoice, expires)) = activation.asked else { continue };
        let open = case.settlement.invoices().get(invoice).map(Invoice::open);
        let paid = open.is_some_and(|open| open <= activation.agreed.tolerance);
        let ended = subscription.ends_by(now, rules);
        if expires <= now && !paid && !ended {
            late.entry(invoice).or_default().push(subscription);
        }
    }
    let mut events = void(case, agreements, &late, 0)?;
    let late = late.into_values().flatten();
    events.extend(late.map(|found| never_begins(found, EndReason::NotPaid).into()));
    Ok(events)
}

/// Voids what asked for the first payment of subscriptions that ended while they waited for it;
/// `before` notes of the commit come before those that this makes.
///
/// # Errors
/// As [`expire`].
pub(crate) fn let_go(
    case: &Case<'_>,
    agreements: &Agreements,
    of: impl Fn(SubscriptionId) -> bool,
    before: u64,
) -> Result<Vec<Event>, Rejection> {
    let mut gone: Unpaid<'_> = BTreeMap::new();
    for subscription in agreements.asking().filter(|found| found.never_begins()) {
        let asked = subscription.activation.and_then(|activation| activation.asked);
        if let Some((invoice, _)) = asked.filter(|_| of(subscription.id())) {
            gone.entry(invoice).or_default().push(subscription);
        }
    }
    void(case, agreements, &gone, before)
}

/// Voids invoices that asked for first payments: what was paid of them is credit, and what they
/// bill of others is billed again. Where one cannot be voided, because a later invoice credits
/// lines of others, only what it asks of these subscriptions is credited.
fn void(
    case: &Case<'_>,
    agreements: &Agreements,
    unpaid: &Unpaid<'_>,
    mut notes: u64,
) -> Result<Vec<Event>, Rejection> {
    let mut events: Vec<Event> = Vec::new();
    for (invoice, of) in unpaid {
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
    Ok(events)
}

/// Others that waited for the payment of an invoice that is void wait no more: what it billed of
/// them is billed again, and that asks anew.
fn asked_no_more(
    agreements: &Agreements,
    void: InvoiceId,
    late: &[&Subscription],
) -> impl Iterator<Item = Event> {
    let others = agreements.asking().filter(move |found| {
        found.ending.is_none() && !late.iter().any(|known| known.id() == found.id())
    });
    others.filter_map(move |found| {
        let (invoice, expires) = found.activation?.asked?;
        let no_more = PaymentAwaited { subscription: found.id(), invoice: None, expires };
        (invoice == void).then(|| SubscriptionEvent::from(no_more).into())
    })
}
