//! From ids and texts to where their rows lie: many entries in a row.
//!
//! *Shape.* An entry is the first 64 bits of SHA-256 over what is looked up, and a value. Entries
//! go, in the order of the log, into generations of [`GENERATION`] entries; a generation has
//! [`BUCKETS`] rows, chosen by the hash. So a batch of many new entries writes few rows, and a
//! row stays small however large the book becomes.
//! *Correctness.* Entries are never removed and two texts may share a hash: the caller compares
//! every candidate with its row. The newest comes first.
//! *Limits.* A look-up reads one row for each [`GENERATION`] entries.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::store::{Batch, Store, StoreError};
use crate::table::{Table, TableKind};

/// Entries in a generation.
const GENERATION: u64 = 8_192;
/// Rows of a generation.
const BUCKETS: u64 = 128;

/// What an entry is found by: a kind and bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needle(u64);

impl Needle {
    /// Of this kind (a letter of the caller's) and these bytes.
    pub(crate) fn new(kind: u8, bytes: &[u8]) -> Self {
        let mut hasher = Sha256::new();
        hasher.update([kind]);
        hasher.update(bytes);
        let digest = hasher.finalize();
        let mut first = [0; 8];
        first.copy_from_slice(&digest[..8]);
        Self(u64::from_be_bytes(first))
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Bucket<V> {
    entries: Vec<(u64, V)>,
}

impl<V> Default for Bucket<V> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

fn row_of(generation: u64, needle: Needle) -> u64 {
    generation * BUCKETS + needle.0 % BUCKETS
}

/// Where a directory's rows lie: two letters of the read model.
pub(crate) struct DirectoryKind<V> {
    buckets: TableKind<u64, Bucket<V>>,
    count: TableKind<(), u64>,
}

impl<V: Serialize + DeserializeOwned + Copy> DirectoryKind<V> {
    /// A directory in the tables of these letters.
    pub(crate) const fn new(buckets: u8, count: u8) -> Self {
        Self { buckets: TableKind::new(buckets, 512), count: TableKind::new(count, 1) }
    }

    /// Values that may belong to the needle, newest first.
    pub(crate) fn find(&self, store: &dyn Store, needle: Needle) -> Result<Vec<V>, StoreError> {
        let count = self.count.read(store, ())?.unwrap_or(0);
        let mut found = Vec::new();
        for generation in (0..count.div_ceil(GENERATION)).rev() {
            let bucket = self.buckets.read(store, row_of(generation, needle))?;
            let entries = bucket.iter().flat_map(|bucket| bucket.entries.iter().rev());
            found.extend(entries.filter(|(hash, _)| *hash == needle.0).map(|(_, value)| *value));
        }
        Ok(found)
    }
}

/// The projector's end of a directory.
pub(crate) struct Directory<V> {
    buckets: Table<u64, Bucket<V>>,
    count: Table<(), u64>,
}

impl<V: Serialize + DeserializeOwned + Copy> Directory<V> {
    pub(crate) fn new(kind: &DirectoryKind<V>) -> Self {
        Self { buckets: Table::new(&kind.buckets), count: Table::new(&kind.count) }
    }

    /// Adds an entry.
    pub(crate) fn add(
        &mut self,
        store: &dyn Store,
        needle: Needle,
        value: V,
    ) -> Result<(), StoreError> {
        let count = self.count.entry(store, (), || 0)?;
        let generation = *count / GENERATION;
        *count += 1;
        let bucket = self.buckets.entry(store, row_of(generation, needle), Bucket::default)?;
        bucket.entries.push((needle.0, value));
        Ok(())
    }

    /// Values that may belong to the needle, newest first; pending ones too.
    pub(crate) fn find(&mut self, store: &dyn Store, needle: Needle) -> Result<Vec<V>, StoreError> {
        let count = self.count.get(store, ())?.copied().unwrap_or(0);
        let mut found = Vec::new();
        for generation in (0..count.div_ceil(GENERATION)).rev() {
            let Some(bucket) = self.buckets.get(store, row_of(generation, needle))? else {
                continue;
            };
            let entries = bucket.entries.iter().rev();
            found.extend(entries.filter(|(hash, _)| *hash == needle.0).map(|(_, value)| *value));
        }
        Ok(found)
    }

    pub(crate) fn pending(&self) -> usize {
        self.buckets.pending() + self.count.pending()
    }

    pub(crate) fn drain(&mut self, batch: &mut Batch) {
        self.buckets.drain(batch);
        self.count.drain(batch);
    }
}
