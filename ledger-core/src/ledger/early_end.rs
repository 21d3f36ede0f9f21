//! An end before the least term is over costs its fee.

use schemas::Decimal;
use schemas::event::{
    CancellationUndone, ChargeAdded, ChargeWithdrawn, Event, SubscriptionCanceled,
};
use schemas::fraction::Fraction;
use schemas::ids::{ChargeId, SubscriptionId, derive};
use schemas::terms::{EarlyEnd, EndReason};
use schemas::text::Label;

use super::draft::Draft;

/// A cancellation before the least term is over costs its fee, once the end has come.
pub(super) fn charge_early_ends(draft: &mut Draft) {
    let ends: Vec<SubscriptionCanceled> = draft
        .events
        .iter()
        .filter_map(|event| event.get::<SubscriptionCanceled>())
        .filter(|end| end.reason == EndReason::Canceled && !end.fee_waived)
        .cloned()
        .collect();
    for end in ends {
        let Some(subscription) = draft.customer.subscription_of(end.subscription) else { continue };
        let least = subscription.least_term.filter(|least| end.end < least.until);
        let Some(EarlyEnd::Fee(fee)) = least.map(|least| least.early_end) else { continue };
        let name = format!("early termination {}", draft.customer.revision);
        let charge = ChargeId::new(derive(end.subscription.uuid(), &name));
        let charged =
            |event: &Event| event.get::<ChargeAdded>().is_some_and(|added| added.charge == charge);
        if draft.events.iter().any(charged) {
            continue;
        }
        let description = Label::try_from("Early termination".to_owned()).expect("a short text");
        draft.push(
            ChargeAdded {
                charge,
                description: description.into(),
                currency: fee.currency(),
                quantity: Decimal::ONE,
                unit_price: None,
                exact: Fraction::whole(fee.minor().0),
                gross: fee.minor(),
                service: None,
                subscription: Some(end.subscription),
                price: None,
                early_termination: true,
            }
            .into(),
        );
    }
}

/// An end that is undone costs no fee, if that was not invoiced yet.
pub(super) fn take_fees_back(draft: &mut Draft) {
    let undone = draft.events.iter().filter_map(|event| event.get::<CancellationUndone>());
    let undone: Vec<SubscriptionId> = undone.map(|event| event.subscription).collect();
    let fees = draft.customer.billing.pending().map(|pending| &pending.added);
    let fees = fees.filter(|added| {
        added.early_termination && added.subscription.is_some_and(|id| undone.contains(&id))
    });
    let fees: Vec<ChargeId> = fees.map(|added| added.charge).collect();
    draft.extend(fees.into_iter().map(|charge| Event::from(ChargeWithdrawn { charge })));
}
