//! Telling readers in the same process that more is durable, without the disk.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::watermark::Watermark;

/// The watermark as the writer in this process last published it.
#[derive(Debug, Clone)]
pub(crate) struct DurableSignal {
    shared: Arc<(Mutex<Watermark>, Condvar)>,
}

impl DurableSignal {
    pub(crate) fn new(mark: Watermark) -> Self {
        Self { shared: Arc::new((Mutex::new(mark), Condvar::new())) }
    }

    /// A watermark is replaced whole, so one left by a panicking thread is still right.
    fn current(&self) -> MutexGuard<'_, Watermark> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self) -> Watermark {
        *self.current()
    }

    pub(crate) fn publish(&self, mark: Watermark) {
        *self.current() = mark;
        self.shared.1.notify_all();
    }

    /// Waits until a block beyond `block_number` is durable, or the time is over.
    pub(crate) fn wait(&self, block_number: u64, timeout: Duration) -> Watermark {
        let behind = |mark: &mut Watermark| mark.head.block_number <= block_number;
        let guard = self.current();
        let waited = self.shared.1.wait_timeout_while(guard, timeout, behind);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
