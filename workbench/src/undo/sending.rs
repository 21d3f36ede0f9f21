//! Sends what was planned, one after the other.

use std::thread;
use std::time::Duration;

use client::{Ask, AskError};
use schemas::ids::BatchId;
use schemas::wire::{Accepted, Endpoint, Headers, LogPosition, header};

use super::plan::{Plan, PlannedStep, Standing};
use crate::error::WorkError;

/// How often a command is sent while the ledger is busy or its outcome is unknown.
const TRIES: u32 = 50;
/// The pause when the answer names none.
const PAUSE: Duration = Duration::from_millis(50);

/// Sends every step that is not done yet, and notes where it came to be.
///
/// # Errors
/// What the ledger says to the first that it does not take; those before it are done.
pub(super) fn send(
    plan: &mut Plan,
    batch: BatchId,
    reason: Option<&str>,
    door: &impl Ask,
) -> Result<(), WorkError> {
    for step in plan.commits.iter_mut().flat_map(|planned| &mut planned.steps) {
        let Standing::Planned { token, .. } = &step.standing else { continue };
        let mut headers = Headers::from([
            (header::COMMAND_ID.to_owned(), step.id.to_string()),
            (header::PREVIEW.to_owned(), token.to_string()),
            (header::BATCH.to_owned(), batch.to_string()),
        ]);
        headers.extend(reason.map(|reason| (header::REASON.to_owned(), reason.to_owned())));
        if let Some(at) = step.step.effective_at {
            headers.insert(header::EFFECTIVE_AT.to_owned(), at.to_string());
        }
        step.standing = Standing::Done(accepted(step, &headers, door)?);
    }
    Ok(())
}

fn accepted(step: &PlannedStep, headers: &Headers, door: &impl Ask) -> Result<u64, WorkError> {
    let name = step.step.command.kind().name;
    let endpoint = Endpoint::Command(name.to_owned());
    let body = serde_json::to_vec(&step.step.command.to_json()).map_err(AskError::NoJsonForm)?;
    let mut tries = 1;
    let answer = loop {
        match door.ask(endpoint.clone(), headers.clone(), body.clone()) {
            Err(AskError::Problem(problem)) if problem.retryable && tries < TRIES => {
                tries += 1;
                thread::sleep(problem.retry_after_ms.map_or(PAUSE, Duration::from_millis));
            }
            answer => break answer?,
        }
    };
    let accepted: Accepted = serde_json::from_slice(&answer)
        .map_err(|source| AskError::Unreadable { what: name.to_owned(), source })?;
    Ok(accepted.position.parse::<LogPosition>().map_or(0, |found| found.position))
}
