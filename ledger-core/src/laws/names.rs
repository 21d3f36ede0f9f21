//! The laws of ids: each names one thing, on the stream where it belongs.

use std::collections::{BTreeMap, BTreeSet};

use schemas::event::{
    BillingEvent, CatalogEvent, CustomerExternalIdChanged, CustomerRegistered, DiscountApplied,
    InvoiceFinalized, PaymentRecorded, ProcessEvent, QuoteCreated, SellerEvent, SettlementEvent,
    SubscriptionCreated,
};
use schemas::ids::{CommandId, CustomerId};
use schemas::text::ExternalId;
use schemas::{Event, StreamId};
use uuid::Uuid;

use super::findings::Findings;
use super::law::Law;

/// A kind of thing with ids of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Command,
    Entity,
    Run,
    Customer,
    Subscription,
    Discount,
    Coupon,
    Quote,
    Charge,
    Invoice,
    CreditNote,
    Payment,
    Refund,
    Grant,
}

/// Every id that was given.
#[derive(Debug, Default)]
pub(super) struct Names {
    ids: BTreeSet<(Kind, Uuid)>,
    external: BTreeSet<(Kind, ExternalId)>,
    /// Customers can change theirs; the old one is free then.
    of_customers: BTreeMap<CustomerId, ExternalId>,
}

impl Names {
    pub(super) fn command(&mut self, id: CommandId, findings: &mut Findings) {
        self.claim(Kind::Command, id.uuid(), findings);
    }

    pub(super) fn observe(&mut self, stream: StreamId, event: &Event, findings: &mut Findings) {
        self.observe_ids(stream, event, findings);
        if let Some(e) = event.get::<CustomerRegistered>() {
            self.rename(e.customer, e.external_id.as_ref(), findings);
        } else if let (Some(e), StreamId::Customer(customer)) =
            (event.get::<CustomerExternalIdChanged>(), stream)
        {
            self.rename(customer, Some(&e.external_id), findings);
        } else if let Some(e) = event.get::<InvoiceFinalized>() {
            self.claim_external(Kind::Invoice, e.external_id.as_ref(), findings);
        } else if let Some(e) = event.get::<PaymentRecorded>() {
            self.claim_external(Kind::Payment, e.external_id.as_ref(), findings);
        }
    }

    fn rename(&mut self, customer: CustomerId, id: Option<&ExternalId>, findings: &mut Findings) {
        let Some(id) = id else { return };
        if let Some(before) = self.of_customers.insert(customer, id.clone()) {
            self.external.remove(&(Kind::Customer, before));
        }
        self.claim_external(Kind::Customer, Some(id), findings);
    }

    fn claim_external(&mut self, kind: Kind, id: Option<&ExternalId>, findings: &mut Findings) {
        let Some(id) = id else { return };
        let fresh = self.external.insert((kind, id.clone()));
        findings.check(Law::UniqueIds, fresh, || {
            format!("external id {id} belongs to a second {kind:?}")
        });
    }

    fn claim(&mut self, kind: Kind, id: Uuid, findings: &mut Findings) {
        let fresh = self.ids.insert((kind, id));
        findings.check(Law::UniqueIds, fresh, || format!("{kind:?} {id} is named a second time"));
    }

    /// Ids that the event gives to new things, and whether it lies on the right stream.
    fn observe_ids(&mut self, stream: StreamId, event: &Event, findings: &mut Findings) {
        let (id, of_book) = match event {
            Event::Seller(SellerEvent::EntityDefined(e)) => {
                (Some((Kind::Entity, e.entity.uuid())), true)
            }
            Event::Book(_) | Event::Seller(_) => (None, true),
            Event::Catalog(event) => (named_in_catalog(event), true),
            Event::Process(ProcessEvent::BillingRunStarted(e)) => {
                (Some((Kind::Run, e.run.uuid())), true)
            }
            Event::Customer(_) => {
                let registered = event.get::<CustomerRegistered>();
                (registered.map(|e| (Kind::Customer, e.customer.uuid())), false)
            }
            Event::Subscription(_) => (agreed(event), false),
            Event::Billing(BillingEvent::ChargeAdded(e)) => {
                (Some((Kind::Charge, e.charge.uuid())), false)
            }
            Event::Billing(
                BillingEvent::ChargeWithdrawn(_) | BillingEvent::InvoiceLinesDrafted(_),
            )
            | Event::Process(
                ProcessEvent::DueSet(_)
                | ProcessEvent::PartDrafted(_)
                | ProcessEvent::DecisionCompleted(_),
            ) => (None, false),
            Event::Billing(BillingEvent::InvoiceFinalized(e)) => {
                (Some((Kind::Invoice, e.invoice.uuid())), false)
            }
            Event::Settlement(event) => (settled(event), false),
        };
        if let Some((kind, id)) = id {
            self.claim(kind, id, findings);
        }
        findings.check(Law::References, of_book == (stream == StreamId::Book), || {
            format!("{} does not belong on stream {}", event.kind().name, stream)
        });
    }
}

fn named_in_catalog(event: &CatalogEvent) -> Option<(Kind, Uuid)> {
    match event {
        CatalogEvent::CouponDefined(e) => Some((Kind::Coupon, e.coupon.uuid())),
        CatalogEvent::PlanVersionDefined(_)
        | CatalogEvent::PlanMigrationSet(_)
        | CatalogEvent::PlanMigrationWithdrawn(_)
        | CatalogEvent::PlanRetired(_) => None,
    }
}

/// What an agreement names; all but three kinds of events speak of what is there.
fn agreed(event: &Event) -> Option<(Kind, Uuid)> {
    let subscription = event.get::<SubscriptionCreated>();
    let subscription = subscription.map(|e| (Kind::Subscription, e.subscription.uuid()));
    let quote = event.get::<QuoteCreated>().map(|e| (Kind::Quote, e.quote.uuid()));
    let discount = event.get::<DiscountApplied>().map(|e| (Kind::Discount, e.discount.uuid()));
    subscription.or(quote).or(discount)
}

fn settled(event: &SettlementEvent) -> Option<(Kind, Uuid)> {
    match event {
        SettlementEvent::CreditNoteIssued(e) => Some((Kind::CreditNote, e.note.uuid())),
        SettlementEvent::PaymentRecorded(e) => Some((Kind::Payment, e.payment.uuid())),
        SettlementEvent::PaymentRefunded(e) => Some((Kind::Refund, e.refund.uuid())),
        SettlementEvent::CreditGranted(e) => Some((Kind::Grant, e.grant.uuid())),
        SettlementEvent::CreditPaidOut(e) => Some((Kind::Refund, e.refund.uuid())),
        SettlementEvent::InvoiceVoided(_)
        | SettlementEvent::InvoiceLinesVoided(_)
        | SettlementEvent::CreditNoteLinesDrafted(_)
        | SettlementEvent::PaymentReversed(_)
        | SettlementEvent::CreditApplied(_)
        | SettlementEvent::CreditReleased(_)
        | SettlementEvent::CreditRevoked(_)
        | SettlementEvent::CreditExpired(_) => None,
    }
}
