//! One thread that keeps a number of commands outstanding, and what it sees.

use std::time::{Duration, Instant};

use command_gateway::{CommandRequest, GatewayHandle, Receipt, completions};
use schemas::Command;
use schemas::ids::CommandId;
use schemas::text::Actor;

use super::machine;
use crate::error::WorkError;

/// When to stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Until {
    /// After so many commands …
    pub(super) commands: u64,
    /// … or when no more is sent after this long.
    pub(super) time: Duration,
}

/// What a load did and cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Run {
    /// Commands acknowledged.
    pub(super) commands: u64,
    /// From the first submission to the last answer.
    pub(super) elapsed: Duration,
    /// Half of the commands were answered within this time.
    pub p50: Duration,
    /// 99 of 100 were.
    pub p99: Duration,
    /// Processor time of the process: engine, log and load.
    pub(super) cpu: Duration,
    /// Of it: the engine's thread.
    pub(super) engine: Duration,
    /// Of it: the thread that writes the log.
    pub(super) writer: Duration,
    /// The first and the last position.
    pub(super) positions: Option<(u64, u64)>,
    /// Most memory resident, in bytes.
    pub(super) peak: u64,
}

/// Keeps `outstanding` commands on their way. `make` gives the n-th command, `done` hears its
/// receipt.
///
/// # Errors
/// [`WorkError::Unplanned`] when one of them is refused.
pub(super) fn drive(
    handle: &GatewayHandle,
    actor: &Actor,
    outstanding: u32,
    until: Until,
    mut make: impl FnMut(u64) -> (CommandId, Command),
    mut done: impl FnMut(u64, &Receipt),
) -> Result<Run, WorkError> {
    machine::forget_peak();
    let (to, outcomes) = completions();
    let before = Spent::now();
    let started = Instant::now();
    let mut begun: Vec<Instant> = Vec::new();
    let mut latencies: Vec<Duration> = Vec::new();
    let mut positions: Option<(u64, u64)> = None;
    let (mut sent, mut answered, mut ending) = (0, 0, false);
    loop {
        while !ending && sent - answered < u64::from(outstanding) {
            let now = Instant::now();
            ending = sent >= until.commands || now.duration_since(started) >= until.time;
            if ending {
                break;
            }
            let (id, command) = make(sent);
            begun.push(now);
            let request = CommandRequest::new(id, actor.clone(), command);
            handle.submit_to(request, &to, sent).map_err(|refusal| refused(sent, &refusal))?;
            sent += 1;
        }
        if answered == sent {
            break;
        }
        let mut next = outcomes.recv().ok();
        while let Some((tag, outcome)) = next {
            let receipt = outcome.map_err(|refusal| refused(tag, &refusal))?;
            if let Some(begun) = usize::try_from(tag).ok().and_then(|index| begun.get(index)) {
                latencies.push(begun.elapsed());
            }
            let position = receipt.position;
            let (first, last) = positions.unwrap_or((position, position));
            positions = Some((first.min(position), last.max(position)));
            done(tag, &receipt);
            answered += 1;
            next = outcomes.try_recv().ok();
        }
    }
    let elapsed = started.elapsed();
    let spent = Spent::now().since(&before);
    latencies.sort_unstable();
    Ok(Run {
        commands: answered,
        elapsed,
        p50: at(&latencies, 50),
        p99: at(&latencies, 99),
        cpu: spent.process,
        engine: spent.engine,
        writer: spent.writer,
        positions,
        peak: machine::peak_memory(),
    })
}

fn refused(n: u64, refusal: &command_gateway::Refusal) -> WorkError {
    WorkError::Unplanned(format!("command {n} of the load was refused: {refusal}"))
}

/// The value below which this percentage of a sorted list lies.
pub(super) fn at(sorted: &[Duration], percent: usize) -> Duration {
    let last = sorted.len().saturating_sub(1);
    sorted.get(last * percent / 100).copied().unwrap_or_default()
}

/// Processor time so far.
struct Spent {
    process: Duration,
    engine: Duration,
    writer: Duration,
}

impl Spent {
    fn now() -> Self {
        Self {
            process: machine::cpu_time(),
            engine: machine::thread_time("engine-"),
            writer: machine::thread_time("log-writer"),
        }
    }

    fn since(&self, before: &Self) -> Self {
        Self {
            process: self.process.saturating_sub(before.process),
            engine: self.engine.saturating_sub(before.engine),
            writer: self.writer.saturating_sub(before.writer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_of_the_list() {
        let sorted: Vec<Duration> = (1..=100).map(Duration::from_micros).collect();
        assert_eq!(at(&sorted, 50), Duration::from_micros(50));
        assert_eq!(at(&sorted, 99), Duration::from_micros(99));
        assert_eq!(at(&[], 99), Duration::ZERO);
    }
}
