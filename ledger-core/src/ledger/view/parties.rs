//! Sellers and customers as they are now.

use schemas::Contact;
use schemas::Rejection;
use schemas::ids::{CustomerId, EntityId};
use schemas::view::{self, NextInvoice};

use super::Ledger;
use crate::customer::state::{Annotation, Profile};
use crate::seller::state::Seller;

impl Ledger {
    /// A seller.
    ///
    /// # Errors
    /// [`Rejection::UnknownEntity`].
    pub fn entity_view(&self, entity: EntityId) -> Result<view::Entity, Rejection> {
        self.facts.sellers.entity(entity).map(seller)
    }

    /// Sellers after one, by id.
    pub fn entity_views(&self, after: Option<EntityId>) -> impl Iterator<Item = view::Entity> {
        let behind = move |found: &&Seller| after.is_none_or(|after| after < found.entity);
        self.facts.sellers.all().filter(behind).map(seller)
    }

    /// A customer.
    ///
    /// # Errors
    /// [`Rejection::UnknownCustomer`].
    pub fn customer_view(&self, customer: CustomerId) -> Result<view::Customer, Rejection> {
        let profile: &Profile = &self.known(customer)?.profile;
        let terms = profile.terms_days(self.facts.sellers.entity(profile.entity)?);
        let Annotation { memo, purchase_order } = profile.annotation.clone();
        Ok(view::Customer {
            customer,
            entity: profile.entity,
            external_id: profile.external_id.clone(),
            name: profile.name.own(),
            email: profile.email.as_ref().map(Contact::own),
            address: profile.address.as_ref().map(|address| address.with(Contact::own)),
            tax_ids: profile.tax_ids.iter().map(|tax_id| tax_id.with(Contact::own)).collect(),
            currency: profile.currency,
            zone: profile.zone.clone(),
            zone_from: profile.zone_from,
            payment_terms_days: terms,
            own_payment_terms: profile.payment_terms_days.is_some(),
            purchase_order: profile.purchase_order.clone(),
            next_invoice: NextInvoice { memo, purchase_order },
            parent: profile.parent,
            registered_at: profile.registered_at,
            erased: profile.erased.is_some(),
        })
    }
}

fn seller(seller: &Seller) -> view::Entity {
    view::Entity {
        entity: seller.entity,
        name: seller.name.clone(),
        address: seller.address.clone(),
        tax_ids: seller.tax_ids.clone(),
        zone: seller.zone.clone(),
        payment_terms_days: seller.payment_terms_days,
        document_retention_years: seller.document_retention_years,
        series: seller.series().to_vec(),
        default_series: seller.defaults().clone(),
    }
}
