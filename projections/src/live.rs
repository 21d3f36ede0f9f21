//! What a projector thread and the queries share.
//!
//! *Correctness.* A batch is applied under the write lock and a query reads under the read lock,
//! so that no query ever sees half a batch. Who reads all rows holds off batches instead, so that
//! queries go on meanwhile.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{
    Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
use std::time::{Duration, Instant};

use schemas::status::{Alarm, FoldFigures, RebuildStatus, Window};

use crate::checkpoint::{Checkpoint, Doubt};
use crate::store::{Batch, Store, StoreError};

/// A query within this time counts as one that may be followed by another.
const LATELY_MS: u64 = 2_000;

/// Rows that answer queries, as of a checkpoint.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) generation: u64,
}

/// What queries are answered from.
pub(crate) enum Serving {
    /// A store.
    Store(Served),
    /// Nothing yet: the read model is built anew.
    Nothing,
    /// Nothing: the projector cannot go on.
    Failed(String),
}

/// A rebuild under way.
struct Rebuilding {
    reason: String,
    version: u32,
    position: u64,
    target: u64,
    started: Instant,
}

#[derive(Default)]
struct Folded {
    commits: u64,
    rows: Window,
    micros: Window,
}

/// Hears the position whenever it moves.
pub(crate) type Listener = Box<dyn Fn(u64) + Send + Sync>;

pub(crate) struct Live {
    started: Instant,
    serving: RwLock<Serving>,
    /// The projector stands still: nobody waits for it.
    failed: AtomicBool,
    /// Held by whoever writes a batch to what is served, or reads all of it.
    folding: Mutex<()>,
    position: Mutex<u64>,
    moved: Condvar,
    listeners: Mutex<Vec<Listener>>,
    /// Why it is to be built anew, and the generation that is doubted; any if none.
    asked: Mutex<Option<(Option<u64>, Doubt)>>,
    rebuild: Mutex<Option<Rebuilding>>,
    rebuilds: AtomicU64,
    alarms: Mutex<Vec<Alarm>>,
    folded: Mutex<Folded>,
    queried_ms: AtomicU64,
    settled: AtomicBool,
    stop: AtomicBool,
    head: AtomicU64,
}

