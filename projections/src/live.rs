//! What a projector thread and the queries share.
//!
//! *Correctness.* A batch is applied under the write lock and a query reads under the read lock,
//! so that no query ever sees half a batch.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{
    Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
use std::time::Duration;

use crate::checkpoint::{Checkpoint, Doubt};
use crate::store::{Batch, Store, StoreError};

/// What queries are answered from.
pub(crate) enum Serving {
    /// A store, as of a checkpoint.
    Store { store: Arc<dyn Store>, checkpoint: Checkpoint, generation: u64 },
    /// Nothing yet: the read model is built anew.
    Rebuilding,
    /// Nothing: the projector cannot go on.
    Failed(String),
}

pub(crate) struct Live {
    serving: RwLock<Serving>,
    position: Mutex<u64>,
    moved: Condvar,
    asked: Mutex<Option<Doubt>>,
    stop: AtomicBool,
    head: AtomicU64,
}

// Whoever holds these locks leaves them sound at every step, so a panic spoils nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Live {
    pub(crate) fn new() -> Self {
        Self {
            serving: RwLock::new(Serving::Rebuilding),
            position: Mutex::new(0),
            moved: Condvar::new(),
            asked: Mutex::new(None),
            stop: AtomicBool::new(false),
            head: AtomicU64::new(0),
        }
    }

    /// Holds off batches while it is held.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Serving> {
        self.serving.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Serving> {
        self.serving.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves from another store, or from none.
    pub(crate) fn serve(&self, next: Serving) {
        let position = match &next {
            Serving::Store { checkpoint, .. } => Some(checkpoint.position),
            Serving::Rebuilding | Serving::Failed(_) => None,
        };
        *self.write() = next;
        if let Some(position) = position {
            self.publish(position);
        }
    }

    /// Applies a batch to the store that is served.
    pub(crate) fn apply(
        &self,
        store: &dyn Store,
        batch: Batch,
        reached: Checkpoint,
    ) -> Result<(), StoreError> {
        let position = reached.position;
        let mut serving = self.write();
        store.apply(batch)?;
        if let Serving::Store { checkpoint, .. } = &mut *serving {
            *checkpoint = reached;
        }
        drop(serving);
        self.publish(position);
        Ok(())
    }

    fn publish(&self, position: u64) {
        *lock(&self.position) = position;
        self.moved.notify_all();
    }

    /// The position that queries reflect.
    pub(crate) fn position(&self) -> u64 {
        *lock(&self.position)
    }

    /// Waits until the position is reached or the time is over; gives where it stands.
    pub(crate) fn wait_for(&self, position: u64, patience: Duration) -> u64 {
        let guard = lock(&self.position);
        let behind = |reached: &mut u64| *reached < position;
        let waited = self.moved.wait_timeout_while(guard, patience, behind);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Asks the projector to build the read model anew.
    pub(crate) fn doubt(&self, doubt: Doubt) {
        lock(&self.asked).get_or_insert(doubt);
    }

    pub(crate) fn take_doubt(&self) -> Option<Doubt> {
        lock(&self.asked).take()
    }

    pub(crate) fn has_doubt(&self) -> bool {
        lock(&self.asked).is_some()
    }

    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    pub(crate) fn set_head(&self, head: u64) {
        self.head.store(head, Ordering::Release);
    }

    /// The log's durable head as the projector last saw it.
    pub(crate) fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }
}
