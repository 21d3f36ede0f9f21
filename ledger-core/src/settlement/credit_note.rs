//! Credit notes: part of an invoice taken off its lines, as told or in proportion.

use std::collections::BTreeMap;

use schemas::command::IssueCreditNote;
use schemas::event::{Allocation, CreditNoteIssued, Event, LineRef, LineReversal};
use schemas::ids::{CreditNoteId, InvoiceId, RefundId, SubscriptionId, derive};
use schemas::terms::{NoteTarget, SeriesDefinition, SeriesKind};
use schemas::{Date, Interval, Minor, Rejection};

use super::case::{Case, not_before, posted_on};
use super::release::not_needed;
use super::reversal::{part_of_line, time_of_line};
use super::state::Invoice;
use crate::billing::draft::{LineDraft, numbered};
use crate::billing::state::{Billed, Line};
use crate::money::rounding::narrow;
use crate::money::shares::largest_remainder;
use crate::seller::numbers::printed;
use crate::seller::state::{Seller, series};

/// The most lines that one command names.
const MAX_LINES: usize = 1_000;

/// Credits lines of an invoice, as told. What is more than the invoice has open goes back to the
/// lots that paid it, if the command lets it.
pub(super) fn of_lines(
    case: &Case<'_>,
    command: &IssueCreditNote,
) -> Result<Vec<Event>, Rejection> {
    let (id, currency) = (command.invoice, case.profile.currency);
    let invoice = case.invoice(id)?;
    let invalid = |why| Err(Rejection::InvalidCreditLines { invoice: id, why });
    if command.lines.is_empty() || command.lines.len() > MAX_LINES {
        return invalid("it names no line, or more than 1000: issue several notes");
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
    match command.to.unwrap_or(NoteTarget::Receivable) {
        NoteTarget::Receivable if total > invoice.open() => {
            let (open, amount) = (invoice.open().of(currency), total.of(currency));
            return Err(Rejection::CreditExceedsOpen { invoice: id, open, amount });
        }
        NoteTarget::Receivable | NoteTarget::Credit => {}
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
    issued.released = not_needed(case, invoice, &issued.lines, Minor::ZERO);
    issued.to_credit = beyond_what_was_asked(invoice, &issued);
    Ok(vec![issued.into()])
}

/// What an invoice asks for one-off charges of some subscriptions, as a note; none if that is
/// nothing. `before` notes of the commit come before this one.
///
/// # Errors
/// [`Rejection::SeriesExhausted`]; a number or a date that cannot be had.
pub(crate) fn of_charges(
    case: &Case<'_>,
    invoice: InvoiceId,
    of: &[SubscriptionId],
    before: u64,
) -> Result<Option<CreditNoteIssued>, Rejection> {
    let charged = |line: &&(u32, &Line)| {
        let charge = line.1.charge.as_ref().and_then(|charge| charge.added.subscription);
        charge.is_some_and(|of_line| of.contains(&of_line)) && line.1.left().is_positive()
    };
    let numbered: Vec<(u32, &Line)> = (1_u32..).zip(case.billed(invoice).lines()).collect();
    let lines: Vec<(u32, &Line)> = numbered.iter().filter(charged).copied().collect();
    if lines.is_empty() {
        return Ok(None);
    }
    let amount = Minor::sum(lines.iter().map(|(_, line)| line.left()))?;
    let (entity, series) = note_series(case)?;
    let first = case.context.registry.numbers().next(entity.entity, &series.code)?;
    let exhausted = || Rejection::SeriesExhausted { series: series.code.clone() };
    let sequence = first.checked_add(before).ok_or_else(exhausted)?;
    let name = format!("credit note {before}");
    let note = CreditNoteId::new(derive(case.context.stamp.command_id.uuid(), &name));
    let part = Allocation { invoice, amount };
    let mut issued = issue(case, (entity, series, sequence), part, note)?;
    let of_line = |(line, known): &(u32, &Line)| {
        let at = LineRef { invoice, line: *line };
        part_of_line(case.billing, at, known.left().0, issued.posting_date)
    };
    issued.lines = lines.iter().map(of_line).collect::<Result<_, _>>()?;
    let owed = case.invoice(invoice)?;
    issued.released = not_needed(case, owed, &issued.lines, Minor::ZERO);
    issued.to_credit = beyond_what_was_asked(owed, &issued);
    Ok(Some(issued))
}

/// One note for each invoice in `parts`; what they credit of an invoice nothing pays any more.
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
        let invoice = case.invoice(part.invoice)?;
        let released = not_needed(case, invoice, &issued.lines, part.amount);
        notes.push(CreditNoteIssued { refund: Some(refund), released, ..issued });
    }
    Ok(notes)
}

