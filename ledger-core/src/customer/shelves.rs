//! Invoices and payments of one customer, in the order they came.
//!
//! Payments are recorded far more often than they are looked up by id, so they have no index:
//! only a refund or a reversal searches them, from the latest on.

use std::collections::BTreeMap;

use schemas::ids::{InvoiceId, PaymentId};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::state::{Invoice, Payment};

/// Invoices by order of finalization, with an index by id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Invoices {
    rows: Vec<Invoice>,
    index: BTreeMap<InvoiceId, u32>,
}

impl Invoices {
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = &Invoice> {
        self.rows.iter()
    }

    pub(crate) fn at(&self, ordinal: u32) -> Option<&Invoice> {
        self.rows.get(usize::try_from(ordinal).ok()?)
    }

    pub(crate) fn get(&self, id: InvoiceId) -> Option<&Invoice> {
        self.at(*self.index.get(&id)?)
    }

    pub(crate) fn get_mut(&mut self, id: InvoiceId) -> Option<&mut Invoice> {
        let ordinal = *self.index.get(&id)?;
        self.rows.get_mut(usize::try_from(ordinal).ok()?)
    }

    pub(crate) fn push(&mut self, invoice: Invoice) {
        self.index.insert(invoice.id, invoice.ordinal);
        self.rows.push(invoice);
    }
}

/// Stored as its rows; the index follows from them.
impl Serialize for Invoices {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.rows.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Invoices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rows: Vec<Invoice> = Vec::deserialize(deserializer)?;
        let in_order = (0..).zip(&rows).all(|(place, invoice)| invoice.ordinal == place);
        if !in_order {
            return Err(de::Error::custom("invoices are not in their order"));
        }
        let index = rows.iter().map(|invoice| (invoice.id, invoice.ordinal)).collect();
        Ok(Self { rows, index })
    }
}

/// Payments by order of recording.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Payments {
    rows: Vec<(PaymentId, Payment)>,
}

impl Payments {
    pub(crate) fn get(&self, id: PaymentId) -> Option<&Payment> {
        self.rows.iter().rev().find(|(found, _)| *found == id).map(|(_, payment)| payment)
    }

    pub(crate) fn get_mut(&mut self, id: PaymentId) -> Option<&mut Payment> {
        self.rows.iter_mut().rev().find(|(found, _)| *found == id).map(|(_, payment)| payment)
    }

    pub(crate) fn push(&mut self, id: PaymentId, payment: Payment) {
        self.rows.push((id, payment));
    }
}
