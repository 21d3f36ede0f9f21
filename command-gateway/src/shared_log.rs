//! The log, shared by those who write it or keep its lock.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use event_log::EventLog;

/// The log. As long as a clone of it lives nobody else can open the book.
#[derive(Clone)]
pub(crate) struct SharedLog(Arc<Mutex<Box<dyn EventLog>>>);

impl SharedLog {
    pub(crate) fn new(log: Box<dyn EventLog>) -> Self {
        Self(Arc::new(Mutex::new(log)))
    }

    /// The log for as long as the guard lives. It poisons itself where its state could be half
    /// changed, so a panic of whoever had it before is survived.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Box<dyn EventLog>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for SharedLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedLog")
    }
}
