//! Decisions about customer credit: given, applied, released, taken back, paid out, expired.

use schemas::command::{ApplyCredit, GrantCredit, PayOutCredit, ReleaseCredit, RevokeCredit};
use schemas::event::{
    CreditApplied, CreditExpired, CreditGranted, CreditPaidOut, CreditReleased, CreditRevoked,
    Event, LotPart,
};
use schemas::terms::{GrantKind, LotRef, LotScope, MAX_LOT_PRIORITY, MIN_LOT_PRIORITY};
use schemas::{Date, Minor, Money, Rejection};

use super::case::Case;
use super::lots::{Lot, Origin};
use super::release;
use super::spending::{known, room};
use super::state::Invoice;

/// Gives the customer credit.
///
/// # Errors
/// [`Rejection::GrantExists`]; an amount that is not one of the customer's;
/// [`Rejection::InvalidGrant`], [`Rejection::UnknownSubscription`].
pub(super) fn grant(case: &Case<'_>, command: &GrantCredit) -> Result<CreditGranted, Rejection> {
    let grant = command.grant;
    if case.context.registry.taken.contains(grant.uuid()) {
        return Err(Rejection::GrantExists { grant });
    }
    let amount = case.profile.positive(command.amount)?;
    case.settlement.credit().plus(amount)?;
    let kind = command.kind.unwrap_or(GrantKind::Goodwill);
    let is_prepaid = kind == GrantKind::Prepayment;
    let granted = CreditGranted {
        grant,
        amount: command.amount,
        kind,
        refundable: command.refundable.unwrap_or(is_prepaid),
        scope: command.scope.unwrap_or(LotScope::Customer),
        priority: command.priority.unwrap_or(0),
        expires: command.expires,
        posting_date: case.posting_date()?,
        reason: command.reason.clone(),
    };
    check_terms(case, &granted)?;
    Ok(granted)
}

fn check_terms(case: &Case<'_>, granted: &CreditGranted) -> Result<(), Rejection> {
    let invalid = |why| Err(Rejection::InvalidGrant { why });
    if !(MIN_LOT_PRIORITY..=MAX_LOT_PRIORITY).contains(&granted.priority) {
        return invalid("the priority is out of range");
    }
    let today = case.today()?;
    if granted.expires.is_some_and(|last| last < today) {
        return invalid("the last day has passed");
    }
    match granted.kind {
        GrantKind::Prepayment if granted.expires.is_some() => {
            return invalid("money that was paid does not expire");
        }
        GrantKind::Prepayment if !granted.refundable => {
            return invalid("money that was paid is refundable");
        }
        GrantKind::Prepayment | GrantKind::Goodwill | GrantKind::Promotion => {}
    }
    match granted.scope {
        LotScope::Subscription(id) if case.agreements.subscription(id).is_none() => {
            Err(Rejection::UnknownSubscription { subscription: id })
        }
        LotScope::Subscription(_) | LotScope::Customer => Ok(()),
    }
}

/// How much is asked for: an amount of the customer's, or all there is.
fn asked(case: &Case<'_>, amount: Option<Money>, all: Minor) -> Result<Minor, Rejection> {
    amount.map_or(Ok(all), |amount| case.profile.positive(amount))
}

/// A lot of which something is left that can be used on the day.
///
/// # Errors
/// [`Rejection::UnknownCredit`], [`Rejection::CreditUsedUp`], [`Rejection::CreditExpired`].
fn usable<'a>(case: &Case<'a>, id: LotRef) -> Result<&'a Lot, Rejection> {
    let lot = known(case, id)?;
    if let Some(last_day) = lot.expires()
        && last_day < case.today()?
    {
        return Err(Rejection::CreditExpired { lot: id, last_day });
    }
    if lot.left.is_zero() { Err(Rejection::CreditUsedUp { lot: id }) } else { Ok(lot) }
}

/// Lets a lot pay an invoice. It is booked on the day of the command, and not before the lot or
/// the invoice.
///
/// # Errors
/// [`Rejection::UnknownInvoice`], [`Rejection::InvoiceVoided`], [`Rejection::InvoiceSettled`];
/// a lot that cannot be used; more than it has, than is open, or than it may pay.
pub(super) fn apply(case: &Case<'_>, command: &ApplyCredit) -> Result<CreditApplied, Rejection> {
    let (id, currency) = (command.lot, case.profile.currency);
    let lot = usable(case, id)?;
    let invoice = case.invoice(command.invoice)?;
    let open = invoice.open();
    if !open.is_positive() {
        return Err(Rejection::InvoiceSettled { invoice: invoice.id });
    }
    let room = room_for(case, invoice, lot);
    let most = Minor(lot.left.0.min(open.0).min(room.0.max(0)));
    let amount = asked(case, command.amount, most)?;
    let wanted = amount.of(currency);
    if amount > lot.left {
        let left = lot.left.of(currency);
        return Err(Rejection::ExceedsCredit { lot: id, left, amount: wanted });
    }
    if amount > open {
        let (invoice, open) = (invoice.id, open.of(currency));
        return Err(Rejection::ApplicationExceedsOpen { invoice, open, amount: wanted });
    }
    if let LotScope::Subscription(subscription) = lot.scope()
        && (amount > room || amount.is_zero())
    {
        let (invoice, left) = (invoice.id, Minor(room.0.max(0)).of(currency));
        return Err(Rejection::OutOfScope { lot: id, subscription, invoice, left });
    }
    let posting_date = case.posting_date()?.max(lot.arose).max(invoice.posting_date);
    let parts = vec![LotPart { lot: id, invoice: invoice.id, amount }];
    Ok(CreditApplied { currency, posting_date, parts })
}

