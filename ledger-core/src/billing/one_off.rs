//! The decision to charge something once.

use schemas::command::{AddCharge, ChargePrice, WithdrawCharge};
use schemas::event::{ChargeAdded, ChargeWithdrawn, RoundingSubject};
use schemas::fraction::Fraction;
use schemas::{Decimal, Rejection};

use super::Account;
use crate::context::Context;
use crate::customer::state::Profile;
use crate::money::rounding::{price, round};
use crate::subscription::terms::check_quantity;

/// The most charges that wait for an invoice: they must fit on one.
const MAX_PENDING: usize = 500;

/// Charges something once; it waits for an invoice.
///
/// # Errors
/// [`Rejection::ChargeExists`], [`Rejection::TooMany`] that wait; an amount that is negative, too
/// large or of another currency.
pub(crate) fn add(
    context: &Context<'_>,
    account: Account<'_>,
    command: &AddCharge,
) -> Result<ChargeAdded, Rejection> {
    let charge = command.charge;
    if context.registry.taken.contains(charge.uuid()) {
        return Err(Rejection::ChargeExists { charge });
    }
    if account.billing.pending().len() >= MAX_PENDING {
        return Err(Rejection::TooMany {
            what: "charges waiting for an invoice",
            limit: MAX_PENDING,
            way: "invoice them first, with invoice.now",
        });
    }
    priced(account.profile, command)
}

/// Withdraws a charge that waits for an invoice.
///
/// # Errors
/// [`Rejection::UnknownCharge`] for one that does not wait.
pub(crate) fn withdraw(
    account: Account<'_>,
    command: &WithdrawCharge,
) -> Result<ChargeWithdrawn, Rejection> {
    let charge = command.charge;
    account.billing.waiting(charge).ok_or(Rejection::UnknownCharge { charge })?;
    Ok(ChargeWithdrawn { charge })
}

fn priced(profile: &Profile, command: &AddCharge) -> Result<ChargeAdded, Rejection> {
    let quantity = command.quantity.unwrap_or(Decimal::ONE);
    check_quantity(quantity)?;
    let currency = profile.currency;
    let (unit_price, exact) = match command.price {
        ChargePrice::Total(amount) => {
            let minor = profile.own(amount)?;
            if minor.0 < 0 {
                return Err(Rejection::NegativeAmount { amount });
            }
            (None, Fraction::whole(minor.0))
        }
        ChargePrice::PerUnit(unit) => {
            if unit.currency != currency {
                let found = unit.currency;
                return Err(Rejection::CurrencyMismatch { expected: currency, found });
            }
            if unit.amount.is_negative() {
                return Err(Rejection::NegativeUnitPrice { amount: unit.amount });
            }
            (Some(unit.amount), price(unit.amount, quantity, currency)?)
        }
    };
    let (gross, _) = round(exact, RoundingSubject::Amount)?;
    Ok(ChargeAdded {
        charge: command.charge,
        description: command.description.clone(),
        currency,
        quantity,
        unit_price,
        exact,
        gross,
        service: command.service,
        subscription: None,
        price: None,
        early_termination: false,
    })
}
