//! Reading the log back: bytes alone, decoded, folded into the engine's state, and the whole
//! start of an engine.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use command_gateway::engine::EngineCore;
use command_gateway::{Gateway, GatewayConfig, SystemClock};
use event_log::LogReader;
use ledger_core::Ledger;
use schemas::{CommitView, Event};

use super::machine;
use crate::error::WorkError;

/// What one pass over the log did and cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pass {
    /// Commits read.
    pub(super) commits: u64,
    /// Wall time.
    pub(super) elapsed: Duration,
    /// Processor time of the process.
    pub(super) cpu: Duration,
    /// Most memory resident, in bytes.
    pub(super) peak: u64,
}

/// Measures a pass that says how many commits it read.
///
/// # Errors
/// Those of the pass.
pub(super) fn measured(pass: impl FnOnce() -> Result<u64, WorkError>) -> Result<Pass, WorkError> {
    machine::forget_peak();
    let (cpu, started) = (machine::cpu_time(), Instant::now());
    let commits = pass()?;
    Ok(Pass {
        commits,
        elapsed: started.elapsed(),
        cpu: machine::cpu_time().saturating_sub(cpu),
        peak: machine::peak_memory(),
    })
}

/// Reads blocks and checks sums and chain; decodes nothing.
///
/// # Errors
/// [`WorkError`] of a damaged log.
pub(super) fn read(log: &Path) -> Result<u64, WorkError> {
    each_commit(log, |_, bytes| {
        black_box(bytes);
        Ok(())
    })
}

/// The same, and decodes head and events of every commit.
///
/// # Errors
/// [`WorkError`] of a damaged log.
pub(super) fn decode(log: &Path) -> Result<u64, WorkError> {
    each_commit(log, |position, bytes| {
        let unreadable = |error| unreadable(position, &error);
        let commit = CommitView::parse(bytes).map_err(unreadable)?;
        for record in commit.events() {
            black_box(record.and_then(Event::decode).map_err(unreadable)?);
        }
        Ok(())
    })
}

/// Folds the log into an engine's state, on this thread alone: what an engine does at its start
/// once the log is recovered. Gives the state, too.
///
/// # Errors
/// [`WorkError`] of a damaged log.
pub(super) fn replay(log: &Path) -> Result<(u64, EngineCore<Ledger, ()>), WorkError> {
    let mut core = EngineCore::new(Ledger::default(), Arc::new(SystemClock));
    let commits = each_commit(log, |position, bytes| {
        core.replay(position, bytes).map_err(|error| unreadable(position, &error))
    })?;
    Ok((commits, core))
}

/// Starts an engine and stops it: recovery, which checks every byte, and the replay.
///
/// # Errors
/// [`WorkError`] when it does not start.
pub(super) fn start(log: &Path) -> Result<u64, WorkError> {
    let opened = GatewayConfig::at(log).and_then(|config| Gateway::open(&config));
    let gateway = opened.map_err(|error| WorkError::Unplanned(error.to_string()))?;
    let commits = gateway.handle().progress().durable();
    gateway.close();
    Ok(commits)
}

/// Calls `each` with every commit and gives their number.
///
/// # Errors
/// Those of `each`, and [`WorkError`] of a damaged log.
pub(super) fn each_commit(
    log: &Path,
    mut each: impl FnMut(u64, &[u8]) -> Result<(), WorkError>,
) -> Result<u64, WorkError> {
    let mut reader = LogReader::open(log)?;
    let mut commits = 0;
    while let Some(block) = reader.next_block()? {
        for (position, bytes) in block.commits() {
            each(position, bytes)?;
            commits += 1;
        }
    }
    Ok(commits)
}

fn unreadable(position: u64, error: &dyn std::error::Error) -> WorkError {
    WorkError::Wrong(format!("commit {position}: {error}"))
}
