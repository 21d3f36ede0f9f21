//! How events change what customers owe.

mod bookings;
mod customers;
mod lots;
mod settlement;

use ledger_core::post;
use schemas::event::{BillingEvent, CustomerEvent, SettlementEvent, SubscriptionEvent};
use schemas::ids::CustomerId;
use schemas::terms::LotRef;
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
                let entry = Some((StatementKind::Invoice, by));
                self.booked(cause, event, (invoice.posting_date, entry))
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
            Event::Billing(
                BillingEvent::ChargeAdded(_)
                | BillingEvent::ChargeWithdrawn(_)
                | BillingEvent::InvoiceLinesDrafted(_),
            )
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

    /// Changes invoices, payments and lots; the day on which it is booked, and what goes on the
    /// statement, with the document. Credit that moves changes nothing that is owed in all.
    fn settled(
        &mut self,
        cause: Cause<'_>,
        commit: &CommitView<'_>,
        event: &SettlementEvent,
    ) -> Result<(Date, Option<(StatementKind, Document)>), FoldError> {
        let (kind, day, by) = match event {
            SettlementEvent::InvoiceVoided(void) => {
                self.voided(cause, void)?;
                let by = Document::Invoice(void.invoice, None);
                (StatementKind::InvoiceVoided, void.posting_date, by)
            }
            SettlementEvent::CreditNoteIssued(note) => {
                self.noted(cause, note)?;
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
                self.granted(cause, grant)?;
                let by = Document::Grant(grant.grant);
                (StatementKind::CreditGranted, grant.posting_date, by)
            }
            // They come with the document that they are of.
            SettlementEvent::InvoiceLinesVoided(_) | SettlementEvent::CreditNoteLinesDrafted(_) => {
                return Err(FoldError::astray(cause.position));
            }
            SettlementEvent::CreditApplied(applied) => {
                self.applied(cause, applied)?;
                return Ok((applied.posting_date, None));
            }
            SettlementEvent::CreditReleased(released) => {
                self.released(cause, released)?;
                return Ok((released.posting_date, None));
            }
            SettlementEvent::CreditRevoked(revoked) => {
                self.spend(cause, LotRef::Grant(revoked.grant), revoked.amount.minor())?;
                let by = Document::Grant(revoked.grant);
                (StatementKind::CreditRevoked, revoked.posting_date, by)
            }
            SettlementEvent::CreditExpired(expired) => {
                self.spend(cause, LotRef::Grant(expired.grant), expired.amount.minor())?;
                let by = Document::Grant(expired.grant);
                (StatementKind::CreditExpired, expired.posting_date, by)
            }
            SettlementEvent::CreditPaidOut(paid) => {
                self.paid_out(cause, paid)?;
                let by = Document::PaidOut(paid.refund);
                (StatementKind::CreditPaidOut, paid.posting_date, by)
            }
        };
        Ok((day, Some((kind, by))))
    }

    /// Books the event's entries and writes it on the customer's statement.
    fn booked(
        &mut self,
        cause: Cause<'_>,
        event: &Event,
        (posting_date, entry): (Date, Option<(StatementKind, Document)>),
    ) -> Result<(), FoldError> {
        let posted =
            post(event).map_err(|source| FoldError::Post { position: cause.position, source })?;
        self.stop(cause, &posted.stops)?;
        self.earn(cause, &posted.earnings)?;
        let change = self.enter(cause, &posted.entries)?;
        self.customer(cause)?.credit += change.credit;
        if let Some((kind, by)) = entry {
            self.state(cause, kind, posting_date, by, change)?;
        }
        self.list(cause)
    }
}
