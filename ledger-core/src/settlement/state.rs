//! What one customer owes and has paid.

use std::collections::BTreeSet;

use schemas::event::LotReturn;
use schemas::ids::{CustomerId, InvoiceId};
use schemas::terms::LotRef;
use schemas::{Date, Minor};
use serde::{Deserialize, Serialize};

use super::lots::{Lot, Lots, Origin, Part};
use crate::away::Piece;
use crate::shared::{Map, Set};
use crate::shelf::{Commits, Shelf, Shelved, nobody};

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
    /// The day it is booked on.
    pub(crate) posting_date: Date,
    pub(crate) total: Minor,
    /// What pays it, in the order in which it came.
    pub(super) parts: Vec<Part>,
    pub(crate) credit_generated: Minor,
    /// Taken off by credit notes.
    pub(crate) credited: Minor,
    /// Credit was taken off it by command: no credit pays it by itself.
    pub(super) held: bool,
    pub(crate) voided: bool,
    pub(super) commits: Commits,
}

impl Shelved for Invoice {
    fn piece(place: u32) -> Piece {
        Piece::Owed(place)
    }

    fn commits(&mut self) -> &mut Commits {
        &mut self.commits
    }

    fn made_by(&self) -> &Commits {
        &self.commits
    }
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
        let paid: i64 = self.parts.iter().map(|part| part.amount.0).sum();
        Minor(self.total.0 + self.credit_generated.0 - paid - self.credited.0)
    }

    /// What payments settled of it when they were recorded.
    pub(super) fn paid(&self) -> Minor {
        let direct = self.parts.iter().filter(|part| part.direct);
        Minor(direct.map(|part| part.amount.0).sum())
    }

    /// What a lot pays of it.
    pub(super) fn paid_by(&self, lot: u32) -> Minor {
        let parts = self.parts.iter().filter(|part| part.lot == lot);
        Minor(parts.map(|part| part.amount.0).sum())
    }

    /// Parts of a lot go back, the last first; what of the amount does not lie here.
    pub(super) fn take_back(&mut self, lot: u32, back: LotReturn) -> i64 {
        let mut left = back.amount.0;
        let is_it = |part: &&mut Part| part.direct == back.direct && part.lot == lot;
        for part in self.parts.iter_mut().rev().filter(is_it) {
            let taken = left.min(part.amount.0);
            part.amount.0 -= taken;
            left -= taken;
        }
        self.parts.retain(|part| part.amount.is_positive());
        left
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

/// Finalized invoices in their order, found by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Invoices {
    /// Not stored: it is what billing has.
    #[serde(skip)]
    places: Map<InvoiceId, u32>,
    pub(super) shelf: Shelf<Invoice>,
}

impl Invoices {
    fn of(customer: CustomerId) -> Self {
        Self { places: Map::default(), shelf: Shelf::of(customer) }
    }

    /// Those in memory: all with something open, and some others.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Invoice> {
        self.shelf.here().map(|(_, invoice)| invoice)
    }

    pub(crate) fn at(&self, ordinal: u32) -> Option<&Invoice> {
        self.shelf.at(ordinal)
    }

    pub(crate) fn place(&self, id: InvoiceId) -> Option<u32> {
        self.places.get(id).copied()
    }

    pub(crate) fn get(&self, id: InvoiceId) -> Option<&Invoice> {
        self.at(self.place(id)?)
    }

    pub(super) fn push(&mut self, invoice: Invoice) {
        self.places.insert(invoice.id, invoice.ordinal);
        self.shelf.push(invoice);
    }

    /// The same places, with nothing in memory.
    fn emptied(&self, customer: CustomerId) -> Self {
        Self { places: self.places.clone(), shelf: Shelf::of(customer) }
    }
}

/// What one customer owes and has paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settlement {
    /// Not stored: see [`Settlement::stored`].
    #[serde(skip, default = "nobody")]
    customer: CustomerId,
    pub(super) invoices: Invoices,
    /// Invoices with something open: by due date, then by order of finalization.
    pub(super) open: Set<(Date, u32)>,
    pub(super) lots: Lots,
    /// What lies on invoices of what the customer has paid.
    pub(super) paid_for: Minor,
    /// What was paid out in cash of lots that invoices below zero made.
    pub(super) paid_out: Minor,
    /// The last day on which a document was issued or something was booked.
    pub(crate) last_document: Option<Date>,
    /// What is folded again, where it is only that: the rest is not here, and passed over.
    #[serde(skip)]
    pub(super) again: Option<BTreeSet<Piece>>,
}

