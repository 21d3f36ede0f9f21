//! Letting commands into the queue, until it is closed.
//!
//! *Correctness.* Who enters is counted before the closed sign is looked at. Once the sign is up
//! and nobody is entering any more, nothing comes into the queue again: whoever empties it then
//! has answered everyone.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The entrance of one engine's queue.
#[derive(Debug, Default)]
pub(crate) struct Admission {
    closed: AtomicBool,
    entering: AtomicUsize,
}

/// Someone is putting a command into the queue.
pub(crate) struct Entering<'a>(&'a Admission);

impl Admission {
    /// Asks to enter; `None` if it is closed.
    pub(crate) fn enter(&self) -> Option<Entering<'_>> {
        self.entering.fetch_add(1, Ordering::SeqCst);
        let entering = Entering(self);
        (!self.closed.load(Ordering::SeqCst)).then_some(entering)
    }

    /// Lets nobody in any more.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    /// Whether someone who came before it was closed is still entering.
    pub(crate) fn is_someone_entering(&self) -> bool {
        self.entering.load(Ordering::SeqCst) > 0
    }
}

impl Drop for Entering<'_> {
    fn drop(&mut self) {
        self.0.entering.fetch_sub(1, Ordering::SeqCst);
    }
}
