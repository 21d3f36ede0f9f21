//! How events change what customers owe.

mod bookings;
mod customers;
mod settlement;

use ledger_core::journal;
use schemas::ids::CustomerId;
use schemas::view::StatementKind;
use schemas::{CommitView, Date, Event, StreamId};

use super::Balances;
use super::rows::Document;
use crate::projection::FoldError;
use crate::store::Store;

/// Where a change comes from.
#[derive(Clone, Copy)]
struct Cause<'a> {
    store: &'a dyn Store,
    customer: CustomerId,
    position: u64,
}

impl Cause<'_> {
    fn unknown(&self, what: impl std::fmt::Display) -> FoldError {
        FoldError::Unknown { position: self.position, what: what.to_string() }
    }
}

impl Balances {
    pub(super) fn fold(
        &mut self,
        store: &dyn Store,
        commit: &CommitView<'_>,
        event: &Event,
    ) -> Result<(), FoldError> {
        let customer = match commit.stream {
            StreamId::Customer(customer) => customer,
            StreamId::Book => return Ok(()),
        };
        let cause = Cause { store, customer, position: commit.position };
        let booked = match event {
            Event::CustomerRegistered(registered) => {
                return self.registered(cause, commit, registered);
            }
            Event::CustomerRenamed(renamed) => {
                self.customer(cause)?.name.clone_from(&renamed.name);
                return Ok(());
            }
            Event::CustomerExternalIdChanged(changed) => {
                return self.external_id_changed(cause, &changed.external_id);
            }
            Event::InvoiceFinalized(invoice) => {
                self.finalized(cause, invoice)?;
                let by = Document::Invoice(invoice.invoice, Some(invoice.number.clone()));
                (StatementKind::Invoice, invoice.posting_date, by)
            }
            Event::InvoiceVoided(void) => {
                self.voided(cause, void)?;
                let by = Document::Invoice(void.invoice, None);
                (StatementKind::InvoiceVoided, void.posting_date, by)
            }
            Event::CreditNoteIssued(note) => {
                self.settle(cause, note.posting_date, note.invoice, -note.total.0)?;
                let by = Document::CreditNote(note.invoice, note.note, note.number.clone());
                (StatementKind::CreditNote, note.posting_date, by)
            }
            Event::PaymentRecorded(payment) => {
                self.received(cause, commit, payment)?;
                let by = Document::Payment(payment.payment);
                (StatementKind::Payment, payment.posting_date, by)
            }
            Event::PaymentReversed(reversal) => {
                self.reversed(cause, reversal)?;
                let by = Document::Payment(reversal.payment);
                (StatementKind::PaymentReversed, reversal.posting_date, by)
            }
            Event::PaymentRefunded(refund) => {
                self.refunded(cause, refund)?;
                let by = Document::Refund(refund.payment, refund.refund);
                (StatementKind::Refund, refund.posting_date, by)
            }
            Event::CreditGranted(grant) => {
                let by = Document::Grant(grant.grant);
                (StatementKind::CreditGranted, grant.posting_date, by)
            }
            Event::BookOpened(_)
            | Event::ClockAdvanced(_)
            | Event::EntityDefined(_)
            | Event::PlanVersionDefined(_)
            | Event::PlanRetired(_)
            | Event::PlanMigrationSet(_)
            | Event::CouponDefined(_)
            | Event::BillingRunStarted(_)
            | Event::CustomerParked(_)
            | Event::CustomerReleased(_)
            | Event::CustomerEmailChanged(_)
            | Event::CustomerTermsChanged(_)
            | Event::SubscriptionCreated(_)
            | Event::CycleOpened(_)
            | Event::CycleCut(_)
            | Event::SubscriptionChanged(_)
            | Event::SubscriptionActivated(_)
            | Event::ChangeScheduled(_)
            | Event::ScheduledChangeWithdrawn(_)
            | Event::SubscriptionCanceled(_)
            | Event::SubscriptionPaused(_)
            | Event::SubscriptionResumed(_)
            | Event::CancellationUndone(_)
            | Event::TermRenewed(_)
            | Event::RenewalSet(_)
            | Event::RampAgreed(_)
            | Event::QuoteCreated(_)
            | Event::QuoteAccepted(_)
            | Event::QuoteVoided(_)
            | Event::DiscountApplied(_)
            | Event::DiscountRemoved(_)
            | Event::ChargeAdded(_) => return Ok(()),
        };
        self.booked(cause, event, booked)
    }

    /// Books the event's entries and writes it on the customer's statement.
    fn booked(
        &mut self,
        cause: Cause<'_>,
        event: &Event,
        (kind, posting_date, by): (StatementKind, Date, Document),
    ) -> Result<(), FoldError> {
        let posted = journal::post(event)
            .map_err(|source| FoldError::Post { position: cause.position, source })?;
        self.stop(cause, &posted.stops)?;
        self.earn(cause, &posted.earnings)?;
        let change = self.enter(cause, &posted.entries)?;
        self.state(cause, kind, posting_date, by, change)?;
        self.list(cause)
    }
}
