//! Credit notes: part of an invoice taken off its lines in proportion.

use schemas::command::IssueCreditNote;
use schemas::event::{Allocation, Amendment, CreditNoteIssued, Event, LineRef, LineReversal};
use schemas::event::{EntityDefined, RevenueSchedule};
use schemas::ids::{CreditNoteId, RefundId, derive};
use schemas::terms::{SeriesDefinition, SeriesKind};
use schemas::{Date, Interval, Minor, Rejection};

use super::{money, not_before, positive, posting_date, standing};
use crate::billing::invoice::number;
use crate::billing::run::MAX_LINES;
use crate::book;
use crate::customer::state::{Customer, Invoice};
use crate::ledger::Context;

/// Credits lines of an open invoice, as told.
pub(crate) fn of_lines(
    context: &Context<'_>,
    customer: &Customer,
    command: &IssueCreditNote,
) -> Result<Vec<Event>, Rejection> {
    let (id, currency) = (command.invoice, customer.currency);
    let invoice = customer.invoices.get(id).ok_or(Rejection::UnknownInvoice { invoice: id })?;
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
        let Some(line) = customer.line(at) else { return invalid("the invoice has no such line") };
        if command.lines[..index].iter().any(|found| found.line == wanted.line) {
            return invalid("a line is named twice");
        }
        let amount = positive(customer, wanted.amount)?;
        if amount > line.left() {
            return invalid("more is credited than is left of a line");
        }
        total = total.plus(amount)?;
    }
    if total > invoice.open() {
        let (open, amount) = (invoice.open().of(currency), total.of(currency));
        return Err(Rejection::CreditExceedsOpen { invoice: id, open, amount });
    }
    let entity = context.book.entity(customer.entity)?;
    let series = book::series(entity, None, SeriesKind::CreditNote)?
        .ok_or(Rejection::NoCreditNoteSeries { entity: entity.entity })?;
    let last = context.registry.series(entity.entity, &series.code).last;
    let sequence = last
        .checked_add(1)
        .ok_or_else(|| Rejection::SeriesExhausted { series: series.code.clone() })?;
    let part = Allocation { invoice: id, amount: total };
    let mut issued = issue(context, customer, (entity, series, sequence), part, command.note)?;
    issued.lines = command
        .lines
        .iter()
        .map(|wanted| {
            let at = LineRef { invoice: id, line: wanted.line };
            reversal(customer, at, wanted.amount.minor().0, issued.posting_date)
        })
        .collect::<Result<_, _>>()?;
    Ok(vec![issued.into()])
}

/// One note for each invoice in `parts`.
pub(super) fn credit_notes(
    context: &Context<'_>,
    customer: &Customer,
    parts: &[Allocation],
    refund: RefundId,
    first: Option<CreditNoteId>,
) -> Result<Vec<CreditNoteIssued>, Rejection> {
    let entity = context.book.entity(customer.entity)?;
    let series = book::series(entity, None, SeriesKind::CreditNote)?
        .ok_or(Rejection::NoCreditNoteSeries { entity: entity.entity })?;
    let mut sequence = context.registry.series(entity.entity, &series.code).last;
    let mut notes = Vec::with_capacity(parts.len());
    for (index, part) in parts.iter().enumerate() {
        sequence = sequence
            .checked_add(1)
            .ok_or_else(|| Rejection::SeriesExhausted { series: series.code.clone() })?;
        let derived = || {
            let name = format!("credit note {index}");
            CreditNoteId::new(derive(context.stamp.command_id.uuid(), &name))
        };
        let note = first.filter(|_| index == 0).unwrap_or_else(derived);
        let issued = issue(context, customer, (entity, series, sequence), *part, note)?;
        notes.push(CreditNoteIssued { refund: Some(refund), ..issued });
    }
    Ok(notes)
}

