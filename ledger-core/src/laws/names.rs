//! The laws of ids: each names one thing, on the stream where it belongs.

use std::collections::{BTreeMap, BTreeSet};

use schemas::ids::{CommandId, CustomerId};
use schemas::text::ExternalId;
use schemas::{Event, StreamId};
use uuid::Uuid;

use super::{Findings, Law};

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
        if let Event::CustomerRegistered(e) = event {
            self.rename(e.customer, e.external_id.as_ref(), findings);
        } else if let (Event::CustomerExternalIdChanged(e), StreamId::Customer(customer)) =
            (event, stream)
        {
            self.rename(customer, Some(&e.external_id), findings);
        } else if let Event::InvoiceFinalized(e) = event {
            self.claim_external(Kind::Invoice, e.external_id.as_ref(), findings);
        } else if let Event::PaymentRecorded(e) = event {
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
        let customer = |id: Option<(Kind, Uuid)>| (id, false);
        let book = |id: Option<(Kind, Uuid)>| (id, true);
        let (id, of_book) = match event {
            Event::BookOpened(_)
            | Event::ClockAdvanced(_)
            | Event::PlanVersionDefined(_)
            | Event::PlanMigrationSet(_)
            | Event::PlanRetired(_) => book(None),
            Event::CouponDefined(e) => book(Some((Kind::Coupon, e.coupon.uuid()))),
            Event::EntityDefined(e) => book(Some((Kind::Entity, e.entity.uuid()))),
            Event::BillingRunStarted(e) => book(Some((Kind::Run, e.run.uuid()))),
            Event::CustomerRegistered(e) => customer(Some((Kind::Customer, e.customer.uuid()))),
            Event::SubscriptionCreated(e) => {
                customer(Some((Kind::Subscription, e.subscription.uuid())))
            }
            Event::QuoteCreated(e) => customer(Some((Kind::Quote, e.quote.uuid()))),
            Event::DiscountApplied(e) => customer(Some((Kind::Discount, e.discount.uuid()))),
            Event::ChargeAdded(e) => customer(Some((Kind::Charge, e.charge.uuid()))),
            Event::InvoiceFinalized(e) => customer(Some((Kind::Invoice, e.invoice.uuid()))),
            Event::CreditNoteIssued(e) => customer(Some((Kind::CreditNote, e.note.uuid()))),
            Event::PaymentRecorded(e) => customer(Some((Kind::Payment, e.payment.uuid()))),
            Event::PaymentRefunded(e) => customer(Some((Kind::Refund, e.refund.uuid()))),
            Event::CreditGranted(e) => customer(Some((Kind::Grant, e.grant.uuid()))),
            Event::CustomerParked(_)
            | Event::CustomerReleased(_)
            | Event::CustomerRenamed(_)
            | Event::CustomerEmailChanged(_)
            | Event::CustomerTermsChanged(_)
            | Event::CustomerExternalIdChanged(_)
            | Event::CycleOpened(_)
            | Event::CycleCut(_)
            | Event::SubscriptionActivated(_)
            | Event::SubscriptionChanged(_)
            | Event::RampAgreed(_)
            | Event::SubscriptionPaused(_)
            | Event::SubscriptionResumed(_)
            | Event::CancellationUndone(_)
            | Event::TermRenewed(_)
            | Event::RenewalSet(_)
            | Event::QuoteAccepted(_)
            | Event::QuoteVoided(_)
            | Event::ChangeScheduled(_)
            | Event::ScheduledChangeWithdrawn(_)
            | Event::SubscriptionCanceled(_)
            | Event::DiscountRemoved(_)
            | Event::InvoiceVoided(_)
            | Event::PaymentReversed(_) => customer(None),
        };
        if let Some((kind, id)) = id {
            self.claim(kind, id, findings);
        }
        findings.check(Law::References, of_book == (stream == StreamId::Book), || {
            format!("{} does not belong on stream {}", event.kind().name, stream)
        });
    }
}
