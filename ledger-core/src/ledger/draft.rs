//! A commit in the making: its events so far, and the customer as it would be after them.

use schemas::event::{Event, EventAt};
use schemas::ids::SubscriptionId;
use schemas::{Date, Rejection};

use super::customer::Customer;
use crate::subscription::advance::Advance;

/// What a decision has made so far. The customer is an overlay: what its events do not touch is
/// read through.
pub(super) struct Draft {
    pub(super) customer: Customer,
    pub(super) events: Vec<Event>,
}

impl Draft {
    /// Events that were decided on `customer`, with what they make of it.
    pub(super) fn after(customer: &Customer, events: Vec<Event>) -> Self {
        let made = Vec::with_capacity(events.len() + 4);
        let mut draft = Self { customer: customer.clone(), events: made };
        draft.extend(events);
        draft
    }

    /// Adds an event.
    ///
    /// # Panics
    /// When it names what is not there: the decision that made it is wrong.
    pub(super) fn push(&mut self, event: Event) {
        let index = u32::try_from(self.events.len()).expect("a commit has fewer events than bytes");
        let folded = self.customer.evolve(&event, EventAt::here(index));
        folded.expect("a decision names what is there");
        self.events.push(event);
    }

    pub(super) fn extend<E: Into<Event>>(&mut self, events: impl IntoIterator<Item = E>) {
        events.into_iter().for_each(|event| self.push(event.into()));
    }

    /// Brings a subscription up to and on `through`, with the events that do it.
    ///
    /// # Errors
    /// What [`Advance::through`] refuses; then the draft is of no use.
    ///
    /// # Panics
    /// When the customer has no such subscription.
    pub(super) fn advance(
        &mut self,
        advance: Advance<'_>,
        id: SubscriptionId,
        through: Date,
    ) -> Result<(), Rejection> {
        // It folds into the subscription what it makes, so only the other room is left to tell.
        let subscription = self.customer.agreements.drafted(id);
        let subscription = subscription.expect("it is one of the draft's");
        for event in advance.through(subscription, through, self.events.len())? {
            self.customer.billing.evolve_agreed(&event);
            self.events.push(event.into());
        }
        Ok(())
    }
}
