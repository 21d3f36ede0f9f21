//! Finalizing: drafts become an invoice with number, dates and totals.

use schemas::command::InvoiceRequest;
use schemas::event::{InvoiceFinalized, InvoiceTotals};
use schemas::ids::{BillingRunId, InvoiceId, derive};
use schemas::terms::{SeriesDefinition, SeriesKind};
use schemas::text::Code;
use schemas::{Date, Minor, Rejection};

use super::Account;
use super::draft::{LineDraft, numbered};
use crate::context::{Context, Stamp};
use crate::seller::numbers::printed;
use crate::seller::state::series;

/// The version of the arithmetic; raised when any amount could come out differently.
const ENGINE_VERSION: u32 = 3;

/// What the caller wants of an invoice, and the run that makes it.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) request: &'a InvoiceRequest,
    pub(crate) run: Option<BillingRunId>,
}

/// The invoice of drafted lines.
///
/// # Errors
/// An id, a series or a date that the request may not have; amounts that cannot be reckoned.
pub(crate) fn finalize(
    context: &Context<'_>,
    account: Account<'_>,
    drafts: Vec<LineDraft>,
    Wanted { request, run }: Wanted<'_>,
    before: &[Code],
) -> Result<InvoiceFinalized, Rejection> {
    let profile = account.profile;
    let entity = context.sellers.entity(profile.entity)?;
    let today = entity.zone.date_at(context.stamp.recorded_at)?;
    let series = series(entity, request.series.as_ref(), SeriesKind::Invoice)?;
    let effective = entity.zone.date_at(context.stamp.effective_at)?;
    let registered = entity.zone.date_at(profile.registered_at)?;
    let document_date = document_date(series, request, today, effective, registered)?;
    let first = context.registry.numbers().next(entity.entity, &series.code)?;
    let same = before.iter().filter(|known| **known == series.code).count() as u64;
    let exhausted = || Rejection::SeriesExhausted { series: series.code.clone() };
    let sequence = first.checked_add(same).ok_or_else(exhausted)?;
    let invoice = request.invoice.unwrap_or_else(|| derived_id(context.stamp, before.len()));
    if context.registry.taken.contains(invoice.uuid()) {
        return Err(Rejection::InvoiceExists { invoice });
    }
    if let Some(external_id) = &request.external_id {
        context.registry.free_invoice(external_id)?;
    }
    let totals = totals(&drafts)?;
    let credit_generated = Minor(totals.total.negated()?.0.max(0));
    // What the customer would have of credit must fit as well.
    account.credit.plus(credit_generated)?;
    Ok(InvoiceFinalized {
        invoice,
        external_id: request.external_id.clone(),
        entity: entity.entity,
        series: series.code.clone(),
        sequence,
        number: printed(series, sequence)?,
        seller: entity.snapshot(),
        bill_to: profile.snapshot(),
        memo: profile.memo(request),
        purchase_order: profile.purchase_order(request),
        currency: profile.currency,
        document_date,
        due_date: document_date.plus_days(i32::from(profile.terms_days(entity)))?,
        posting_date: document_date,
        input_revision: account.revision,
        profile: context.book.opened()?.profile,
        policies: profile.rules.policies,
        engine_version: ENGINE_VERSION,
        run,
        lines: numbered(drafts, invoice, document_date),
        totals,
        // Settlement says which credit pays it.
        credits: Vec::new(),
        credit_applied: Minor::ZERO,
        credit_generated,
    })
}

/// The id of the first invoice of a commit, or of one after `before` others.
fn derived_id(stamp: &Stamp, before: usize) -> InvoiceId {
    let name = if before == 0 { "invoice".to_owned() } else { format!("invoice {before}") };
    InvoiceId::new(derive(stamp.command_id.uuid(), &name))
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
