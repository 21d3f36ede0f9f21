//! Bounded queues that have a name: what is beyond their capacity is refused at once.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use schemas::Problem;
use schemas::problem::Fault;
use schemas::status::QueueStatus;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long someone who met a full queue should wait, in milliseconds: what a full queue takes.
pub(crate) const BUSY_RETRY_MS: u64 = 20;

/// Places for requests under way. Clones share them.
#[derive(Clone)]
pub struct Places(Arc<Inner>);

struct Inner {
    name: String,
    capacity: usize,
    free: Arc<Semaphore>,
    refused: AtomicU64,
}

/// A place that is taken; dropping it frees it.
#[derive(Debug)]
pub struct Place {
    _permit: OwnedSemaphorePermit,
}

impl Places {
    /// So many places under a name.
    pub fn new(name: impl Into<String>, capacity: usize) -> Self {
        let free = Arc::new(Semaphore::new(capacity));
        let inner = Inner { name: name.into(), capacity, free, refused: AtomicU64::new(0) };
        Self(Arc::new(inner))
    }

    /// Takes a place if one is free.
    pub fn take(&self) -> Option<Place> {
        if let Ok(permit) = Arc::clone(&self.0.free).try_acquire_owned() {
            return Some(Place { _permit: permit });
        }
        self.0.refused.fetch_add(1, Ordering::Relaxed);
        None
    }

    /// Takes a place if one is free, or says that there is none.
    ///
    /// # Errors
    /// The *busy* [`Problem`].
    pub fn enter(&self) -> Result<Place, Problem> {
        self.take().ok_or_else(|| {
            let Inner { name, capacity, .. } = &*self.0;
            let detail = format!("{name} is full with {capacity}; send it again after the pause");
            Problem::fault(Fault::Busy, detail).retry_after(BUSY_RETRY_MS)
        })
    }

    /// How full it is.
    pub fn status(&self) -> QueueStatus {
        let Inner { name, capacity, free, refused } = &*self.0;
        QueueStatus {
            name: name.clone(),
            depth: capacity.saturating_sub(free.available_permits()) as u64,
            capacity: *capacity as u64,
            refused: refused.load(Ordering::Relaxed),
        }
    }
}

impl fmt::Debug for Places {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Places").field("status", &self.status()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_place_is_refused_and_counted() {
        let places = Places::new("queries", 1);
        let taken = places.enter().expect("free");
        let busy = places.enter().expect_err("taken");
        assert_eq!((busy.code.as_str(), busy.retry_after_ms), ("busy", Some(BUSY_RETRY_MS)));
        let QueueStatus { depth, capacity, refused, .. } = places.status();
        assert_eq!((depth, capacity, refused), (1, 1, 1));
        drop(taken);
        assert_eq!(places.status().depth, 0);
    }
}
