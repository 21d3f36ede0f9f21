//! A commit in the making: its events so far, and the customer as it would be after them.

use schemas::Rejection;
use schemas::event::{CreditNoteIssued, Event, EventAt, InvoiceFinalized};
use schemas::ids::SubscriptionId;
use schemas::text::Code;

use super::customer::Customer;
use crate::context::Context;
use crate::shared::Shared;
use crate::subscription::advance::{Advance, Horizon};
use crate::subscription::reach::Reach;

/// How far a subscription is brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UpTo {
    /// What was to happen by now.
    Present,
    /// Cycles that have not begun and are billed.
    Ahead,
}

/// What a decision has made so far. The customer is an overlay: what its events do not touch is
/// read through.
pub(super) struct Draft {
    pub(super) customer: Customer,
    pub(super) events: Vec<Event>,
    /// It bills everything, and so pays all that credit can pay.
    pub(super) sweeps_all: bool,
    /// Credit may be left beside something that it could pay.
    pub(super) leaves_credit: bool,
}

impl Draft {
    /// Events that were decided on `customer`, with what they make of it.
    pub(super) fn after(customer: &Customer, events: Vec<Event>) -> Self {
        let made = Vec::with_capacity(events.len() + 4);
        let customer = customer.clone();
        let mut draft = Self { customer, events: made, sweeps_all: false, leaves_credit: false };
        draft.extend(events);
        draft
    }

    /// Adds an event.
    ///
    /// # Panics
    /// When it names what is not there: the decision that made it is wrong.
    pub(super) fn push(&mut self, event: Event) {
        self.customer.need_for(&event);
        let index = u32::try_from(self.events.len()).expect("a commit has fewer events than bytes");
        let folded = self.customer.evolve(&event, EventAt::here(index));
        folded.expect("a decision names what is there");
        self.events.push(event);
    }

    pub(super) fn extend<E: Into<Event>>(&mut self, events: impl IntoIterator<Item = E>) {
        events.into_iter().for_each(|event| self.push(event.into()));
    }

    /// Brings a subscription up to a horizon, with the events that do it.
    ///
    /// # Errors
    /// What [`Advance::through`] and [`Advance::ahead`] refuse; then the draft is of no use.
    ///
    /// # Panics
    /// When the customer has no such subscription.
    pub(super) fn advance(
        &mut self,
        context: &Context<'_>,
        id: SubscriptionId,
        horizon: Horizon,
        up_to: UpTo,
    ) -> Result<(), Rejection> {
        let profile = Shared::clone(&self.customer.profile);
        let advance = Advance {
            rules: &profile.rules,
            catalog: context.catalog,
            currency: profile.currency,
            invoiced: &self.customer.billing,
            looks_ahead: false,
        };
        // It folds into the subscription what it makes, so only the other room is left to tell.
        let subscription = self.customer.agreements.drafted(id);
        let subscription = subscription.expect("it is one of the draft's");
        let reach = Reach::before(subscription);
        let before = self.events.len();
        let made = match up_to {
            UpTo::Present => advance.through(subscription, horizon, before)?,
            UpTo::Ahead => advance.ahead(subscription, horizon, before)?,
        };
        if made.is_empty() {
            return Ok(());
        }
        self.customer.agreements.note(id);
        self.customer.billing.days.touch(id);
        for (index, event) in (before..).zip(&made) {
            let here = EventAt::here(u32::try_from(index).unwrap_or(u32::MAX));
            let folded = self.customer.billing.evolve_agreed(event, false, here);
            folded.expect("a decision names what is there");
        }
        self.customer.look_again(Some(reach), &made);
        self.events.extend(made.into_iter().map(Event::from));
        Ok(())
    }

    /// The number series of the invoices that it has issued.
    pub(super) fn invoiced(&self) -> Vec<Code> {
        let invoices = self.events.iter().filter_map(|event| event.get::<InvoiceFinalized>());
        invoices.map(|invoice| invoice.series.clone()).collect()
    }

    /// How many credit notes it has issued.
    pub(super) fn notes(&self) -> u64 {
        let notes = self.events.iter().filter(|event| event.get::<CreditNoteIssued>().is_some());
        notes.count() as u64
    }
}
