//! Paying money back.

use schemas::command::{RefundEffect, RefundPayment};
use schemas::event::{Event, PaymentRefunded, RefundedTo};
use schemas::{Minor, Rejection};

use super::case::Case;
use super::credit_note::credit_notes;
use super::payment::{live, undo_last_first};

/// Pays money back: from customer credit, or from invoices that are open again or credited.
pub(super) fn refund(case: &Case<'_>, command: &RefundPayment) -> Result<Vec<Event>, Rejection> {
    let (refund, id, currency) = (command.refund, command.payment, case.profile.currency);
    if case.context.registry.taken.contains(refund.uuid()) {
        return Err(Rejection::RefundExists { refund });
    }
    let payment = live(case, id)?;
    let amount = case.profile.positive(command.amount)?;
    let left = payment.left().0;
    if amount.0 > left {
        let (left, amount) = (Minor(left).of(currency), command.amount);
        return Err(Rejection::RefundExceedsPayment { payment: id, left, amount });
    }
    let mut refunded = PaymentRefunded {
        refund,
        payment: id,
        amount: command.amount,
        posting_date: case.posting_date()?,
        effect: RefundedTo::CustomerCredit,
        reopened: Vec::new(),
        from_credit: Minor::ZERO,
        reason: command.reason.clone(),
    };
    let first_note = match command.effect {
        RefundEffect::CustomerCredit => {
            let left = payment.credit.min(case.settlement.credit);
            if amount > left {
                let (left, amount) = (left.of(currency), command.amount);
                return Err(Rejection::RefundExceedsCredit { payment: id, left, amount });
            }
            refunded.from_credit = amount;
            return Ok(vec![refunded.into()]);
        }
        RefundEffect::Reopen => None,
        RefundEffect::CreditNote(first) => Some(first),
    };
    let allocated: i64 = payment.allocations.iter().map(|(_, part)| part.0).sum();
    if amount.0 > allocated {
        let (left, amount) = (Minor(allocated).of(currency), command.amount);
        return Err(Rejection::RefundExceedsAllocated { payment: id, left, amount });
    }
    refunded.reopened = undo_last_first(payment, amount.0);
    refunded.effect = RefundedTo::Reopened;
    let mut events: Vec<Event> = Vec::new();
    if let Some(first) = first_note {
        refunded.effect = RefundedTo::Credited;
        let notes = credit_notes(case, &refunded.reopened, refund, first)?;
        events.extend(notes.into_iter().map(Event::from));
    }
    events.insert(0, refunded.into());
    Ok(events)
}
