//! Typed tables over a store: a letter, a key, a row in postcard.
//!
//! *Shape.* A key is the table's letter and the key's parts, big endian, so that rows lie in the
//! order of their keys. A value is a format version and postcard bytes.
//! *Ordering.* The projector changes rows in memory and writes each changed row once a batch;
//! queries read what was written, never what is pending.
//! *Limits.* Unchanged rows stay in memory in two generations of at most `keep` rows.

/// Makes a read model from the list of its tables: what it is in memory, and what is pending and
/// drained of it.
macro_rules! tables {
    ($(#[$about:meta])* $model:ident { $($table:ident: $rows:ty = $kind:path,)+ }) => {
        $(#[$about])*
        pub struct $model {
            $($table: $rows,)+
        }

        impl Default for $model {
            fn default() -> Self {
                Self { $($table: <$rows>::new(&$kind),)+ }
            }
        }

        impl $crate::projection::Tables for $model {
            fn pending(&self) -> usize {
                [$(self.$table.pending()),+].iter().sum()
            }

            fn drain(&mut self, batch: &mut $crate::store::Batch) {
                $(self.$table.drain(batch);)+
            }
        }
    };
}
pub(crate) use tables;

use std::collections::HashMap;
use std::hash::Hash;
use std::marker::PhantomData;

use schemas::ids::{CustomerId, InvoiceId, PlanId, SubscriptionId};
use schemas::{Currency, Date};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::month::Month;
use crate::store::{Batch, Direction, Store, StoreError};

/// Raised when the bytes of any row change; the projection's version is raised with it.
const ROW_FORMAT: u8 = 1;

/// A part of a key.
pub(crate) trait Key: Copy + Eq + Hash + Ord {
    /// Appends bytes that sort as the keys do.
    fn put(self, out: &mut Vec<u8>);
}

impl Key for () {
    fn put(self, _: &mut Vec<u8>) {}
}

impl Key for u32 {
    fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes());
    }
}

impl Key for u64 {
    fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_be_bytes());
    }
}

impl Key for Date {
    fn put(self, out: &mut Vec<u8>) {
        // Days before 1970 are negative: flip the sign bit to keep the order.
        out.extend_from_slice(&(self.days() ^ i32::MIN).to_be_bytes());
    }
}

impl Key for Month {
    fn put(self, out: &mut Vec<u8>) {
        self.first_day().put(out);
    }
}

impl Key for CustomerId {
    fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.uuid().as_bytes());
    }
}

impl Key for InvoiceId {
    fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.uuid().as_bytes());
    }
}

impl Key for SubscriptionId {
    fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.uuid().as_bytes());
    }
}

impl Key for PlanId {
    fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.uuid().as_bytes());
    }
}

impl Key for Currency {
    fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.code().as_bytes());
    }
}

impl<A: Key, B: Key> Key for (A, B) {
    fn put(self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }
}

/// What a table is: its letter, the types of its keys and rows, and how many rows stay in memory.
pub(crate) struct TableKind<K, R> {
    letter: u8,
    keep: usize,
    types: PhantomData<fn(K) -> R>,
}

impl<K, R> Clone for TableKind<K, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, R> Copy for TableKind<K, R> {}

impl<K: Key, R: Serialize + DeserializeOwned> TableKind<K, R> {
    /// A table; about `2 * keep` unchanged rows stay in memory. Letters are unique within a read
    /// model.
    pub(crate) const fn new(letter: u8, keep: usize) -> Self {
        Self { letter, keep, types: PhantomData }
    }

    fn key(self, key: K) -> Vec<u8> {
        let mut out = Vec::with_capacity(24);
        out.push(self.letter);
        key.put(&mut out);
        out
    }

    fn decode(self, bytes: &[u8]) -> Result<R, StoreError> {
        let unreadable = || StoreError::Unreadable { table: char::from(self.letter) };
        let [ROW_FORMAT, body @ ..] = bytes else { return Err(unreadable()) };
        match postcard::take_from_bytes(body) {
            Ok((row, [])) => Ok(row),
            Ok(_) | Err(_) => Err(unreadable()),
        }
    }

    /// One row as it was last written.
    pub(crate) fn read(self, store: &dyn Store, key: K) -> Result<Option<R>, StoreError> {
        store.get(&self.key(key))?.map(|bytes| self.decode(&bytes)).transpose()
    }

