//! Credit, lot by lot: given, used, released, taken back, paid out, expired.
//!
//! # Shape
//!
//! A payment, a grant and an invoice below zero are lots. Every use of one is a part of it on an
//! invoice; where an invoice needs less than it has, the parts go back to their lots, so money
//! never loses its trace and can be paid back. Where the policy sends credit to what is open,
//! [`sweep`] does so after every command.

use schemas::command::{ApplyCredit, GrantCredit, PayOutCredit, ReleaseCredit, RevokeCredit};
use schemas::ids::SubscriptionId;
use schemas::terms::{CreditTarget, GrantKind, LotRef, LotScope};

use crate::civil::{Day, day_of_seller};
use crate::customer::{Applied, Customer, Lot, Origin, Refused, When};
use crate::money::positive;
use crate::rules::Rules;

pub(crate) fn new_lot(customer: &mut Customer, origin: Origin, amount: i128, arose: Day) -> usize {
    let (expires, priority, scope, refundable) = (None, 0, None, true);
    let left = amount;
    customer.lots.push(Lot { origin, left, arose, expires, priority, scope, refundable });
    customer.lots.len() - 1
}

/// A part of a lot pays an invoice.
pub(crate) fn put(
    customer: &mut Customer,
    lot: usize,
    invoice: usize,
    amount: i128,
    by_payment: bool,
) {
    if amount <= 0 {
        return;
    }
    customer.lots[lot].left -= amount;
    customer.invoices[invoice].applied.push(Applied { lot, amount, by_payment });
}

/// Lots by expiry, priority, age.
pub(crate) fn in_order(customer: &Customer) -> Vec<usize> {
    let mut order: Vec<usize> = (0..customer.lots.len()).collect();
    order.sort_by_key(|place| {
        let lot = &customer.lots[*place];
        (lot.expires.unwrap_or(Day::MAX), lot.priority, lot.arose, *place)
    });
    order
}

/// What lots for a subscription may still pay of an invoice: what it bills of the subscription.
fn room(customer: &Customer, invoice: usize, of: SubscriptionId) -> i128 {
    let invoice = &customer.invoices[invoice];
    let billed: i128 = invoice
        .lines
        .iter()
        .filter(|line| line.is_of(customer, of))
        .map(|line| line.net() - line.by_notes)
        .sum();
    let paid = invoice.applied.iter().filter(|part| customer.lots[part.lot].scope == Some(of));
    billed - paid.map(|part| part.amount).sum::<i128>()
}

/// How much of an invoice a lot can pay on a day.
fn can_pay(customer: &Customer, lot: usize, invoice: usize, today: Day) -> i128 {
    let found = &customer.lots[lot];
    if found.expires.is_some_and(|last| last < today) {
        return 0;
    }
    let most = customer.invoices[invoice].open().min(found.left);
    found.scope.map_or(most, |of| most.min(room(customer, invoice, of))).max(0)
}

/// Lots pay an invoice, in their order.
pub(crate) fn use_credit(customer: &mut Customer, invoice: usize, today: Day) {
    for lot in in_order(customer) {
        let amount = can_pay(customer, lot, invoice, today);
        put(customer, lot, invoice, amount, false);
    }
}

/// What an invoice has and no longer needs goes back to its lots, the last first: what credit for
/// a subscription pays beyond its lines, then what all of it pays beyond the total.
pub(crate) fn release(customer: &mut Customer, invoice: usize) {
    let scopes: Vec<SubscriptionId> = customer.subscriptions.iter().map(|of| of.id).collect();
    for of in scopes {
        let over = -room(customer, invoice, of);
        take_off(customer, invoice, over, |lot| lot.scope == Some(of));
    }
    let over = -customer.invoices[invoice].open();
    take_off(customer, invoice, over, |_| true);
}

