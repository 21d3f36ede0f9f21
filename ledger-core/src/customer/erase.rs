//! Erasing a customer: when it may be, and how long its documents say who it was.
//!
//! # Ordering
//!
//! What stands in the way is named in the order in which it is best cleared: what still brings
//! invoices about, then what is not invoiced yet, then what is not settled.

use schemas::command::EraseCustomer;
use schemas::event::{CustomerErased, DocumentsErased, Event};
use schemas::fields::Erasure;
use schemas::ids::{ChargeId, InvoiceId, QuoteId, SubscriptionId};
use schemas::terms::LotRef;
use schemas::time::TimeError;
use schemas::{Date, Minor, Rejection, Timestamp};

use super::state::{Erased, Profile};
use crate::context::Context;

/// An invoice that is not settled.
pub(crate) struct Open {
    pub(crate) invoice: InvoiceId,
    pub(crate) amount: Minor,
    /// The invoice that credits a line of it.
    pub(crate) credited_by: Option<InvoiceId>,
}

/// A subscription that has not ended, and what ends it.
pub(crate) struct Running {
    pub(crate) subscription: SubscriptionId,
    /// The day from which it is over, where its end is told already.
    pub(crate) ends: Option<Date>,
    /// Only a cancellation that waives the fee ends it before its least term is over.
    pub(crate) waives: bool,
}

impl std::fmt::Display for Running {
    /// What is, and the way out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { subscription, ends, waives } = self;
        match ends {
            Some(ends) => {
                write!(f, "{subscription} ends on {ends}; erase the customer from then on")
            }
            None if *waives => write!(
                f,
                "{subscription} has not ended and is in its least term; cancel it now first, with \
                 waive_fee"
            ),
            None => write!(f, "{subscription} has not ended; cancel it now first"),
        }
    }
}

/// What waits for an invoice.
pub(crate) enum Unbilled {
    /// An invoice of the present would have it.
    Now,
    /// A charge of a subscription that has not begun.
    Later(ChargeId),
}

/// What other rooms know of a customer.
pub(crate) trait Affairs {
    /// A subscription that it pays for and that has not ended by now.
    ///
    /// # Errors
    /// A day that cannot be computed.
    fn running(&self, context: &Context<'_>) -> Result<Option<Running>, Rejection>;

    /// A quote that it may still accept on a day.
    fn offered(&self, today: Date) -> Option<QuoteId>;

    /// What waits to be invoiced.
    ///
    /// # Errors
    /// What billing refuses.
    fn unbilled(&self, context: &Context<'_>) -> Result<Option<Unbilled>, Rejection>;

    /// An invoice with something open.
    fn open(&self) -> Option<Open>;

    /// Customer credit that was paid and can be paid back.
    fn refundable(&self) -> Option<LotRef>;

    /// Customer credit that is available.
    fn credit(&self) -> Minor;

    /// The last day on which a document was issued or something was booked.
    fn last_document(&self) -> Option<Date>;

    /// The end of the last cycle that was opened or runs now, of what had not ended before an
    /// instant.
    ///
    /// # Errors
    /// A date that cannot be computed.
    fn cycles_end(&self, since: Timestamp, now: Timestamp) -> Result<Option<Timestamp>, TimeError>;
}

/// Makes a customer's own data unreadable. Its documents keep saying who it was as long as they
/// must be kept.
///
/// # Errors
/// [`Rejection::CustomerErased`]; [`Rejection::CustomerNotErasable`] with what is to be done first.
pub(super) fn erase(
    context: &Context<'_>,
    customer: &Profile,
    affairs: &dyn Affairs,
    command: &EraseCustomer,
) -> Result<Vec<Event>, Rejection> {
    if let Some(why) = in_the_way(context, customer, affairs, command)? {
        return Err(Rejection::CustomerNotErasable { customer: customer.id, why });
    }
    let years = context.sellers.entity(customer.entity)?.document_retention_years;
    let last = affairs.last_document();
    let erased = CustomerErased {
        reason: command.reason.clone(),
        documents_until: last.map(|last| kept_until(last, years)).transpose()?,
        document_retention_years: years,
    };
    Ok(vec![erased.into()])
}

fn in_the_way(
    context: &Context<'_>,
    customer: &Profile,
    affairs: &dyn Affairs,
    command: &EraseCustomer,
) -> Result<Option<String>, Rejection> {
    let now = context.stamp.recorded_at;
    if let Some(parked) = &customer.parked {
        let reason = &parked.detail;
        return Ok(Some(format!("it is parked ({reason}); mend that and release it first")));
    }
    if let Some(running) = affairs.running(context)? {
        return Ok(Some(running.to_string()));
    }
    if let Some(quote) = affairs.offered(customer.rules.date(now)?) {
        return Ok(Some(format!("{quote} may still be accepted; void it first")));
    }
    if let Some(unbilled) = affairs.unbilled(context)? {
        return Ok(Some(match unbilled {
            Unbilled::Now => {
                "something waits to be invoiced; invoice it with invoice.now first".into()
            }
            Unbilled::Later(charge) => {
                format!("{charge} waits to be invoiced; withdraw it with charge.withdraw first")
            }
        }));
    }
    if let Some(Open { invoice, amount, credited_by }) = affairs.open() {
        let amount = amount.of(customer.currency);
        let way = credited_by.map_or_else(
            || "settle, credit or void it first".into(),
            |by| format!("settle it first, or void {by}, which credits it, and then {invoice}"),
        );
        return Ok(Some(format!("{amount} of {invoice} is open; {way}")));
    }
    if let Some(lot) = affairs.refundable() {
        let way = match lot {
            LotRef::Payment(_) => "refund it with effect customer_credit first",
            LotRef::Grant(_) | LotRef::Invoice(_) | LotRef::CreditNote(_) => {
                "pay it out with credit.pay_out first"
            }
        };
        return Ok(Some(format!("credit is left of {lot}; {way}")));
    }
    let credit = affairs.credit();
    if credit.is_positive() && command.leave_credit != Some(true) {
        let credit = credit.of(customer.currency);
        return Ok(Some(format!(
            "{credit} of customer credit is left; say leave_credit to leave it on the books"
        )));
    }
    Ok(None)
}

/// The day until whose end documents are kept: the last of the year in which the last one was
/// issued, and so many years later.
///
/// # Errors
/// A date that cannot be computed.
fn kept_until(last: Date, years: u8) -> Result<Date, TimeError> {
    Date::new(last.civil().year().saturating_add(i16::from(years)), 12, 31)
}

/// The first day on which the documents of an erased customer need not be kept any more; none
/// where there is nothing to wait for. A day that cannot be computed never comes.
pub(crate) fn documents_free_on(erased: Option<Erased>, last: Option<Date>) -> Option<Date> {
    let years = erased.filter(|erased| erased.extent == Erasure::Own)?.retention_years;
    kept_until(last?, years).and_then(|until| until.plus_days(1)).ok()
}

/// The end of the time of an erased customer's documents, if it has come by `through`.
///
/// # Errors
/// A seller that is not there, or a date that cannot be computed.
pub(crate) fn end_documents(
    context: &Context<'_>,
    customer: &Profile,
    last: Option<Date>,
    through: Date,
) -> Result<Option<DocumentsErased>, Rejection> {
    let zone = &context.sellers.entity(customer.entity)?.zone;
    let today = zone.date_at(context.stamp.recorded_at)?.min(through);
    let free = documents_free_on(customer.erased, last).is_some_and(|from| from <= today);
    Ok(free.then_some(DocumentsErased {}))
}
