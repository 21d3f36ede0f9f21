//! What a decision about settlement may look at.

use schemas::ids::InvoiceId;
use schemas::{Date, Rejection, Timestamp};

use super::state::{Invoice, Settlement};
use crate::billing::state::{Billed, Billing};
use crate::context::Context;
use crate::customer::state::Profile;
use crate::subscription::agreements::Agreements;

/// A command's customer, as a decision about settlement sees it.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) context: Context<'a>,
    pub(crate) profile: &'a Profile,
    pub(crate) agreements: &'a Agreements,
    pub(crate) billing: &'a Billing,
    pub(crate) settlement: &'a Settlement,
}

impl<'a> Case<'a> {
    /// The day on which something is booked: its effective date in the seller's zone.
    ///
    /// # Errors
    /// A date that cannot be computed.
    pub(super) fn posting_date(&self) -> Result<Date, Rejection> {
        self.day(self.context.stamp.effective_at)
    }

    /// The day on which the command is committed, in the seller's zone: it decides which credit
    /// has expired, whether that was booked yet or not.
    ///
    /// # Errors
    /// A date that cannot be computed.
    pub(super) fn today(&self) -> Result<Date, Rejection> {
        self.day(self.context.stamp.recorded_at)
    }

    fn day(&self, at: Timestamp) -> Result<Date, Rejection> {
        let entity = self.context.sellers.entity(self.profile.entity)?;
        Ok(entity.zone.date_at(at)?)
    }

    /// An invoice that counts.
    ///
    /// # Errors
    /// [`Rejection::UnknownInvoice`], [`Rejection::InvoiceVoided`].
    pub(super) fn invoice(&self, id: InvoiceId) -> Result<&'a Invoice, Rejection> {
        let invoice = self.settlement.invoices().get(id);
        let invoice = invoice.ok_or(Rejection::UnknownInvoice { invoice: id })?;
        if invoice.voided { Err(Rejection::InvoiceVoided { invoice: id }) } else { Ok(invoice) }
    }

    /// An invoice that is allocated to.
    pub(super) fn owed(&self, invoice: InvoiceId) -> &'a Invoice {
        self.settlement.invoices().get(invoice).expect("what is allocated to was found")
    }

    /// The lines of an invoice that is owed.
    pub(super) fn billed(&self, invoice: InvoiceId) -> &'a Billed {
        self.billing.invoice(invoice).expect("what is owed was billed")
    }
}

/// The day on which something is booked against an invoice. What was split on a day of its own, by
/// a note or because it began with its payment, is settled up to that day, so what is backdated
/// further is booked on it.
pub(super) fn posted_on(billed: &Billed, effective: Date) -> Date {
    let split = billed.lines().map(|line| line.earning.posted).max();
    split.map_or(effective, |day| day.max(effective))
}

/// A day that is not before the invoice.
///
/// # Errors
/// [`Rejection::BeforeInvoice`].
pub(super) fn not_before(billed: &Billed, at: Date) -> Result<(), Rejection> {
    if at < billed.posting_date {
        let (invoice, document_date) = (billed.invoice, billed.document_date);
        return Err(Rejection::BeforeInvoice { invoice, at, document_date });
    }
    Ok(())
}
