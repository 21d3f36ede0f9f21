//! Who one customer is, folded from its stream.

use schemas::command::InvoiceRequest;
use schemas::event::{
    CustomerErased, CustomerEvent, CustomerParked, CustomerRegistered, CustomerSnapshot,
    InvoiceAnnotated, InvoiceFinalized,
};
use schemas::fields::Erasure;
use schemas::ids::{CustomerId, EntityId};
use schemas::money::MAX_AMOUNT;
use schemas::party::{Address, TaxId};
use schemas::terms::Policies;
use schemas::text::{ExternalId, Label};
use schemas::{Contact, Currency, Date, Minor, Money, Personal, Rejection, Timestamp, ZoneName};
use serde::{Deserialize, Serialize};

use super::rules::Rules;
use crate::seller::state::Seller;
use crate::unmade::Unmade;

/// What an erasure left of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Erased {
    /// What of it can be read by nobody any more.
    pub(crate) extent: Erasure,
    /// Its documents are kept for so many years after the one in which the last was issued.
    pub(crate) retention_years: u8,
}

/// What a customer's next invoice carries.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Annotation {
    pub(crate) memo: Option<Personal>,
    pub(crate) purchase_order: Option<Label>,
}

impl Annotation {
    /// Whether there is something that the next invoice is to carry.
    pub(crate) const fn waits(&self) -> bool {
        self.memo.is_some() || self.purchase_order.is_some()
    }
}

/// Who a customer is and what it is billed by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) id: CustomerId,
    pub(crate) entity: EntityId,
    pub(crate) external_id: Option<ExternalId>,
    pub(crate) name: Contact,
    pub(crate) email: Option<Contact>,
    pub(crate) currency: Currency,
    /// What it is billed by.
    pub(crate) rules: Rules,
    /// Its own; the seller's if it has none.
    pub(crate) payment_terms_days: Option<u16>,
    /// The zone that it is in, or on its way to.
    pub(crate) zone: ZoneName,
    /// The last day that begins by the clock that it had before the last move.
    pub(crate) zone_from: Option<Date>,
    pub(crate) address: Option<Address<Contact>>,
    pub(crate) tax_ids: Vec<TaxId<Contact>>,
    /// What every invoice carries.
    pub(crate) purchase_order: Option<Label>,
    /// What the next invoice carries.
    pub(crate) annotation: Annotation,
    /// Who pays for it.
    pub(crate) parent: Option<CustomerId>,
    pub(crate) registered_at: Timestamp,
    /// Why processes leave it out.
    pub(crate) parked: Option<Box<CustomerParked>>,
    /// Set once it was erased.
    pub(crate) erased: Option<Erased>,
}

impl Profile {
    /// A customer that is registered at `at` in a book with these policies.
    pub(crate) fn new(registered: &CustomerRegistered, policies: Policies, at: Timestamp) -> Self {
        Self {
            id: registered.customer,
            entity: registered.entity,
            external_id: registered.external_id.clone(),
            name: registered.name.clone(),
            email: registered.email.clone(),
            currency: registered.currency,
            rules: Rules::new(policies, &registered.zone, registered.fixed_offset),
            payment_terms_days: registered.payment_terms_days,
            zone: registered.zone.clone(),
            zone_from: None,
            address: registered.address.clone(),
            tax_ids: registered.tax_ids.clone(),
            purchase_order: registered.purchase_order.clone(),
            annotation: Annotation::default(),
            parent: registered.parent,
            registered_at: at,
            parked: None,
            erased: None,
        }
    }

    /// Days from document date to due date of an invoice that a seller issues.
    pub(crate) fn terms_days(&self, seller: &Seller) -> u16 {
        self.payment_terms_days.unwrap_or(seller.payment_terms_days)
    }

    /// As a document shows it.
    pub(crate) fn snapshot(&self) -> CustomerSnapshot {
        CustomerSnapshot {
            name: self.name.document(),
            email: self.email.as_ref().map(Contact::document),
            address: self.address.as_ref().map(|address| address.with(Contact::document)),
            tax_ids: self.tax_ids.iter().map(|tax_id| tax_id.with(Contact::document)).collect(),
        }
    }

    /// What an invoice says to its reader: what is asked of it, or what was said of the next one.
    pub(crate) fn memo(&self, request: &InvoiceRequest) -> Option<Personal> {
        request.memo.as_ref().or(self.annotation.memo.as_ref()).cloned()
    }

    /// The purchase order of an invoice: what is asked of it, what was said of the next one, or
    /// that of all of them.
    pub(crate) fn purchase_order(&self, request: &InvoiceRequest) -> Option<Label> {
        let next = self.annotation.purchase_order.as_ref();
        request.purchase_order.as_ref().or(next).or(self.purchase_order.as_ref()).cloned()
    }

