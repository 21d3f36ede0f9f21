//! What billing is: decisions, billing arithmetic, the journal. Pure.
//!
//! # Shape
//!
//! [`Ledger`] is the state of one partition, folded from events. [`Ledger::decide`] turns a
//! command into events or a [`schemas::Rejection`]; [`Ledger::fold`] folds a commit in. [`post`]
//! turns an event into balanced entries.
//!
//! The ledger is built of **rooms**, and each knows only those above it in this list:
//!
//! | room | holds |
//! |---|---|
//! | `money` | roundings, shares and residues |
//! | `accounting` | accounts, balanced entries, revenue by day |
//! | `book`, `seller`, `catalog` | the book's own facts |
//! | `customer` | who a customer is, and by which rules it is billed |
//! | `subscription` | quotes, subscriptions, items, calendars, discounts given |
//! | `billing` | compare, charge, credit, discount, invoice |
//! | `settlement` | invoices owed, payments, credit, notes, voids |
//! | `process` | what happens by itself |
//! | `ledger` | which room decides, folds and posts what |
//! | `undo` | which commands take a commit back |
//!
//! `laws` stands beside them: an audit that shares no arithmetic with the rest.
//!
//! # Architecture invariants
//!
//! - No I/O, no clock, no randomness, no async, no floats, no iteration over unordered maps.
//! - Every rule lives in a decision; a fold refuses nothing, prices nothing, and asks neither
//!   calendar nor time-zone database. An event that names what was never made stops it.
//! - No room knows one below it in the list.
//! - A journal entry that does not balance cannot be constructed.
//! - No mistake is planted without the feature `mistakes`, which only tests turn on.
//! - This crate knows nothing of logs, queues, read models or wires.

pub mod accounting;
mod away;
mod billing;
mod book;
mod catalog;
mod claims;
mod context;
mod customer;
pub mod laws;
pub mod ledger;
mod mistakes;
mod money;
pub mod process;
mod registry;
mod seller;
mod settlement;
mod shared;
mod shelf;
mod spans;
mod subscription;
pub mod undo;
mod unmade;

pub use away::{Away, unless_away};
pub use claims::Claims;
pub use context::Stamp;
pub use ledger::post::post;
pub use ledger::{Customer, FoldError, Ledger, Marks, Woken, snapshot};
#[cfg(feature = "mistakes")]
pub use mistakes::Mistake;
pub use settlement::state::{Invoice, InvoiceState};
pub use subscription::state::{Phase, Subscription};
pub use unmade::Unmade;
