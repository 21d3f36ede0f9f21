//! Decisions that are made elsewhere, ahead of their turn.
//!
//! Nothing here is a rule of billing. Who keeps a ledger has many customers decided on copies, by
//! other threads, and commits what was decided if it would be decided alike in its turn: the
//! revisions of the customer and of the book are the same, and what is here.

use std::sync::Arc;

use schemas::Event;
use schemas::event::InvoiceFinalized;
use schemas::ids::CustomerId;

use super::Ledger;
use super::directory::Directory;

pub use super::directory::Woken;

impl Ledger {
    /// The book with those of these customers who can be decided on elsewhere: who has no draft,
    /// pays for nobody else and for whom nobody else pays.
    #[must_use]
    pub fn copy_many(&self, customers: impl IntoIterator<Item = CustomerId>) -> Self {
        let mut copies = Directory::default();
        for id in customers {
            let is_alone =
                self.registry.parent(id).is_none() && self.registry.children(id).next().is_none();
            if is_alone && let Some(copy) = self.customers.shared(id) {
                copies.put(copy);
            }
        }
        Self {
            facts: Arc::clone(&self.facts),
            registry: self.registry.numbered(),
            customers: copies,
        }
    }

    /// Customers that were at rest when they were copied, and that were looked at since.
    pub fn into_woken(self) -> Vec<Woken> {
        self.customers.into_woken()
    }

    /// A customer of a copy is unpacked here, too, if it is still the same.
    pub fn wake(&mut self, woken: Woken) {
        self.customers.wake(woken);
    }

    /// Whether nobody has the ids of the invoices that were decided without looking at all ids.
    pub fn is_free(&self, events: &[Event]) -> bool {
        let invoices = events.iter().filter_map(|event| event.get::<InvoiceFinalized>());
        let mut ids = invoices.map(|invoice| invoice.invoice.uuid());
        ids.all(|id| !self.registry.taken.contains(id))
    }
}
