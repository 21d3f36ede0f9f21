//! What the read model `revenue` stores. All amounts are minor units, net of tax.

use schemas::event::RevenueSchedule;
use schemas::ids::{CustomerId, InvoiceId};
use schemas::{Currency, Date};
use serde::{Deserialize, Serialize};

use crate::directory::DirectoryKind;
use crate::lines::Lines;
use crate::month::{Daily, Month};
use crate::places::Places;
use crate::recognition::EarningRow;
use crate::table::TableKind;

pub(super) const BOOK: TableKind<(), Book> = TableKind::new(b'b', 1);
pub(super) const PAGES: TableKind<u64, Page> = TableKind::new(b'p', 256);
/// Lines that have no room in the row of their invoice, by its place.
pub(super) const SHEETS: TableKind<(u64, u32), Vec<LineRow>> = TableKind::new(b'l', 256);
pub(super) const MONTHS: TableKind<(Currency, Month), MonthRow> = TableKind::new(b'm', 1_024);
pub(super) const DIRECTORY: DirectoryKind<u64> = DirectoryKind::new(b'x', b'y');

/// The one kind of entries in the directory.
pub(super) const BY_ID: u8 = b'i';

/// What is known of the book as a whole.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Book {
    pub(super) places: Places,
    /// Sorted.
    pub(super) currencies: Vec<Currency>,
    /// The latest posting date so far.
    pub(super) latest: Option<Date>,
}

impl Book {
    pub(super) fn saw(&mut self, currency: Currency, posting_date: Date) {
        if let Err(at) = self.currencies.binary_search(&currency) {
            self.currencies.insert(at, currency);
        }
        self.latest = self.latest.max(Some(posting_date));
    }
}

/// Invoices that were issued one after the other.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Page {
    pub(super) invoices: Vec<InvoiceRow>,
}

/// What one invoice earns.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct InvoiceRow {
    pub(super) invoice: InvoiceId,
    pub(super) customer: CustomerId,
    pub(super) currency: Currency,
    pub(super) posting_date: Date,
    pub(super) lines: Lines<LineRow>,
}

/// What one line earns.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LineRow {
    pub(super) line: u32,
    pub(super) schedule: RevenueSchedule,
    pub(super) billed: i64,
    pub(super) earnings: Vec<EarningRow>,
    pub(super) reversals: Vec<ReversalRow>,
}

/// What a void or a credit note took back of a line.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct ReversalRow {
    pub(super) posting_date: Date,
    pub(super) contra: i64,
    pub(super) released: i64,
}

/// Sums of one month, by day.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct MonthRow {
    pub(super) month: Month,
    pub(super) days: Daily<Sums>,
}

impl MonthRow {
    pub(super) fn new(month: Month) -> Self {
        Self { month, days: Daily::default() }
    }

    /// The sums of all its days.
    pub(super) fn sums(&self) -> Sums {
        self.days.iter().fold(Sums::default(), Sums::plus)
    }
}

/// Sums over invoices of one currency.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sums {
    pub(super) billed: i128,
    pub(super) recognised: i128,
    pub(super) contra: i128,
    pub(super) released: i128,
}

impl Sums {
    pub(super) fn plus(self, other: &Self) -> Self {
        Self {
            billed: self.billed + other.billed,
            recognised: self.recognised + other.recognised,
            contra: self.contra + other.contra,
            released: self.released + other.released,
        }
    }

    /// What it adds to deferred revenue.
    pub(super) fn deferred(&self) -> i128 {
        self.billed - self.recognised - self.released
    }
}
