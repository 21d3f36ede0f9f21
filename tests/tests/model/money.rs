//! Money: payments, what takes them back, notes and voids.
//!
//! # Shape
//!
//! A payment is a lot of credit ([`crate::lots`]) that is used at once as far as invoices take it.
//! An invoice of a later day is not paid by it directly, but by its credit.

use schemas::command::{
    Allocate, IssueCreditNote, RecordPayment, RefundEffect, RefundPayment, ReversePayment,
    VoidInvoice,
};
use schemas::terms::NoteTarget;

use crate::civil::{Stretch, day_of_seller};
use crate::customer::{Customer, CycleOf, Origin, Payment, Refused, Source, Taken, When};
use crate::lots::{in_order, money_on_invoices, new_lot, oldest_first, put, release};
use crate::notes::issue_note;
use crate::number::by_largest_remainder;
use crate::stretches::without;

pub(crate) fn positive(customer: &Customer, amount: schemas::Money) -> Result<i128, Refused> {
    if amount.currency() != customer.currency {
        return Err("another currency");
    }
    let amount = i128::from(amount.minor().0);
    if amount <= 0 { Err("not positive") } else { Ok(amount) }
}

pub(crate) fn pay(
    customer: &mut Customer,
    command: &RecordPayment,
    when: When,
) -> Result<(), Refused> {
    let amount = positive(customer, command.amount)?;
    let told = match &command.allocate {
        None | Some(Allocate::OldestFirst) => None,
        Some(Allocate::To(parts)) => Some(parts),
    };
    let mut parts: Vec<(usize, i128)> = Vec::new();
    if let Some(told) = told {
        for part in told {
            let place = customer.invoice_of(part.invoice)?;
            let of = positive(customer, part.amount)?;
            if parts.iter().any(|(known, _)| *known == place) {
                return Err("an invoice twice");
            }
            if customer.invoices[place].voided || customer.invoices[place].open() < of {
                return Err("more than is open");
            }
            parts.push((place, of));
        }
        if amount < parts.iter().map(|(_, part)| part).sum::<i128>() {
            return Err("more than was paid");
        }
    } else {
        let mut left = amount;
        for place in oldest_first(customer) {
            let part = customer.invoices[place].open().min(left);
            if part > 0 {
                parts.push((place, part));
                left -= part;
            }
        }
    }
    if customer.payments.contains_key(&command.payment) {
        return Err("it exists already");
    }
    let day = day_of_seller(when.effective);
    let lot = new_lot(customer, Origin::Payment(command.payment), amount, day);
    for (place, part) in parts {
        let is_later = day < customer.invoices[place].dated;
        put(customer, lot, place, part, !is_later);
        customer.invoices[place].held &= !is_later;
    }
    let (refunded, reversed) = (0, false);
    let payment = Payment { lot, amount, refunded, reversed, day };
    customer.payments.insert(command.payment, payment);
    Ok(())
}

/// All that a payment has left is taken back, from wherever it is.
pub(crate) fn reverse(
    customer: &mut Customer,
    command: &ReversePayment,
    when: When,
) -> Result<(), Refused> {
    let payment = *customer.payments.get(&command.payment).ok_or("unknown payment")?;
    if payment.reversed {
        return Err("reversed already");
    }
    if payment.amount == payment.refunded {
        return Err("nothing is left of it");
    }
    if day_of_seller(when.effective) < payment.day {
        return Err("before the payment");
    }
    for invoice in &mut customer.invoices {
        invoice.applied.retain(|part| part.lot != payment.lot);
    }
    customer.lots[payment.lot].left = 0;
    customer.payments.get_mut(&command.payment).expect("just found").reversed = true;
    Ok(())
}

pub(crate) fn refund(
    customer: &mut Customer,
    command: &RefundPayment,
    when: When,
) -> Result<(), Refused> {
    let payment = *customer.payments.get(&command.payment).ok_or("unknown payment")?;
    let amount = positive(customer, command.amount)?;
    if payment.reversed {
        return Err("reversed already");
    }
    if payment.amount - payment.refunded < amount {
        return Err("more than the payment has left");
    }
    if day_of_seller(when.effective) < payment.day {
        return Err("before the payment");
    }
    match &command.effect {
        RefundEffect::CustomerCredit => from_credit(customer, &payment, amount)?,
        RefundEffect::Reopen => {
            undo_uses(customer, &payment, amount)?;
        }
        RefundEffect::CreditNote(_) => {
            for (place, part) in by_invoice(undo_uses(customer, &payment, amount)?) {
                if day_of_seller(when.effective) < customer.invoices[place].dated {
                    return Err("before the invoice");
                }
                note_amount(customer, (place, part), when)?;
            }
        }
    }
    customer.payments.get_mut(&command.payment).expect("just found").refunded += amount;
    Ok(())
}

