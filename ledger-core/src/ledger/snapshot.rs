//! State as bytes, and back: what a snapshot of a ledger is made of.
//!
//! # Shape
//!
//! Four kinds of pieces. The **book** (its facts and where the number series stand) and each
//! **customer** are written whole: a later piece replaces an earlier one. **Taken ids** and
//! **names** (external ids of invoices and payments) only ever grow: each piece adds to those
//! before it. What follows from customers is not written: the index by id, external ids of
//! customers, who is due. A customer's piece begins with its **card**, which says these; the rest
//! is not even unpacked before somebody looks at it; of one in so many it is, to see that it can
//! be.
//!
//! A ledger that holds only some customers ([`Ledger::of_book`], [`Ledger::put_customer`]) folds
//! commits of these customers just as the whole one does. Its taken ids and names are then
//! exactly what these commits added.
//!
//! # Correctness
//!
//! A [`Loader`] that was given every piece of a ledger gives an equal ledger. The test stories are
//! checked for it: after each of the first hundred commits, and now and then later.
//!
//! # Limits
//!
//! The bytes are postcard of the state's own types: positional, without names. They are no record
//! of anything, only a short cut past a replay. [`STATE_VERSION`] is raised for any change of
//! these types; bytes of another version are not read, the log is replayed instead.

use std::sync::Arc;

use schemas::Date;
use schemas::event::CustomerParked;
use schemas::ids::{CustomerId, InvoiceId, PaymentId};
use schemas::text::ExternalId;
use serde::{Deserialize, Serialize};

use super::Ledger;
use super::customer::Customer;
use super::directory::{Directory, Slot};
use super::facts::Facts;
use super::packing::{self, LONG, written};
use crate::registry::{Counters, Registry};

/// The form of the bytes. A golden test fails when the form changes and this does not.
pub const STATE_VERSION: u32 = 18;

/// One piece in so many is unpacked when it is loaded.
const TRIED_ONE_IN: u64 = 64;

/// Bytes that are no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// A piece cannot be read.
    #[error("{what} in a snapshot cannot be read")]
    Malformed {
        /// What the piece should be.
        what: &'static str,
    },
    /// Customers are missing, or there twice.
    #[error("the customers in a snapshot are not those that were registered")]
    Customers,
}

#[derive(Serialize)]
struct BookPiece<'a> {
    facts: &'a Facts,
    counters: &'a Counters,
}

#[derive(Deserialize)]
struct OwnedBookPiece {
    facts: Facts,
    counters: Counters,
}

#[derive(Serialize)]
struct NamesPiece<'a> {
    invoices: Vec<(&'a ExternalId, &'a InvoiceId)>,
    payments: Vec<(&'a ExternalId, &'a PaymentId)>,
}

#[derive(Deserialize)]
struct OwnedNamesPiece {
    invoices: Vec<(ExternalId, InvoiceId)>,
    payments: Vec<(ExternalId, PaymentId)>,
}

/// What the others have to know of a customer.
#[derive(Debug, Serialize, Deserialize)]
struct Card {
    id: CustomerId,
    due: Option<Date>,
    external_id: Option<ExternalId>,
    parent: Option<CustomerId>,
    parked: Option<Box<CustomerParked>>,
    is_erased: bool,
    has_draft: bool,
}

impl Card {
    fn of(customer: &Customer) -> Self {
        Self {
            id: customer.id(),
            due: customer.due,
            external_id: customer.profile.external_id.clone(),
            parent: customer.profile.parent,
            parked: customer.profile.parked.clone(),
            is_erased: customer.profile.erased.is_some(),
            has_draft: customer.has_draft(),
        }
    }
}

const CUSTOMER: &str = "a customer";

impl Ledger {
    /// A ledger that knows the book and no customer yet.
    ///
    /// # Errors
    /// [`StateError::Malformed`] when the bytes are no book.
    pub fn of_book(book: &[u8]) -> Result<Self, StateError> {
        Loader::new(book, 0)?.finish()
    }

    /// The book's piece.
    pub fn book_piece(&self) -> Vec<u8> {
        written(&BookPiece { facts: &self.facts, counters: self.registry.counters() }, Vec::new())
    }

    /// Appends a customer's piece to `out`; `None` if there is no such customer.
    pub fn customer_piece(&self, id: CustomerId, out: Vec<u8>) -> Option<Vec<u8>> {
        let slot = self.customers.slot(id)?;
        let mut out = written(&Card::of(&slot.peek()), out);
        out.extend_from_slice(&slot.bytes());
        Some(out)
    }

    /// When a billing run has something to do for a customer; `None` if there is none.
    pub fn due(&self, id: CustomerId) -> Option<Date> {
        self.customers.slot(id)?.peek().due
    }

    /// Taken ids, in their order.
    pub fn taken_piece(&self) -> Vec<u128> {
        self.registry.taken.sorted()
    }

    /// The names' piece; empty if there are none.
    pub fn names_piece(&self) -> Vec<u8> {
        let (invoices, payments) = self.registry.names();
        if invoices.is_empty() && payments.is_empty() {
            return Vec::new();
        }
        let (invoices, payments) = (invoices.iter().collect(), payments.iter().collect());
        written(&NamesPiece { invoices, payments }, Vec::new())
    }

