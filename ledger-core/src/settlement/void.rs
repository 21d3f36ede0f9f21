//! Voiding an invoice.

use schemas::Rejection;
use schemas::command::VoidInvoice;
use schemas::event::InvoiceVoided;

use super::case::{Case, not_before};
use super::reversal::whole_line;
use super::state::Invoice;
use crate::billing::state::Billed;

/// Voids a finalized invoice that nothing else stands on; it keeps its number.
///
/// # Errors
/// [`Rejection::UnknownInvoice`], [`Rejection::InvoiceVoided`]; payments, notes or credits that
/// stand on it; credit that it made and that was used up; a day before it.
pub(crate) fn void(case: &Case<'_>, command: &VoidInvoice) -> Result<InvoiceVoided, Rejection> {
    let id = command.invoice;
    let unknown = || Rejection::UnknownInvoice { invoice: id };
    let invoice = case.settlement.invoices().get(id).ok_or_else(unknown)?;
    let billed = case.billing.invoice(id).ok_or_else(unknown)?;
    check_free(case, invoice, billed)?;
    let posting_date = case.posting_date()?;
    not_before(billed, posting_date)?;
    let lines = (1_u32..)
        .zip(&billed.lines)
        .map(|(number, line)| whole_line(line, number, posting_date))
        .collect::<Result<_, _>>()?;
    Ok(InvoiceVoided {
        invoice: id,
        currency: case.profile.currency,
        posting_date,
        lines,
        receivable: invoice.open(),
        credit_returned: invoice.credit_applied,
        credit_withdrawn: invoice.credit_generated,
        rebill: command.rebill,
        reason: command.reason.clone(),
    })
}

/// Voids a whole invoice whose payment did not come in time.
///
/// # Errors
/// [`Rejection::UnknownInvoice`]; a date that cannot be computed.
pub(crate) fn expired(
    case: &Case<'_>,
    invoice: schemas::ids::InvoiceId,
) -> Result<InvoiceVoided, Rejection> {
    void(
        case,
        &VoidInvoice {
            customer: case.profile.id,
            invoice,
            reason: schemas::text::Label::try_from("the first payment did not come".to_owned())
                .expect("a short text")
                .into(),
            rebill: true,
        },
    )
}

/// Nothing else stands on the invoice.
fn check_free(case: &Case<'_>, invoice: &Invoice, billed: &Billed) -> Result<(), Rejection> {
    let (id, currency) = (invoice.id, case.profile.currency);
    if invoice.voided {
        return Err(Rejection::InvoiceVoided { invoice: id });
    }
    if invoice.paid.is_positive() {
        let settled = invoice.paid.of(currency);
        return Err(Rejection::InvoiceHasPayments { invoice: id, settled });
    }
    if let Some(by) = billed.notes.first().map(ToString::to_string) {
        let way = "take the rest off with a credit note";
        return Err(Rejection::InvoiceLineCredited { invoice: id, by, way });
    }
    if let Some(by) = billed.credited_by().map(|by| by.to_string()) {
        let way = "void that invoice first, or take the rest off with a credit note";
        return Err(Rejection::InvoiceLineCredited { invoice: id, by, way });
    }
    let credit = case.settlement.credit;
    if invoice.credit_generated > credit {
        return Err(Rejection::CreditConsumed {
            invoice: id,
            made: invoice.credit_generated.of(currency),
            left: credit.of(currency),
        });
    }
    Ok(())
}
