//! What customers owe: statements, open invoices, credit, ageing; and the journal's accounts.

mod apply;
mod queries;
mod rows;

use schemas::ids::{CustomerId, InvoiceId};
use schemas::{CommitView, Currency, Date, Event};

use crate::directory::Directory;
use crate::month::Month;
use crate::projection::{Answered, FoldError, Projection, QueryError, View};
use crate::recognition::LineEarnings;
use crate::store::Store;
use crate::table::{Table, tables};
use rows::{
    AgeingRow, Book, Chunk, CustomerRow, InvoiceRow, JournalRow, LotRow, MonthRow, PaymentRow,
    RosterPage, StatementRow,
};

tables! {
    /// What customers owe, and the journal's accounts.
    Balances {
        book: Table<(), Book> = rows::BOOK,
        customers: Table<CustomerId, CustomerRow> = rows::CUSTOMERS,
        invoice_chunks: Table<(CustomerId, u32), Chunk<InvoiceRow>> = rows::INVOICE_CHUNKS,
        sheets: Table<(InvoiceId, u32), Vec<LineEarnings>> = rows::SHEETS,
        statement_chunks: Table<(CustomerId, u32), Chunk<StatementRow>> = rows::STATEMENT_CHUNKS,
        payment_chunks: Table<(CustomerId, u32), Chunk<PaymentRow>> = rows::PAYMENT_CHUNKS,
        lot_chunks: Table<(CustomerId, u32), Chunk<LotRow>> = rows::LOT_CHUNKS,
        roster: Table<u64, RosterPage> = rows::ROSTER,
        journal: Table<Date, JournalRow> = rows::JOURNAL,
        months: Table<(Currency, Month), MonthRow> = rows::MONTHS,
        ageing: Table<Date, AgeingRow> = rows::AGEING,
        directory: Directory<CustomerId> = rows::DIRECTORY,
    }
}

impl Projection for Balances {
    const NAME: &'static str = "balances";
    const VERSION: u32 = 3;

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
