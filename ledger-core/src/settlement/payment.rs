//! Decisions about money received, money taken back, and credit given.

use std::collections::BTreeSet;

use schemas::command::{Allocate, AllocationRequest, GrantCredit, RecordPayment, ReversePayment};
use schemas::event::{Allocation, CreditGranted, Event, PaymentRecorded, PaymentReversed};
use schemas::ids::{InvoiceId, PaymentId};
use schemas::{Minor, Rejection};

use super::case::Case;
use super::state::Payment;

/// The most invoices that one payment settles.
const MAX_ALLOCATIONS: usize = 1_000;

/// Records money received: on invoices as told or oldest first, the rest as customer credit.
pub(super) fn record(case: &Case<'_>, command: &RecordPayment) -> Result<Vec<Event>, Rejection> {
    let payment = command.payment;
    if case.context.registry.taken.contains(payment.uuid()) {
        return Err(Rejection::PaymentExists { payment });
    }
    let amount = case.profile.positive(command.amount)?;
    if let Some(external_id) = &command.external_id {
        case.context.registry.free_payment(external_id)?;
    }
    let allocations = match &command.allocate {
        None | Some(Allocate::OldestFirst) => oldest_first(case, amount),
        Some(Allocate::To(requests)) => as_told(case, amount, requests)?,
    };
    let allocated: i64 = allocations.iter().map(|part| part.amount.0).sum();
    let to_credit = Minor(amount.0 - allocated);
    case.settlement.credit.plus(to_credit)?;
    Ok(vec![
        PaymentRecorded {
            payment,
            external_id: command.external_id.clone(),
            amount: command.amount,
            method: command.method.clone(),
            posting_date: case.posting_date()?,
            allocations,
            to_credit,
        }
        .into(),
    ])
}

/// By due date, then by order of finalization.
fn oldest_first(case: &Case<'_>, amount: Minor) -> Vec<Allocation> {
    let mut left = amount.0;
    let mut allocations = Vec::new();
    for invoice in case.settlement.open().take(MAX_ALLOCATIONS) {
        if left == 0 {
            break;
        }
        let part = invoice.open().0.min(left);
        left -= part;
        allocations.push(Allocation { invoice: invoice.id, amount: Minor(part) });
    }
    allocations
}

fn as_told(
    case: &Case<'_>,
    amount: Minor,
    requests: &[AllocationRequest],
) -> Result<Vec<Allocation>, Rejection> {
    let (count, limit) = (requests.len(), MAX_ALLOCATIONS);
    if count > limit {
        return Err(Rejection::TooManyAllocations { count, limit });
    }
    let mut seen: BTreeSet<InvoiceId> = BTreeSet::new();
    let mut allocations = Vec::with_capacity(count);
    for request in requests {
        let id = request.invoice;
        let part = case.profile.positive(request.amount)?;
        if !seen.insert(id) {
            return Err(Rejection::DuplicateAllocation { invoice: id });
        }
        let invoice = case.settlement.invoices().get(id);
        let invoice = invoice.ok_or(Rejection::UnknownInvoice { invoice: id })?;
        if invoice.voided {
            return Err(Rejection::InvoiceVoided { invoice: id });
        }
        if part > invoice.open() {
            return Err(Rejection::AllocationExceedsOpen {
                invoice: id,
                open: invoice.open().of(case.profile.currency),
                allocated: request.amount,
            });
        }
        allocations.push(Allocation { invoice: id, amount: part });
    }
    let allocated = Minor::sum(allocations.iter().map(|part| part.amount))?;
    if allocated > amount {
        let currency = case.profile.currency;
        return Err(Rejection::OverAllocated {
            allocated: allocated.of(currency),
            amount: amount.of(currency),
        });
    }
    Ok(allocations)
}

/// The payment, unless it was reversed.
pub(super) fn live<'a>(case: &Case<'a>, id: PaymentId) -> Result<&'a Payment, Rejection> {
    let payment = case.settlement.payment(id).ok_or(Rejection::UnknownPayment { payment: id })?;
    if payment.reversed { Err(Rejection::PaymentReversed { payment: id }) } else { Ok(payment) }
}

/// Undoes allocations, last first, up to `amount`.
pub(super) fn undo_last_first(payment: &Payment, amount: i64) -> Vec<Allocation> {
    let mut left = amount;
    let mut undone = Vec::new();
    for (invoice, allocated) in payment.allocations.iter().rev() {
        if left == 0 {
            break;
        }
        let part = allocated.0.min(left);
        left -= part;
        undone.push(Allocation { invoice: *invoice, amount: Minor(part) });
    }
    undone
}

/// Takes a whole payment back: its invoices are open again, its credit is withdrawn.
pub(super) fn reverse(case: &Case<'_>, command: &ReversePayment) -> Result<Vec<Event>, Rejection> {
    let payment = live(case, command.payment)?;
    let left = payment.left().0;
    if left == 0 {
        return Err(Rejection::NothingLeftOfPayment { payment: command.payment });
    }
    let reopened = undo_last_first(payment, left);
    let on_invoices: i64 = reopened.iter().map(|part| part.amount.0).sum();
    let credit_withdrawn = left - on_invoices;
    let short = (credit_withdrawn - case.settlement.credit.0).max(0);
    Ok(vec![
        PaymentReversed {
            payment: command.payment,
            amount: Minor(left).of(case.profile.currency),
            posting_date: case.posting_date()?,
            reopened,
            credit_withdrawn: Minor(credit_withdrawn),
            credit_unapplied: unapply(case, short),
            reason: command.reason.clone(),
        }
        .into(),
    ])
}

/// Takes used-up credit off invoices again, the last finalized first. What the payments made is
/// either available or on invoices, so it always suffices.
fn unapply(case: &Case<'_>, short: i64) -> Vec<Allocation> {
    let applied = case
        .settlement
        .invoices()
        .iter()
        .rev()
        .filter(|invoice| !invoice.voided && invoice.credit_applied.is_positive());
    let mut left = short;
    let mut unapplied = Vec::new();
    for invoice in applied {
        if left == 0 {
            break;
        }
        let part = invoice.credit_applied.0.min(left);
        left -= part;
        unapplied.push(Allocation { invoice: invoice.id, amount: Minor(part) });
    }
    assert_eq!(left, 0, "customer credit is available or on invoices");
    unapplied
}

/// Gives the customer credit for coming invoices.
pub(super) fn grant(case: &Case<'_>, command: &GrantCredit) -> Result<Vec<Event>, Rejection> {
    let grant = command.grant;
    if case.context.registry.taken.contains(grant.uuid()) {
        return Err(Rejection::GrantExists { grant });
    }
    let amount = case.profile.positive(command.amount)?;
    case.settlement.credit.plus(amount)?;
    Ok(vec![
        CreditGranted {
            grant,
            amount: command.amount,
            posting_date: case.posting_date()?,
            reason: command.reason.clone(),
        }
        .into(),
    ])
}
