//! Keeps what is unique across customers: taken ids, names, numbers, redemptions.

use schemas::Event;
use schemas::event::{
    BillingEvent, CustomerErased, CustomerExternalIdChanged, CustomerParked, CustomerRegistered,
    CustomerReleased, DiscountApplied, InvoiceFinalized, QuoteCreated, RampAgreed, SettlementEvent,
    SubscriptionCreated,
};

use crate::customer::state::Profile;
use crate::registry::Registry;

/// A customer is there from now on.
pub(super) fn customer(registry: &mut Registry, registered: &CustomerRegistered) {
    let id = registered.customer;
    registry.name_customer(None, registered.external_id.as_ref(), id);
    registry.set_parent(id, registered.parent);
}

/// An event of a customer that is there.
pub(super) fn event(registry: &mut Registry, profile: &Profile, event: &Event) {
    match event {
        Event::Customer(_) => of_customer(registry, profile, event),
        Event::Subscription(_) => agreed(registry, event),
        Event::Billing(BillingEvent::ChargeAdded(charge)) => {
            registry.taken.insert(charge.charge.uuid());
        }
        Event::Billing(BillingEvent::InvoiceFinalized(invoice)) => invoiced(registry, invoice),
        Event::Settlement(event) => settled(registry, profile, event),
        Event::Billing(BillingEvent::ChargeWithdrawn(_) | BillingEvent::InvoiceLinesDrafted(_))
        | Event::Book(_)
        | Event::Seller(_)
        | Event::Catalog(_)
        | Event::Process(_) => {}
    }
}

/// Most of what is known of a customer belongs to nobody else.
fn of_customer(registry: &mut Registry, profile: &Profile, event: &Event) {
    if let Some(changed) = event.get::<CustomerExternalIdChanged>() {
        let before = profile.external_id.as_ref();
        registry.name_customer(before, Some(&changed.external_id), profile.id);
    } else if let Some(parked) = event.get::<CustomerParked>() {
        registry.park(profile.id, Some(parked));
    } else if event.get::<CustomerReleased>().is_some() {
        registry.park(profile.id, None);
    } else if event.get::<CustomerErased>().is_some() {
        registry.erase(profile.id);
    }
}

/// Four kinds of agreements have ids of their own.
fn agreed(registry: &mut Registry, event: &Event) {
    if let Some(created) = event.get::<SubscriptionCreated>() {
        registry.taken.insert(created.subscription.uuid());
    } else if let Some(created) = event.get::<QuoteCreated>() {
        registry.taken.insert(created.quote.uuid());
    } else if let Some(ramp) = event.get::<RampAgreed>() {
        registry.taken.insert(ramp.discount.uuid());
    } else if let Some(applied) = event.get::<DiscountApplied>() {
        registry.taken.insert(applied.discount.uuid());
        if let Some(coupon) = applied.coupon {
            registry.redeemed(coupon);
        }
    }
}

fn invoiced(registry: &mut Registry, invoice: &InvoiceFinalized) {
    registry.taken.insert(invoice.invoice.uuid());
    registry.name_invoice(invoice.external_id.as_ref(), invoice.invoice);
    registry.number_taken(invoice.entity, &invoice.series, invoice.sequence);
}

fn settled(registry: &mut Registry, profile: &Profile, event: &SettlementEvent) {
    match event {
        SettlementEvent::PaymentRecorded(payment) => {
            registry.taken.insert(payment.payment.uuid());
            registry.name_payment(payment.external_id.as_ref(), payment.payment);
        }
        SettlementEvent::PaymentRefunded(refunded) => {
            registry.taken.insert(refunded.refund.uuid());
        }
        SettlementEvent::CreditGranted(granted) => registry.taken.insert(granted.grant.uuid()),
        SettlementEvent::CreditPaidOut(paid) => registry.taken.insert(paid.refund.uuid()),
        SettlementEvent::CreditNoteIssued(note) => {
            registry.taken.insert(note.note.uuid());
            registry.number_taken(profile.entity, &note.series, note.sequence);
        }
        SettlementEvent::InvoiceVoided(_)
        | SettlementEvent::InvoiceLinesVoided(_)
        | SettlementEvent::CreditNoteLinesDrafted(_)
        | SettlementEvent::PaymentReversed(_)
        | SettlementEvent::CreditApplied(_)
        | SettlementEvent::CreditReleased(_)
        | SettlementEvent::CreditRevoked(_)
        | SettlementEvent::CreditExpired(_) => {}
    }
}
