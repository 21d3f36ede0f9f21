//! Voiding an invoice.

use schemas::command::VoidInvoice;
use schemas::event::InvoiceVoided;
use schemas::ids::InvoiceId;
use schemas::terms::LotRef;
use schemas::{Minor, Personal, Rejection};

use super::case::{Case, not_before, posted_on};
use super::release::everything;
use super::reversal::whole_line;
use super::state::Invoice;
use crate::billing::state::Billed;
use crate::mistakes::{Mistake, makes};

/// Voids a finalized invoice that nothing else stands on; it keeps its number. Credit that had
/// paid it goes back to its lots.
///
/// # Errors
/// [`Rejection::UnknownInvoice`], [`Rejection::InvoiceVoided`]; payments, notes or credits that
/// stand on it; credit that it made and that was used up; a day before it.
pub(super) fn void(case: &Case<'_>, command: &VoidInvoice) -> Result<InvoiceVoided, Rejection> {
    let (id, currency) = (command.invoice, case.profile.currency);
    let invoice = case.invoice(id)?;
    if invoice.paid().is_positive() {
        let settled = invoice.paid().of(currency);
        return Err(Rejection::InvoiceHasPayments { invoice: id, settled });
    }
    if let Some(by) = case.billed(id).notes.first().map(ToString::to_string) {
        let way = "take the rest off with a credit note";
        return Err(Rejection::InvoiceLineCredited { invoice: id, by, way });
    }
    whole(case, invoice, command.rebill, command.reason.clone())
}

/// Voids a whole invoice whose payment did not come in time: also what is paid of it and what
/// notes left. What was paid goes back to its lots.
///
/// # Errors
/// [`Rejection::UnknownInvoice`], [`Rejection::InvoiceVoided`]; a line that a later invoice
/// credits; credit that it made and that was used up; a day before it.
pub(crate) fn expired(
    case: &Case<'_>,
    invoice: InvoiceId,
    rebill: bool,
    reason: Personal,
) -> Result<InvoiceVoided, Rejection> {
    let found = case.invoice(invoice)?;
    if let Some(by) = case.billed(invoice).notes.first().map(ToString::to_string) {
        // What a note took off is not to be billed again.
        let way = "take the rest off with a credit note";
        return Err(Rejection::InvoiceLineCredited { invoice, by, way });
    }
    whole(case, found, rebill, reason)
}

fn whole(
    case: &Case<'_>,
    invoice: &Invoice,
    rebill: bool,
    reason: Personal,
) -> Result<InvoiceVoided, Rejection> {
    let billed = case.billed(invoice.id);
    check_free(case, invoice, billed)?;
    let effective = case.posting_date()?;
    not_before(billed, effective)?;
    let posting_date = posted_on(billed, effective);
    let lines = (1_u32..)
        .zip(billed.lines())
        .map(|(number, line)| whole_line(line, number, posting_date))
        .collect::<Result<_, _>>()?;
    let rebill = rebill && !makes(Mistake::VoidForgets);
    let returned = (1_u32..)
        .zip(billed.lines())
        .filter(|(_, line)| !rebill && billed.charges_again(line))
        .map(|(number, _)| number)
        .collect();
    Ok(InvoiceVoided {
        invoice: invoice.id,
        currency: case.profile.currency,
        posting_date,
        lines,
        receivable: invoice.open(),
        released: everything(case, invoice),
        credit_withdrawn: invoice.credit_generated,
        rebill,
        returned,
        reason,
    })
}

/// No later invoice credits a line of it, and what it made of credit is there.
fn check_free(case: &Case<'_>, invoice: &Invoice, billed: &Billed) -> Result<(), Rejection> {
    let (id, currency) = (invoice.id, case.profile.currency);
    if let Some(by) = billed.credited_by().map(|by| by.to_string()) {
        let way = "void that invoice first, or take the rest off with a credit note";
        return Err(Rejection::InvoiceLineCredited { invoice: id, by, way });
    }
    if invoice.credit_generated.is_positive() {
        let lot = case.settlement.lots.named(LotRef::Invoice(id));
        let left = lot.map_or(Minor::ZERO, |lot| lot.left);
        if left < invoice.credit_generated {
            let (made, left) = (invoice.credit_generated.of(currency), left.of(currency));
            return Err(Rejection::CreditConsumed { invoice: id, made, left });
        }
    }
    Ok(())
}
