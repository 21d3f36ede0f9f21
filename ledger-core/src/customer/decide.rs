//! Decisions about who the customer is.

use schemas::Rejection;
use schemas::command::{
    AnnotateInvoice, CustomerCommand, ParkCustomer, RegisterCustomer, ReleaseCustomer,
};
use schemas::event::{
    CustomerParked, CustomerRegistered, CustomerReleased, Event, InvoiceAnnotated,
};
use schemas::ids::CustomerId;

use super::clock::Clock;
use super::erase::{self, Affairs};
use super::state::{Annotation, Profile};
use super::update::update;
use crate::context::Context;
use crate::seller::decide::{check_address, check_tax_ids, check_terms};

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
        CustomerCommand::UpdateCustomer(command) => update(context, profile, affairs, command),
        CustomerCommand::AnnotateInvoice(command) => Ok(annotate(profile, command)),
        CustomerCommand::ReleaseCustomer(command) => release(profile, command),
        CustomerCommand::ParkCustomer(command) => park(profile, command),
        CustomerCommand::EraseCustomer(command) => erase::erase(context, profile, affairs, command),
        // Whoever makes it has decided another command.
        CustomerCommand::DraftPart(_) => Err(Rejection::InternalCommand),
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
    command.payment_terms_days.map_or(Ok(()), check_terms)?;
    command.address.as_ref().map_or(Ok(()), check_address)?;
    let tax_ids = command.tax_ids.clone().unwrap_or_default();
    check_tax_ids(&tax_ids)?;
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
            payment_terms_days: command.payment_terms_days,
            parent: command.parent,
            fixed_offset: Clock::fixed_offset(policies.zone, zone, now)?,
            address: command.address.clone(),
            tax_ids,
            purchase_order: command.purchase_order.clone(),
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

/// Says what the next invoice carries; nothing where that is known to be so already. A memo that is
/// sealed is said anew each time: sealed texts are not compared.
fn annotate(customer: &Profile, command: &AnnotateInvoice) -> Vec<Event> {
    let (memo, purchase_order) = (command.memo.clone(), command.purchase_order.clone());
    let said = Annotation { memo, purchase_order };
    if said == customer.annotation {
        return Vec::new();
    }
    let Annotation { memo, purchase_order } = said;
    vec![InvoiceAnnotated { memo, purchase_order }.into()]
}
