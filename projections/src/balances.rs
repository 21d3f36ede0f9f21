//! What customers owe: statements, open invoices, credit, ageing; and the journal's accounts.

mod apply;
mod queries;
mod rows;

use schemas::ids::CustomerId;
use schemas::{CommitView, Currency, Date, Event};

use crate::directory::Directory;
use crate::month::Month;
use crate::projection::{FoldError, Projection, QueryError, View};
use crate::store::{Batch, Store};
use crate::table::Table;
use rows::{
    AgeingRow, Book, Chunk, CustomerRow, InvoiceRow, JournalRow, MonthRow, PaymentRow, RosterPage,
    StatementRow,
};

/// What customers owe, and the journal's accounts.
pub struct Balances {
    book: Table<(), Book>,
    customers: Table<CustomerId, CustomerRow>,
    invoice_chunks: Table<(CustomerId, u32), Chunk<InvoiceRow>>,
    statement_chunks: Table<(CustomerId, u32), Chunk<StatementRow>>,
    payment_chunks: Table<(CustomerId, u32), Chunk<PaymentRow>>,
    roster: Table<u64, RosterPage>,
    journal: Table<Date, JournalRow>,
    months: Table<(Currency, Month), MonthRow>,
    ageing: Table<Date, AgeingRow>,
    directory: Directory<CustomerId>,
}

impl Default for Balances {
    fn default() -> Self {
        Self {
            book: Table::new(rows::BOOK, 1),
            customers: Table::new(rows::CUSTOMERS, 2_048),
            invoice_chunks: Table::new(rows::INVOICE_CHUNKS, 128),
            statement_chunks: Table::new(rows::STATEMENT_CHUNKS, 32),
            payment_chunks: Table::new(rows::PAYMENT_CHUNKS, 64),
            roster: Table::new(rows::ROSTER, 512),
            journal: Table::new(rows::JOURNAL, 512),
            months: Table::new(rows::MONTHS, 1_024),
            ageing: Table::new(rows::AGEING, 256),
            directory: Directory::new(&rows::DIRECTORY),
        }
    }
}

impl Projection for Balances {
    const NAME: &'static str = "balances";
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
            + self.customers.pending()
            + self.invoice_chunks.pending()
            + self.statement_chunks.pending()
            + self.payment_chunks.pending()
            + self.roster.pending()
            + self.journal.pending()
            + self.months.pending()
            + self.ageing.pending()
            + self.directory.pending()
    }

    fn drain(&mut self, batch: &mut Batch) {
        self.book.drain(batch);
        self.customers.drain(batch);
        self.invoice_chunks.drain(batch);
        self.statement_chunks.drain(batch);
        self.payment_chunks.drain(batch);
        self.roster.drain(batch);
        self.journal.drain(batch);
        self.months.drain(batch);
        self.ageing.drain(batch);
        self.directory.drain(batch);
    }

    fn answer(view: &View<'_>, name: &str, body: &[u8]) -> Result<Vec<u8>, QueryError> {
        queries::answer(view, name, body)
    }
}
