//! Correcting what is known of a customer.

use schemas::Rejection;
use schemas::command::UpdateCustomer;
use schemas::event::{
    CustomerAddressChanged, CustomerEmailChanged, CustomerExternalIdChanged,
    CustomerPurchaseOrderChanged, CustomerRenamed, CustomerTaxIdsChanged, CustomerTermsChanged,
    Event,
};
use schemas::party::TaxId;
use schemas::terms::CustomerDetail;
use schemas::{Contact, party::Address};

use super::erase::Affairs;
use super::state::Profile;
use super::zone;
use crate::context::Context;
use crate::seller::decide::{check_address, check_tax_ids, check_terms};

/// Changes what is given, and takes away what is to be cleared; nothing where it is so already.
///
/// # Errors
/// [`Rejection::NothingToChange`], [`Rejection::SetAndCleared`]; values that are out of range.
pub(super) fn update(
    context: &Context<'_>,
    customer: &Profile,
    affairs: &dyn Affairs,
    command: &UpdateCustomer,
) -> Result<Vec<Event>, Rejection> {
    check_given(command)?;
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
    let clears = |detail| command.clear.iter().flatten().any(|cleared| *cleared == detail);
    if let Some(email) = wanted(&command.email, clears(CustomerDetail::Email))
        && !same(customer.email.as_ref(), email.as_ref(), Contact::says_the_same)
    {
        events.push(CustomerEmailChanged { email }.into());
    }
    if let Some(address) = wanted(&command.address, clears(CustomerDetail::Address)) {
        address.as_ref().map_or(Ok(()), check_address)?;
        let says_the_same = Address::<Contact>::says_the_same;
        if !same(customer.address.as_ref(), address.as_ref(), says_the_same) {
            events.push(CustomerAddressChanged { address }.into());
        }
    }
    if let Some(tax_ids) = &command.tax_ids {
        check_tax_ids(tax_ids)?;
        let says_the_same = TaxId::<Contact>::says_the_same;
        let is_so = customer.tax_ids.len() == tax_ids.len()
            && customer.tax_ids.iter().zip(tax_ids).all(|(one, other)| says_the_same(one, other));
        if !is_so {
            events.push(CustomerTaxIdsChanged { tax_ids: tax_ids.clone() }.into());
        }
    }
    let cleared = clears(CustomerDetail::PaymentTermsDays);
    if let Some(payment_terms_days) = wanted(&command.payment_terms_days, cleared) {
        payment_terms_days.map_or(Ok(()), check_terms)?;
        if payment_terms_days != customer.payment_terms_days {
            events.push(CustomerTermsChanged { payment_terms_days }.into());
        }
    }
    let cleared = clears(CustomerDetail::PurchaseOrder);
    if let Some(purchase_order) = wanted(&command.purchase_order, cleared)
        && purchase_order != customer.purchase_order
    {
        events.push(CustomerPurchaseOrderChanged { purchase_order }.into());
    }
    if let Some(to) = &command.zone {
        let now = context.stamp.recorded_at;
        events.extend(zone::moved(customer, to, now, affairs)?.map(Event::from));
    }
    Ok(events)
}

/// At least one thing is given or cleared, and none is both.
fn check_given(command: &UpdateCustomer) -> Result<(), Rejection> {
    let cleared = command.clear.as_deref().unwrap_or_default();
    let given = command.external_id.is_some()
        || command.name.is_some()
        || command.email.is_some()
        || command.payment_terms_days.is_some()
        || command.address.is_some()
        || command.tax_ids.is_some()
        || command.zone.is_some()
        || command.purchase_order.is_some();
    if !given && cleared.is_empty() {
        return Err(Rejection::NothingToChange);
    }
    for detail in cleared {
        let (given, detail) = match detail {
            CustomerDetail::Email => (command.email.is_some(), "email"),
            CustomerDetail::Address => (command.address.is_some(), "address"),
            CustomerDetail::PurchaseOrder => (command.purchase_order.is_some(), "purchase_order"),
            CustomerDetail::PaymentTermsDays => {
                (command.payment_terms_days.is_some(), "payment_terms_days")
            }
        };
        if given {
            return Err(Rejection::SetAndCleared { detail });
        }
    }
    Ok(())
}

/// What a detail is to be, if the command says so; nothing where it is cleared.
fn wanted<T: Clone>(given: &Option<T>, cleared: bool) -> Option<Option<T>> {
    (given.is_some() || cleared).then(|| given.clone())
}

fn same<T>(one: Option<&T>, other: Option<&T>, says_the_same: fn(&T, &T) -> bool) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => says_the_same(one, other),
        (None, Some(_)) | (Some(_), None) => false,
    }
}
