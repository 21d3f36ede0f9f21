//! What a decision about settlement may look at.

use schemas::{Date, Rejection};

use super::state::Settlement;
use crate::billing::state::{Billed, Billing};
use crate::context::Context;
use crate::customer::state::Profile;

/// A command's customer, as a decision about settlement sees it.
#[derive(Clone, Copy)]
pub(crate) struct Case<'a> {
    pub(crate) context: Context<'a>,
    pub(crate) profile: &'a Profile,
    pub(crate) billing: &'a Billing,
    pub(crate) settlement: &'a Settlement,
}

impl Case<'_> {
    /// The day on which something is booked: its effective date in the seller's zone.
    ///
    /// # Errors
    /// A date that cannot be computed.
    pub(super) fn posting_date(&self) -> Result<Date, Rejection> {
        let entity = self.context.sellers.entity(self.profile.entity)?;
        Ok(entity.zone.date_at(self.context.stamp.effective_at)?)
    }
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
