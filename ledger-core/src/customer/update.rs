//! Correcting what is known of a customer.

use schemas::Contact;
use schemas::Rejection;
use schemas::command::UpdateCustomer;
use schemas::event::{
    CustomerAddressChanged, CustomerEmailChanged, CustomerExternalIdChanged,
    CustomerPurchaseOrderChanged, CustomerRenamed, CustomerTaxIdsChanged, CustomerTermsChanged,
    Event,
};
use schemas::party::Address;
use schemas::terms::CustomerDetail;

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
    let email = command.email.as_ref();
    let cleared = clears(CustomerDetail::Email);
    if changes((customer.email.as_ref(), email), cleared, Contact::says_the_same) {
        events.push(CustomerEmailChanged { email: email.cloned() }.into());
    }
    let address = command.address.as_ref();
    address.map_or(Ok(()), check_address)?;
    let cleared = clears(CustomerDetail::Address);
    if changes((customer.address.as_ref(), address), cleared, Address::says_the_same) {
        events.push(CustomerAddressChanged { address: address.cloned() }.into());
    }
    if let Some(tax_ids) = &command.tax_ids {
        check_tax_ids(tax_ids)?;
        let pairs = || customer.tax_ids.iter().zip(tax_ids);
        let is_so = customer.tax_ids.len() == tax_ids.len()
            && pairs().all(|(one, other)| one.says_the_same(other));
        if !is_so {
            events.push(CustomerTaxIdsChanged { tax_ids: tax_ids.clone() }.into());
        }
    }
    let payment_terms_days = command.payment_terms_days;
    payment_terms_days.map_or(Ok(()), check_terms)?;
    let cleared = clears(CustomerDetail::PaymentTermsDays);
    let days = (customer.payment_terms_days.as_ref(), payment_terms_days.as_ref());
    if changes(days, cleared, PartialEq::eq) {
        events.push(CustomerTermsChanged { payment_terms_days }.into());
    }
    let purchase_order = command.purchase_order.as_ref();
    let cleared = clears(CustomerDetail::PurchaseOrder);
    if changes((customer.purchase_order.as_ref(), purchase_order), cleared, PartialEq::eq) {
        let purchase_order = purchase_order.cloned();
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

/// Whether a detail is another one after a command that gives or clears it; `(before, given)`.
fn changes<T>(
    detail: (Option<&T>, Option<&T>),
    cleared: bool,
    says_the_same: impl Fn(&T, &T) -> bool,
) -> bool {
    match detail {
        (Some(before), Some(given)) => !says_the_same(before, given),
        (None, Some(_)) => true,
        (Some(_), None) => cleared,
        (None, None) => false,
    }
}