/// Takes parts off an invoice, the last first.
fn take_off(customer: &mut Customer, invoice: usize, most: i128, is: impl Fn(&Lot) -> bool) {
    let mut left = most;
    let mut parts = std::mem::take(&mut customer.invoices[invoice].applied);
    for part in parts.iter_mut().rev() {
        let lot = &mut customer.lots[part.lot];
        if is(lot) {
            let back = left.min(part.amount).max(0);
            part.amount -= back;
            left -= back;
            lot.left += back;
        }
    }
    parts.retain(|part| part.amount > 0);
    customer.invoices[invoice].applied = parts;
}

/// Invoices by due date, then by age.
pub(crate) fn oldest_first(customer: &Customer) -> Vec<usize> {
    let mut order: Vec<usize> = (0..customer.invoices.len()).collect();
    order.sort_by_key(|place| (customer.invoices[*place].due, *place));
    order
}

/// No credit stands beside what is open, where the policy says so; but for what a command took
/// credit off.
pub(crate) fn sweep(rules: &Rules, customer: &mut Customer, today: Day) {
    let waiting: Vec<usize> = oldest_first(customer)
        .into_iter()
        .filter(|place| customer.invoices[*place].open() > 0 && !customer.invoices[*place].held)
        .collect();
    match rules.of.credit_target {
        CreditTarget::Lot => return,
        CreditTarget::OldestOpen => {}
        CreditTarget::CreditedFirst => {
            for lot in in_order(customer) {
                let Origin::Invoice(from) = customer.lots[lot].origin else { continue };
                for place in &waiting {
                    let mut lines = customer.invoices[from].lines.iter();
                    if lines.any(|line| line.credits.is_some_and(|at| at.0 == *place)) {
                        let amount = can_pay(customer, lot, *place, today);
                        put(customer, lot, *place, amount, false);
                    }
                }
            }
        }
    }
    for place in waiting {
        use_credit(customer, place, today);
    }
}

/// Credit pays an invoice by itself again once nothing of it is open.
pub(crate) fn let_go(customer: &mut Customer) {
    for invoice in &mut customer.invoices {
        invoice.held &= invoice.open() > 0;
    }
}

/// What is left of credit whose last day has passed is gone.
pub(crate) fn expire(customer: &mut Customer, today: Day) {
    for lot in &mut customer.lots {
        if lot.expires.is_some_and(|last| last < today) {
            lot.left = 0;
        }
    }
}

pub(crate) fn grant(
    customer: &mut Customer,
    command: &GrantCredit,
    when: When,
) -> Result<(), Refused> {
    let amount = positive(customer, command.amount)?;
    if customer.lots.iter().any(|lot| lot.origin.is_grant(command.grant)) {
        return Err("it exists already");
    }
    let kind = command.kind.unwrap_or(GrantKind::Goodwill);
    let paid = kind == GrantKind::Prepayment;
    let refundable = command.refundable.unwrap_or(paid);
    let expires = command.expires.map(|last| i64::from(last.days()));
    let priority = command.priority.unwrap_or(0);
    if paid && (expires.is_some() || !refundable) {
        return Err("money does not expire, and can be paid back");
    }
    if !(-100..=100).contains(&priority) {
        return Err("a priority out of range");
    }
    if expires.is_some_and(|last| last < day_of_seller(when.recorded)) {
        return Err("it has expired already");
    }
    let scope = match command.scope {
        None | Some(LotScope::Customer) => None,
        Some(LotScope::Subscription(of)) => {
            customer.place_of(of)?;
            Some(of)
        }
    };
    let origin = Origin::Grant(command.grant, paid);
    let lot = new_lot(customer, origin, amount, day_of_seller(when.effective));
    let lot = &mut customer.lots[lot];
    (lot.expires, lot.priority, lot.scope, lot.refundable) = (expires, priority, scope, refundable);
    Ok(())
}

/// The lot of a name.
fn named(customer: &Customer, lot: LotRef) -> Result<usize, Refused> {
    let is = |origin: Origin| match lot {
        LotRef::Payment(id) => origin == Origin::Payment(id),
        LotRef::Grant(id) => origin.is_grant(id),
        LotRef::Invoice(id) => {
            customer.invoice_of(id).is_ok_and(|place| origin == Origin::Invoice(place))
        }
        LotRef::CreditNote(id) => customer.note_of(id).map(Origin::Note) == Some(origin),
    };
    customer.lots.iter().position(|found| is(found.origin)).ok_or("no such credit")
}

