//! Settlement: charges, invoices, payments, credit.

pub(crate) mod charge;
pub(crate) mod credit_note;
pub(crate) mod payment;
pub(crate) mod refund;
pub(crate) mod void;

use schemas::event::{LineRef, LineReversal};
use schemas::money::MAX_AMOUNT;
use schemas::{Currency, Date, Minor, Money, Rejection};

use crate::customer::state::{Customer, Invoice};
use crate::ledger::Context;

/// An amount in the customer's currency.
fn own_currency(customer: &Customer, amount: Money) -> Result<Minor, Rejection> {
    if amount.currency() != customer.currency {
        return Err(Rejection::CurrencyMismatch {
            expected: customer.currency,
            found: amount.currency(),
        });
    }
    Ok(amount.minor())
}

/// An amount of more than zero in the customer's currency.
fn positive(customer: &Customer, amount: Money) -> Result<Minor, Rejection> {
    let minor = own_currency(customer, amount)?;
    if minor > MAX_AMOUNT {
        return Err(Rejection::AmountTooLarge { amount: minor, limit: MAX_AMOUNT });
    }
    if minor.is_positive() { Ok(minor) } else { Err(Rejection::AmountNotPositive { amount }) }
}

/// The day on which something is booked: its effective date in the seller's zone.
fn posting_date(context: &Context<'_>, customer: &Customer) -> Result<Date, Rejection> {
    let entity = context.book.entity(customer.entity)?;
    Ok(entity.zone.date_at(context.stamp.effective_at)?)
}

/// A day that is not before the invoice.
fn not_before(invoice: &Invoice, at: Date) -> Result<(), Rejection> {
    if at < invoice.posting_date {
        let document_date = invoice.document_date;
        return Err(Rejection::BeforeInvoice { invoice: invoice.id, at, document_date });
    }
    Ok(())
}

fn money(amount: i64, currency: Currency) -> Money {
    Minor(amount).of(currency)
}

/// How a line's recognised and unrecognised parts stand before `at`.
struct Standing {
    recognised: i64,
    unrecognised: i64,
}

fn standing(customer: &Customer, at: LineRef, day: Date) -> Result<Standing, Rejection> {
    let line = customer.line(at).ok_or(Rejection::UnknownInvoice { invoice: at.invoice })?;
    let through = line.earning.recognised_through(day.plus_days(-1)?);
    Ok(Standing {
        recognised: line.earned.0 + through.0,
        unrecognised: line.earning.amount.0 - through.0,
    })
}

/// A whole line reversed: all that is left of it after credit notes.
fn whole_line(customer: &Customer, at: LineRef, day: Date) -> Result<LineReversal, Rejection> {
    let line = customer.line(at).ok_or(Rejection::UnknownInvoice { invoice: at.invoice })?;
    let stands = standing(customer, at, day)?;
    Ok(LineReversal {
        line: at.line,
        net: Minor(stands.recognised + stands.unrecognised),
        tax: line.tax,
        recognised: Minor(stands.recognised),
        unrecognised: Minor(stands.unrecognised),
        amended: None,
    })
}
