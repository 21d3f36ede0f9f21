//! What the door counts of each endpoint, for the `data` of STATS.
//!
//! The library counts an error only where it sends an empty body, and ours carry the problem:
//! its own `num_errors` stays 0, and these are the real figures.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use schemas::wire::{Reply, header};
use serde_json::{Value, json};

/// Counters of one endpoint.
#[derive(Debug, Default)]
pub(super) struct Counts {
    busy: AtomicU64,
    unanswerable: AtomicU64,
    unsent: AtomicU64,
    problems: Mutex<BTreeMap<String, u64>>,
}

impl Counts {
    /// A reply of the router.
    pub(super) fn replied(&self, reply: &Reply) {
        if let Some(code) = reply.headers.get(header::SERVICE_ERROR) {
            let mut problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner);
            match problems.get_mut(code) {
                Some(times) => *times += 1,
                None => {
                    problems.insert(code.clone(), 1);
                }
            }
        }
    }

    /// The door had no room.
    pub(super) fn busy(&self) {
        self.busy.fetch_add(1, Ordering::Relaxed);
    }

    /// A request whose sender would not hear the answer; gives how many there were.
    pub(super) fn unanswerable(&self) -> u64 {
        self.unanswerable.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// An answer that could not be sent.
    pub(super) fn unsent(&self) {
        self.unsent.fetch_add(1, Ordering::Relaxed);
    }

    /// The counters now.
    pub(super) fn report(&self) -> Value {
        let problems = self.problems.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (busy, lost) = (read(&self.busy), read(&self.unanswerable));
        json!({
            "errors": problems.values().sum::<u64>() + busy + lost,
            "problems": problems,
            "busy": busy,
            "unanswerable": lost,
            "unsent": read(&self.unsent),
        })
    }
}

fn read(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use schemas::Problem;
    use schemas::problem::Fault;

    use super::*;

    #[test]
    fn errors_are_counted_by_code_and_answers_are_not() {
        let counts = Counts::default();
        counts.replied(&Reply::json(&1));
        for _ in 0..2 {
            counts.replied(&Reply::problem(&Problem::fault(Fault::NotFound, "gone")));
        }
        counts.busy();
        assert_eq!(counts.unanswerable(), 1);
        let report = counts.report();
        assert_eq!(report["errors"], 4);
        assert_eq!(report["problems"], json!({"not_found": 2}));
        assert_eq!((&report["busy"], &report["unanswerable"]), (&json!(1), &json!(1)));
    }
}
