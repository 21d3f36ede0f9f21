//! An end before the least term is over costs its fee.

use schemas::Decimal;
use schemas::event::{
    CancellationUndone, ChargeAdded, ChargeWithdrawn, Event, LeastTerm, SubscriptionCanceled,
};
use schemas::fraction::Fraction;
use schemas::ids::{ChargeId, SubscriptionId, derive};
use schemas::terms::{EarlyEnd, EndReason};
use schemas::text::Label;

use super::draft::Draft;
use crate::mistakes::{Mistake, makes};

/// An end before the least term is over costs its fee, once it has come.
pub(super) fn charge_early_ends(draft: &mut Draft) {
    let ends = draft.events.iter().filter_map(|event| event.get::<SubscriptionCanceled>());
    let ends: Vec<SubscriptionCanceled> = ends.cloned().collect();
    for (at, end) in ends.iter().enumerate() {
        // What nobody paid for ends where it would have begun, whenever its end would have come.
        let later = ends.iter().skip(at + 1).any(|later| later.subscription == end.subscription);
        if later || end.reason == EndReason::NotPaid || end.fee_waived {
            continue;
        }
        let Some(subscription) = draft.customer.subscription_of(end.subscription) else { continue };
        if subscription.waits() {
            // What has never been paid for has not begun.
            continue;
        }
        let early = |least: &LeastTerm| end.end < least.until || makes(Mistake::EveryEndIsEarly);
        let least = subscription.least_term.filter(early);
        let Some(EarlyEnd::Fee(fee)) = least.map(|least| least.early_end) else { continue };
        let name = format!("early termination {}", draft.customer.revision);
        let charge = ChargeId::new(derive(end.subscription.uuid(), &name));
        let charged =
            |event: &Event| event.get::<ChargeAdded>().is_some_and(|added| added.charge == charge);
        if draft.events.iter().any(charged) {
            continue;
        }
        if has_paid_for_leaving(draft, end.subscription) {
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

/// One end costs one fee, also where it was undone after the fee was invoiced.
fn has_paid_for_leaving(draft: &Draft, id: SubscriptionId) -> bool {
    let billing = &draft.customer.billing;
    let billed = billing.fees_of(id).iter().any(|at| {
        let invoice = draft.customer.settlement.invoices().at(at.invoice);
        invoice.is_some_and(|found| !found.voided) && billing.line(*at).left().is_positive()
    });
    let is_fee = |added: &ChargeAdded| added.early_termination && added.subscription == Some(id);
    billed || billing.pending().any(|waiting| is_fee(&waiting.added))
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
