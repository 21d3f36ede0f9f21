//! What the register of invoices stores.
//!
//! An invoice lies at a *place* ([`crate::places`]); its weight is its number of lines.

use schemas::event::{
    CustomerSnapshot, EventAt, InvoiceLine, InvoiceTotals, LineRef, LotReturn, SellerSnapshot,
};
use schemas::ids::{
    BillingRunId, CreditNoteId, CustomerId, EntityId, InvoiceId, PaymentId, RefundId,
};
use schemas::terms::{LotRef, Policies, Profile};
use schemas::text::{Code, ExternalId, Label};
use schemas::view::{InvoiceStatus, SettlementKind};
use schemas::{Currency, Date, Decimal, Personal, Timestamp};
use serde::{Deserialize, Serialize};

use crate::answer::there;
use crate::directory::DirectoryKind;
use crate::lines::Lines;
use crate::places::Places;
use crate::store::StoreError;
use crate::table::TableKind;
use crate::tail::Tail;

pub(super) const BOOK: TableKind<(), Places> = TableKind::new(b'b', 1);
pub(super) const PAGES: TableKind<u64, Page> = TableKind::new(b'p', 512);
/// Lines that have no room in the row of their invoice, by its place.
pub(super) const SHEETS: TableKind<(u64, u32), Chunk<LineRow>> = TableKind::new(b'l', 256);
pub(super) const SETTLEMENTS: TableKind<(u64, u32), Chunk<SettlementRow>> =
    TableKind::new(b's', 64);
pub(super) const CUSTOMERS: TableKind<CustomerId, CustomerRow> = TableKind::new(b'c', 4_096);
pub(super) const CUSTOMER_CHUNKS: TableKind<(CustomerId, u32), Chunk<Placed>> =
    TableKind::new(b'k', 128);
pub(super) const DAYS: TableKind<Date, DayRow> = TableKind::new(b'd', 512);
pub(super) const DAY_CHUNKS: TableKind<(Date, u32), Chunk<u64>> = TableKind::new(b'e', 64);
pub(super) const DIRECTORY: DirectoryKind<u64> = DirectoryKind::new(b'x', b'y');

/// Kinds of entries in the directory.
pub(super) const BY_ID: u8 = b'i';
pub(super) const BY_EXTERNAL_ID: u8 = b'e';
pub(super) const BY_NUMBER: u8 = b'n';

/// A full chunk of a list.
pub(super) type Chunk<T> = Vec<T>;

/// Invoices that were issued one after the other.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Page {
    pub(super) invoices: Vec<InvoiceRow>,
}

/// One invoice. Amounts are minor units of its currency.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct InvoiceRow {
    pub(super) invoice: InvoiceId,
    pub(super) external_id: Option<ExternalId>,
    pub(super) customer: CustomerId,
    pub(super) seller: SellerSnapshot,
    pub(super) bill_to: CustomerSnapshot,
    pub(super) memo: Option<Personal>,
    pub(super) purchase_order: Option<Label>,
    pub(super) entity: EntityId,
    pub(super) series: Code,
    pub(super) number: Code,
    pub(super) currency: Currency,
    pub(super) document_date: Date,
    pub(super) due_date: Date,
    pub(super) posting_date: Date,
    pub(super) effective_at: Timestamp,
    /// The position of the commit that issued it.
    pub(super) position: u64,
    /// The place of the event in it, from 0.
    pub(super) index: u32,
    pub(super) input_revision: u64,
    pub(super) profile: Profile,
    pub(super) policies: Policies,
    pub(super) engine_version: u32,
    pub(super) run: Option<BillingRunId>,
    pub(super) totals: InvoiceTotals,
    pub(super) paid: i64,
    pub(super) credit_applied: i64,
    pub(super) credit_generated: i64,
    pub(super) credited: i64,
    pub(super) void_reason: Option<Personal>,
    /// Sum of the quantities of its charges, in billionths.
    pub(super) units: i128,
    pub(super) lines: Lines<LineRow>,
    pub(super) settlement: Tail<SettlementRow, 8>,
}

/// A line, and what was credited of it since.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct LineRow {
    pub(super) line: InvoiceLine,
    pub(super) credited: i64,
    /// What made up `credited`, in the order of the log.
    pub(super) taken: Vec<Taken>,
}

impl LineRow {
    pub(super) fn new(line: &InvoiceLine) -> Self {
        Self { line: line.clone(), credited: 0, taken: Vec::new() }
    }
}

/// What takes something off a line. It stays when it is voided, so that what was explained before
/// is explained in the same way afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Taken {
    pub(super) by: TakenBy,
    /// The event that voided the invoice of the line that takes it.
    pub(super) voided: Option<EventAt>,
}

/// Who takes something off a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum TakenBy {
    /// A line that credits it, which says how much.
    Line(LineRef),
    /// A credit note, and how much of the net amount.
    Note(CreditNoteId, i64),
}

impl TakenBy {
    pub(super) const fn now(self) -> Taken {
        Taken { by: self, voided: None }
    }
}

/// What happened to an invoice.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SettlementRow {
    pub(super) kind: SettlementKind,
    pub(super) posting_date: Date,
    pub(super) amount: i64,
    pub(super) by: SettledBy,
    pub(super) position: u64,
}

