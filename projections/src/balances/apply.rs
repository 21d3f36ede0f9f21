//! How events change what customers owe.

mod bookings;
mod customers;
mod settlement;

use ledger_core::post;
use schemas::event::{BillingEvent, CustomerEvent, SettlementEvent, SubscriptionEvent};
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
        FoldError::unknown(self.position, what)
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
        match event {
            Event::Customer(event) => self.introduced(cause, commit, event),
            Event::Billing(BillingEvent::InvoiceFinalized(invoice)) => {
                self.finalized(cause, invoice)?;
                let by = Document::Invoice(invoice.invoice, Some(invoice.number.clone()));
                self.booked(cause, event, (StatementKind::Invoice, invoice.posting_date, by))
            }
            Event::Settlement(settled) => {
                let booked = self.settled(cause, commit, settled)?;
                self.booked(cause, event, booked)
            }
            Event::Subscription(SubscriptionEvent::SubscriptionActivated(_)) => {
                let posted = post(event)
                    .map_err(|source| FoldError::Post { position: cause.position, source })?;
                self.stop(cause, &posted.stops)?;
                self.earn(cause, &posted.earnings)
            }
            Event::Billing(BillingEvent::ChargeAdded(_) | BillingEvent::ChargeWithdrawn(_))
            | Event::Book(_)
            | Event::Seller(_)
            | Event::Catalog(_)
            | Event::Process(_)
            | Event::Subscription(_) => Ok(()),
        }
    }

    fn introduced(
        &mut self,
        cause: Cause<'_>,
        commit: &CommitView<'_>,
        event: &CustomerEvent,
    ) -> Result<(), FoldError> {
        if let CustomerEvent::CustomerRegistered(registered) = event {
            self.registered(cause, commit, registered)
        } else if let CustomerEvent::CustomerRenamed(renamed) = event {
            self.customer(cause)?.name = renamed.name.own();
            Ok(())
        } else if let CustomerEvent::CustomerExternalIdChanged(changed) = event {
            self.external_id_changed(cause, &changed.external_id)
        } else {
            // A row says who a customer is and what it owes; the rest is not shown here.
            Ok(())
        }
    }

    /// Changes invoices and payments; what goes on the statement, when it is booked, and the
    /// document.
    fn settled(
        &mut self,
        cause: Cause<'_>,
        commit: &CommitView<'_>,
        event: &SettlementEvent,
    ) -> Result<(StatementKind, Date, Document), FoldError> {
        Ok(match event {
            SettlementEvent::InvoiceVoided(void) => {
                self.voided(cause, void)?;
                let by = Document::Invoice(void.invoice, None);
                (StatementKind::InvoiceVoided, void.posting_date, by)
            }
            SettlementEvent::CreditNoteIssued(note) => {
                self.settle(cause, note.posting_date, note.invoice, -note.total.0)?;
                let by = Document::CreditNote(note.invoice, note.note, note.number.clone());
                (StatementKind::CreditNote, note.posting_date, by)
            }
            SettlementEvent::PaymentRecorded(payment) => {
                self.received(cause, commit, payment)?;
                let by = Document::Payment(payment.payment);
                (StatementKind::Payment, payment.posting_date, by)
            }
            SettlementEvent::PaymentReversed(reversal) => {
                self.reversed(cause, reversal)?;
                let by = Document::Payment(reversal.payment);
                (StatementKind::PaymentReversed, reversal.posting_date, by)
            }
            SettlementEvent::PaymentRefunded(refund) => {
                self.refunded(cause, refund)?;
                let by = Document::Refund(refund.payment, refund.refund);
                (StatementKind::Refund, refund.posting_date, by)
            }
            SettlementEvent::CreditGranted(grant) => {
                let by = Document::Grant(grant.grant);
                (StatementKind::CreditGranted, grant.posting_date, by)
            }
        })
    }

    /// Books the event's entries and writes it on the customer's statement.
    fn booked(
        &mut self,
        cause: Cause<'_>,
        event: &Event,
        (kind, posting_date, by): (StatementKind, Date, Document),
    ) -> Result<(), FoldError> {
        let posted =
            post(event).map_err(|source| FoldError::Post { position: cause.position, source })?;
        self.stop(cause, &posted.stops)?;
        self.earn(cause, &posted.earnings)?;
        let change = self.enter(cause, &posted.entries)?;
        self.state(cause, kind, posting_date, by, change)?;
        self.list(cause)
    }
}
