//! Paying money back that was received as a payment.

use schemas::command::{RefundEffect, RefundPayment};
use schemas::event::{Allocation, Event, LotSwap, PaymentRefunded, RefundedTo};
use schemas::{Date, Minor, Rejection};

use super::case::Case;
use super::credit_note::credit_notes;
use super::payment::Payment;

/// Pays money back: from customer credit, or from invoices that are open again or credited.
///
/// It is booked on the day of the command, or on the last day on which that was booked which it
/// undoes, if that is later.
pub(super) fn refund(case: &Case<'_>, command: &RefundPayment) -> Result<Vec<Event>, Rejection> {
    let (refund, id) = (command.refund, command.payment);
    if case.context.registry.taken.contains(refund.uuid()) {
        return Err(Rejection::RefundExists { refund });
    }
    let payment = Payment::live(case, id)?;
    let amount = case.profile.positive(command.amount)?;
    if amount > payment.left {
        let (left, amount) = (payment.left.of(case.profile.currency), command.amount);
        return Err(Rejection::RefundExceedsPayment { payment: id, left, amount });
    }
    let refunded = PaymentRefunded {
        refund,
        payment: id,
        amount: command.amount,
        posting_date: payment.posting_date(case)?,
        effect: RefundedTo::CustomerCredit,
        reopened: Vec::new(),
        credit_unapplied: Vec::new(),
        swapped: Vec::new(),
        from_credit: Minor::ZERO,
        reason: command.reason.clone(),
    };
    match command.effect {
        RefundEffect::CustomerCredit => from_credit(case, payment, refunded),
        RefundEffect::Reopen => {
            let (refunded, _) = from_invoices(case, payment, refunded, RefundedTo::Reopened)?;
            Ok(vec![refunded.into()])
        }
        RefundEffect::CreditNote(first) => {
            let (refunded, undone) = from_invoices(case, payment, refunded, RefundedTo::Credited)?;
            let notes = credit_notes(case, &undone, refund, first)?;
            let notes = notes.into_iter().map(Event::from);
            Ok([refunded.into()].into_iter().chain(notes).collect())
        }
    }
}

/// Takes what is left of the payment; beyond that, credit of invoices below zero takes its place
/// on invoices.
fn from_credit(
    case: &Case<'_>,
    payment: Payment<'_>,
    mut refunded: PaymentRefunded,
) -> Result<Vec<Event>, Rejection> {
    let amount = refunded.amount.minor();
    let own = payment.lot.left.0.min(amount.0);
    let (swapped, on) = swaps(case, payment, Minor(amount.0 - own), refunded.posting_date);
    let swapped_sum: i64 = swapped.iter().map(|swap| swap.amount.0).sum();
    if own + swapped_sum < amount.0 {
        let left = Minor(own + swapped_sum).of(case.profile.currency);
        let (payment, amount) = (payment.id, refunded.amount);
        return Err(Rejection::RefundExceedsCredit { payment, left, amount });
    }
    was_kept(case, &refunded, own)?;
    (refunded.swapped, refunded.from_credit, refunded.posting_date) = (swapped, amount, on);
    Ok(vec![refunded.into()])
}

/// What was paid out of credit that invoices gave back is not paid back again: beyond `own`, which
/// never was on an invoice, at most what the customer paid for invoices and has not got back.
fn was_kept(case: &Case<'_>, refunded: &PaymentRefunded, own: i64) -> Result<(), Rejection> {
    let most = Minor(own + case.settlement.paid_and_kept().0);
    let (payment, amount) = (refunded.payment, refunded.amount);
    if amount.minor() > most {
        let left = most.of(case.profile.currency);
        return Err(Rejection::RefundExceedsKept { payment, left, amount });
    }
    Ok(())
}

/// Credit of invoices below zero takes the place of up to `amount` of a payment on invoices; with
/// the day on which that is booked: `day`, or the last day on which any of both was booked.
fn swaps(case: &Case<'_>, payment: Payment<'_>, amount: Minor, day: Date) -> (Vec<LotSwap>, Date) {
    let mut lots = case.settlement.lots.unspent().filter(|lot| lot.is_of_invoice());
    let mut next = lots.next().map(|lot| (lot, lot.left.0));
    let undone = payment.undo(case, amount);
    let mut on = undone.since(day);
    let mut swapped = Vec::new();
    let settled = undone.reopened.iter().map(|part| (part, true));
    for (part, direct) in settled.chain(undone.unapplied.iter().map(|part| (part, false))) {
        let mut missing = part.amount.0;
        while missing > 0
            && let Some((lot, left)) = next
        {
            let amount = missing.min(left);
            on = on.max(lot.arose);
            let (lot_id, invoice) = (lot.id(), part.invoice);
            swapped.push(LotSwap { lot: lot_id, invoice, amount: Minor(amount), direct });
            missing -= amount;
            let rest = Some((lot, left - amount)).filter(|(_, left)| *left > 0);
            next = rest.or_else(|| lots.next().map(|lot| (lot, lot.left.0)));
        }
    }
    (swapped, on)
}

/// Undoes what the payment paid; also what that is of each invoice.
fn from_invoices(
    case: &Case<'_>,
    payment: Payment<'_>,
    mut refunded: PaymentRefunded,
    effect: RefundedTo,
) -> Result<(PaymentRefunded, Vec<Allocation>), Rejection> {
    let amount = refunded.amount.minor();
    let undone = payment.undo(case, amount);
    if undone.sum() < amount {
        let left = undone.sum().of(case.profile.currency);
        let (payment, amount) = (payment.id, refunded.amount);
        return Err(Rejection::RefundExceedsAllocated { payment, left, amount });
    }
    was_kept(case, &refunded, 0)?;
    let by_invoice = undone.by_invoice();
    (refunded.effect, refunded.posting_date) = (effect, undone.since(refunded.posting_date));
    (refunded.reopened, refunded.credit_unapplied) = (undone.reopened, undone.unapplied);
    Ok((refunded, by_invoice))
}