/// Its own credit first. Then credit that invoices below zero made takes its place on invoices.
fn from_credit(customer: &mut Customer, payment: &Payment, amount: i128) -> Result<(), Refused> {
    let own = amount.min(customer.lots[payment.lot].left);
    customer.lots[payment.lot].left -= own;
    let mut missing = amount - own;
    let made: Vec<usize> = in_order(customer)
        .into_iter()
        .filter(|lot| matches!(customer.lots[*lot].origin, Origin::Invoice(_) | Origin::Note(_)))
        .collect();
    let there: i128 = made.iter().map(|lot| customer.lots[*lot].left).sum();
    if there < missing {
        return Err("more than is credit");
    }
    for (place, part) in undo_uses(customer, payment, missing)? {
        let mut part = part;
        for lot in &made {
            let used = part.min(customer.lots[*lot].left);
            put(customer, *lot, place, used, false);
            part -= used;
            missing -= used;
        }
    }
    if missing == 0 { Ok(()) } else { Err("more than is credit") }
}

/// Uses of a payment on invoices are undone, the last first. What was paid out of credit is not
/// paid back again.
fn undo_uses(
    customer: &mut Customer,
    payment: &Payment,
    amount: i128,
) -> Result<Vec<(usize, i128)>, Refused> {
    if amount > 0 && money_on_invoices(customer) - customer.paid_out < amount {
        return Err("it was paid out of credit");
    }
    let mut left = amount;
    let mut undone: Vec<(usize, i128)> = Vec::new();
    // What it paid when it came, then what its credit paid later.
    let order = [true, false]
        .into_iter()
        .flat_map(|direct| (0..customer.invoices.len()).rev().map(move |place| (place, direct)));
    for (place, direct) in order.collect::<Vec<_>>() {
        let invoice = &mut customer.invoices[place];
        let parts = invoice.applied.iter_mut().rev();
        let parts = parts.filter(|p| p.lot == payment.lot && p.by_payment == direct);
        for part in parts {
            let back = left.min(part.amount);
            part.amount -= back;
            left -= back;
            if back > 0 {
                undone.push((place, back));
            }
        }
        invoice.applied.retain(|part| part.amount > 0);
    }
    if left > 0 { Err("more than lies on invoices") } else { Ok(undone) }
}

/// One amount for each invoice.
fn by_invoice(parts: Vec<(usize, i128)>) -> Vec<(usize, i128)> {
    let mut sums: Vec<(usize, i128)> = Vec::new();
    for (place, part) in parts {
        match sums.iter_mut().find(|(known, _)| *known == place) {
            Some((_, sum)) => *sum += part,
            None => sums.push((place, part)),
        }
    }
    sums
}

/// A note for an amount, shared over what is left of the lines.
fn note_amount(
    customer: &mut Customer,
    (place, amount): (usize, i128),
    when: When,
) -> Result<(), Refused> {
    let invoice = &mut customer.invoices[place];
    let open: Vec<usize> =
        (0..invoice.lines.len()).filter(|at| invoice.lines[*at].left() > 0).collect();
    let weights: Vec<i128> = open.iter().map(|at| invoice.lines[*at].left()).collect();
    if weights.iter().sum::<i128>() < amount {
        return Err("more than is left of its lines");
    }
    let shares = by_largest_remainder(amount, &weights);
    let parts = open.into_iter().zip(shares).filter(|(_, part)| *part > 0).collect();
    put_note(customer, place, parts, when);
    Ok(())
}

pub(crate) fn put_note(
    customer: &mut Customer,
    place: usize,
    parts: Vec<(usize, i128)>,
    when: When,
) {
    for (line, part) in &parts {
        let line = customer.line_mut((place, *line));
        line.noted += part;
        line.by_notes += part;
    }
    customer.invoices[place].has_notes = true;
    customer.invoices[place].noted += parts.iter().map(|(_, part)| part).sum::<i128>();
    issue_note(customer, place, parts);
    release(customer, place);
    crate::notes::beyond_what_was_asked(customer, place, when);
}

/// Credits lines of an invoice: what is open, or on demand what is paid.
pub(crate) fn credit_note(
    customer: &mut Customer,
    command: &IssueCreditNote,
    when: When,
) -> Result<(), Refused> {
    let place = customer.invoice_of(command.invoice)?;
    if customer.invoices[place].voided {
        return Err("it is voided");
    }
    if day_of_seller(when.effective) < customer.invoices[place].dated {
        return Err("before the invoice");
    }
    let mut parts: Vec<(usize, i128)> = Vec::new();
    for line in &command.lines {
        let amount = positive(customer, line.amount)?;
        let number = usize::try_from(line.line).expect("small");
        let at = number.checked_sub(1).ok_or("no such line")?;
        let at = crate::judge::line_of(customer, place, at);
        let known = customer.invoices[place].lines.get(at).ok_or("no such line")?;
        if known.left() < amount || parts.iter().any(|(other, _)| *other == at) {
            return Err("more than is left of a line");
        }
        parts.push((at, amount));
    }
    if parts.is_empty() {
        return Err("no lines");
    }
    let to_credit = command.to == Some(NoteTarget::Credit);
    if !to_credit && customer.invoices[place].open() < parts.iter().map(|(_, part)| part).sum() {
        return Err("more than is open");
    }
    put_note(customer, place, parts, when);
    Ok(())
}

