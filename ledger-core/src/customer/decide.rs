//! Decisions about who the customer is.

use schemas::Rejection;
use schemas::command::{RegisterCustomer, ReleaseCustomer, UpdateCustomer};
use schemas::event::{
    CustomerEmailChanged, CustomerExternalIdChanged, CustomerRegistered, CustomerReleased,
    CustomerRenamed, CustomerTermsChanged, Event,
};

use schemas::ids::CustomerId;

use super::state::Customer;
use crate::book::check_terms;
use crate::ledger::Context;

pub(crate) fn register(
    context: &Context<'_>,
    existing: Option<&Customer>,
    command: &RegisterCustomer,
) -> Result<Vec<Event>, Rejection> {
    if existing.is_some() {
        return Err(Rejection::CustomerExists { customer: command.customer });
    }
    let entity = context.book.entity(command.entity)?;
    if let Some(external_id) = &command.external_id {
        context.registry.free_customer(external_id)?;
    }
    let payment_terms_days = command.payment_terms_days.unwrap_or(entity.payment_terms_days);
    check_terms(payment_terms_days)?;
    let zone = command.zone.as_ref().unwrap_or(&entity.zone);
    zone.date_at(context.stamp.effective_at)?;
    if let Some(parent) = command.parent {
        check_parent(context, command.customer, parent)?;
    }
    Ok(vec![
        CustomerRegistered {
            customer: command.customer,
            entity: command.entity,
            external_id: command.external_id.clone(),
            name: command.name.clone(),
            email: command.email.clone(),
            currency: command.currency,
            zone: zone.clone(),
            payment_terms_days,
            parent: command.parent,
        }
        .into(),
    ])
}

/// A parent is registered and pays for itself, so that parents never form a circle.
fn check_parent(
    context: &Context<'_>,
    customer: CustomerId,
    parent: CustomerId,
) -> Result<(), Rejection> {
    if parent == customer || context.registry.parent(parent).is_some() {
        return Err(Rejection::CyclicParents { customer, parent });
    }
    if context.customers.get(parent).is_none() {
        return Err(Rejection::UnknownCustomer { customer: parent });
    }
    Ok(())
}

pub(crate) fn release(
    customer: &Customer,
    command: &ReleaseCustomer,
) -> Result<Vec<Event>, Rejection> {
    if customer.parked.is_none() {
        return Err(Rejection::NotParked { customer: command.customer });
    }
    Ok(vec![CustomerReleased {}.into()])
}

pub(crate) fn update(
    context: &Context<'_>,
    customer: &Customer,
    command: &UpdateCustomer,
) -> Result<Vec<Event>, Rejection> {
    let given = command.external_id.is_some()
        || command.name.is_some()
        || command.email.is_some()
        || command.payment_terms_days.is_some();
    if !given {
        return Err(Rejection::NothingToChange);
    }
    let mut events: Vec<Event> = Vec::new();
    if let Some(external_id) = &command.external_id
        && customer.external_id.as_ref() != Some(external_id)
    {
        context.registry.free_customer(external_id)?;
        events.push(CustomerExternalIdChanged { external_id: external_id.clone() }.into());
    }
    if let Some(name) = &command.name
        && customer.name != *name
    {
        events.push(CustomerRenamed { name: name.clone() }.into());
    }
    if let Some(email) = &command.email
        && customer.email.as_ref() != Some(email)
    {
        events.push(CustomerEmailChanged { email: email.clone() }.into());
    }
    if let Some(payment_terms_days) = command.payment_terms_days {
        check_terms(payment_terms_days)?;
        if payment_terms_days != customer.payment_terms_days {
            events.push(CustomerTermsChanged { payment_terms_days }.into());
        }
    }
    Ok(events)
}
