//! Customers: who they are, and the state of all their settlement.

pub(crate) mod decide;
mod evolve;
pub(crate) mod state;
