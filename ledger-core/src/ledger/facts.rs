//! The book's own facts: all that lies on the book's stream.

use schemas::Event;
use schemas::event::{EventAt, ProcessEvent};
use serde::{Deserialize, Serialize};

use crate::book::state::BookState;
use crate::catalog::state::Catalog;
use crate::process::billing_run::Runs;
use crate::seller::state::Sellers;
use crate::unmade::Unmade;

/// State of the book's stream, room by room.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Facts {
    pub(crate) revision: u64,
    pub(crate) book: BookState,
    pub(crate) sellers: Sellers,
    pub(crate) catalog: Catalog,
    pub(crate) runs: Runs,
}

impl Facts {
    /// Counts what decisions take from the book.
    pub(crate) fn catalog_revision(&self) -> u64 {
        (self.catalog.revision() + self.sellers.revision()) as u64
    }

    /// Folds one event in.
    ///
    /// # Errors
    /// [`Unmade`] when it names what was never made, or belongs on a customer's stream.
    pub(crate) fn evolve(&mut self, event: &Event, made: EventAt) -> Result<(), Unmade> {
        match event {
            Event::Book(event) => self.book.evolve(event),
            Event::Seller(event) => self.sellers.evolve(event)?,
            Event::Catalog(event) => self.catalog.evolve(event, made)?,
            Event::Process(ProcessEvent::BillingRunStarted(started)) => self.runs.started(started),
            Event::Process(
                ProcessEvent::DueSet(_)
                | ProcessEvent::PartDrafted(_)
                | ProcessEvent::DecisionCompleted(_),
            )
            | Event::Customer(_)
            | Event::Subscription(_)
            | Event::Billing(_)
            | Event::Settlement(_) => return Err(Unmade::astray(event.kind().name)),
        }
        Ok(())
    }
}
