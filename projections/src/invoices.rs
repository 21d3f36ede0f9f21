//! The register of invoices: documents, lines, settlement; by customer, status, day and id.
//!
//! Whole-book figures come from sums kept by document date, never from a walk over invoices.
//! What a line comes from is named by the line itself: `explain` reads those events in the log.

mod apply;
mod queries;
mod rows;

use schemas::ids::CustomerId;
use schemas::{CommitView, Date, Event};

use crate::directory::Directory;
use crate::places::Places;
use crate::projection::{Answered, FoldError, Projection, QueryError, View};
use crate::store::Store;
use crate::table::{Table, tables};
use rows::{Chunk, CustomerRow, DayRow, LineRow, Page, Placed, SettlementRow};

tables! {
    /// The register of invoices.
    Invoices {
        book: Table<(), Places> = rows::BOOK,
        pages: Table<u64, Page> = rows::PAGES,
        sheets: Table<(u64, u32), Chunk<LineRow>> = rows::SHEETS,
        settlements: Table<(u64, u32), Chunk<SettlementRow>> = rows::SETTLEMENTS,
        customers: Table<CustomerId, CustomerRow> = rows::CUSTOMERS,
        customer_chunks: Table<(CustomerId, u32), Chunk<Placed>> = rows::CUSTOMER_CHUNKS,
        days: Table<Date, DayRow> = rows::DAYS,
        day_chunks: Table<(Date, u32), Chunk<u64>> = rows::DAY_CHUNKS,
        directory: Directory<u64> = rows::DIRECTORY,
    }
}

impl Projection for Invoices {
    const NAME: &'static str = "invoices";
    const VERSION: u32 = 5;

    fn apply(
        &mut self,
        store: &dyn Store,
        commit: &CommitView<'_>,
        index: u32,
        event: &Event,
    ) -> Result<(), FoldError> {
        self.fold(store, commit, index, event)
    }

    fn answer(view: &View<'_>, name: &str, body: &[u8]) -> Result<Answered, QueryError> {
        queries::answer(view, name, body)
    }
}