// Whoever holds these locks leaves them sound at every step, so a panic spoils nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Live {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            serving: RwLock::new(Serving::Nothing),
            failed: AtomicBool::new(false),
            folding: Mutex::new(()),
            position: Mutex::new(0),
            moved: Condvar::new(),
            listeners: Mutex::default(),
            asked: Mutex::default(),
            rebuild: Mutex::default(),
            rebuilds: AtomicU64::new(0),
            alarms: Mutex::default(),
            folded: Mutex::default(),
            queried_ms: AtomicU64::new(0),
            settled: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            head: AtomicU64::new(0),
        }
    }

    /// For a query: holds off batches while it is held.
    pub(crate) fn query(&self) -> RwLockReadGuard<'_, Serving> {
        self.queried_ms.store(self.now_ms().max(1), Ordering::Relaxed);
        self.read()
    }

    /// Holds off batches while it is held.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Serving> {
        self.serving.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Serving> {
        self.serving.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether someone asked lately: then batches are kept small, because queries wait for them.
    pub(crate) fn is_queried(&self) -> bool {
        let last = self.queried_ms.load(Ordering::Relaxed);
        last > 0 && self.now_ms().saturating_sub(last) < LATELY_MS
    }

    /// Lets `work` read what is served while no batch is written to it and queries go on.
    pub(crate) fn holding_still<T>(&self, work: impl FnOnce(&Served) -> T) -> Option<T> {
        let _still = lock(&self.folding);
        Some(work(&self.served()?))
    }

    /// The rows that answer queries now.
    pub(crate) fn served(&self) -> Option<Served> {
        match &*self.read() {
            Serving::Store(served) => Some(served.clone()),
            Serving::Nothing | Serving::Failed(_) => None,
        }
    }

    /// Serves from another store, or from none.
    pub(crate) fn serve(&self, next: Serving) {
        let (position, failed) = match &next {
            Serving::Store(served) => (Some(served.checkpoint.position), false),
            Serving::Nothing => (None, false),
            Serving::Failed(_) => (None, true),
        };
        self.settled.store(true, Ordering::Release);
        let before = std::mem::replace(&mut *self.write(), next);
        // Closing a store may take long; nobody waits for it.
        drop(before);
        self.failed.store(failed, Ordering::Release);
        if let Some(position) = position {
            self.publish(position);
        } else if failed {
            // Whoever waits looks again; the lock keeps the call from coming before the wait.
            let position = lock(&self.position);
            self.moved.notify_all();
            drop(position);
        }
    }

    /// Applies a batch to the store that is served.
    pub(crate) fn apply(
        &self,
        store: &dyn Store,
        batch: Batch,
        reached: Checkpoint,
    ) -> Result<(), StoreError> {
        let (position, rows) = (reached.position, batch.len() as u64);
        let _folding = lock(&self.folding);
        let mut serving = self.write();
        let began = Instant::now();
        store.apply(batch)?;
        let took = began.elapsed();
        let mut before = position;
        if let Serving::Store(served) = &mut *serving {
            before = served.checkpoint.position;
            served.checkpoint = reached;
        }
        drop(serving);
        self.count(position.saturating_sub(before), rows, took);
        self.publish(position);
        Ok(())
    }

    /// Counts a batch that was written.
    pub(crate) fn count(&self, commits: u64, rows: u64, took: Duration) {
        let now = self.started.elapsed().as_secs();
        let mut folded = lock(&self.folded);
        folded.commits += commits;
        folded.rows.record(now, rows);
        folded.micros.record(now, u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    pub(crate) fn figures(&self) -> FoldFigures {
        let now = self.started.elapsed().as_secs();
        let folded = lock(&self.folded);
        FoldFigures {
            commits: folded.commits,
            rows: folded.rows.total().sum(),
            batches: folded.rows.total().count(),
            batch_rows: folded.rows.figures(now),
            batch_us: folded.micros.figures(now),
        }
    }

    fn publish(&self, position: u64) {
        *lock(&self.position) = position;
        self.moved.notify_all();
        for listener in lock(&self.listeners).iter() {
            listener(position);
        }
    }

    /// From now on `listener` hears the position whenever it moves.
    pub(crate) fn listen(&self, listener: Listener) {
        listener(self.position());
        lock(&self.listeners).push(listener);
    }

    /// The position that queries reflect.
    pub(crate) fn position(&self) -> u64 {
        *lock(&self.position)
    }

    /// Waits until the position is reached, the projector stands still, or the time is over; gives
    /// where it stands.
    pub(crate) fn wait_for(&self, position: u64, patience: Duration) -> u64 {
        let guard = lock(&self.position);
        let behind =
            |reached: &mut u64| *reached < position && !self.failed.load(Ordering::Acquire);
        let waited = self.moved.wait_timeout_while(guard, patience, behind);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Asks the projector to build the read model anew. A doubt about a generation does not
    /// concern the next.
    pub(crate) fn doubt(&self, generation: Option<u64>, doubt: Doubt) {
        lock(&self.asked).get_or_insert((generation, doubt));
    }

    /// The doubt about this generation, if there is one.
    pub(crate) fn take_doubt(&self, about: u64) -> Option<Doubt> {
        let (generation, doubt) = lock(&self.asked).take()?;
        generation.is_none_or(|generation| generation == about).then_some(doubt)
    }

    /// A rebuild begins.
    pub(crate) fn rebuild_begins(&self, reason: String, version: u32, target: u64) {
        let started = Instant::now();
        let begun = Rebuilding { reason, version, position: 0, target, started };
        *lock(&self.rebuild) = Some(begun);
        self.rebuilds.fetch_add(1, Ordering::Relaxed);
    }

    /// A rebuild has come so far.
    pub(crate) fn rebuild_at(&self, position: u64, target: u64) {
        if let Some(rebuild) = &mut *lock(&self.rebuild) {
            rebuild.position = position;
            rebuild.target = target.max(position);
        }
    }

    /// The rebuild is over, one way or the other.
    pub(crate) fn rebuild_ends(&self) {
        *lock(&self.rebuild) = None;
    }

    pub(crate) fn rebuild(&self) -> Option<RebuildStatus> {
        lock(&self.rebuild).as_ref().map(|rebuild| RebuildStatus {
            reason: rebuild.reason.clone(),
            version: rebuild.version,
            position: rebuild.position,
            target: rebuild.target,
            percent: rebuild.position.saturating_mul(100) / rebuild.target.max(1),
            elapsed_ms: u64::try_from(rebuild.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        })
    }

    pub(crate) fn rebuilds(&self) -> u64 {
        self.rebuilds.load(Ordering::Relaxed)
    }

    /// Raises an alarm. It stays until the process ends.
    pub(crate) fn alarm(&self, alarm: Alarm) {
        let mut alarms = lock(&self.alarms);
        if !alarms.contains(&alarm) {
            alarms.push(alarm);
        }
    }

    pub(crate) fn alarms(&self) -> Vec<Alarm> {
        lock(&self.alarms).clone()
    }

    /// Whether the projector has looked at what there is: it serves, builds, or failed.
    pub(crate) fn is_settled(&self) -> bool {
        self.settled.load(Ordering::Acquire)
    }

    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    pub(crate) fn set_head(&self, head: u64) {
        self.head.fetch_max(head, Ordering::AcqRel);
    }

    /// The log's durable head as the projector last saw it.
    pub(crate) fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }
}
