//! Who one customer is, folded from its stream.

use schemas::event::{CustomerErased, CustomerEvent, CustomerParked, CustomerRegistered};
use schemas::fields::Erasure;
use schemas::ids::{CustomerId, EntityId};
use schemas::money::MAX_AMOUNT;
use schemas::terms::Policies;
use schemas::text::ExternalId;
use schemas::{Contact, Currency, Minor, Money, Rejection, Timestamp};
use serde::{Deserialize, Serialize};

use super::rules::Rules;
use crate::unmade::Unmade;

/// What an erasure left of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Erased {
    /// What of it can be read by nobody any more.
    pub(crate) extent: Erasure,
    /// Its documents are kept for so many years after the one in which the last was issued.
    pub(crate) retention_years: u8,
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
    pub(crate) payment_terms_days: u16,
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
            parent: registered.parent,
            registered_at: at,
            parked: None,
            erased: None,
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
                self.email = Some(changed.email.clone());
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
