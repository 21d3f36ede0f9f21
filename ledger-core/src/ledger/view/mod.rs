//! What is asked of the state rather than told: copies to ask, subscriptions, access.
//!
//! # Shape
//!
//! [`Ledger::copy_for`] makes a small ledger that can be asked and decided on by whoever has it,
//! while this one goes on. The questions themselves are methods of [`Ledger`] that change nothing.
//!
//! # Correctness
//!
//! What a subscription is at an instant comes from the same steps that billing takes: a copy of it
//! is brought up to the day, so that scheduled changes have happened whether they were billed or
//! not. Which commands are legal next is asked of [`Ledger::decide`].

mod access;
mod grants;
mod migrations;
mod next;
mod parties;
mod subscription;

use schemas::event::CustomerParked;
use schemas::ids::{CustomerId, SubscriptionId};
use schemas::view;
use schemas::{Date, Rejection, Timestamp};

use super::{Customer, Ledger};
use crate::subscription::state::Subscription;

impl Ledger {
    /// Counts what decisions take from the book: plans, sellers, coupons, migrations. Neither the
    /// test clock nor billing runs move it.
    pub fn catalog_revision(&self) -> u64 {
        self.facts.catalog_revision()
    }

    /// Customers that processes leave out, with the reason, in the order of their ids; in a
    /// copy only if it is of the book alone.
    pub fn parked(&self) -> impl ExactSizeIterator<Item = (CustomerId, &CustomerParked)> {
        self.registry.parked().iter().map(|(customer, why)| (*customer, why))
    }

    /// Why processes leave a customer out, if they do.
    pub fn parked_for(&self, customer: CustomerId) -> Option<&CustomerParked> {
        self.customers.get(customer)?.profile.parked.as_deref()
    }

    /// Who pays for a customer, if another does.
    pub fn parent_of(&self, customer: CustomerId) -> Option<CustomerId> {
        self.registry.parent(customer)
    }

    /// The next day on which a billing run has something to do for a customer.
    pub fn next_due(&self, customer: CustomerId) -> Option<Date> {
        self.customers.get(customer)?.due
    }

    /// The first instant at which it is `date` for the customer and for who sells to it.
    ///
    /// # Errors
    /// [`Rejection::UnknownCustomer`], or a date that cannot be placed.
    pub fn start_of_day(&self, customer: CustomerId, date: Date) -> Result<Timestamp, Rejection> {
        let customer = self.known(customer)?;
        let seller = self.facts.sellers.entity(customer.profile.entity)?.zone.start_of(date)?;
        Ok(customer.profile.rules.local.start_of(date)?.max(seller))
    }

    /// Its subscriptions, in the order in which they begin.
    ///
    /// # Errors
    /// [`Rejection::UnknownCustomer`].
    pub fn subscriptions_of(&self, customer: CustomerId) -> Result<Vec<SubscriptionId>, Rejection> {
        let customer = self.known(customer)?;
        let mut all: Vec<_> = customer.subscriptions().map(|s| (s.start, s.id)).collect();
        all.sort_unstable();
        Ok(all.into_iter().map(|(_, id)| id).collect())
    }

    /// A subscription at an instant, by what is known at `now`.
    ///
    /// # Errors
    /// The [`Rejection`] that names what is unknown or cannot be computed.
    pub fn subscription_view(
        &self,
        customer: CustomerId,
        subscription: SubscriptionId,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<view::Subscription, Rejection> {
        let customer = self.known(customer)?;
        let found = found(customer, subscription)?;
        let mut shown = subscription::Shown::of(self, customer, found, at)?.document();
        shown.next = next::commands(self, customer, found, now);
        Ok(shown)
    }

    /// What the subscriptions that `payer` pays for `user` mean for access at an instant.
    ///
    /// # Errors
    /// The [`Rejection`] that names what is unknown or cannot be computed.
    pub fn access_of(
        &self,
        payer: CustomerId,
        user: CustomerId,
        at: Timestamp,
    ) -> Result<Vec<view::SubscriptionAccess>, Rejection> {
        let customer = self.known(payer)?;
        let used = customer.subscriptions().filter(|subscription| {
            subscription.beneficiary.map_or(payer == user, |beneficiary| beneficiary == user)
        });
        let mut used: Vec<_> = used.collect();
        used.sort_unstable_by_key(|subscription| (subscription.start, subscription.id));
        used.into_iter()
            .map(|found| access::access(&subscription::Shown::of(self, customer, found, at)?))
            .collect()
    }

    fn known(&self, customer: CustomerId) -> Result<&Customer, Rejection> {
        self.customers.get(customer).ok_or(Rejection::UnknownCustomer { customer })
    }
}

fn found(customer: &Customer, id: SubscriptionId) -> Result<&Subscription, Rejection> {
    customer.subscription_of(id).ok_or(Rejection::UnknownSubscription { subscription: id })
}
