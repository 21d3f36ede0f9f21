//! Settlement: what is owed on invoices, payments, credit, and what takes documents back.

pub(crate) mod case;
pub(crate) mod credit_note;
pub(crate) mod decide;
pub(crate) mod evolve;
mod payment;
pub(crate) mod post;
mod refund;
mod reversal;
pub(crate) mod state;
pub(crate) mod void;
