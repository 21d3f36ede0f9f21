//! Customers: who they are, and the state of all their settlement.

pub(crate) mod decide;
pub(crate) mod directory;
mod evolve;
pub(crate) mod shelves;
pub(crate) mod state;
