//! `admin.<verb>`: what operators ask of one book's engine.

use std::time::Duration;

use schemas::ids::BillingRunId;
use schemas::problem::Fault;
use schemas::runs::{RunState, RunStatus, RunStatusAnswer};
use schemas::status::{GatewayStatus, QueueStatus};
use schemas::wire::{LogPosition, Message, Reply};
use schemas::{Problem, query};

use crate::handle::GatewayHandle;

/// The longest wait for a run to be done.
const MAX_WAIT: Duration = Duration::from_secs(30);

pub(crate) async fn call(
    gateway: &GatewayHandle,
    verb: &str,
    message: &Message,
    doors: impl FnOnce() -> Vec<QueueStatus>,
) -> Result<Reply, Problem> {
    match verb {
        "run_status" => {
            let request = query::read(&message.body).map_err(|error| Problem::json(&error))?;
            run_status(gateway, &request).await.map(|answer| Reply::json(&answer))
        }
        "status" => Ok(Reply::json(&status(gateway, doors()))),
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

/// How the engine of a book stands; `doors` are the queues of the process's doors.
pub fn status(gateway: &GatewayHandle, doors: Vec<QueueStatus>) -> GatewayStatus {
    let (measures, progress) = (gateway.measures(), gateway.progress());
    let blocks = measures.blocks();
    let mut queues = gateway.queues();
    queues.extend(doors);
    GatewayStatus {
        book: gateway.book().to_string(),
        log: gateway.log().to_string(),
        position: position(gateway),
        commits: progress.durable(),
        epoch: gateway.epoch(),
        running: progress.stopped().is_none(),
        uptime_ms: u64::try_from(measures.uptime().as_millis()).unwrap_or(u64::MAX),
        queues,
        commands: measures.commands(),
        commits_per_second: blocks.commits_per_second,
        sync_us: blocks.sync_us,
        block_commits: blocks.block_commits,
        block_bytes: blocks.block_bytes,
        billing_runs: progress.running(),
        parked: progress.parked(),
        stuck: progress.stuck(),
        snapshots: gateway.snapshots(),
    }
}

fn position(gateway: &GatewayHandle) -> String {
    let position = gateway.progress().durable();
    LogPosition { log: gateway.log(), position }.to_string()
}
