//! Customers, their statements, and the roster that lists are sorted by.

use schemas::event::CustomerRegistered;
use schemas::text::ExternalId;
use schemas::view::StatementKind;
use schemas::{CommitView, Date};

use super::super::Balances;
use super::super::rows::{
    BY_CUSTOMER_EXTERNAL_ID, Book, CustomerRow, Document, ROSTER_SLOTS, RosterPage, RosterRow,
    StatementRow,
};
use super::Cause;
use super::bookings::Change;
use crate::answer::there;
use crate::directory::Needle;
use crate::projection::FoldError;
use crate::store::StoreError;
use crate::tail::Tail;

impl Balances {
    pub(super) fn registered(
        &mut self,
        cause: Cause<'_>,
        commit: &CommitView<'_>,
        registered: &CustomerRegistered,
    ) -> Result<(), FoldError> {
        let book = self.book.entry(cause.store, (), Book::default)?;
        let ordinal = book.customers;
        book.customers += 1;
        book.totals(registered.currency).customers += 1;
        let row = CustomerRow {
            ordinal,
            external_id: registered.external_id.clone(),
            name: registered.name.own(),
            currency: registered.currency,
            registered_at: commit.effective_at,
            credit: 0,
            open: 0,
            received: 0,
            reversed: 0,
            refunds: 0,
            invoices: Tail::default(),
            open_invoices: Vec::new(),
            statement: Tail::default(),
            payments: Tail::default(),
            lots: Tail::default(),
        };
        self.customers.put(cause.customer, row);
        if let Some(external_id) = &registered.external_id {
            self.find_by_external_id(cause, external_id)?;
        }
        self.list(cause)
    }

    pub(super) fn external_id_changed(
        &mut self,
        cause: Cause<'_>,
        external_id: &ExternalId,
    ) -> Result<(), FoldError> {
        self.customer(cause)?.external_id = Some(external_id.clone());
        self.find_by_external_id(cause, external_id)?;
        Ok(())
    }

    fn find_by_external_id(
        &mut self,
        cause: Cause<'_>,
        external_id: &ExternalId,
    ) -> Result<(), StoreError> {
        let needle = Needle::new(BY_CUSTOMER_EXTERNAL_ID, external_id.as_str().as_bytes());
        self.directory.add(cause.store, needle, cause.customer)
    }

    /// The customer's row, to be changed.
    pub(super) fn customer(&mut self, cause: Cause<'_>) -> Result<&mut CustomerRow, FoldError> {
        let row = self.customers.get_mut(cause.store, cause.customer)?;
        row.ok_or_else(|| cause.unknown(cause.customer))
    }

    /// Writes an entry on the customer's statement.
    pub(super) fn state(
        &mut self,
        cause: Cause<'_>,
        kind: StatementKind,
        posting_date: Date,
        by: Document,
        change: Change,
    ) -> Result<(), FoldError> {
        let row = self.customer(cause)?;
        let amount =
            i64::try_from(change.receivable - change.credit).map_err(|_| StoreError::Overflow)?;
        let entry = StatementRow { posting_date, position: cause.position, kind, amount, by };
        if let Some((number, chunk)) = row.statement.push(entry) {
            self.statement_chunks.put((cause.customer, number), chunk);
        }
        Ok(())
    }

    /// Copies the customer's balance to its place on the roster.
    pub(super) fn list(&mut self, cause: Cause<'_>) -> Result<(), FoldError> {
        let customer = self.customers.get(cause.store, cause.customer)?;
        let customer = customer.ok_or_else(|| cause.unknown(cause.customer))?;
        let row = RosterRow {
            customer: cause.customer,
            currency: customer.currency,
            open: customer.open,
            credit: customer.credit,
            oldest_due: customer.open_invoices.iter().map(|open| open.due_date).min(),
        };
        let (page, slot) = (customer.ordinal / ROSTER_SLOTS, customer.ordinal % ROSTER_SLOTS);
        let page = self.roster.entry(cause.store, page, RosterPage::default)?;
        let slot = usize::try_from(slot).map_err(|_| StoreError::Overflow)?;
        if slot == page.customers.len() {
            page.customers.push(row);
        } else {
            *there(page.customers.get_mut(slot), "a customer on the roster")? = row;
        }
        Ok(())
    }
}
