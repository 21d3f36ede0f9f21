//! Decisions about who the customer is.

use schemas::Rejection;
use schemas::command::{
    CustomerCommand, ParkCustomer, RegisterCustomer, ReleaseCustomer, UpdateCustomer,
};
use schemas::event::{
    CustomerEmailChanged, CustomerExternalIdChanged, CustomerParked, CustomerRegistered,
    CustomerReleased, CustomerRenamed, CustomerTermsChanged, Event,
};

use schemas::ids::CustomerId;

use super::erase::{self, Affairs};
use super::rules::Rules;
use super::state::Profile;
use crate::context::Context;
use crate::seller::decide::check_terms;

/// Decides a command about a registered customer.
///
/// # Errors
/// The [`Rejection`] that says why not.
pub(crate) fn decide(
    context: &Context<'_>,
    profile: &Profile,
    affairs: &dyn Affairs,
    command: &CustomerCommand,
) -> Result<Vec<Event>, Rejection> {
    match command {
        CustomerCommand::UpdateCustomer(command) => update(context, profile, command),
        CustomerCommand::ReleaseCustomer(command) => release(profile, command),
        CustomerCommand::ParkCustomer(command) => park(profile, command),
        CustomerCommand::EraseCustomer(command) => erase::erase(context, profile, affairs, command),
        CustomerCommand::RegisterCustomer(command) => {
            Err(Rejection::CustomerExists { customer: command.customer })
        }
    }
}

/// Registers a customer that is not there yet; `is_known` says whether another one is.
///
/// # Errors
/// An unknown seller or parent, an external id that is taken, terms or a zone that are no good.
pub(crate) fn register(
    context: &Context<'_>,
    is_known: impl Fn(CustomerId) -> bool,
    command: &RegisterCustomer,
) -> Result<Vec<Event>, Rejection> {
    let entity = context.sellers.entity(command.entity)?;
    if let Some(external_id) = &command.external_id {
        context.registry.free_customer(external_id)?;
    }
    let payment_terms_days = command.payment_terms_days.unwrap_or(entity.payment_terms_days);
    check_terms(payment_terms_days)?;
    let zone = command.zone.as_ref().unwrap_or(&entity.zone);
    let now = context.stamp.effective_at;
    zone.date_at(now)?;
    if let Some(parent) = command.parent {
        check_parent(context, is_known, command.customer, parent)?;
    }
    let policies = context.book.opened()?.policies;
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
            fixed_offset: Rules::fixed_offset(policies, zone, now)?,
        }
        .into(),
    ])
}

/// A parent is registered and pays for itself, so that parents never form a circle.
fn check_parent(
    context: &Context<'_>,
    is_known: impl Fn(CustomerId) -> bool,
    customer: CustomerId,
    parent: CustomerId,
) -> Result<(), Rejection> {
    if parent == customer || context.registry.parent(parent).is_some() {
        return Err(Rejection::CyclicParents { customer, parent });
    }
    if !is_known(parent) {
        return Err(Rejection::UnknownCustomer { customer: parent });
    }
    context.registry.not_erased(parent)
}

/// Leaves a customer out of what happens by itself.
///
/// # Errors
/// [`Rejection::CustomerParked`] where it is so already: the first reason stays.
fn park(customer: &Profile, command: &ParkCustomer) -> Result<Vec<Event>, Rejection> {
    customer.not_parked()?;
    let ParkCustomer { customer: _, process, run, reason, detail } = command.clone();
    Ok(vec![CustomerParked { process, run, reason, detail }.into()])
}

/// Lets runs bill a parked customer again.
fn release(customer: &Profile, command: &ReleaseCustomer) -> Result<Vec<Event>, Rejection> {
    if customer.parked.is_none() {
        return Err(Rejection::NotParked { customer: command.customer });
    }
    Ok(vec![CustomerReleased {}.into()])
}

/// Changes what is given; nothing where it is so already.
fn update(
    context: &Context<'_>,
    customer: &Profile,
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
        && !customer.name.says_the_same(name)
    {
        events.push(CustomerRenamed { name: name.clone() }.into());
    }
    if let Some(email) = &command.email
        && !customer.email.as_ref().is_some_and(|known| known.says_the_same(email))
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
