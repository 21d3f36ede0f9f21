//! Revenue: what each line earns by civil day, and sums by day for the whole book.

mod apply;
mod queries;
mod rows;

use schemas::{CommitView, Currency, Event};

use crate::directory::Directory;
use crate::month::Month;
use crate::projection::{Answered, FoldError, Projection, QueryError, View};
use crate::store::Store;
use crate::table::{Table, tables};
use rows::{Book, LineRow, MonthRow, Page};

tables! {
    /// Revenue by line and by day.
    Revenue {
        book: Table<(), Book> = rows::BOOK,
        pages: Table<u64, Page> = rows::PAGES,
        sheets: Table<(u64, u32), Vec<LineRow>> = rows::SHEETS,
        months: Table<(Currency, Month), MonthRow> = rows::MONTHS,
        directory: Directory<u64> = rows::DIRECTORY,
    }
}

impl Projection for Revenue {
    const NAME: &'static str = "revenue";
    const VERSION: u32 = 2;

    fn apply(
        &mut self,
        store: &dyn Store,
        commit: &CommitView<'_>,
        _: u32,
        event: &Event,
    ) -> Result<(), FoldError> {
        self.fold(store, commit, event)
    }

    fn answer(view: &View<'_>, name: &str, body: &[u8]) -> Result<Answered, QueryError> {
        queries::answer(view, name, body).map(Answered::Written)
    }
}