    /// Shows the rows with `from <= key`, and `key < to` if given, until `each` says no.
    pub(crate) fn scan(
        self,
        store: &dyn Store,
        (from, to): (K, Option<K>),
        direction: Direction,
        mut each: impl FnMut(R) -> bool,
    ) -> Result<(), StoreError> {
        let end = to.map_or_else(|| vec![self.letter + 1], |to| self.key(to));
        let mut failed = Ok(());
        store.scan(&self.key(from), &end, direction, &mut |_, bytes| match self.decode(bytes) {
            Ok(row) => each(row),
            Err(error) => {
                failed = Err(error);
                false
            }
        })?;
        failed
    }
}

#[derive(Debug)]
struct Slot<R> {
    row: R,
    changed: bool,
}

/// The rows of one table that are being changed, and those that were lately.
pub(crate) struct Table<K, R> {
    kind: TableKind<K, R>,
    hot: HashMap<K, Slot<R>>,
    cold: HashMap<K, Slot<R>>,
    changed: Vec<K>,
}

impl<K: Key, R: Serialize + DeserializeOwned> Table<K, R> {
    /// Nothing in memory yet.
    pub(crate) fn new(kind: &TableKind<K, R>) -> Self {
        Self { kind: *kind, hot: HashMap::new(), cold: HashMap::new(), changed: Vec::new() }
    }

    /// How many rows were changed since the last [`Table::drain`].
    pub(crate) fn pending(&self) -> usize {
        self.changed.len()
    }

    /// The row, to be read.
    pub(crate) fn get(&mut self, store: &dyn Store, key: K) -> Result<Option<&R>, StoreError> {
        Ok(if self.load(store, key)? { self.hot.get(&key).map(|slot| &slot.row) } else { None })
    }

    /// The row, to be changed.
    pub(crate) fn get_mut(
        &mut self,
        store: &dyn Store,
        key: K,
    ) -> Result<Option<&mut R>, StoreError> {
        if !self.load(store, key)? {
            return Ok(None);
        }
        Ok(self.touch(key))
    }

    /// The row, to be changed; a new one if there is none.
    pub(crate) fn entry(
        &mut self,
        store: &dyn Store,
        key: K,
        new: impl FnOnce() -> R,
    ) -> Result<&mut R, StoreError> {
        if !self.load(store, key)? {
            self.hot.insert(key, Slot { row: new(), changed: false });
        }
        self.touch(key).ok_or(StoreError::Missing { what: "a row that was just made" })
    }

    /// Writes a new row, or one in place of the old.
    pub(crate) fn put(&mut self, key: K, row: R) {
        self.cold.remove(&key);
        let changed = self.hot.get(&key).is_some_and(|slot| slot.changed);
        self.hot.insert(key, Slot { row, changed });
        self.touch(key);
    }

    fn touch(&mut self, key: K) -> Option<&mut R> {
        let slot = self.hot.get_mut(&key)?;
        if !slot.changed {
            slot.changed = true;
            self.changed.push(key);
        }
        Some(&mut slot.row)
    }

    /// Brings the row into memory; whether there is one.
    fn load(&mut self, store: &dyn Store, key: K) -> Result<bool, StoreError> {
        if self.hot.contains_key(&key) {
            return Ok(true);
        }
        if let Some(slot) = self.cold.remove(&key) {
            self.hot.insert(key, slot);
            return Ok(true);
        }
        let Some(row) = self.kind.read(store, key)? else { return Ok(false) };
        self.hot.insert(key, Slot { row, changed: false });
        Ok(true)
    }

    /// Puts every changed row into the batch; they stay in memory as unchanged ones.
    pub(crate) fn drain(&mut self, batch: &mut Batch) {
        let mut buffer = Vec::new();
        for key in self.changed.drain(..) {
            let slot = self.hot.get_mut(&key).expect("a changed row stays hot until it is drained");
            slot.changed = false;
            buffer.clear();
            buffer.push(ROW_FORMAT);
            buffer = postcard::to_extend(&slot.row, buffer)
                .expect("a row always encodes: memory is its only limit");
            batch.put(self.kind.key(key), buffer.as_slice().to_vec());
        }
        if self.hot.len() > self.kind.keep {
            self.cold = std::mem::take(&mut self.hot);
        }
    }
}
