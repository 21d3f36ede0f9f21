//! `admin.<verb>`: what operators ask of one book's engine.

use std::time::Duration;

use schemas::ids::BillingRunId;
use schemas::problem::Fault;
use schemas::runs::{RunState, RunStatus, RunStatusAnswer};
use schemas::wire::{LogPosition, Message, Reply};
use schemas::{Problem, query};
use serde::{Deserialize, Serialize};

use crate::handle::GatewayHandle;

/// The longest wait for a run to be done.
const MAX_WAIT: Duration = Duration::from_secs(30);

/// The answer of `admin.status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineStatus {
    /// The book.
    pub book: String,
    /// The log's id.
    pub log: String,
    /// Up to here the log is durable.
    pub position: String,
    /// Commands that wait undecided.
    pub queued: usize,
    /// Whether commands are taken.
    pub running: bool,
}

pub(crate) async fn call(
    gateway: &GatewayHandle,
    verb: &str,
    message: &Message,
) -> Result<Reply, Problem> {
    match verb {
        "run_status" => {
            let request = query::read(&message.body).map_err(|error| Problem::json(&error))?;
            run_status(gateway, &request).await.map(|answer| Reply::json(&answer))
        }
        "status" => Ok(Reply::json(&status(gateway))),
        other => {
            let other: String = other.chars().take(64).collect();
            let detail =
                format!("admin.{other} is no endpoint; use admin.status or admin.run_status");
            Err(Problem::fault(Fault::UnknownSubject, detail))
        }
    }
}

async fn run_status(
    gateway: &GatewayHandle,
    request: &RunStatus,
) -> Result<RunStatusAnswer, Problem> {
    let wait = Duration::from_millis(request.wait_ms.unwrap_or(0)).min(MAX_WAIT);
    // The time may be over before the run is done; its progress is the answer either way.
    let _elapsed = tokio::time::timeout(wait, run_done(gateway, request.run)).await;
    let Some(progress) = gateway.progress().run(request.run) else {
        let detail = format!("{} is not a billing run of this book; start it first", request.run);
        return Err(Problem::fault(Fault::NotFound, detail));
    };
    Ok(progress.answer(position(gateway)))
}

/// Waits until a run is done, or the engine stops.
async fn run_done(gateway: &GatewayHandle, run: BillingRunId) {
    let mut changes = gateway.progress().subscribe();
    loop {
        changes.borrow_and_update();
        let progress = gateway.progress();
        let done = progress.run(run).is_none_or(|run| run.state == RunState::Done);
        if done || progress.stopped().is_some() || changes.changed().await.is_err() {
            return;
        }
    }
}

fn status(gateway: &GatewayHandle) -> EngineStatus {
    EngineStatus {
        book: gateway.book().to_string(),
        log: gateway.log().to_string(),
        position: position(gateway),
        queued: gateway.queued(),
        running: gateway.progress().stopped().is_none(),
    }
}

fn position(gateway: &GatewayHandle) -> String {
    let position = gateway.progress().durable();
    LogPosition { log: gateway.log(), position }.to_string()
}