impl Settlement {
    /// That of a customer who owes nothing and has paid nothing.
    pub(crate) fn of(customer: CustomerId) -> Self {
        Self {
            customer,
            invoices: Invoices::of(customer),
            open: Set::default(),
            lots: Lots::of(customer),
            paid_for: Minor::ZERO,
            paid_out: Minor::ZERO,
            last_document: None,
            again: None,
        }
    }

    /// One that was stored, of a customer whose invoices have these places.
    pub(crate) fn stored(mut self, customer: CustomerId, places: &Map<InvoiceId, u32>) -> Self {
        let owed = self.invoices.shelf.len();
        self.customer = customer;
        self.invoices.places = if places.len() == owed as usize {
            places.clone()
        } else {
            // Of one that is drafted nothing is owed yet.
            let known = places.iter().filter(|(_, place)| **place < owed);
            known.map(|(id, place)| (id, *place)).collect()
        };
        self.invoices.shelf.belongs_to(customer);
        self.lots = self.lots.stored(customer);
        self
    }

    /// One in which some of it is folded again, from the commits that made that.
    pub(crate) fn reading(&self, wanted: impl Iterator<Item = Piece>) -> Self {
        Self {
            invoices: self.invoices.emptied(self.customer),
            lots: self.lots.emptied(self.customer),
            again: Some(wanted.collect()),
            ..Self::of(self.customer)
        }
    }

    /// Customer credit that is available: what is left of all lots.
    pub(crate) fn credit(&self) -> Minor {
        // More than that is no amount: whoever adds to it is told.
        Minor(i64::try_from(self.lots.left()).unwrap_or(i64::MAX))
    }

    /// Lots of which something is left, in the order in which they are used, with how much.
    pub(crate) fn lots_left(&self) -> impl Iterator<Item = (LotRef, Minor)> {
        self.lots.unspent().map(|lot| (lot.id(), lot.left))
    }

    /// Credit that was paid and can be paid back.
    pub(crate) fn refundable(&self) -> Option<LotRef> {
        let paid = |lot: &&Lot| lot.was_paid() || self.payable(lot).is_positive();
        self.lots.unspent().find(paid).map(Lot::id)
    }

    /// What of a lot that an invoice below zero made can be paid back in cash: at most what lies
    /// on invoices of what the customer has paid, less what was paid out before.
    pub(super) fn payable(&self, lot: &Lot) -> Minor {
        match lot.origin {
            Origin::Invoice(_) | Origin::Note(_) => Minor(lot.left.0.min(self.paid_and_kept().0)),
            Origin::Payment { .. } | Origin::Grant(_) => Minor::ZERO,
        }
    }

    /// What the customer has paid, lies on invoices and was not paid out.
    pub(super) fn paid_and_kept(&self) -> Minor {
        Minor((self.paid_for.0 - self.paid_out.0).max(0))
    }

    /// The day after the first last day of what is left.
    ///
    /// A day that cannot be computed never comes.
    pub(crate) fn next_expiry(&self) -> Option<Date> {
        let first = self.lots.unspent().next()?.expires()?;
        first.plus_days(1).ok()
    }

    pub(crate) fn invoices(&self) -> &Invoices {
        &self.invoices
    }

    /// Invoices with something open: by due date, then by order of finalization.
    pub(crate) fn open(&self) -> impl Iterator<Item = &Invoice> {
        let at = |ordinal| self.invoices.at(ordinal).expect("open invoices are there");
        self.open.keys().map(move |(_, ordinal)| at(ordinal))
    }

    /// How many invoices are open while some credit is left.
    pub(crate) fn can_sweep(&self) -> usize {
        if self.has_both() { self.open.len() } else { 0 }
    }

    /// Whether something is open and some credit is left.
    pub(crate) fn has_both(&self) -> bool {
        !self.open.is_empty() && self.lots.has_unspent()
    }
}
