//! Billing runs as their callers see them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::BillingRunId;

/// The request of `admin.run_status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunStatus {
    /// Which run.
    pub run: BillingRunId,
    /// If it is not done, wait so long for it; at most 30,000.
    pub wait_ms: Option<u64>,
}

/// Whether a run has customers left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Customers are left.
    Running,
    /// Every customer was tried.
    Done,
}

/// How far a billing run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunProgress {
    /// Which run.
    pub run: BillingRunId,
    /// Whether it has customers left.
    pub state: RunState,
    /// Customers that were due when it started.
    pub due: u64,
    /// Customers that it billed.
    pub billed: u64,
    /// Customers that it could not bill.
    pub failed: u64,
    /// Those of them that it parked. Any others were parked already, or could not be parked.
    pub parked: u64,
}

/// The answer of `admin.run_status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunStatusAnswer {
    /// Which run.
    pub run: BillingRunId,
    /// Whether it has customers left.
    pub state: RunState,
    /// Customers that were due when it started.
    pub due: u64,
    /// Customers that it billed.
    pub billed: u64,
    /// Customers that it could not bill.
    pub failed: u64,
    /// Those of them that it parked. Any others were parked already, or could not be parked.
    pub parked: u64,
    /// Up to here the log is durable.
    pub position: String,
}

impl RunProgress {
    /// The same as an answer.
    pub fn answer(self, position: String) -> RunStatusAnswer {
        let Self { run, state, due, billed, failed, parked } = self;
        RunStatusAnswer { run, state, due, billed, failed, parked, position }
    }
}
