//! What one customer owes and has paid.

use std::collections::BTreeSet;

use schemas::ids::{InvoiceId, PaymentId};
use schemas::{Date, Minor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::shared::{Index, List, Shared};

/// Where an invoice is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvoiceState {
    /// Something is open.
    Open,
    /// Nothing is open.
    Settled,
    /// It counts no more.
    Voided,
}

/// A finalized invoice, as far as it is settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invoice {
    pub(crate) id: InvoiceId,
    /// Its place among the customer's invoices.
    pub(crate) ordinal: u32,
    pub(crate) due_date: Date,
    pub(crate) total: Minor,
    pub(crate) credit_applied: Minor,
    pub(crate) credit_generated: Minor,
    /// Payments allocated, less what was reopened.
    pub(crate) paid: Minor,
    /// Taken off by credit notes.
    pub(crate) credited: Minor,
    pub(crate) voided: bool,
}

impl Invoice {
    /// Its id.
    pub const fn id(&self) -> InvoiceId {
        self.id
    }

    /// What is owed; zero for a voided invoice.
    pub fn open(&self) -> Minor {
        if self.voided {
            return Minor::ZERO;
        }
        Minor(
            self.total.0 + self.credit_generated.0
                - self.credit_applied.0
                - self.paid.0
                - self.credited.0,
        )
    }

    /// Where it is.
    pub fn state(&self) -> InvoiceState {
        match (self.voided, self.open().is_positive()) {
            (true, _) => InvoiceState::Voided,
            (false, true) => InvoiceState::Open,
            (false, false) => InvoiceState::Settled,
        }
    }

    /// The last day to pay.
    pub const fn due_date(&self) -> Date {
        self.due_date
    }
}

/// A payment and what is left of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Payment {
    pub(crate) id: PaymentId,
    pub(crate) amount: Minor,
    pub(crate) refunded: Minor,
    /// What lies on invoices, in the order it was allocated.
    pub(crate) allocations: Vec<(InvoiceId, Minor)>,
    /// What it made of customer credit, less what was refunded from that.
    pub(crate) credit: Minor,
    pub(crate) reversed: bool,
}

impl Payment {
    /// What was not paid back.
    pub(crate) fn left(&self) -> Minor {
        Minor(self.amount.0 - self.refunded.0)
    }
}

/// Finalized invoices in their order, found by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Invoices {
    rows: List<Invoice>,
    index: Index<InvoiceId>,
}

impl Invoices {
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Invoice> {
        self.rows.iter()
    }

    pub(crate) fn at(&self, ordinal: u32) -> Option<&Invoice> {
        self.rows.get(usize::try_from(ordinal).ok()?)
    }

    pub(crate) fn get(&self, id: InvoiceId) -> Option<&Invoice> {
        self.at(self.index.get(id)?)
    }

    pub(super) fn get_mut(&mut self, id: InvoiceId) -> Option<&mut Invoice> {
        let ordinal = self.index.get(id)?;
        self.rows.get_mut(usize::try_from(ordinal).ok()?)
    }

    pub(super) fn push(&mut self, invoice: Invoice) {
        self.index.insert(invoice.id, invoice.ordinal);
        self.rows.push(invoice);
    }
}

/// Stored as the invoices; where they lie follows from their order.
impl Serialize for Invoices {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.rows.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Invoices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rows = List::<Invoice>::deserialize(deserializer)?;
        let index = Index::of(rows.iter().map(Invoice::id));
        Ok(Self { rows, index })
    }
}

/// What one customer owes and has paid.
///
/// Payments are recorded far more often than they are looked up by id, so they have no index:
/// only a refund or a reversal searches them, from the latest on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settlement {
    pub(super) invoices: Invoices,
    /// Invoices with something open: by due date, then by order of finalization.
    pub(super) open: Shared<BTreeSet<(Date, u32)>>,
    pub(super) payments: List<Payment>,
    /// Customer credit that is available.
    pub(crate) credit: Minor,
    /// The last day on which a document was issued or something was booked.
    pub(crate) last_document: Option<Date>,
}

impl Settlement {
    /// A payment of which customer credit is left that can be paid back.
    pub(crate) fn refundable(&self) -> Option<PaymentId> {
        let left = |payment: &&Payment| !payment.reversed && payment.credit.is_positive();
        if !self.credit.is_positive() {
            return None;
        }
        self.payments.iter().find(left).map(|payment| payment.id)
    }

    pub(crate) fn invoices(&self) -> &Invoices {
        &self.invoices
    }

    /// Invoices with something open: by due date, then by order of finalization.
    pub(crate) fn open(&self) -> impl Iterator<Item = &Invoice> {
        let at = |ordinal: &u32| self.invoices.at(*ordinal).expect("open invoices are there");
        self.open.iter().map(move |(_, ordinal)| at(ordinal))
    }

    pub(crate) fn payment(&self, id: PaymentId) -> Option<&Payment> {
        self.payments.get(self.payments.rposition(|payment| payment.id == id)?)
    }
}
