//! What the read model `balances` stores. Amounts are minor units.

use ledger_core::accounting::Account;
use schemas::ids::{CreditGrantId, CreditNoteId, CustomerId, InvoiceId, PaymentId, RefundId};
use schemas::terms::{LotPriority, LotRef, LotScope};
use schemas::text::{Code, ExternalId};
use schemas::view::{LotSource, StatementKind};
use schemas::{Currency, Date, Personal, Timestamp};
use serde::{Deserialize, Serialize};

use crate::directory::DirectoryKind;
use crate::lines::Lines;
use crate::month::{Daily, Month};
use crate::recognition::LineEarnings;
use crate::table::TableKind;
use crate::tail::Tail;

pub(super) const BOOK: TableKind<(), Book> = TableKind::new(b'b', 1);
pub(super) const CUSTOMERS: TableKind<CustomerId, CustomerRow> = TableKind::new(b'c', 2_048);
pub(super) const INVOICE_CHUNKS: TableKind<(CustomerId, u32), Chunk<InvoiceRow>> =
    TableKind::new(b'i', 128);
/// Lines that have no room in the row of their invoice.
pub(super) const SHEETS: TableKind<(InvoiceId, u32), Vec<LineEarnings>> = TableKind::new(b'n', 64);
pub(super) const STATEMENT_CHUNKS: TableKind<(CustomerId, u32), Chunk<StatementRow>> =
    TableKind::new(b's', 32);
pub(super) const PAYMENT_CHUNKS: TableKind<(CustomerId, u32), Chunk<PaymentRow>> =
    TableKind::new(b'p', 64);
pub(super) const LOT_CHUNKS: TableKind<(CustomerId, u32), Chunk<LotRow>> = TableKind::new(b'l', 32);
pub(super) const ROSTER: TableKind<u64, RosterPage> = TableKind::new(b'r', 512);
pub(super) const JOURNAL: TableKind<Date, JournalRow> = TableKind::new(b'j', 512);
pub(super) const MONTHS: TableKind<(Currency, Month), MonthRow> = TableKind::new(b'm', 1_024);
pub(super) const AGEING: TableKind<Date, AgeingRow> = TableKind::new(b'a', 256);
pub(super) const DIRECTORY: DirectoryKind<CustomerId> = DirectoryKind::new(b'x', b'y');

/// Kinds of entries in the directory.
pub(super) const BY_CUSTOMER_EXTERNAL_ID: u8 = b'c';
pub(super) const BY_PAYMENT: u8 = b'p';
pub(super) const BY_PAYMENT_EXTERNAL_ID: u8 = b'e';

/// Invoices in a chunk.
pub(super) const INVOICES: usize = 16;
/// Payments in a chunk.
pub(super) const PAYMENTS: usize = 16;
/// Lots in a chunk.
pub(super) const LOTS: usize = 8;

/// A full chunk of a list.
pub(super) type Chunk<T> = Vec<T>;

/// What is known of the book as a whole.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Book {
    pub(super) customers: u64,
    /// Sorted by currency.
    pub(super) totals: Vec<Totals>,
    /// The latest posting date so far.
    pub(super) latest: Option<Date>,
}

impl Book {
    /// The totals of a currency, to be changed.
    pub(super) fn totals(&mut self, currency: Currency) -> &mut Totals {
        let at = self.totals.binary_search_by_key(&currency, |totals| totals.currency);
        let at = at.unwrap_or_else(|at| {
            self.totals.insert(at, Totals::new(currency));
            at
        });
        &mut self.totals[at]
    }
}

/// The whole book in one currency.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Totals {
    pub(super) currency: Currency,
    pub(super) customers: u64,
    pub(super) open: i128,
    pub(super) open_invoices: u64,
    pub(super) credit: i128,
    pub(super) received: i128,
    pub(super) payment_count: u64,
    pub(super) reversed: i128,
    pub(super) refunds: i128,
}

impl Totals {
    fn new(currency: Currency) -> Self {
        Self {
            currency,
            customers: 0,
            open: 0,
            open_invoices: 0,
            credit: 0,
            received: 0,
            payment_count: 0,
            reversed: 0,
            refunds: 0,
        }
    }
}

/// One customer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct CustomerRow {
    /// Its place in the order of registration, from 0.
    pub(super) ordinal: u64,
    pub(super) external_id: Option<ExternalId>,
    pub(super) name: Personal,
    pub(super) currency: Currency,
    pub(super) registered_at: Timestamp,
    pub(super) credit: i128,
    pub(super) open: i128,
    pub(super) received: i128,
    pub(super) reversed: i128,
    pub(super) refunds: i128,
    pub(super) invoices: Tail<InvoiceRow, INVOICES>,
    pub(super) open_invoices: Vec<OpenRow>,
    pub(super) statement: Tail<StatementRow, 32>,
    pub(super) payments: Tail<PaymentRow, PAYMENTS>,
    /// Lots of credit; a payment from when something of it became credit.
    pub(super) lots: Tail<LotRow, LOTS>,
}

/// Where an invoice with something open stands in the customer's list.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct OpenRow {
    pub(super) invoice: InvoiceId,
    pub(super) index: u64,
    pub(super) due_date: Date,
}

