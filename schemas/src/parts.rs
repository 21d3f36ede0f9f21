//! Decisions of any size: split over several commits, and put together again.
//!
//! # Shape
//!
//! A decision that is too large for one commit is drafted: commits of `customer.draft_part`, each
//! with a `decision.part_drafted` before its other events, hold most of it. The commit of the
//! command itself comes last, and a `decision.completed` in front of its events says that all of
//! it is so. Lines of documents are in the parts; the event that issues or voids a document comes
//! last and has none of its own.
//!
//! # Ordering
//!
//! Parts lie one behind the other on their stream. Another commit of the stream between them ends
//! the draft: nothing of it ever happened.
//!
//! # Correctness
//!
//! [`together()`] gives back what was [`split`], but for the order of `billing.due_set`, and checks
//! count and SHA-256 of the lines that it puts together. No number of a series is in a part: a
//! draft that ends leaves no gap.

mod lines;
mod role;
mod splitting;
mod together;

pub use role::{Role, StoredRole, role, stored_role};
pub use splitting::{Split, split, split_by};
pub use together::{NotTogether, together};
