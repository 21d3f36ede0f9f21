//! Billing runs: started by a command, worked off by the engine, waited for here.

use schemas::wire::{Endpoint, Headers};
use serde_json::json;

use crate::ask::{Ask, AskError};
use crate::node::Node;

/// How long one question waits for a run, in milliseconds.
const WAIT_MS: u64 = 10_000;

/// Waits until a billing run is done; gives how far it came and the position after it.
///
/// # Errors
/// As [`Ask::ask`].
pub fn wait_for_run(door: &impl Ask, run: &str) -> Result<Node, AskError> {
    let question = json!({"run": run, "wait_ms": WAIT_MS}).to_string();
    loop {
        let endpoint = Endpoint::Admin("run_status".to_owned());
        let answer = door.ask(endpoint, Headers::new(), question.clone().into_bytes())?;
        let status = Node::parse(&answer).map_err(AskError::NotJson)?;
        if status.text_at("state") == "done" {
            return Ok(status);
        }
    }
}
