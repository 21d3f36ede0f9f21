//! What the ledger keeps only in the log, read back.
//!
//! *Shape.* [`Archive`] reads the commits that a decision asks for. [`ReadBack`] is a pool of
//! threads that does so for the engine, which goes on with other customers meanwhile. [`Cooling`]
//! says when a customer has been left alone for long enough to leave memory.
//! *Correctness.* Only commits that are durable are ever read: a customer leaves memory once its
//! last commit is.
//! *Limits.* So many customers wait for what is read back at once; the rest is *busy*.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use event_log::{Disk, LogReader};
use ledger_core::Away;
use schemas::ids::CustomerId;

use crate::history::History;
use crate::panics::guarded;

/// Readers that are kept open.
const READERS: usize = 4;
/// Threads that read for the engine.
const THREADS: usize = 2;
/// Customers that may wait for what is read back.
pub(crate) const WAITING: usize = 1_024;

/// A commit that was read, with its position.
pub(crate) type Stored = (u64, Vec<u8>);

/// A position at which the log cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("position {0} of the log cannot be read")]
pub(crate) struct Damaged(pub(crate) u64);

/// Reads commits of the log by position.
#[derive(Debug)]
pub(crate) struct Archive {
    disk: Arc<dyn Disk>,
    readers: Mutex<Vec<History>>,
}

impl Archive {
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Self {
        Self { disk, readers: Mutex::default() }
    }

    /// The commits that bring back what is away, in their order.
    ///
    /// # Errors
    /// [`Damaged`] where one cannot be read.
    pub(crate) fn read(&self, away: &Away) -> Result<Vec<Stored>, Damaged> {
        let positions = away.positions();
        let first = Damaged(positions.first().copied().unwrap_or_default());
        let idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut history = match idle {
            Some(history) => history,
            None => {
                LogReader::open_on(Arc::clone(&self.disk)).map(History::new).map_err(|error| {
                    tracing::error!(%error, "the log cannot be read back");
                    first
                })?
            }
        };
        let mut found = Vec::with_capacity(positions.len());
        for position in positions {
            match history.commit(position) {
                Ok(Some(bytes)) => found.push((position, bytes.to_vec())),
                Ok(None) => {
                    tracing::error!(position, "a commit that was archived is not in the log");
                    return Err(Damaged(position));
                }
                Err(error) => {
                    tracing::error!(%error, position, "an archived commit cannot be read");
                    return Err(Damaged(position));
                }
            }
        }
        let mut idle = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < READERS {
            idle.push(history);
        }
        Ok(found)
    }
}

/// What was read back for the engine.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) away: Away,
    pub(crate) commits: Result<Vec<Stored>, Damaged>,
}

/// Threads that read for the engine.
#[derive(Debug)]
pub(crate) struct ReadBack {
    asked: Option<Sender<Away>>,
    read: Receiver<Read>,
    /// What is asked for is wanted no more.
    stopping: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl ReadBack {
    pub(crate) fn start(archive: &Arc<Archive>) -> io::Result<Self> {
        let (asked, queue) = bounded::<Away>(WAITING);
        // As many can be read as can be asked for: nobody ever waits to hand one in.
        let (done, read) = bounded(WAITING + THREADS);
        let stopping = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::with_capacity(THREADS);
        for number in 0..THREADS {
            let (queue, done, archive) = (queue.clone(), done.clone(), Arc::clone(archive));
            let stopping = Arc::clone(&stopping);
            let thread = std::thread::Builder::new().name(format!("read-back-{number}"));
            threads.push(thread.spawn(move || {
                for away in queue {
                    if stopping.load(Ordering::Relaxed) {
                        return;
                    }
                    let first = Damaged(away.positions().first().copied().unwrap_or_default());
                    let read = guarded("reading back", &away, || archive.read(&away));
                    let commits = read.unwrap_or(Err(first));
                    if done.send(Read { away, commits }).is_err() {
                        return;
                    }
                }
            })?);
        }
        Ok(Self { asked: Some(asked), read, stopping, threads })
    }

    /// Has something read; gives it back where too much is asked already.
    pub(crate) fn ask(&self, away: Away) -> Result<(), Away> {
        match self.asked.as_ref().map(|asked| asked.try_send(away)) {
            Some(Err(TrySendError::Full(away) | TrySendError::Disconnected(away))) => Err(away),
            Some(Ok(())) | None => Ok(()),
        }
    }

    /// What was read.
    pub(crate) fn read(&self) -> &Receiver<Read> {
        &self.read
    }
}

impl Drop for ReadBack {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.asked = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread that reads back panicked");
            }
        }
    }
}