fn issue(
    context: &Context<'_>,
    customer: &Customer,
    (entity, series, sequence): (&EntityDefined, &SeriesDefinition, u64),
    part: Allocation,
    note: CreditNoteId,
) -> Result<CreditNoteIssued, Rejection> {
    if context.registry.taken.contains(note.uuid()) {
        return Err(Rejection::CreditNoteExists { note });
    }
    let invoice = customer
        .invoices
        .get(part.invoice)
        .ok_or(Rejection::UnknownInvoice { invoice: part.invoice })?;
    let effective = posting_date(context, customer)?;
    not_before(invoice, effective)?;
    // An earlier note has split the lines on its own day: what is earned before that is settled,
    // so a backdated note is booked on that day too.
    let split = invoice.lines.iter().map(|line| line.earning.posted).max();
    let posting_date = split.map_or(effective, |day| day.max(effective));
    Ok(CreditNoteIssued {
        note,
        invoice: part.invoice,
        currency: customer.currency,
        series: series.code.clone(),
        sequence,
        number: number(series, sequence)?,
        document_date: entity.zone.date_at(context.stamp.recorded_at)?,
        posting_date,
        lines: reversals(customer, invoice, part.amount.0, posting_date)?,
        total: part.amount,
        refund: None,
    })
}

/// Shares an amount over what is left of the positive lines, by largest remainder, the earlier
/// line first on a tie.
fn reversals(
    customer: &Customer,
    invoice: &Invoice,
    amount: i64,
    day: Date,
) -> Result<Vec<LineReversal>, Rejection> {
    let left: Vec<(u32, i128)> = (1_u32..)
        .zip(&invoice.lines)
        .map(|(number, line)| (number, i128::from(line.left().0)))
        .filter(|(_, left)| *left > 0)
        .collect();
    let whole: i128 = left.iter().map(|(_, left)| left).sum();
    let wanted = i128::from(amount);
    if wanted > whole {
        let left = i64::try_from(whole).map_err(|_| schemas::MoneyError::Overflow)?;
        return Err(Rejection::CreditExceedsInvoice {
            invoice: invoice.id,
            left: money(left, customer.currency),
            amount: money(amount, customer.currency),
        });
    }
    let mut shares: Vec<i128> = left.iter().map(|(_, left)| wanted * left / whole).collect();
    let mut order: Vec<usize> = (0..left.len()).collect();
    order.sort_by_key(|at| (-(wanted * left[*at].1 % whole), *at));
    let missing = wanted - shares.iter().sum::<i128>();
    for at in order.into_iter().take(usize::try_from(missing).unwrap_or(usize::MAX)) {
        shares[at] += 1;
    }
    let mut reversals = Vec::new();
    for ((line, _), share) in left.into_iter().zip(shares) {
        let share = i64::try_from(share).map_err(|_| schemas::MoneyError::Overflow)?;
        if share != 0 {
            reversals.push(reversal(customer, LineRef { invoice: invoice.id, line }, share, day)?);
        }
    }
    Ok(reversals)
}

/// Takes `share` off a line: what was earned and what was not, in proportion.
fn reversal(
    customer: &Customer,
    at: LineRef,
    share: i64,
    day: Date,
) -> Result<LineReversal, Rejection> {
    let line = customer.line(at).ok_or(Rejection::UnknownInvoice { invoice: at.invoice })?;
    let stands = standing(customer, at, day)?;
    let whole = i128::from(stands.recognised) + i128::from(stands.unrecognised);
    // Rounded down. As the share is at most the whole, what is left of it is at most all of the
    // unrecognised part.
    let part = i128::from(share) * i128::from(stands.recognised) / whole;
    let recognised = i64::try_from(part).map_err(|_| schemas::MoneyError::Overflow)?;
    let unrecognised = share - recognised;
    assert!(unrecognised <= stands.unrecognised, "a share is never more than the whole");
    let rest = stands.unrecognised - unrecognised;
    let amended = (rest != 0).then(|| rest_of_service(line.earning.schedule, day)).transpose()?;
    Ok(LineReversal {
        line: at.line,
        net: Minor(share),
        tax: Minor::ZERO,
        recognised: Minor(recognised),
        unrecognised: Minor(unrecognised),
        amended: amended.map(|service| Amendment { service, amount: Minor(rest) }),
    })
}

/// The days from `day` on over which a line is still earned; at least `day` itself.
fn rest_of_service(schedule: RevenueSchedule, day: Date) -> Result<Interval, Rejection> {
    let (start, end) = match schedule {
        RevenueSchedule::Point(date) => (date, date.plus_days(1)?),
        RevenueSchedule::Straight(days) => (days.start(), days.end()),
    };
    let start = start.max(day);
    Ok(Interval::new(start, end.max(start.plus_days(1)?))?)
}
