//! Finalized invoices: those in memory, and where the others lie in the log.

use schemas::ids::{CustomerId, InvoiceId};
use serde::{Deserialize, Serialize};

use super::billed::Billed;
use crate::away::Piece;
use crate::shared::Map;
use crate::shelf::{Commits, Shelf, Shelved};

impl Shelved for Billed {
    fn piece(place: u32) -> Piece {
        Piece::Lines(place)
    }

    fn commits(&mut self) -> &mut Commits {
        &mut self.commits
    }

    fn made_by(&self) -> &Commits {
        &self.commits
    }
}

/// Finalized invoices in their order, found by id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Invoices {
    places: Map<InvoiceId, u32>,
    pub(super) shelf: Shelf<Billed>,
}

impl Invoices {
    pub(crate) fn of(customer: CustomerId) -> Self {
        Self { places: Map::default(), shelf: Shelf::of(customer) }
    }

    /// The place of each invoice, by id.
    pub(crate) const fn places(&self) -> &Map<InvoiceId, u32> {
        &self.places
    }

    /// The place of an invoice, from 0.
    pub(crate) fn place(&self, id: InvoiceId) -> Option<u32> {
        self.places.get(id).copied()
    }

    pub(super) fn push(&mut self, billed: Billed) -> u32 {
        let id = billed.invoice;
        let place = self.shelf.push(billed);
        self.places.insert(id, place);
        place
    }
}
