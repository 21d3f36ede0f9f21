//! Settlement: what is owed on invoices, payments, credit in lots, and what takes documents back.

mod archive;
pub(crate) mod case;
pub(crate) mod credit;
pub(crate) mod credit_note;
pub(crate) mod decide;
pub(crate) mod evolve;
mod lots;
mod payment;
pub(crate) mod post;
mod refund;
pub(crate) mod release;
mod reversal;
pub(crate) mod spending;
pub(crate) mod state;
pub(crate) mod void;