/// A lot that can be used on the day.
fn usable(customer: &Customer, lot: LotRef, when: When) -> Result<usize, Refused> {
    let place = named(customer, lot)?;
    let found = &customer.lots[place];
    if found.expires.is_some_and(|last| last < day_of_seller(when.recorded)) {
        return Err("it has expired");
    }
    if found.left == 0 { Err("nothing is left of it") } else { Ok(place) }
}

/// An invoice that counts.
fn counting(customer: &Customer, id: schemas::ids::InvoiceId) -> Result<usize, Refused> {
    let place = customer.invoice_of(id)?;
    if customer.invoices[place].voided { Err("it is voided") } else { Ok(place) }
}

pub(crate) fn apply(
    customer: &mut Customer,
    command: &ApplyCredit,
    when: When,
) -> Result<(), Refused> {
    let lot = usable(customer, command.lot, when)?;
    let invoice = counting(customer, command.invoice)?;
    let most = can_pay(customer, lot, invoice, day_of_seller(when.recorded));
    let amount = match command.amount {
        Some(amount) => positive(customer, amount)?,
        None => most,
    };
    if amount == 0 || most < amount {
        return Err("more than it can pay");
    }
    put(customer, lot, invoice, amount, false);
    customer.invoices[invoice].held = false;
    Ok(())
}

pub(crate) fn unapply(customer: &mut Customer, command: &ReleaseCredit) -> Result<(), Refused> {
    let lot = named(customer, command.lot)?;
    let invoice = counting(customer, command.invoice)?;
    let parts = customer.invoices[invoice].applied.iter().filter(|part| part.lot == lot);
    let most: i128 = parts.map(|part| part.amount).sum();
    let amount = match command.amount {
        Some(amount) => positive(customer, amount)?,
        None => most,
    };
    if amount == 0 || most < amount {
        return Err("more than it paid");
    }
    let origin = customer.lots[lot].origin;
    take_off(customer, invoice, amount, |found| found.origin == origin);
    customer.invoices[invoice].held = true;
    Ok(())
}

pub(crate) fn revoke(
    customer: &mut Customer,
    command: &RevokeCredit,
    when: When,
) -> Result<(), Refused> {
    let lot = usable(customer, LotRef::Grant(command.grant), when)?;
    let found = &mut customer.lots[lot];
    if found.origin.is_money() {
        return Err("it is the customer's money");
    }
    if day_of_seller(when.effective) < found.arose {
        return Err("before it was granted");
    }
    found.left = 0;
    Ok(())
}

/// What lies on invoices of what the customer has paid.
pub(crate) fn money_on_invoices(customer: &Customer) -> i128 {
    let parts = customer.invoices.iter().flat_map(|invoice| &invoice.applied);
    let money = parts.filter(|part| customer.lots[part.lot].origin.is_money());
    money.map(|part| part.amount).sum()
}

pub(crate) fn pay_out(
    customer: &mut Customer,
    command: &PayOutCredit,
    when: When,
) -> Result<(), Refused> {
    if let LotRef::Payment(_) = command.lot {
        return Err("a payment is refunded");
    }
    let lot = usable(customer, command.lot, when)?;
    let found = customer.lots[lot];
    if !found.refundable {
        return Err("it was given for invoices");
    }
    if day_of_seller(when.effective) < found.arose {
        return Err("before it was there");
    }
    let of_invoice = matches!(found.origin, Origin::Invoice(_) | Origin::Note(_));
    let mut most = found.left;
    if of_invoice {
        // What gave it back was paid with something: at most money that lies on invoices.
        most = most.min(money_on_invoices(customer) - customer.paid_out);
    }
    let amount = match command.amount {
        Some(amount) => positive(customer, amount)?,
        None => most,
    };
    if amount <= 0 || most < amount {
        return Err("more than is left, or was paid");
    }
    if of_invoice {
        customer.paid_out += amount;
    }
    customer.lots[lot].left -= amount;
    Ok(())
}
