//! Revenue: what each line earns by civil day, and sums by day for the whole book.

mod apply;
mod queries;
mod rows;

use schemas::{CommitView, Currency, Event};

use crate::directory::Directory;
use crate::month::Month;
use crate::projection::{FoldError, Projection, QueryError, View};
use crate::store::{Batch, Store};
use crate::table::Table;
use rows::{Book, MonthRow, Page};

/// Revenue by line and by day.
pub struct Revenue {
    book: Table<(), Book>,
    pages: Table<u64, Page>,
    months: Table<(Currency, Month), MonthRow>,
    directory: Directory<u64>,
}

impl Default for Revenue {
    fn default() -> Self {
        Self {
            book: Table::new(rows::BOOK, 1),
            pages: Table::new(rows::PAGES, 256),
            months: Table::new(rows::MONTHS, 1_024),
            directory: Directory::new(&rows::DIRECTORY),
        }
    }
}

impl Projection for Revenue {
    const NAME: &'static str = "revenue";
    const VERSION: u32 = 1;

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
            + self.months.pending()
            + self.directory.pending()
    }

    fn drain(&mut self, batch: &mut Batch) {
        self.book.drain(batch);
        self.pages.drain(batch);
        self.months.drain(batch);
        self.directory.drain(batch);
    }

    fn answer(view: &View<'_>, name: &str, body: &[u8]) -> Result<Vec<u8>, QueryError> {
        queries::answer(view, name, body)
    }
}
