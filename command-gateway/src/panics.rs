//! Panics that end one piece of work and not the thread that does it.

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};

use schemas::Problem;
use schemas::problem::Fault;

/// Does some work; a panic in it is logged with what it was about, and gives nothing.
///
/// Whoever calls this says what becomes of what the work had in hand: a panic may have left it
/// half changed.
pub(crate) fn guarded<T>(what: &str, about: &dyn Debug, work: impl FnOnce() -> T) -> Option<T> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.inspect_err(|_| tracing::error!(?about, "{what} panicked")).ok()
}

/// Does some work on a thread where it may take long.
///
/// # Errors
/// A [`Problem`] if the work panics.
pub(crate) async fn off_thread<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "{what} panicked");
        let detail = format!("{what} met a fault of the ledger; report what was asked");
        Problem::fault(Fault::Internal, detail)
    })
}
