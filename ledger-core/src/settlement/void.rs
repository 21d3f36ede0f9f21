//! Voiding an invoice.

use schemas::Rejection;
use schemas::command::VoidInvoice;
use schemas::event::{Event, InvoiceVoided, LineRef};

use super::{not_before, posting_date, whole_line};
use crate::customer::state::{Customer, Invoice};
use crate::ledger::Context;

pub(crate) fn void(
    context: &Context<'_>,
    customer: &Customer,
    command: &VoidInvoice,
) -> Result<Vec<Event>, Rejection> {
    let id = command.invoice;
    let invoice = customer.invoices.get(id).ok_or(Rejection::UnknownInvoice { invoice: id })?;
    check_free(customer, invoice)?;
    let posting_date = posting_date(context, customer)?;
    not_before(invoice, posting_date)?;
    let count = u32::try_from(invoice.lines.len()).unwrap_or(u32::MAX);
    let lines = (1..=count)
        .map(|line| whole_line(customer, LineRef { invoice: id, line }, posting_date))
        .collect::<Result<_, _>>()?;
    Ok(vec![
        InvoiceVoided {
            invoice: id,
            currency: customer.currency,
            posting_date,
            lines,
            receivable: invoice.open(),
            credit_returned: invoice.credit_applied,
            credit_withdrawn: invoice.credit_generated,
            rebill: command.rebill,
            reason: command.reason.clone(),
        }
        .into(),
    ])
}

/// Nothing else stands on the invoice.
fn check_free(customer: &Customer, invoice: &Invoice) -> Result<(), Rejection> {
    let id = invoice.id;
    if invoice.voided {
        return Err(Rejection::InvoiceVoided { invoice: id });
    }
    if invoice.paid.is_positive() {
        let settled = invoice.paid.of(customer.currency);
        return Err(Rejection::InvoiceHasPayments { invoice: id, settled });
    }
    let note = invoice.notes.first().map(ToString::to_string);
    let line = invoice.lines.iter().find_map(|line| line.credited_by.first());
    if let Some(by) = note.or_else(|| line.map(ToString::to_string)) {
        return Err(Rejection::InvoiceLineCredited { invoice: id, by });
    }
    if invoice.credit_generated > customer.credit {
        return Err(Rejection::CreditConsumed {
            invoice: id,
            made: invoice.credit_generated.of(customer.currency),
            left: customer.credit.of(customer.currency),
        });
    }
    Ok(())
}
