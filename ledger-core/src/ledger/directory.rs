//! Every customer of a partition, in the order of registration, with an index by id.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

use schemas::ids::CustomerId;

use super::customer::Customer;
use crate::registry::IdHasher;

/// Customers. The index is only looked up, never walked, so its order never shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Directory {
    // Boxed, so that growing moves pointers and not states: the engine must not pause for it.
    #[allow(clippy::vec_box, reason = "see above")]
    rows: Vec<Box<Customer>>,
    index: HashMap<u128, usize, BuildHasherDefault<IdHasher>>,
}

impl Directory {
    pub(super) fn get(&self, id: CustomerId) -> Option<&Customer> {
        self.rows.get(*self.index.get(&id.uuid().as_u128())?).map(AsRef::as_ref)
    }

    pub(super) fn get_mut(&mut self, id: CustomerId) -> Option<&mut Customer> {
        self.rows.get_mut(*self.index.get(&id.uuid().as_u128())?).map(AsMut::as_mut)
    }

    pub(super) fn push(&mut self, customer: Customer) {
        self.index.insert(customer.id().uuid().as_u128(), self.rows.len());
        self.rows.push(Box::new(customer));
    }

    /// Customers in the order of registration; `None` if one is there twice.
    #[allow(clippy::vec_box, reason = "as in the state itself")]
    pub(super) fn from_rows(rows: Vec<Box<Customer>>) -> Option<Self> {
        let key = |customer: &Customer| customer.id().uuid().as_u128();
        let places = rows.iter().enumerate().map(|(place, customer)| (key(customer), place));
        let index: HashMap<_, _, _> = places.collect();
        (index.len() == rows.len()).then_some(Self { rows, index })
    }

    /// Customers from one on, in the order of registration; all of them if none is named, none if
    /// that one is not there.
    pub(super) fn from(&self, first: Option<CustomerId>) -> impl Iterator<Item = &Customer> {
        let place = match first {
            Some(id) => self.index.get(&id.uuid().as_u128()).copied().unwrap_or(self.rows.len()),
            None => 0,
        };
        self.rows[place..].iter().map(AsRef::as_ref)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Customer> {
        self.rows.iter().map(AsRef::as_ref)
    }
}
