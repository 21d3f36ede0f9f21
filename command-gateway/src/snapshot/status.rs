//! What operators see of snapshots, and what the follower hands to the engine.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use schemas::status::{OpeningReport, SnapshotStatus};

use crate::ids::IdFiles;

/// Between the follower, the engine and those who ask.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    is_fresh: AtomicBool,
    files: Mutex<Option<Arc<IdFiles>>>,
    ids_in_memory: AtomicU64,
    status: Mutex<SnapshotStatus>,
}

impl Shelf {
    /// Files of ids for the engine to adopt.
    pub(crate) fn offer(&self, files: Arc<IdFiles>) {
        *locked(&self.files) = Some(files);
        self.is_fresh.store(true, Ordering::Release);
    }

    /// Files that were offered since the last call.
    pub(crate) fn take(&self) -> Option<Arc<IdFiles>> {
        // Looked at for every turn of the engine; the lock only when there is something.
        if !self.is_fresh.load(Ordering::Relaxed) || !self.is_fresh.swap(false, Ordering::Acquire) {
            return None;
        }
        locked(&self.files).take()
    }

    pub(crate) fn set_ids_in_memory(&self, ids: u64) {
        self.ids_in_memory.store(ids, Ordering::Relaxed);
    }

    pub(crate) fn update(&self, change: impl FnOnce(&mut SnapshotStatus)) {
        change(&mut locked(&self.status));
    }

    pub(crate) fn status(&self) -> SnapshotStatus {
        let mut status = locked(&self.status).clone();
        status.ids_in_memory = self.ids_in_memory.load(Ordering::Relaxed);
        status
    }
}

/// Values are replaced whole, so a panic elsewhere leaves a usable one.
fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}
