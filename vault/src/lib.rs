//! Keys of people: what is personal is sealed with them, and a key that is destroyed erases it.
//!
//! # Shape
//!
//! A key belongs to a [`KeyScope`]: a customer, a customer's documents, a record of somebody who
//! is no customer. [`Vault`] is the writer's end, one for a book: it seals the texts of commands
//! ([`Vault::seal`]), makes new keys durable ([`Vault::keep`]) and destroys keys
//! ([`Vault::erase`]). [`KeyRing`] is everybody's end: it opens what is sealed, also in another
//! process. All keys of a book lie in one file, each wrapped by the book's master key; [`rotate()`]
//! exchanges that, [`backup`] and [`restore`] keep copies apart.
//!
//! # Ordering
//!
//! A key is durable before the block with the first commit that uses it. A key is destroyed after
//! the block that says so is durable, and before anybody hears of it.
//!
//! # Architecture invariants
//!
//! - **No key in the log, in a snapshot or in a read model**, and none in a message or an error.
//! - **No text is compared by its sealed bytes.** Nonces are random.
//! - **No unwrapped key outlives a call**, but those of commands that are under way.
//! - **No clock, no network, no async.** Randomness is the operating system's.
//! - **Nobody needs a key to verify or replay a log.**

pub mod age;
mod base64;
mod comparing;
mod copy;
mod counts;
mod file;
mod fresh;
mod index;
mod json;
mod key;
mod master;
mod opening;
mod place;
mod ring;
mod rotate;
mod scope;
mod sealing;
mod settle;
mod slot;
mod using;
mod vault;

pub use comparing::Compared;
pub use copy::{CopyError, Restored, backup, restore};
pub use counts::{Counts, counts};
pub use fresh::FreshKey;
pub use key::ciphertext_bytes;
pub use master::MasterKey;
pub use opening::{Absent, init};
pub use place::{Place, VaultError};
pub use ring::{KeyRing, Opened};
pub use rotate::rotate;
pub use scope::KeyScope;
pub use sealing::Sealing;
pub use vault::Vault;