/// Customers in the order in which they were last looked at.
#[derive(Debug, Default)]
pub(crate) struct Cooling {
    queue: VecDeque<(u64, CustomerId)>,
    /// Where each of them stands in the queue for the last time.
    last: BTreeMap<CustomerId, u64>,
    /// Those of them that nobody but a job looks at.
    passing: VecDeque<(u64, CustomerId)>,
}

impl Cooling {
    /// A customer has the commit at `position`, or was read back when the log stood there.
    pub(crate) fn note(&mut self, position: u64, customer: CustomerId) {
        self.queue.push_back((position, customer));
        self.last.insert(customer, position);
    }

    /// Only a job has looked at the customer whose commit is at `position`, which was at rest.
    pub(crate) fn passes(&mut self, position: u64, customer: CustomerId) {
        self.passing.push_back((position, customer));
    }

    /// The next customer that only a job has looked at. What is up to `durable` can be read.
    pub(crate) fn next_passing(&mut self, durable: u64) -> Option<CustomerId> {
        loop {
            let (position, customer) = *self.passing.front()?;
            if position > durable {
                return None;
            }
            self.passing.pop_front();
            if self.take_last(position, customer) {
                return Some(customer);
            }
        }
    }

    /// The next customer that was not looked at during the last `warm` commits up to position `at`.
    /// What is up to `durable` can be read.
    pub(crate) fn next(&mut self, at: u64, durable: u64, warm: u64) -> Option<CustomerId> {
        loop {
            let (position, customer) = *self.queue.front()?;
            if position > durable || position.saturating_add(warm) > at {
                return None;
            }
            self.queue.pop_front();
            if self.take_last(position, customer) {
                return Some(customer);
            }
        }
    }

    /// Whether a customer was not looked at since; who was stands further behind.
    fn take_last(&mut self, position: u64, customer: CustomerId) -> bool {
        let is_last = self.last.get(&customer) == Some(&position);
        if is_last {
            self.last.remove(&customer);
        }
        is_last
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_customer_cools_down_once_its_commit_is_durable_and_old() {
        let customer = CustomerId::new(Uuid::from_u128(1));
        let mut cooling = Cooling::default();
        cooling.note(10, customer);
        assert_eq!(cooling.next(14, u64::MAX, 5), None);
        assert_eq!(cooling.next(15, 9, 5), None);
        // Whoever is looked at again stays.
        cooling.note(12, customer);
        assert_eq!(cooling.next(16, u64::MAX, 5), None);
        assert_eq!(cooling.next(17, 12, 5), Some(customer));
        assert_eq!(cooling.next(u64::MAX, u64::MAX, 5), None);
    }

    #[test]
    fn who_only_a_job_looked_at_cools_down_once_its_commit_is_durable() {
        let [one, other] = [1, 2].map(|n| CustomerId::new(Uuid::from_u128(n)));
        let mut cooling = Cooling::default();
        for (position, customer) in [(10, one), (11, other)] {
            cooling.note(position, customer);
            cooling.passes(position, customer);
        }
        assert_eq!(cooling.next_passing(9), None);
        assert_eq!(cooling.next_passing(10), Some(one));
        // Whoever is looked at by somebody else stays, and cools down as others do.
        cooling.note(12, other);
        assert_eq!(cooling.next_passing(20), None);
        assert_eq!(cooling.next(16, 20, 5), None);
        assert_eq!(cooling.next(17, 20, 5), Some(other));
    }
}