/// Notes for credited time: one for each invoice that has a line of which time is credited.
/// `before` notes of the commit come before these.
///
/// # Errors
/// [`Rejection::SeriesExhausted`]; a number or a date that cannot be had.
pub(crate) fn for_time(
    case: &Case<'_>,
    credits: Vec<LineDraft>,
    before: u64,
) -> Result<Vec<CreditNoteIssued>, Rejection> {
    if credits.is_empty() {
        return Ok(Vec::new());
    }
    let (entity, series) = note_series(case)?;
    let first = case.context.registry.numbers().next(entity.entity, &series.code)?;
    let mut by_invoice: Vec<(InvoiceId, Vec<LineDraft>)> = Vec::new();
    for credit in credits {
        let credited = credit.credits.expect("a note credits lines").invoice;
        match by_invoice.iter_mut().find(|(invoice, _)| *invoice == credited) {
            Some((_, known)) => known.push(credit),
            None => by_invoice.push((credited, vec![credit])),
        }
    }
    by_invoice.sort_by_key(|(invoice, _)| case.billing.ordinal(*invoice));
    let mut notes = Vec::with_capacity(by_invoice.len());
    for (index, (invoice, credits)) in (before..).zip(by_invoice) {
        let exhausted = || Rejection::SeriesExhausted { series: series.code.clone() };
        let sequence = first.checked_add(index).ok_or_else(exhausted)?;
        let name = format!("credit note {index}");
        let note = CreditNoteId::new(derive(case.context.stamp.command_id.uuid(), &name));
        let billed = case.billing.invoice(invoice).ok_or(Rejection::UnknownInvoice { invoice })?;
        let document_date = entity.zone.date_at(case.context.stamp.recorded_at)?;
        let effective = case.posting_date()?.max(billed.posting_date);
        let posting_date = posted_on(billed, effective);
        let total = Minor::sum(credits.iter().map(LineDraft::net))?.negated()?;
        let lines = credited_lines(billed, &credits, posting_date)?;
        let owed = case.invoice(invoice)?;
        let released = not_needed(case, owed, &lines, Minor::ZERO);
        let mut issued = CreditNoteIssued {
            note,
            invoice,
            currency: case.profile.currency,
            series: series.code.clone(),
            sequence,
            number: printed(series, sequence)?,
            document_date,
            posting_date,
            lines,
            credits: numbered(credits, invoice, document_date),
            total,
            released,
            to_credit: Minor::ZERO,
            refund: None,
        };
        issued.to_credit = beyond_what_was_asked(owed, &issued);
        notes.push(issued);
    }
    Ok(notes)
}

/// Credits of earlier invoices may have paid an invoice in part: what a note takes beyond what it
/// asked is new credit.
fn beyond_what_was_asked(invoice: &Invoice, note: &CreditNoteIssued) -> Minor {
    let back: i64 = note.released.iter().map(|part| part.amount.0).sum();
    Minor((note.total.0 - invoice.open().0 - back).max(0))
}

/// What the credits take off each line.
fn credited_lines(
    billed: &Billed,
    credits: &[LineDraft],
    day: Date,
) -> Result<Vec<LineReversal>, Rejection> {
    let mut pieces: BTreeMap<u32, Vec<(Interval, Minor)>> = BTreeMap::new();
    for credit in credits {
        let (Some(at), Some(days)) = (credit.credits, credit.service) else { continue };
        pieces.entry(at.line).or_default().push((days, credit.net().negated()?));
    }
    let line = |number: u32| billed.line(number);
    let found =
        pieces.iter().filter_map(|(number, pieces)| Some((*number, line(*number)?, pieces)));
    found.map(|(number, line, pieces)| time_of_line(line, number, pieces, day)).collect()
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
    let posting_date = posted_on(billed, effective);
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
        credits: Vec::new(),
        total: part.amount,
        released: Vec::new(),
        to_credit: Minor::ZERO,
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
        .zip(billed.lines())
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