    /// Adds a customer from its piece, to fold its commits in. It must not be there.
    ///
    /// # Errors
    /// [`StateError`] when the bytes are no customer, or it is there.
    pub fn put_customer(&mut self, piece: &[u8]) -> Result<CustomerId, StateError> {
        let (Card { id, due, .. }, slot) = read_customer(piece)?;
        if self.customers.knows(id) {
            return Err(StateError::Customers);
        }
        self.registry.move_due(id, None, due);
        self.customers.put(slot);
        Ok(id)
    }
}

/// Puts a ledger together from its pieces.
pub struct Loader {
    facts: Facts,
    registry: Registry,
    /// By place in the order of registration.
    rows: Vec<Option<Slot>>,
    known: Known,
}

/// What the cards of many customers say.
#[derive(Default)]
struct Known {
    names: Vec<(ExternalId, CustomerId)>,
    due: Vec<(Date, CustomerId)>,
    parents: Vec<(CustomerId, CustomerId)>,
    parked: Vec<(CustomerId, CustomerParked)>,
    erased: Vec<CustomerId>,
}

impl Known {
    fn add(&mut self, card: Card) {
        let id = card.id;
        self.names.extend(card.external_id.map(|name| (name, id)));
        self.due.extend(card.due.map(|day| (day, id)));
        self.parents.extend(card.parent.map(|parent| (id, parent)));
        self.parked.extend(card.parked.map(|parked| (id, *parked)));
        self.erased.extend(card.is_erased.then_some(id));
    }
}

impl Loader {
    /// Starts with the book's piece; so many customers were registered in all.
    ///
    /// # Errors
    /// [`StateError::Malformed`] when the bytes are no book.
    pub fn new(book: &[u8], customers: usize) -> Result<Self, StateError> {
        let OwnedBookPiece { facts, counters } = read(book, "the book")?;
        let mut registry = Registry::default();
        registry.set_counters(counters);
        let mut rows = Vec::new();
        rows.resize_with(customers, || None);
        Ok(Self { facts, registry, rows, known: Known::default() })
    }

    /// Whether the customer at this place is there. Newer pieces are given before older ones.
    pub fn has(&self, place: u64) -> bool {
        let row = usize::try_from(place).ok().and_then(|place| self.rows.get(place));
        row.is_some_and(Option::is_some)
    }

    /// Puts the customer at this place of the order of registration, from 0.
    ///
    /// # Errors
    /// [`StateError`] when the bytes are no customer, or there is no such place.
    pub fn put_customer(&mut self, place: u64, piece: &[u8]) -> Result<(), StateError> {
        let row = usize::try_from(place).ok().and_then(|place| self.rows.get_mut(place));
        let row = row.ok_or(StateError::Customers)?;
        let (card, slot) = read_customer(piece)?;
        if place.is_multiple_of(TRIED_ONE_IN) && !slot.can_wake() {
            return Err(StateError::Malformed { what: CUSTOMER });
        }
        if row.replace(slot).is_some() {
            return Err(StateError::Customers);
        }
        self.known.add(card);
        Ok(())
    }

    /// Room for so many taken ids.
    pub fn reserve_taken(&mut self, ids: u64) {
        self.registry.taken.reserve(usize::try_from(ids).unwrap_or(0));
    }

    /// Adds taken ids.
    pub fn add_taken(&mut self, ids: impl Iterator<Item = u128>) {
        self.registry.taken.add(ids);
    }

    /// Adds names, from any number of pieces one behind the other.
    ///
    /// # Errors
    /// [`StateError::Malformed`] when the bytes are no names.
    pub fn add_names(&mut self, mut pieces: &[u8]) -> Result<(), StateError> {
        while !pieces.is_empty() {
            let (names, rest) = postcard::take_from_bytes::<OwnedNamesPiece>(pieces)
                .map_err(|_| StateError::Malformed { what: "the names" })?;
            pieces = rest;
            self.registry.add_names(names.invoices, names.payments);
        }
        Ok(())
    }

    /// The ledger.
    ///
    /// # Errors
    /// [`StateError::Customers`] when a customer is missing or there twice.
    pub fn finish(self) -> Result<Ledger, StateError> {
        let Self { facts, mut registry, rows, known } = self;
        let slots: Option<Vec<Slot>> = rows.into_iter().collect();
        let customers = slots.and_then(Directory::of).ok_or(StateError::Customers)?;
        registry.taken.put_in_order();
        let Known { names, due, parents, parked, erased } = known;
        registry.set_customers(names, due, parents, parked, erased);
        Ok(Ledger { facts: Arc::new(facts), registry, customers })
    }
}

/// A customer at rest, from its piece.
fn read_customer(piece: &[u8]) -> Result<(Card, Slot), StateError> {
    let malformed = StateError::Malformed { what: CUSTOMER };
    let (card, packed) = postcard::take_from_bytes::<Card>(piece).map_err(|_| malformed)?;
    if packed.is_empty() {
        return Err(malformed);
    }
    let slot = if packed.len() > LONG {
        Slot::long(Box::new(read(packed, CUSTOMER)?))
    } else if card.has_draft {
        Slot::awake(Box::new(read(packed, CUSTOMER)?))
    } else {
        Slot::resting(card.id, packed)
    };
    Ok((card, slot))
}

fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8], what: &'static str) -> Result<T, StateError> {
    packing::read(bytes).ok_or(StateError::Malformed { what })
}
