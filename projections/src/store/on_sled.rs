//! Rows in sled 0.34.7, one tree for each read model.
//!
//! *Correctness.* The checkpoint lies in the same tree as the rows and goes into the same
//! `apply_batch`, which is atomic within a tree. After a power cut the last batches may be
//! missing; their checkpoint is missing with them.
//! *Limits.* sled reports some damage by panicking; here that becomes [`StoreError::Panicked`].

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Batch, Direction, EachRow, Store, StoreError};

/// sled keeps about this much of its pages in memory. What is hot is cached above it already.
const CACHE_BYTES: u64 = 16 << 20;
/// How often sled syncs by itself. A batch that is lost is applied again from the log.
const FLUSH_EVERY_MS: u64 = 1_000;
/// A database that was just dropped may hold its lock a little longer.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// Rows in a sled database.
#[derive(Debug)]
pub struct SledStore {
    db: sled::Db,
}

impl SledStore {
    /// Opens the database in the folder at `path`, or makes one.
    ///
    /// # Errors
    /// [`StoreError`]: rebuild elsewhere.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let started = Instant::now();
        loop {
            match guarded(|| Self::config(path).open()) {
                Ok(db) => return Ok(Self { db }),
                Err(error) if is_lock(&error) && started.elapsed() < LOCK_PATIENCE => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn config(path: &Path) -> sled::Config {
        sled::Config::new()
            .path(path)
            .mode(sled::Mode::HighThroughput)
            .cache_capacity(CACHE_BYTES)
            .flush_every_ms(Some(FLUSH_EVERY_MS))
    }
}

/// sled says that the database is held in words only.
fn is_lock(error: &StoreError) -> bool {
    matches!(error, StoreError::Engine(text) if text.contains("could not acquire lock"))
}

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic on this thread would be one of the storage engine's, about damage that it met:
/// it becomes an error, and nobody needs to read of it.
pub fn expects_panic() -> bool {
    let engine = std::thread::current().name().is_some_and(|name| name.starts_with("sled"));
    engine || GUARDED.get()
}

fn guarded<T>(work: impl FnOnce() -> sled::Result<T>) -> Result<T, StoreError> {
    let before = GUARDED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(before);
    match outcome {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(StoreError::Engine(error.to_string())),
        Err(_) => Err(StoreError::Panicked),
    }
}

impl Store for SledStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        guarded(|| self.db.get(key)).map(|value| value.map(|bytes| bytes.to_vec()))
    }

    fn scan(
        &self,
        from: &[u8],
        to: &[u8],
        direction: Direction,
        each: &mut EachRow<'_>,
    ) -> Result<(), StoreError> {
        if from >= to {
            return Ok(());
        }
        guarded(|| {
            let mut range = self.db.range(from..to);
            loop {
                let row = match direction {
                    Direction::Forward => range.next(),
                    Direction::Backward => range.next_back(),
                };
                match row.transpose()? {
                    Some((key, value)) if each(&key, &value) => {}
                    Some(_) | None => return Ok(()),
                }
            }
        })
    }

    fn apply(&self, batch: Batch) -> Result<(), StoreError> {
        let mut writes = sled::Batch::default();
        for (key, value) in batch.into_rows() {
            match value {
                Some(value) => writes.insert(key, value),
                None => writes.remove(key),
            }
        }
        guarded(|| self.db.apply_batch(writes))
    }

    fn flush(&self) -> Result<(), StoreError> {
        guarded(|| self.db.flush()).map(|_| ())
    }
}
