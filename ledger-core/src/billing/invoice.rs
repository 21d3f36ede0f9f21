//! Finalizing: drafts become an invoice with number, dates and totals.

use schemas::command::InvoiceRequest;
use schemas::event::{CustomerSnapshot, Event, InvoiceFinalized, InvoiceTotals, ItemTerms};
use schemas::ids::{BillingRunId, InvoiceId, derive};
use schemas::terms::{SeriesDefinition, SeriesKind};
use schemas::text::Code;
use schemas::{Date, Minor, Rejection};

use super::draft::LineDraft;
use super::run::{Scope, bill};
use crate::book;
use crate::customer::state::Customer;
use crate::ledger::{Context, Stamp};
use crate::subscription::advance::Advance;

/// The version of the arithmetic; raised when any amount could come out differently.
const ENGINE_VERSION: u32 = 2;

/// Bills a scope and, if there is something, finalizes one invoice. `customer` is the state
/// after the events that the command made so far.
pub(crate) fn bill_and_finalize(
    context: &Context<'_>,
    customer: &Customer,
    scope: Scope,
    through: Date,
    request: &InvoiceRequest,
    run: Option<BillingRunId>,
) -> Result<Vec<Event>, Rejection> {
    let migrations =
        |terms: &ItemTerms, date: Date| context.book.migrated(terms, date, customer.currency);
    let advance = Advance { rules: &customer.rules, migrations: &migrations };
    let billed = bill(customer, advance, scope, through)?;
    let mut events = billed.events;
    if !billed.lines.is_empty() {
        events.push(finalize(context, customer, billed.lines, request, run)?.into());
    }
    Ok(events)
}

fn finalize(
    context: &Context<'_>,
    customer: &Customer,
    drafts: Vec<LineDraft>,
    request: &InvoiceRequest,
    run: Option<BillingRunId>,
) -> Result<InvoiceFinalized, Rejection> {
    let entity = context.book.entity(customer.entity)?;
    let today = entity.zone.date_at(context.stamp.recorded_at)?;
    let series = book::series(entity, request.series.as_ref(), SeriesKind::Invoice)?
        .ok_or(Rejection::InvalidSeries { why: "no series is of kind invoice" })?;
    let effective = entity.zone.date_at(context.stamp.effective_at)?;
    let registered = entity.zone.date_at(customer.registered_at)?;
    let document_date = document_date(series, request, today, effective, registered)?;
    let state = context.registry.series(entity.entity, &series.code);
    let sequence = state
        .last
        .checked_add(1)
        .ok_or_else(|| Rejection::SeriesExhausted { series: series.code.clone() })?;
    let invoice = request.invoice.unwrap_or_else(|| derived_id(context.stamp));
    if context.registry.taken.contains(invoice.uuid()) {
        return Err(Rejection::InvoiceExists { invoice });
    }
    if let Some(external_id) = &request.external_id {
        context.registry.free_invoice(external_id)?;
    }
    let totals = totals(&drafts)?;
    let credit_applied = Minor(customer.credit.0.min(totals.total.0).max(0));
    let credit_generated = Minor(totals.total.negated()?.0.max(0));
    // What the customer would have of credit must fit as well.
    customer.credit.plus(credit_generated)?;
    let lines = (1..).zip(drafts).map(|(n, draft)| draft.numbered(n, document_date)).collect();
    Ok(InvoiceFinalized {
        invoice,
        external_id: request.external_id.clone(),
        entity: entity.entity,
        series: series.code.clone(),
        sequence,
        number: number(series, sequence)?,
        bill_to: CustomerSnapshot { name: customer.name.clone(), email: customer.email.clone() },
        currency: customer.currency,
        booking_rate: None,
        document_date,
        due_date: document_date.plus_days(i32::from(customer.payment_terms_days))?,
        posting_date: document_date,
        input_revision: customer.revision,
        usage_digest: None,
        profile: context.book.opened()?.profile,
        policies: customer.rules.policies,
        engine_version: ENGINE_VERSION,
        run,
        lines,
        totals,
        credit_applied,
        credit_generated,
    })
}

fn derived_id(stamp: &Stamp) -> InvoiceId {
    InvoiceId::new(derive(stamp.command_id.uuid(), "invoice"))
}

/// Today, or in a historical series the date of the past that is taken over.
fn document_date(
    series: &SeriesDefinition,
    request: &InvoiceRequest,
    today: Date,
    effective: Date,
    registered: Date,
) -> Result<Date, Rejection> {
    let date = match (series.kind, request.document_date) {
        (SeriesKind::Invoice, None) => return Ok(today),
        (SeriesKind::Invoice, Some(_)) => {
            return Err(Rejection::DocumentDateNotAllowed { series: series.code.clone() });
        }
        (SeriesKind::Historical, given) => given.unwrap_or(effective),
        (SeriesKind::CreditNote, _) => {
            return Err(Rejection::WrongSeriesKind {
                series: series.code.clone(),
                kind: series.kind,
            });
        }
    };
    if date > today {
        return Err(Rejection::DocumentDateInFuture { date, today });
    }
    if date < registered {
        return Err(Rejection::DocumentDateBeforeRegistration { date, registered });
    }
    Ok(date)
}

fn totals(drafts: &[LineDraft]) -> Result<InvoiceTotals, Rejection> {
    let gross = Minor::sum(drafts.iter().map(|draft| draft.gross))?;
    let net = Minor::sum(drafts.iter().map(LineDraft::net))?;
    let discount = gross.minus(net)?;
    Ok(InvoiceTotals { gross, discount, net, tax: Minor::ZERO, total: net })
}

/// The printed number: prefix, hyphen, digits.
pub(crate) fn number(series: &SeriesDefinition, sequence: u64) -> Result<Code, Rejection> {
    let width = usize::from(series.digits);
    let text = format!("{}-{sequence:0width$}", series.prefix);
    Code::try_from(text).map_err(|_| Rejection::SeriesExhausted { series: series.code.clone() })
}
