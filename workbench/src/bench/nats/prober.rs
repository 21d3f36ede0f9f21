//! Queries while the load runs: one at a time, so that each shows what a single asker waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use schemas::wire::LogPosition;
use serde::Deserialize;
use serde_json::json;
use tokio::task::JoinHandle;

use super::wire::Wire;
use crate::bench::plan::Script;
use crate::error::WorkError;

/// From one question to the next, at least.
const PAUSE: Duration = Duration::from_millis(5);

/// What an answer says of its position.
#[derive(Deserialize)]
struct Reflects {
    position: String,
}

/// What the queries saw.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    /// From a question to its answer, sorted.
    pub(super) latencies: Vec<Duration>,
    /// Questions without an answer: busy, rebuilding.
    pub(super) failed: u64,
    /// The position that the last answer reflects.
    pub(super) position: u64,
}

/// Asks `balances.get` of one customer after the other, until it is stopped.
#[derive(Debug)]
pub(super) struct Prober {
    enough: Arc<AtomicBool>,
    asking: JoinHandle<Result<Asked, WorkError>>,
}

impl Prober {
    /// Begins to ask.
    ///
    /// # Errors
    /// [`WorkError::Unreachable`].
    pub(super) async fn start(url: &str, customers: Vec<String>) -> Result<Self, WorkError> {
        let wire = Wire::connect(url).await?;
        let enough = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&enough);
        Ok(Self { enough, asking: tokio::spawn(ask(wire, customers, stop)) })
    }

    /// Ends it and gives what it saw.
    ///
    /// # Errors
    /// [`WorkError`] when it lost its connection.
    pub(super) async fn stop(self) -> Result<Asked, WorkError> {
        self.enough.store(true, Ordering::Relaxed);
        let asked = self.asking.await;
        asked.map_err(|error| WorkError::Unplanned(format!("the queries of the bench: {error}")))?
    }
}

async fn ask(
    mut wire: Wire,
    customers: Vec<String>,
    enough: Arc<AtomicBool>,
) -> Result<Asked, WorkError> {
    let subject = format!("billfold.{}.as.bench.query.balances.get", Script::book());
    let mut asked = Asked::default();
    for (tag, customer) in (0..).zip(customers.iter().cycle()) {
        if enough.load(Ordering::Relaxed) {
            break;
        }
        let body = json!({ "customer": customer }).to_string().into_bytes();
        let begun = Instant::now();
        wire.send(tag, subject.clone(), None, body).await?;
        let answer = wire.next().await?;
        let latency = begun.elapsed();
        let position = serde_json::from_slice::<Reflects>(&answer.body)
            .ok()
            .and_then(|answer| answer.position.parse::<LogPosition>().ok());
        match (answer.failed, position) {
            (None, Some(position)) => {
                asked.latencies.push(latency);
                asked.position = position.position;
            }
            (Some(_), _) | (None, None) => asked.failed += 1,
        }
        tokio::time::sleep(PAUSE.saturating_sub(latency)).await;
    }
    asked.latencies.sort_unstable();
    Ok(asked)
}
