//! A ledger that holds only the customers that changed, for folding a part of the log.

use std::cell::RefCell;
use std::collections::BTreeMap;

use ledger_core::process::Subjects;
use ledger_core::snapshot::StateError;
use ledger_core::{Away, FoldError, Ledger, Stamp, Unmade};
use schemas::ids::CustomerId;
use schemas::{CommitView, Date, Event, StreamId};

use super::chain::{Chain, ChainError};
use super::layer::{Entry, LayerError};
use super::pages::{LONG, NAME, cut};
use super::write::{Changed, Walk};
use crate::decider::State;

/// Customers that stay in memory as they are; the others are packed.
pub(crate) const AWAKE: usize = 4_096;

/// The customers of a part of the log over the layers below it.
#[derive(Debug)]
pub(crate) struct Part {
    ledger: Ledger,
    chain: Chain,
    /// The customers in `ledger`, with their places in the order of registration.
    places: BTreeMap<u128, u64>,
    registered: u64,
    /// A layer that could not be read when a billing run began.
    failed: RefCell<Option<LayerError>>,
}

impl Part {
    pub(crate) fn new(ledger: Ledger, chain: Chain) -> Self {
        let registered = chain.top().map_or(0, |top| top.footer.registered);
        let (places, failed) = (BTreeMap::new(), RefCell::new(None));
        Self { ledger, chain, places, registered, failed }
    }

    /// Brings in the customer that the next commit is about.
    pub(crate) fn prepare(&mut self, stream: StreamId) -> Result<(), ChainError> {
        let StreamId::Customer(customer) = stream else { return Ok(()) };
        let id = customer.uuid().as_u128();
        if self.places.contains_key(&id) {
            return Ok(());
        }
        let place = if let Some((layer, entry)) = self.chain.find(id)? {
            let piece = layer.piece(&entry)?;
            self.ledger.put_customer(&self.chain.whole(layer, &entry, &piece)?)?;
            entry.place
        } else {
            // Nobody has it, so the commit registers it; if not, folding it in says so.
            self.registered += 1;
            self.registered - 1
        };
        self.places.insert(id, place);
        Ok(())
    }

    /// What could not be read meanwhile.
    pub(crate) fn check(&self) -> Result<(), LayerError> {
        self.failed.borrow_mut().take().map_or(Ok(()), Err)
    }

    /// Registered in all.
    pub(crate) fn registered(&self) -> u64 {
        self.registered
    }

    /// What a layer of this part holds: of each customer what has to be in memory.
    pub(crate) fn changed(&mut self, jobs: Vec<u8>) -> Result<Changed, StateError> {
        let mut entries = self.entries();
        let (mut pieces, mut pages) = (Vec::new(), BTreeMap::new());
        for entry in &mut entries {
            self.ledger.archive(entry.customer());
            self.ledger.rest(AWAKE);
            let start = pieces.len();
            let piece = self.ledger.customer_piece(entry.customer(), pieces);
            pieces = piece.ok_or(StateError::Customers)?;
            if pieces.len() - start > LONG {
                let listed = cut(&pieces[start..], |name| self.chain.has_page(name), &mut pages);
                entry.pages = u32::try_from(listed.len() / NAME).unwrap_or(u32::MAX);
                pieces.truncate(start);
                pieces.extend_from_slice(&listed);
            }
            entry.offset = start as u64;
            entry.length = u32::try_from(pieces.len() - start).unwrap_or(u32::MAX);
            entry.sum = crc32c::crc32c(&pieces[start..]);
        }
        Ok(Changed {
            entries,
            pieces,
            pages,
            taken: self.ledger.taken_piece(),
            names: self.ledger.names_piece(),
            book: self.ledger.book_piece(),
            jobs,
        })
    }

    fn entries(&self) -> Vec<Entry> {
        let entry = |(id, place): (&u128, &u64)| {
            let (id, place) = (*id, *place);
            let empty = Entry { id, place, offset: 0, length: 0, due: None, sum: 0, pages: 0 };
            Entry { due: self.ledger.due(empty.customer()), ..empty }
        };
        self.places.iter().map(entry).collect()
    }

    fn due_in_all(&self, through: Date) -> Result<Vec<CustomerId>, LayerError> {
        let entries = self.entries();
        let mut walk = Walk::of(&self.chain.layers, &entries)?;
        let mut due = Vec::new();
        while let Some((_, entry)) = walk.next()? {
            if entry.due.is_some_and(|day| day <= through) {
                due.push(entry.customer());
            }
        }
        Ok(due)
    }
}

impl State for Part {
    fn fold(
        &mut self,
        position: u64,
        stream: StreamId,
        stamp: &Stamp,
        events: &[Event],
    ) -> Result<(), Unmade> {
        self.ledger.fold(position, stream, stamp, events)
    }

    fn archive(&mut self, customer: CustomerId) {
        self.ledger.archive(customer);
    }

    fn rest(&mut self, most: usize) {
        self.ledger.rest(most);
    }

    fn rest_one(&mut self, customer: CustomerId) {
        self.ledger.rest_one(customer);
    }

    fn away_for(&self, stream: StreamId, events: &[Event]) -> Option<Away> {
        self.ledger.away_for(stream, events.iter())
    }

    fn restore(&mut self, away: &Away, commits: &[CommitView<'_>]) -> Result<(), FoldError> {
        self.ledger.restore(away, commits.iter().cloned())
    }

    fn revision(&self, stream: StreamId) -> u64 {
        self.ledger.revision(stream)
    }

    fn subjects(&self, subjects: Subjects) -> Vec<CustomerId> {
        let Subjects::DueThrough(through) = subjects;
        self.due_in_all(through).unwrap_or_else(|error| {
            *self.failed.borrow_mut() = Some(error);
            Vec::new()
        })
    }
}
