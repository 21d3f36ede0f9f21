//! Credit notes: part of an invoice taken off its lines in proportion.

use schemas::command::IssueCreditNote;
use schemas::event::{Allocation, CreditNoteIssued, Event, LineRef, LineReversal};
use schemas::ids::{CreditNoteId, RefundId, derive};
use schemas::terms::{SeriesDefinition, SeriesKind};
use schemas::{Date, Minor, Rejection};

use super::case::{Case, not_before};
use super::reversal::part_of_line;
use crate::billing::lines::MAX_LINES;
use crate::billing::state::Billed;
use crate::money::rounding::narrow;
use crate::money::shares::largest_remainder;
use crate::seller::numbers::printed;
use crate::seller::state::{Seller, series};

/// Credits lines of an open invoice, as told.
pub(super) fn of_lines(
    case: &Case<'_>,
    command: &IssueCreditNote,
) -> Result<Vec<Event>, Rejection> {
    let (id, currency) = (command.invoice, case.profile.currency);
    let invoice = case.settlement.invoices().get(id);
    let invoice = invoice.ok_or(Rejection::UnknownInvoice { invoice: id })?;
    if invoice.voided {
        return Err(Rejection::InvoiceVoided { invoice: id });
    }
    let invalid = |why| Err(Rejection::InvalidCreditLines { invoice: id, why });
    if command.lines.is_empty() || command.lines.len() > MAX_LINES {
        return invalid("there is no line, or there are too many");
    }
    let mut total = Minor::ZERO;
    for (index, wanted) in command.lines.iter().enumerate() {
        let at = LineRef { invoice: id, line: wanted.line };
        let Some(line) = case.billing.named(at) else {
            return invalid("the invoice has no such line");
        };
        if command.lines[..index].iter().any(|found| found.line == wanted.line) {
            return invalid("a line is named twice");
        }
        let amount = case.profile.positive(wanted.amount)?;
        if amount > line.left() {
            return invalid("more is credited than is left of a line");
        }
        total = total.plus(amount)?;
    }
    if total > invoice.open() {
        let (open, amount) = (invoice.open().of(currency), total.of(currency));
        return Err(Rejection::CreditExceedsOpen { invoice: id, open, amount });
    }
    let (entity, series) = note_series(case)?;
    let sequence = case.context.registry.numbers().next(entity.entity, &series.code)?;
    let part = Allocation { invoice: id, amount: total };
    let mut issued = issue(case, (entity, series, sequence), part, command.note)?;
    issued.lines = command
        .lines
        .iter()
        .map(|wanted| {
            let at = LineRef { invoice: id, line: wanted.line };
            part_of_line(case.billing, at, wanted.amount.minor().0, issued.posting_date)
        })
        .collect::<Result<_, _>>()?;
    Ok(vec![issued.into()])
}

/// One note for each invoice in `parts`.
pub(super) fn credit_notes(
    case: &Case<'_>,
    parts: &[Allocation],
    refund: RefundId,
    first: Option<CreditNoteId>,
) -> Result<Vec<CreditNoteIssued>, Rejection> {
    let (entity, series) = note_series(case)?;
    let first_number = case.context.registry.numbers().next(entity.entity, &series.code);
    let mut notes = Vec::with_capacity(parts.len());
    for (index, part) in parts.iter().enumerate() {
        let exhausted = || Rejection::SeriesExhausted { series: series.code.clone() };
        let sequence = first_number.clone()?.checked_add(index as u64).ok_or_else(exhausted)?;
        let derived = || {
            let name = format!("credit note {index}");
            CreditNoteId::new(derive(case.context.stamp.command_id.uuid(), &name))
        };
        let note = first.filter(|_| index == 0).unwrap_or_else(derived);
        let issued = issue(case, (entity, series, sequence), *part, note)?;
        notes.push(CreditNoteIssued { refund: Some(refund), ..issued });
    }
    Ok(notes)
}

fn issue(
    case: &Case<'_>,
    (entity, series, sequence): (&Seller, &SeriesDefinition, u64),
    part: Allocation,
    note: CreditNoteId,
) -> Result<CreditNoteIssued, Rejection> {
    if case.context.registry.taken.contains(note.uuid()) {
        return Err(Rejection::CreditNoteExists { note });
    }
    let billed = case.billing.invoice(part.invoice);
    let billed = billed.ok_or(Rejection::UnknownInvoice { invoice: part.invoice })?;
    let effective = case.posting_date()?;
    not_before(billed, effective)?;
    // An earlier note has split the lines on its own day: what is earned before that is settled,
    // so a backdated note is booked on that day too.
    let split = billed.lines.iter().map(|line| line.earning.posted).max();
    let posting_date = split.map_or(effective, |day| day.max(effective));
    Ok(CreditNoteIssued {
        note,
        invoice: part.invoice,
        currency: case.profile.currency,
        series: series.code.clone(),
        sequence,
        number: printed(series, sequence)?,
        document_date: entity.zone.date_at(case.context.stamp.recorded_at)?,
        posting_date,
        lines: reversals(case, billed, part.amount.0, posting_date)?,
        total: part.amount,
        refund: None,
    })
}

/// Shares an amount over what is left of the positive lines, by largest remainder, the earlier
/// line first on a tie.
fn reversals(
    case: &Case<'_>,
    billed: &Billed,
    amount: i64,
    day: Date,
) -> Result<Vec<LineReversal>, Rejection> {
    let (invoice, currency) = (billed.invoice, case.profile.currency);
    let (lines, left): (Vec<u32>, Vec<i128>) = (1_u32..)
        .zip(&billed.lines)
        .map(|(number, line)| (number, i128::from(line.left().0)))
        .filter(|(_, left)| *left > 0)
        .unzip();
    let whole: i128 = left.iter().sum();
    if i128::from(amount) > whole {
        let (left, amount) = (Minor(narrow(whole)?).of(currency), Minor(amount).of(currency));
        return Err(Rejection::CreditExceedsInvoice { invoice, left, amount });
    }
    let shares = largest_remainder(amount.into(), whole, &left);
    let mut reversals = Vec::new();
    for (line, share) in lines.into_iter().zip(shares).filter(|(_, share)| *share != 0) {
        let at = LineRef { invoice, line };
        reversals.push(part_of_line(case.billing, at, narrow(share)?, day)?);
    }
    Ok(reversals)
}

/// The series that credit notes to the customer have.
fn note_series<'a>(case: &Case<'a>) -> Result<(&'a Seller, &'a SeriesDefinition), Rejection> {
    let entity = case.context.sellers.entity(case.profile.entity)?;
    let series = series(entity, None, SeriesKind::CreditNote)?;
    Ok((entity, series))
}
