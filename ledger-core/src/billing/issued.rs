//! Finalized invoices: those in memory, and where the others lie in the log.

use schemas::ids::{CustomerId, InvoiceId};
use serde::{Deserialize, Serialize};

use super::billed::Billed;
use crate::away::{Away, Missing, throw};
use crate::shared::{Map, Shared};

/// The commits that made something what it is, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Positions {
    One(u64),
    Many(Box<Vec<u64>>),
}

impl Positions {
    fn all(&self) -> &[u64] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

/// Finalized invoices in their order, found by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Invoices {
    customer: CustomerId,
    places: Map<InvoiceId, u32>,
    len: u32,
    here: Map<u32, Shared<Billed>>,
    away: Map<u32, Positions>,
}

impl Invoices {
    pub(crate) fn of(customer: CustomerId) -> Self {
        let (here, away) = (Map::default(), Map::default());
        Self { customer, places: Map::default(), len: 0, here, away }
    }

    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// The place of an invoice, from 0.
    pub(crate) fn place(&self, id: InvoiceId) -> Option<u32> {
        self.places.get(id).copied()
    }

    /// The invoice at a place. Ends the decision if it is away.
    pub(crate) fn at(&self, place: u32) -> Option<&Billed> {
        if let Some(here) = self.here.get(place) {
            return Some(here);
        }
        self.need([place]);
        None
    }

    /// The invoice at a place, if it is in memory.
    pub(super) fn if_here(&self, place: u32) -> Option<&Billed> {
        self.here.get(place).map(AsRef::as_ref)
    }

    /// Ends the decision if one of these is away.
    pub(crate) fn need(&self, places: impl IntoIterator<Item = u32>) {
        let documents = self.missing(places);
        if !documents.is_empty() {
            throw(Away { customer: self.customer, documents });
        }
    }

    /// Those of these that are away, each once.
    pub(crate) fn missing(&self, places: impl IntoIterator<Item = u32>) -> Vec<Missing> {
        let away = places.into_iter().filter_map(|place| {
            let positions = self.away.get(place)?.all().to_vec();
            Some(Missing { place, positions })
        });
        let mut documents: Vec<Missing> = away.collect();
        documents.sort_unstable();
        documents.dedup();
        documents
    }

    /// The invoice at a place, to be changed; none if it is away.
    pub(super) fn at_mut(&mut self, place: u32) -> Option<&mut Billed> {
        self.here.get_mut(place).map(Shared::make_mut)
    }

    pub(super) fn push(&mut self, billed: Billed) {
        self.places.insert(billed.invoice, self.len);
        self.here.insert(self.len, Shared::new(billed));
        self.len += 1;
    }

    /// Those that are in memory, with their places.
    pub(super) fn here(&self) -> impl Iterator<Item = (u32, &Billed)> {
        self.here.iter().map(|(place, billed)| (place, billed.as_ref()))
    }

    /// One leaves memory: its commits are durable and make it what it is.
    pub(super) fn send_away(&mut self, place: u32) {
        let Some(billed) = self.here.remove(place) else { return };
        let positions = match billed.commits.as_slice() {
            [one] => Positions::One(*one),
            many => Positions::Many(Box::new(many.to_vec())),
        };
        self.away.insert(place, positions);
    }

    /// One comes back.
    pub(super) fn bring_back(&mut self, place: u32, billed: Billed) {
        if self.away.remove(place).is_some() {
            self.here.insert(place, Shared::new(billed));
        }
    }
}