/// One invoice.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct InvoiceRow {
    pub(super) invoice: InvoiceId,
    pub(super) number: Code,
    pub(super) document_date: Date,
    pub(super) due_date: Date,
    pub(super) total: i64,
    pub(super) open: i64,
    pub(super) lines: Lines<LineEarnings>,
}

/// One entry of a statement.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StatementRow {
    pub(super) posting_date: Date,
    pub(super) position: u64,
    pub(super) kind: StatementKind,
    pub(super) amount: i64,
    pub(super) by: Document,
}

/// The document behind an entry of a statement.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Document {
    Invoice(InvoiceId, Option<Code>),
    CreditNote(InvoiceId, CreditNoteId, Code),
    Payment(PaymentId),
    Refund(PaymentId, RefundId),
    Grant(CreditGrantId),
    PaidOut(RefundId),
}

/// One payment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PaymentRow {
    pub(super) payment: PaymentId,
    pub(super) external_id: Option<ExternalId>,
    pub(super) amount: i64,
    pub(super) method: Option<Code>,
    pub(super) posting_date: Date,
    pub(super) effective_at: Timestamp,
    pub(super) position: u64,
    pub(super) allocations: Vec<AllocationRow>,
    pub(super) to_credit: i64,
    pub(super) refunded: i64,
    pub(super) reversed: Option<Personal>,
}

/// What a payment settles of an invoice.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct AllocationRow {
    pub(super) invoice: InvoiceId,
    pub(super) allocated: i64,
    pub(super) undone: i64,
}

/// A lot of customer credit.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LotRow {
    pub(super) lot: LotRef,
    pub(super) source: LotSource,
    pub(super) amount: i64,
    pub(super) left: i64,
    pub(super) refundable: bool,
    pub(super) scope: LotScope,
    pub(super) priority: LotPriority,
    pub(super) expires: Option<Date>,
    pub(super) posting_date: Date,
    pub(super) position: u64,
    pub(super) uses: Vec<UseRow>,
}

/// What a lot pays of an invoice.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct UseRow {
    pub(super) invoice: InvoiceId,
    pub(super) amount: i64,
    pub(super) direct: bool,
}

/// Customers on a page of the roster.
pub(super) const ROSTER_SLOTS: u64 = 64;

/// Balances of customers in the order of registration: what lists are sorted by.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct RosterPage {
    pub(super) customers: Vec<RosterRow>,
}

/// The balance of one customer.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct RosterRow {
    pub(super) customer: CustomerId,
    pub(super) currency: Currency,
    pub(super) open: i128,
    pub(super) credit: i128,
    pub(super) oldest_due: Option<Date>,
}

/// Entries of one day, by account.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct JournalRow {
    pub(super) accounts: Vec<AccountRow>,
}

/// Postings to one account on one day.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct AccountRow {
    pub(super) currency: Currency,
    pub(super) account: AccountCode,
    pub(super) debits: i128,
    pub(super) credits: i128,
}

impl JournalRow {
    /// The account of a currency, to be changed.
    pub(super) fn account(&mut self, currency: Currency, account: Account) -> &mut AccountRow {
        let account = AccountCode::of(account);
        let key = (currency, account);
        let at = self.accounts.binary_search_by_key(&key, |row| (row.currency, row.account));
        let at = at.unwrap_or_else(|at| {
            let row = AccountRow { currency, account, debits: 0, credits: 0 };
            self.accounts.insert(at, row);
            at
        });
        &mut self.accounts[at]
    }
}

/// An account as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum AccountCode {
    Cash,
    AccountsReceivable,
    DeferredRevenue,
    Revenue,
    CustomerCredit,
    TaxLiability,
    Voids,
    CreditNotes,
    PromotionalCredit,
}

impl AccountCode {
    pub(super) fn of(account: Account) -> Self {
        match account {
            Account::Cash => Self::Cash,
            Account::AccountsReceivable => Self::AccountsReceivable,
            Account::DeferredRevenue => Self::DeferredRevenue,
            Account::Revenue => Self::Revenue,
            Account::CustomerCredit => Self::CustomerCredit,
            Account::TaxLiability => Self::TaxLiability,
            Account::Voids => Self::Voids,
            Account::CreditNotes => Self::CreditNotes,
            Account::PromotionalCredit => Self::PromotionalCredit,
        }
    }
}

/// Recognised in one month, by day.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct MonthRow {
    pub(super) currency: Currency,
    pub(super) month: Month,
    pub(super) recognised: Daily<i128>,
}

impl MonthRow {
    pub(super) fn new(currency: Currency, month: Month) -> Self {
        Self { currency, month, recognised: Daily::default() }
    }
}

/// How what is open changed by entries of one posting date, by due date.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct AgeingRow {
    pub(super) changes: Vec<(Currency, Date, i128)>,
}

impl AgeingRow {
    pub(super) fn add(&mut self, currency: Currency, due_date: Date, amount: i128) {
        let key = (currency, due_date);
        let at = self.changes.binary_search_by_key(&key, |(currency, due, _)| (*currency, *due));
        let at = at.unwrap_or_else(|at| {
            self.changes.insert(at, (currency, due_date, 0));
            at
        });
        self.changes[at].2 += amount;
        if self.changes[at].2 == 0 {
            self.changes.remove(at);
        }
    }
}