    /// An invoice was issued. What it carries of what was said of the next one has been said; what
    /// it was told otherwise waits for another.
    pub(crate) fn invoiced(&mut self, invoice: &InvoiceFinalized) {
        let Annotation { memo, purchase_order } = &mut self.annotation;
        if invoice.memo == *memo {
            *memo = None;
        }
        if invoice.purchase_order == *purchase_order {
            *purchase_order = None;
        }
    }

    /// An amount in the customer's currency.
    ///
    /// # Errors
    /// [`Rejection::CurrencyMismatch`].
    pub(crate) fn own(&self, amount: Money) -> Result<Minor, Rejection> {
        if amount.currency() != self.currency {
            let (expected, found) = (self.currency, amount.currency());
            return Err(Rejection::CurrencyMismatch { expected, found });
        }
        Ok(amount.minor())
    }

    /// An amount of more than zero in the customer's currency.
    ///
    /// # Errors
    /// [`Rejection::CurrencyMismatch`], [`Rejection::AmountTooLarge`],
    /// [`Rejection::AmountNotPositive`].
    pub(crate) fn positive(&self, amount: Money) -> Result<Minor, Rejection> {
        let minor = self.own(amount)?;
        if minor > MAX_AMOUNT {
            return Err(Rejection::AmountTooLarge { amount: minor, limit: MAX_AMOUNT });
        }
        if minor.is_positive() { Ok(minor) } else { Err(Rejection::AmountNotPositive { amount }) }
    }

    /// It was erased.
    ///
    /// # Errors
    /// [`Unmade`] for a second time.
    fn erase(&mut self, event: &CustomerErased) -> Result<(), Unmade> {
        if self.erased.is_some() {
            return Err(Unmade::of("an unerased", self.id));
        }
        let retention_years = event.document_retention_years;
        self.erased = Some(Erased { extent: event.extent(), retention_years });
        Ok(())
    }

    /// Nothing keeps processes from it.
    ///
    /// # Errors
    /// [`Rejection::CustomerParked`].
    pub(crate) fn not_parked(&self) -> Result<(), Rejection> {
        match &self.parked {
            None => Ok(()),
            Some(parked) => {
                let (customer, reason) = (self.id, parked.detail.to_string());
                Err(Rejection::CustomerParked { customer, reason })
            }
        }
    }

    /// Folds one event in.
    ///
    /// # Errors
    /// [`Unmade`] for a second registration or erasure.
    pub(crate) fn evolve(&mut self, event: &CustomerEvent) -> Result<(), Unmade> {
        match event {
            CustomerEvent::CustomerRenamed(renamed) => self.name = renamed.name.clone(),
            CustomerEvent::CustomerEmailChanged(changed) => {
                self.email.clone_from(&changed.email);
            }
            CustomerEvent::CustomerAddressChanged(changed) => {
                self.address.clone_from(&changed.address);
            }
            CustomerEvent::CustomerTaxIdsChanged(changed) => {
                self.tax_ids.clone_from(&changed.tax_ids);
            }
            CustomerEvent::CustomerZoneChanged(changed) => {
                self.rules.local.follow(changed);
                self.zone = changed.zone.clone();
                self.zone_from = Some(changed.from);
            }
            CustomerEvent::CustomerPurchaseOrderChanged(changed) => {
                self.purchase_order.clone_from(&changed.purchase_order);
            }
            CustomerEvent::InvoiceAnnotated(InvoiceAnnotated { memo, purchase_order }) => {
                let (memo, purchase_order) = (memo.clone(), purchase_order.clone());
                self.annotation = Annotation { memo, purchase_order };
            }
            CustomerEvent::CustomerTermsChanged(changed) => {
                self.payment_terms_days = changed.payment_terms_days;
            }
            CustomerEvent::CustomerExternalIdChanged(changed) => {
                self.external_id = Some(changed.external_id.clone());
            }
            CustomerEvent::CustomerParked(parked) => {
                self.parked = Some(Box::new(parked.clone()));
            }
            CustomerEvent::CustomerReleased(_) => self.parked = None,
            CustomerEvent::CustomerErased(erased) => self.erase(erased)?,
            CustomerEvent::DocumentsErased(_) => match &mut self.erased {
                Some(erased) => erased.extent = Erasure::All,
                None => return Err(Unmade::of("the erasure of", self.id)),
            },
            CustomerEvent::CustomerRegistered(_) => {
                return Err(Unmade::of("an unregistered", self.id));
            }
        }
        Ok(())
    }
}
