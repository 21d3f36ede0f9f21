//! Decisions about money received, and money taken back.

use std::collections::BTreeSet;

use schemas::command::{Allocate, AllocationRequest, RecordPayment, ReversePayment};
use schemas::event::{Allocation, Event, LotPart, PaymentRecorded, PaymentReversed};
use schemas::ids::{InvoiceId, PaymentId};
use schemas::terms::LotRef;
use schemas::{Date, Minor, Rejection};

use super::case::Case;
use super::lots::{Lot, Origin, Part};
use super::spending::Parts;
use super::state::Invoice;

/// The most invoices that one payment settles.
const MAX_ALLOCATIONS: usize = 1_000;

/// Records money received: on invoices as told or oldest first, the rest as customer credit.
///
/// An invoice that was booked later is not settled by the payment itself: that is a prepayment,
/// whose credit pays the invoice on the invoice's day.
pub(super) fn record(case: &Case<'_>, command: &RecordPayment) -> Result<Vec<Event>, Rejection> {
    let payment = command.payment;
    if case.context.registry.taken.contains(payment.uuid()) {
        return Err(Rejection::PaymentExists { payment });
    }
    let amount = case.profile.positive(command.amount)?;
    if let Some(external_id) = &command.external_id {
        case.context.registry.free_payment(external_id)?;
    }
    let mut allocations = match &command.allocate {
        None | Some(Allocate::OldestFirst) => oldest_first(case, amount),
        Some(Allocate::To(requests)) => as_told(case, amount, requests)?,
    };
    let posting_date = case.posting_date()?;
    let mut later = Parts::default();
    allocations.retain(|part| {
        let booked = case.owed(part.invoice).posting_date;
        if booked > posting_date {
            let Allocation { invoice, amount } = *part;
            later.add(booked, LotPart { lot: LotRef::Payment(payment), invoice, amount });
        }
        booked <= posting_date
    });
    let allocated: i64 = allocations.iter().map(|part| part.amount.0).sum();
    let to_credit = Minor(amount.0 - allocated);
    case.settlement.credit().plus(to_credit)?;
    let recorded = PaymentRecorded {
        payment,
        external_id: command.external_id.clone(),
        amount: command.amount,
        method: command.method.clone(),
        posting_date,
        allocations,
        to_credit,
    };
    let later = later.events(case).into_iter().map(Event::from);
    Ok([recorded.into()].into_iter().chain(later).collect())
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
        let invoice = case.invoice(id)?;
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

/// A payment that was not reversed.
#[derive(Clone, Copy)]
pub(super) struct Payment<'a> {
    pub(super) id: PaymentId,
    pub(super) lot: &'a Lot,
    /// What was not paid back of it.
    pub(super) left: Minor,
}

impl<'a> Payment<'a> {
    /// The payment of this id.
    ///
    /// # Errors
    /// [`Rejection::UnknownPayment`], [`Rejection::PaymentReversed`].
    pub(super) fn live(case: &Case<'a>, id: PaymentId) -> Result<Self, Rejection> {
        let unknown = Rejection::UnknownPayment { payment: id };
        let lot = case.settlement.lots.named(LotRef::Payment(id)).ok_or(unknown)?;
        match lot.origin {
            Origin::Payment { reversed: true, .. } => {
                Err(Rejection::PaymentReversed { payment: id })
            }
            Origin::Payment { refunded, reversed: false, .. } => {
                Ok(Self { id, lot, left: Minor(lot.amount.0 - refunded.0) })
            }
            Origin::Grant(_) | Origin::Invoice(_) | Origin::Note(_) => {
                unreachable!("a payment made this lot")
            }
        }
    }

    /// The day on which something is booked that takes money of it back.
    ///
    /// # Errors
    /// [`Rejection::BeforePayment`]; a date that cannot be computed.
    pub(super) fn posting_date(&self, case: &Case<'_>) -> Result<Date, Rejection> {
        let at = case.posting_date()?;
        if at < self.lot.arose {
            let (payment, posting_date) = (self.id, self.lot.arose);
            return Err(Rejection::BeforePayment { payment, at, posting_date });
        }
        Ok(at)
    }

    /// Undoes up to `amount` of what it pays: what it settled when it was recorded, then what its
    /// credit paid later, each the last invoice first.
    pub(super) fn undo(&self, case: &Case<'a>, amount: Minor) -> Undone {
        let invoices = case.settlement.invoices();
        let places = self.lot.on.iter().map(|(ordinal, _)| *ordinal);
        invoices.shelf.need(places.clone());
        let mut on: Vec<&Invoice> = places.filter_map(|ordinal| invoices.at(ordinal)).collect();
        on.sort_unstable_by_key(|invoice| std::cmp::Reverse(invoice.ordinal));
        let mut undone = Undone::default();
        let mut left = amount.0;
        for direct in [true, false] {
            for invoice in &on {
                let own = |part: &&Part| (part.lot, part.direct) == (self.lot.place, direct);
                let parts = invoice.parts.iter().filter(own);
                let part = left.min(parts.clone().map(|part| part.amount.0).sum());
                if part == 0 {
                    continue;
                }
                left -= part;
                undone.on = undone.on.max(parts.map(|part| part.on).max());
                let part = Allocation { invoice: invoice.id, amount: Minor(part) };
                if direct { &mut undone.reopened } else { &mut undone.unapplied }.push(part);
            }
        }
        undone
    }
}

/// What a payment no longer pays.
#[derive(Default)]
pub(super) struct Undone {
    /// What it had settled when it was recorded.
    pub(super) reopened: Vec<Allocation>,
    /// What its credit had paid later.
    pub(super) unapplied: Vec<Allocation>,
    /// The last day on which any of it was booked.
    on: Option<Date>,
}

impl Undone {
    /// All of it, by invoice, in order.
    pub(super) fn by_invoice(&self) -> Vec<Allocation> {
        let mut all: Vec<Allocation> = Vec::new();
        for part in self.reopened.iter().chain(&self.unapplied) {
            match all.iter_mut().find(|known| known.invoice == part.invoice) {
                Some(known) => known.amount.0 += part.amount.0,
                None => all.push(*part),
            }
        }
        all
    }

    /// The day on which it is booked: `day`, or the last day on which any of it was booked.
    pub(super) fn since(&self, day: Date) -> Date {
        self.on.map_or(day, |on| on.max(day))
    }

    pub(super) fn sum(&self) -> Minor {
        let all = self.reopened.iter().chain(&self.unapplied);
        Minor(all.map(|part| part.amount.0).sum())
    }
}

/// Takes a whole payment back, wherever it lies: its invoices are open again, also those that its
/// credit paid later, and what was left of it is withdrawn.
///
/// It is booked on the day of the command, or on the day on which its credit last paid something,
/// if that is later.
pub(super) fn reverse(case: &Case<'_>, command: &ReversePayment) -> Result<Vec<Event>, Rejection> {
    let payment = Payment::live(case, command.payment)?;
    if payment.left.is_zero() {
        return Err(Rejection::NothingLeftOfPayment { payment: payment.id });
    }
    let posting_date = payment.posting_date(case)?;
    let undone = payment.undo(case, payment.left);
    Ok(vec![
        PaymentReversed {
            payment: payment.id,
            amount: payment.left.of(case.profile.currency),
            posting_date: undone.since(posting_date),
            credit_withdrawn: Minor(payment.left.0 - undone.sum().0),
            reopened: undone.reopened,
            credit_unapplied: undone.unapplied,
            reason: command.reason.clone(),
        }
        .into(),
    ])
}