/// The document behind a settlement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum SettledBy {
    Itself,
    Payment(PaymentId),
    Refund(PaymentId, RefundId),
    CreditNote(CreditNoteId),
    Lot(LotRef),
}

impl InvoiceRow {
    /// A part of what paid it goes back.
    pub(super) fn give_back(&mut self, part: &LotReturn) {
        let paid = if part.direct { &mut self.paid } else { &mut self.credit_applied };
        *paid -= part.amount.0;
    }

    /// The event that issued it.
    pub(super) const fn issued(&self) -> EventAt {
        EventAt::at(self.position, self.index)
    }

    /// What is still owed.
    pub(super) fn balance_due(&self) -> i64 {
        if self.void_reason.is_some() {
            return 0;
        }
        self.totals.total.0 + self.credit_generated
            - self.credit_applied
            - self.paid
            - self.credited
    }

    pub(super) fn status(&self) -> InvoiceStatus {
        if self.void_reason.is_some() {
            InvoiceStatus::Voided
        } else if self.balance_due() <= 0 {
            InvoiceStatus::Paid
        } else if self.paid + self.credit_applied > 0 {
            InvoiceStatus::PartiallyPaid
        } else {
            InvoiceStatus::Open
        }
    }

    pub(super) fn is_overdue(&self, today: Date) -> bool {
        self.due_date < today && self.balance_due() > 0
    }

    /// What it adds to the sums of its document date.
    pub(super) fn figures(&self) -> Figures {
        let totals = &self.totals;
        Figures {
            currency: self.currency,
            status: self.status(),
            sums: Sums {
                invoices: 1,
                zero_value: i128::from(totals.total.is_zero()),
                units: self.units,
                gross: totals.gross.0.into(),
                discount: totals.discount.0.into(),
                net: totals.net.0.into(),
                tax: totals.tax.0.into(),
                total: totals.total.0.into(),
                paid: self.paid.into(),
                credited: self.credited.into(),
                open: self.balance_due().into(),
            },
        }
    }
}

/// Decimal places of sums of quantities; quantities have at most as many.
pub(super) const UNIT_PLACES: u32 = 9;

/// A quantity in billionths; digits beyond, which no command may give, are cut.
pub(super) fn nanos(quantity: Decimal) -> i128 {
    let (mantissa, scale) = (quantity.mantissa(), quantity.scale());
    if scale <= UNIT_PLACES {
        mantissa * 10_i128.pow(UNIT_PLACES - scale)
    } else {
        mantissa / 10_i128.pow(scale - UNIT_PLACES)
    }
}

/// The invoices of a customer, in the order of the log.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct CustomerRow {
    pub(super) invoices: Tail<Placed, 64>,
}

/// An invoice of a customer.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Placed {
    pub(super) invoice: InvoiceId,
    pub(super) place: u64,
    pub(super) document_date: Date,
}

/// The invoices of a document date, in the order of the log, and sums over them.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct DayRow {
    pub(super) date: Date,
    pub(super) places: Tail<u64, 256>,
    pub(super) figures: Vec<Figures>,
}

impl DayRow {
    pub(super) fn new(date: Date) -> Self {
        Self { date, places: Tail::default(), figures: Vec::new() }
    }

    fn place(&self, figures: &Figures) -> Result<usize, usize> {
        let key = (figures.currency, figures.status);
        self.figures.binary_search_by_key(&key, |found| (found.currency, found.status))
    }

    /// Counts an invoice in.
    pub(super) fn add(&mut self, figures: &Figures) {
        match self.place(figures) {
            Ok(at) => self.figures[at].sums.add(&figures.sums, 1),
            Err(at) => self.figures.insert(at, figures.clone()),
        }
    }

    /// Counts an invoice out again.
    pub(super) fn remove(&mut self, figures: &Figures) -> Result<(), StoreError> {
        let at = there(self.place(figures).ok(), "an invoice in the sums of its day")?;
        self.figures[at].sums.add(&figures.sums, -1);
        if self.figures[at].sums.invoices == 0 {
            self.figures.remove(at);
        }
        Ok(())
    }
}

/// Sums over invoices of one currency and status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Figures {
    pub(super) currency: Currency,
    pub(super) status: InvoiceStatus,
    pub(super) sums: Sums,
}

/// Sums over invoices; amounts are minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sums {
    pub(super) invoices: i128,
    pub(super) zero_value: i128,
    pub(super) units: i128,
    pub(super) gross: i128,
    pub(super) discount: i128,
    pub(super) net: i128,
    pub(super) tax: i128,
    pub(super) total: i128,
    pub(super) paid: i128,
    pub(super) credited: i128,
    pub(super) open: i128,
}

impl Sums {
    pub(super) fn add(&mut self, other: &Self, times: i128) {
        self.invoices += other.invoices * times;
        self.zero_value += other.zero_value * times;
        self.units += other.units * times;
        self.gross += other.gross * times;
        self.discount += other.discount * times;
        self.net += other.net * times;
        self.tax += other.tax * times;
        self.total += other.total * times;
        self.paid += other.paid * times;
        self.credited += other.credited * times;
        self.open += other.open * times;
    }
}