/// What a lot may pay of an invoice by its scope.
fn room_for(case: &Case<'_>, invoice: &Invoice, lot: &Lot) -> Minor {
    match lot.scope() {
        LotScope::Customer => invoice.open(),
        LotScope::Subscription(id) => room(case, invoice, id),
    }
}

/// Takes a lot's part off an invoice, which no credit pays by itself then. It is booked on the day
/// of the command, or on the day on which the part was booked, if that is later.
///
/// # Errors
/// [`Rejection::UnknownInvoice`], [`Rejection::InvoiceVoided`], [`Rejection::UnknownCredit`],
/// [`Rejection::ReleaseExceedsPart`].
pub(super) fn release(
    case: &Case<'_>,
    command: &ReleaseCredit,
) -> Result<CreditReleased, Rejection> {
    let currency = case.profile.currency;
    let lot = known(case, command.lot)?;
    let invoice = case.invoice(command.invoice)?;
    let part = invoice.paid_by(lot.place);
    let amount = asked(case, command.amount, part)?;
    if amount > part || part.is_zero() {
        let (lot, invoice) = (command.lot, invoice.id);
        return Err(Rejection::ReleaseExceedsPart { lot, invoice, part: part.of(currency) });
    }
    let booked = invoice.parts.iter().filter(|part| part.lot == lot.place).map(|part| part.on);
    let day = case.posting_date()?;
    Ok(CreditReleased {
        invoice: invoice.id,
        currency,
        posting_date: booked.max().map_or(day, |on| on.max(day)),
        parts: release::of_lot(case, invoice, lot.place, amount),
    })
}

/// The day on which something is booked that takes credit away.
///
/// # Errors
/// [`Rejection::BeforeCredit`]; a date that cannot be computed.
fn taken_on(case: &Case<'_>, lot: &Lot) -> Result<Date, Rejection> {
    let at = case.posting_date()?;
    if at < lot.arose {
        let (lot, arose) = (lot.id(), lot.arose);
        return Err(Rejection::BeforeCredit { lot, at, arose });
    }
    Ok(at)
}

/// Takes back what is left of a grant.
///
/// # Errors
/// [`Rejection::UnknownCredit`], [`Rejection::CreditUsedUp`], [`Rejection::CreditExpired`],
/// [`Rejection::NotRevocable`], [`Rejection::BeforeCredit`].
pub(super) fn revoke(case: &Case<'_>, command: &RevokeCredit) -> Result<CreditRevoked, Rejection> {
    let grant = command.grant;
    let lot = usable(case, LotRef::Grant(grant))?;
    if lot.was_paid() {
        return Err(Rejection::NotRevocable { grant });
    }
    Ok(CreditRevoked {
        grant,
        amount: lot.left.of(case.profile.currency),
        posting_date: taken_on(case, lot)?,
        reason: command.reason.clone(),
    })
}

/// Pays credit out in cash.
///
/// # Errors
/// [`Rejection::RefundExists`], [`Rejection::PayOutOfPayment`], [`Rejection::UnknownCredit`],
/// [`Rejection::CreditUsedUp`], [`Rejection::CreditExpired`], [`Rejection::NotRefundable`],
/// [`Rejection::ExceedsCredit`], [`Rejection::PayOutExceedsPaid`], [`Rejection::BeforeCredit`].
pub(super) fn pay_out(case: &Case<'_>, command: &PayOutCredit) -> Result<CreditPaidOut, Rejection> {
    let (id, refund, currency) = (command.lot, command.refund, case.profile.currency);
    if case.context.registry.taken.contains(refund.uuid()) {
        return Err(Rejection::RefundExists { refund });
    }
    if let LotRef::Payment(payment) = id {
        known(case, id).map_err(|_| Rejection::UnknownPayment { payment })?;
        return Err(Rejection::PayOutOfPayment { payment });
    }
    let lot = usable(case, id)?;
    let most = match &lot.origin {
        Origin::Grant(grant) if !grant.refundable => {
            return Err(Rejection::NotRefundable { lot: id });
        }
        Origin::Grant(_) | Origin::Payment { .. } => lot.left,
        Origin::Invoice(_) | Origin::Note(_) => case.settlement.payable(lot),
    };
    let amount = asked(case, command.amount, most)?;
    if amount > lot.left {
        let (left, amount) = (lot.left.of(currency), amount.of(currency));
        return Err(Rejection::ExceedsCredit { lot: id, left, amount });
    }
    if amount > most || most.is_zero() {
        return Err(Rejection::PayOutExceedsPaid { lot: id, left: most.of(currency) });
    }
    Ok(CreditPaidOut {
        refund,
        lot: id,
        amount: amount.of(currency),
        posting_date: taken_on(case, lot)?,
        reason: command.reason.clone(),
    })
}

/// What is left of grants whose last day has passed expires, and is booked today. On a day that
/// cannot be computed nothing does.
pub(crate) fn expire(case: &Case<'_>) -> Vec<Event> {
    let Ok(today) = case.today() else { return Vec::new() };
    let mut events: Vec<Event> = Vec::new();
    // Those that expire first stand in front of those that never do.
    for lot in case.settlement.lots.unspent() {
        let Origin::Grant(grant) = &lot.origin else { break };
        if grant.expires.is_none_or(|last| today <= last) {
            break;
        }
        let amount = lot.left.of(case.profile.currency);
        events.push(CreditExpired { grant: grant.id, amount, posting_date: today }.into());
    }
    events
}
