//! What rows lie in: ordered keys and values, and batches that are applied whole or not at all.
//!
//! A store holds only what the log can rebuild, so that every doubt about it has one answer:
//! build it again.

mod memory;
mod on_sled;

pub use memory::MemoryStore;
pub use on_sled::{SledStore, expects_panic};

use std::collections::BTreeMap;
use std::fmt;

use sha2::{Digest, Sha256};

/// The key of the checkpoint's row; no table has it.
pub(crate) const CHECKPOINT_KEY: &[u8] = b"!checkpoint";

/// Why a store cannot be used. The answer is always to rebuild it from the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The storage engine or the disk says no.
    #[error("the store fails: {0}")]
    Engine(String),
    /// The storage engine panicked, as it does on some kinds of damage.
    #[error("the store's engine panicked; its files are damaged")]
    Panicked,
    /// A row is not what its table says.
    #[error("a row of table {table:?} cannot be read")]
    Unreadable {
        /// First byte of its key.
        table: char,
    },
    /// A row that another row names is not there.
    #[error("{what} is not there, though the log says so")]
    Missing {
        /// What was looked for.
        what: &'static str,
    },
    /// A sum in a row leaves 128 bits.
    #[error("a sum in a row leaves the range of 128 bits")]
    Overflow,
}

/// Rows to be written in one atomic step. The last write of a key counts.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Batch {
    rows: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl Batch {
    /// Writes a row.
    pub fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.rows.insert(key, Some(value));
    }

    /// Removes a row.
    pub fn remove(&mut self, key: Vec<u8>) {
        self.rows.insert(key, None);
    }

    /// How many rows it touches.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Touches nothing.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Keys in order, with a value, or nothing where a row is removed.
    pub fn into_rows(self) -> impl Iterator<Item = (Vec<u8>, Option<Vec<u8>>)> {
        self.rows.into_iter()
    }
}

/// From where to where a scan goes, and which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// In key order.
    Forward,
    /// Against it.
    Backward,
}

/// Told about each row of a scan; says whether to go on.
pub type EachRow<'a> = dyn FnMut(&[u8], &[u8]) -> bool + 'a;

/// Ordered rows.
pub trait Store: Send + Sync + fmt::Debug {
    /// The value of a key.
    ///
    /// # Errors
    /// [`StoreError`]: rebuild.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Shows rows with `from <= key < to` until `each` says no.
    ///
    /// # Errors
    /// [`StoreError`]: rebuild.
    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        each: &mut EachRow<'_>,
    ) -> Result<(), StoreError>;

    /// Writes a batch whole or not at all. It may still be lost in a power cut.
    ///
    /// # Errors
    /// [`StoreError`]: rebuild.
    fn apply(&self, batch: Batch) -> Result<(), StoreError>;

    /// Makes everything applied durable.
    ///
    /// # Errors
    /// [`StoreError`]: rebuild.
    fn flush(&self) -> Result<(), StoreError>;
}

/// Hash of a read model's rows.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentHash(pub [u8; 32]);

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// SHA-256 over all rows in key order: each key's and value's length (u32, big endian) and bytes.
///
/// The checkpoint's row is left out, because it depends on where blocks were cut.
///
/// # Errors
/// [`StoreError`]: rebuild.
pub fn content_hash(store: &dyn Store) -> Result<ContentHash, StoreError> {
    let mut hasher = Sha256::new();
    let mut add = |bytes: &[u8]| {
        hasher.update(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        hasher.update(bytes);
    };
    store.scan(&[], &[0xff; 64], Direction::Forward, &mut |key, value| {
        if key != CHECKPOINT_KEY {
            add(key);
            add(value);
        }
        true
    })?;
    Ok(ContentHash(hasher.finalize().into()))
}