/// An invoice counts no more; its time and charges are billed again, or given up.
pub(crate) fn void(
    customer: &mut Customer,
    command: &VoidInvoice,
    when: When,
) -> Result<(), Refused> {
    let place = customer.invoice_of(command.invoice)?;
    let invoice = &customer.invoices[place];
    if invoice.voided {
        return Err("it is voided already");
    }
    if invoice.applied.iter().any(|part| part.by_payment) {
        return Err("something of it is paid");
    }
    if invoice.has_notes {
        return Err("a note credits it");
    }
    if customer.is_credited_by_a_later_one(place) {
        return Err("a later invoice credits it");
    }
    if invoice.generated.is_some_and(|(lot, made)| customer.lots[lot].left < made) {
        return Err("its credit is used");
    }
    if day_of_seller(when.effective) < invoice.dated {
        return Err("before the invoice");
    }
    undo(customer, place, command.rebill);
    Ok(())
}

/// Takes an invoice out of account.
pub(crate) fn undo(customer: &mut Customer, place: usize, rebill: bool) {
    let parts = std::mem::take(&mut customer.invoices[place].applied);
    for part in parts {
        customer.lots[part.lot].left += part.amount;
    }
    if let Some((lot, made)) = customer.invoices[place].generated {
        customer.lots[lot].left -= made;
    }
    customer.invoices[place].voided = true;
    let charged: Vec<(CycleOf, Stretch)> = customer.invoices[place]
        .lines
        .iter()
        .filter(|line| line.charges())
        .filter_map(|line| line.cycle().map(|of| (*of, line)))
        .flat_map(|(of, line)| line.live.iter().map(move |time| (of, *time)))
        .collect();
    for line in customer.invoices[place].lines.clone() {
        if let Some(of) = line.cycle().filter(|_| rebill)
            && let Ok(found) = customer.place_of(of.subscription)
        {
            // What is to be billed again is due, also where it is a difference.
            let time = if line.credits.is_some() { vec![line.time] } else { line.live.clone() };
            let again = time.into_iter().map(|time| (of.item, of.id, time));
            let again: Vec<_> = again.collect();
            let of = &mut customer.subscriptions[found];
            of.as_agreed.extend(again.iter().copied());
            let known = if line.credits.is_some() { &mut of.credited_again } else { &mut of.again };
            known.extend(again);
        }
        match (line.source, line.credits) {
            (Source::Cycle(of), Some(at)) => {
                // Where something was charged in its place, the credited line has its time again.
                let same = |other: &CycleOf| {
                    (other.subscription, other.item) == (of.subscription, of.item)
                };
                let charged = charged.iter().filter(|(other, _)| same(other));
                let charged: Vec<Stretch> = charged.map(|(_, time)| *time).collect();
                let in_place = without(&[line.time], &charged).is_empty();
                if !rebill && let Ok(found) = customer.place_of(of.subscription) {
                    let item = &mut customer.subscriptions[found].items[of.item];
                    item.waived.push((of.id, line.time));
                }
                // The credited line counts whole again; whether its time is looked at again is
                // what `rebill` says.
                let credited = customer.line_mut(at);
                credited.credited += line.net();
                credited.credited_gross += line.gross;
                let again = line.discounts.iter().map(|t| Taken { amount: -t.amount, ..*t });
                credited.returned.extend(again);
                credited.stands |= !rebill && !in_place && credited.live.is_empty();
                if rebill || in_place {
                    credited.live.push(line.time);
                    credited.credited_units -= line.credited_units;
                }
            }
            (Source::Cycle(of), None) if !rebill => {
                // A line of nothing may have stayed where another one charges by now.
                let same = |of: &CycleOf, other: &CycleOf| {
                    (of.subscription, of.item, of.id) == (other.subscription, other.item, other.id)
                };
                let others: Vec<Stretch> = customer
                    .charging()
                    .filter(|(_, other)| other.gross != 0)
                    .filter(|(_, other)| other.cycle().is_some_and(|other| same(&of, other)))
                    .flat_map(|(_, other)| other.live.clone())
                    .collect();
                let gone = without(&line.live, &others);
                let found = customer.place_of(of.subscription);
                let item =
                    &mut customer.subscriptions[found.expect("it was billed")].items[of.item];
                item.waived.extend(gone.iter().map(|time| (of.id, *time)));
            }
            (Source::Cycle(of), None) => {
                // What is to be billed again is given up no more.
                let found = customer.place_of(of.subscription).expect("it was billed");
                let item = &mut customer.subscriptions[found].items[of.item];
                let waived = std::mem::take(&mut item.waived);
                let left = waived.into_iter().flat_map(|(id, time)| {
                    let left = without(&[time], &line.live).into_iter();
                    left.map(move |time| (id, time)).collect::<Vec<_>>()
                });
                item.waived = left.collect();
            }
            (Source::Charge(id), _) => {
                let charge = customer.charges.iter().find(|known| known.id == id).cloned();
                customer.pending.extend(charge.filter(|_| rebill).map(|mut charge| {
                    charge.due = true;
                    charge
                }));
            }
        }
    }
}
