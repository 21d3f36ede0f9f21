//! The register of invoices: documents, lines, settlement; by customer, status, day and id.
//!
//! Whole-book figures come from sums kept by document date, never from a walk over invoices.

mod apply;
mod queries;
mod rows;
mod sources;

use schemas::{CommitView, Event};

use crate::directory::Directory;
use crate::places::Places;
use crate::projection::{FoldError, Projection, QueryError, View};
use crate::store::{Batch, Store};
use crate::table::Table;
use rows::{Chunk, CustomerRow, DayRow, Page, SettlementRow};

/// The register of invoices.
pub struct Invoices {
    book: Table<(), Places>,
    pages: Table<u64, Page>,
    settlements: Table<(u64, u32), Chunk<SettlementRow>>,
    customers: Table<schemas::ids::CustomerId, CustomerRow>,
    customer_chunks: Table<(schemas::ids::CustomerId, u32), Chunk<rows::Placed>>,
    days: Table<schemas::Date, DayRow>,
    day_chunks: Table<(schemas::Date, u32), Chunk<u64>>,
    directory: Directory<u64>,
    sources: Table<schemas::ids::CustomerId, sources::CustomerSources>,
    subscriptions: Table<schemas::ids::SubscriptionId, sources::SubscriptionSources>,
    versions: Table<(schemas::ids::PlanId, u32), rows::Made>,
    /// Position and index of the last event.
    at: (u64, u32),
}

impl Default for Invoices {
    fn default() -> Self {
        Self {
            book: Table::new(rows::BOOK, 1),
            pages: Table::new(rows::PAGES, 512),
            settlements: Table::new(rows::SETTLEMENTS, 64),
            customers: Table::new(rows::CUSTOMERS, 4_096),
            customer_chunks: Table::new(rows::CUSTOMER_CHUNKS, 128),
            days: Table::new(rows::DAYS, 512),
            day_chunks: Table::new(rows::DAY_CHUNKS, 64),
            directory: Directory::new(&rows::DIRECTORY),
            sources: Table::new(rows::SOURCES, 1_024),
            subscriptions: Table::new(rows::SUBSCRIPTIONS, 1_024),
            versions: Table::new(rows::VERSIONS, 64),
            at: (0, 0),
        }
    }
}

impl Projection for Invoices {
    const NAME: &'static str = "invoices";
    const VERSION: u32 = 3;

    fn apply(
        &mut self,
        store: &dyn Store,
        commit: &CommitView<'_>,
        event: &Event,
    ) -> Result<(), FoldError> {
        self.fold(store, commit, event)
    }

    fn pending(&self) -> usize {
        self.book.pending()
            + self.pages.pending()
            + self.settlements.pending()
            + self.customers.pending()
            + self.customer_chunks.pending()
            + self.days.pending()
            + self.day_chunks.pending()
            + self.directory.pending()
            + self.sources.pending()
            + self.subscriptions.pending()
            + self.versions.pending()
    }

    fn drain(&mut self, batch: &mut Batch) {
        self.book.drain(batch);
        self.pages.drain(batch);
        self.settlements.drain(batch);
        self.customers.drain(batch);
        self.customer_chunks.drain(batch);
        self.days.drain(batch);
        self.day_chunks.drain(batch);
        self.directory.drain(batch);
        self.sources.drain(batch);
        self.subscriptions.drain(batch);
        self.versions.drain(batch);
    }

    fn answer(view: &View<'_>, name: &str, body: &[u8]) -> Result<Vec<u8>, QueryError> {
        queries::answer(view, name, body)
    }
}
