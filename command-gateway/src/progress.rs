//! What the rest of the process may know of the engine: how far it is durable, how far billing
//! runs are, whether it stopped. Nothing in here is ahead of the disk.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use schemas::ids::BillingRunId;
use tokio::sync::watch;

use crate::jobs::{RunProgress, RunState};

/// Why an engine stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopped {
    /// It was asked to, and the log is closed.
    Closed,
    /// A write or a sync of the log failed. Only opening the log anew tells what is durable.
    LogFailed,
    /// The state in memory can no longer be trusted. Opening the log anew rebuilds it.
    Broken,
}

/// How far jobs are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobsReached {
    /// Billing runs that went on.
    pub runs: Vec<RunProgress>,
    /// Customers that are parked.
    pub parked: u64,
    /// Customers since the start that a process could neither serve nor park.
    pub stuck: u64,
}

/// A shared view of one engine. Clones see the same.
#[derive(Debug, Clone)]
pub struct Progress(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    changed: Condvar,
    watch: watch::Sender<u64>,
}

#[derive(Debug)]
struct State {
    durable: u64,
    /// Bytes of commits made durable by this engine.
    bytes: u64,
    runs: BTreeMap<BillingRunId, RunProgress>,
    parked: u64,
    stuck: u64,
    stopped: Option<Stopped>,
}

impl Progress {
    /// An engine that has decided nothing yet, with so many parked customers.
    pub(crate) fn at(durable: u64, parked: u64) -> Self {
        let state =
            State { durable, bytes: 0, runs: BTreeMap::new(), parked, stuck: 0, stopped: None };
        let (watch, _) = watch::channel(durable);
        Self(Arc::new(Inner { state: Mutex::new(state), changed: Condvar::new(), watch }))
    }

    /// The last durable position.
    pub fn durable(&self) -> u64 {
        self.state().durable
    }

    /// The last durable position, to be awaited. It also wakes when a billing run goes on, and
    /// when the engine stops.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.watch.subscribe()
    }

    /// Waits until more than `seen` is durable, the engine stops, or the time is over. Gives the
    /// last durable position.
    pub fn wait_beyond(&self, seen: u64, timeout: Duration) -> u64 {
        self.wait(timeout, |state| state.durable > seen || state.stopped.is_some()).durable
    }

    /// How far a billing run is; `None` if there is no such run.
    pub fn run(&self, run: BillingRunId) -> Option<RunProgress> {
        self.state().runs.get(&run).copied()
    }

    /// Billing runs that have customers left.
    pub fn running(&self) -> Vec<RunProgress> {
        let state = self.state();
        state.runs.values().filter(|run| run.state == RunState::Running).copied().collect()
    }

    /// Waits until a billing run is done, the engine stops, or the time is over.
    pub fn wait_run(&self, run: BillingRunId, timeout: Duration) -> Option<RunProgress> {
        let done = |state: &State| {
            let progress = state.runs.get(&run);
            state.stopped.is_some() || progress.is_some_and(|run| run.state == RunState::Done)
        };
        self.wait(timeout, done).runs.get(&run).copied()
    }

    /// Customers that are parked.
    pub fn parked(&self) -> u64 {
        self.state().parked
    }

    /// Customers since the start that a process could neither serve nor park.
    pub fn stuck(&self) -> u64 {
        self.state().stuck
    }

    /// Why the engine stopped, if it did.
    pub fn stopped(&self) -> Option<Stopped> {
        self.state().stopped
    }

    /// Waits until the engine stops, or the time is over.
    pub fn wait_stopped(&self, timeout: Duration) -> Option<Stopped> {
        self.wait(timeout, |state| state.stopped.is_some()).stopped
    }

    /// The last durable position, and the bytes that this engine made durable.
    pub(crate) fn durable_and_bytes(&self) -> (u64, u64) {
        let state = self.state();
        (state.durable, state.bytes)
    }

    pub(crate) fn publish(&self, durable: u64, bytes: usize, jobs: &JobsReached) {
        {
            let mut state = self.state();
            state.durable = durable;
            state.bytes += bytes as u64;
            state.parked = jobs.parked;
            state.stuck = jobs.stuck;
            for run in &jobs.runs {
                state.runs.insert(run.run, *run);
            }
        }
        self.0.changed.notify_all();
        self.0.watch.send_replace(durable);
    }

    pub(crate) fn stop(&self, why: Stopped) {
        self.state().stopped = Some(why);
        self.0.changed.notify_all();
        self.0.watch.send_modify(|_| {});
    }

    fn wait(&self, timeout: Duration, until: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let waited =
            self.0.changed.wait_timeout_while(self.state(), timeout, |state| !until(state));
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Each change is made whole while locked, so a panicking thread leaves a usable state.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
