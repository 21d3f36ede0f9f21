//! Decisions that charge or invoice.

use schemas::event::BillingEvent;
use std::borrow::Cow;

use schemas::command::{
    AddCharge, BillCustomer, ChargeInvoice, ChargePrice, InvoiceNow, InvoiceRequest,
};
use schemas::event::{ChargeAdded, CustomerParked, Event, RoundingSubject};
use schemas::fraction::Fraction;
use schemas::ids::BillingRunId;
use schemas::text::Label;
use schemas::{Date, Decimal, Rejection};

use super::own_currency;
use crate::billing::draft::{price, round};
use crate::billing::invoice::bill_and_finalize;
use crate::billing::run::Scope;
use crate::customer::shelves::{Invoices, Payments};
use crate::customer::state::Customer;
use crate::ledger::Context;
use crate::subscription::ending::expire;
use crate::subscription::terms::check_quantity;

/// The most charges that wait for an invoice: they must fit on one.
const MAX_PENDING: usize = 500;

pub(crate) fn add(
    context: &Context<'_>,
    customer: &Customer,
    command: &AddCharge,
) -> Result<Vec<Event>, Rejection> {
    let charge = command.charge;
    if context.registry.taken.contains(charge.uuid()) {
        return Err(Rejection::ChargeExists { charge });
    }
    if customer.pending.len() >= MAX_PENDING {
        return Err(Rejection::TooMany {
            what: "charges waiting for an invoice",
            limit: MAX_PENDING,
        });
    }
    let added = priced(customer, command)?;
    let mut events: Vec<Event> = vec![added.into()];
    match &command.invoice {
        None | Some(ChargeInvoice::Next) => {}
        Some(ChargeInvoice::Now(request)) => {
            let mut after = billing_copy(customer);
            for event in &events {
                after.evolve(event);
            }
            let today = customer.rules.date(context.stamp.recorded_at)?;
            let scope = Scope::Charge(charge);
            events.extend(bill_and_finalize(context, &after, scope, today, request, None)?);
        }
    }
    Ok(events)
}

/// What billing one charge looks at, without the customer's history.
fn billing_copy(customer: &Customer) -> Customer {
    Customer {
        subscriptions: std::collections::BTreeMap::new(),
        invoices: Invoices::default(),
        payments: Payments::default(),
        open: std::collections::BTreeSet::new(),
        charges: std::collections::BTreeMap::new(),
        pending: Vec::new(),
        external_id: None,
        parked: None,
        name: customer.name.clone(),
        email: customer.email.clone(),
        zone: customer.zone.clone(),
        rules: customer.rules.clone(),
        quotes: std::collections::BTreeMap::new(),
        coupons: std::collections::BTreeSet::new(),
        discounts: customer.discounts.clone(),
        ..*customer
    }
}

fn priced(customer: &Customer, command: &AddCharge) -> Result<ChargeAdded, Rejection> {
    let quantity = command.quantity.unwrap_or(Decimal::ONE);
    check_quantity(quantity)?;
    let currency = customer.currency;
    let (unit_price, exact) = match command.price {
        ChargePrice::Total(amount) => {
            let minor = own_currency(customer, amount)?;
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
            (Some(unit.amount), price(unit.amount, quantity, Fraction::ONE, currency)?)
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
    })
}

pub(crate) fn invoice_now(
    context: &Context<'_>,
    customer: &Customer,
    command: &InvoiceNow,
) -> Result<Vec<Event>, Rejection> {
    check_not_parked(customer)?;
    let request = command.invoice.clone().unwrap_or_default();
    let today = customer.rules.date(context.stamp.recorded_at)?;
    let events = bill_all(context, customer, today, &request, None)?;
    if events.iter().any(|event| matches!(event, Event::Billing(BillingEvent::InvoiceFinalized(_))))
    {
        Ok(events)
    } else {
        Err(Rejection::NothingToInvoice { customer: customer.id })
    }
}

pub(crate) fn bill_customer(
    context: &Context<'_>,
    customer: &Customer,
    command: &BillCustomer,
) -> Result<Vec<Event>, Rejection> {
    check_not_parked(customer)?;
    let request = InvoiceRequest::default();
    let billed = bill_all(context, customer, command.through, &request, Some(command.run));
    billed.or_else(|rejection| Ok(vec![parked(command, &rejection).into()]))
}

/// What cannot be billed is not tried again and again: it waits for someone to look at it.
fn parked(command: &BillCustomer, rejection: &Rejection) -> CustomerParked {
    CustomerParked {
        run: command.run,
        reason: label(rejection.code()),
        detail: label(&rejection.to_string()),
    }
}

/// As much of a text as a label holds.
fn label(text: &str) -> Label {
    let end = text.floor_char_boundary(200);
    Label::try_from(text[..end].to_owned()).expect("sentences have no control characters")
}

fn check_not_parked(customer: &Customer) -> Result<(), Rejection> {
    match &customer.parked {
        None => Ok(()),
        Some(reason) => Err(Rejection::CustomerParked {
            customer: customer.id,
            reason: reason.as_str().to_owned(),
        }),
    }
}

/// Ends what waited too long for its first payment, then bills everything that is due.
fn bill_all(
    context: &Context<'_>,
    customer: &Customer,
    through: Date,
    request: &InvoiceRequest,
    run: Option<BillingRunId>,
) -> Result<Vec<Event>, Rejection> {
    let mut events = expire(context, customer);
    let mut after = Cow::Borrowed(customer);
    for event in &events {
        after.to_mut().evolve(event);
    }
    events.extend(bill_and_finalize(context, &after, Scope::All, through, request, run)?);
    Ok(events)
}
