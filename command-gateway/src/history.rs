//! First outcomes of repeated commands, read back from the log on a thread of their own.
//!
//! *Correctness.* A repeated command comes here only when the first one is durable.
//! *Limits.* The last blocks read stay in memory, because whoever repeats commands (an import
//! that runs again) repeats them in their order. The queue is bounded; when it is full, *busy*.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use event_log::{LogReader, ReadError};
use vault::KeyRing;

use crate::completion::ReplyTo;
use crate::first::FirstOutcome;
use crate::outcome::{Outcome, Refusal};
use crate::queue::BUSY_RETRY_MS;

const CACHED_BLOCKS: usize = 16;
/// Repeated commands that may wait.
pub(crate) const REPEATS: usize = 4_096;

/// Commits by position, with the last blocks kept.
#[derive(Debug)]
pub struct History {
    reader: LogReader,
    blocks: VecDeque<CachedBlock>,
    /// What texts are compared with, in a book that seals them.
    ring: Option<Arc<KeyRing>>,
}

#[derive(Debug)]
struct CachedBlock {
    first_position: u64,
    bytes: Vec<u8>,
    /// Where each commit ends in `bytes`.
    ends: Vec<usize>,
}

impl CachedBlock {
    fn commit(&self, position: u64) -> Option<&[u8]> {
        let index = usize::try_from(position.checked_sub(self.first_position)?).ok()?;
        let end = *self.ends.get(index)?;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        self.bytes.get(start..end)
    }
}

impl History {
    /// Reads with `reader`.
    pub fn new(reader: LogReader) -> Self {
        Self { reader, blocks: VecDeque::new(), ring: None }
    }

    /// The same for a book that seals texts with these keys.
    #[must_use]
    pub fn with_keys(mut self, ring: Option<Arc<KeyRing>>) -> Self {
        self.ring = ring;
        self
    }

    /// The bytes of a durable commit.
    ///
    /// # Errors
    /// [`ReadError`] when the log cannot be read.
    pub fn commit(&mut self, position: u64) -> Result<Option<&[u8]>, ReadError> {
        let found = self.blocks.iter().position(|block| block.commit(position).is_some());
        if found.is_none() {
            let Some(block) = self.read_block(position)? else { return Ok(None) };
            if self.blocks.len() == CACHED_BLOCKS {
                self.blocks.pop_back();
            }
            self.blocks.push_front(block);
        }
        let index = found.unwrap_or(0);
        Ok(self.blocks.get(index).and_then(|block| block.commit(position)))
    }

    /// The first outcome of a repeated command.
    ///
    /// # Errors
    /// The [`Refusal`] of [`FirstOutcome::outcome`], or [`Refusal::LogDamaged`] if the log cannot
    /// be read there.
    pub fn outcome(&mut self, first: &FirstOutcome) -> Outcome {
        let ring = self.ring.clone();
        match self.commit(first.position) {
            Ok(Some(stored)) => first.outcome(stored, ring.as_deref()),
            Ok(None) => {
                tracing::error!(position = first.position, "an accepted commit is not there");
                Err(Refusal::LogDamaged { position: first.position })
            }
            Err(error) => {
                tracing::error!(%error, position = first.position, "a commit cannot be read");
                Err(Refusal::LogDamaged { position: first.position })
            }
        }
    }

    fn read_block(&mut self, position: u64) -> Result<Option<CachedBlock>, ReadError> {
        let Some(block) = self.reader.block_of(position)? else { return Ok(None) };
        let mut cached =
            CachedBlock { first_position: block.first_position(), bytes: Vec::new(), ends: vec![] };
        for (_, commit) in block.commits() {
            cached.bytes.extend_from_slice(commit);
            cached.ends.push(cached.bytes.len());
        }
        Ok(Some(cached))
    }
}

type Job = (Box<FirstOutcome>, ReplyTo);

/// The thread that answers repeated commands.
#[derive(Debug)]
pub(crate) struct Lookups {
    jobs: Option<Sender<Job>>,
    waiting: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Lookups {
    pub(crate) fn start(history: History) -> io::Result<Self> {
        let (jobs, queue) = bounded(REPEATS);
        let thread = std::thread::Builder::new().name("history".to_owned());
        let waiting = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&waiting);
        let thread = thread.spawn(move || answer_all(history, &queue, &counted))?;
        Ok(Self { jobs: Some(jobs), waiting, thread: Some(thread) })
    }

    /// How many wait for their first outcome.
    pub(crate) fn waiting(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.waiting)
    }

    /// Has a repeated command answered; whether there was room for it.
    pub(crate) fn answer(&self, first: Box<FirstOutcome>, reply_to: ReplyTo) -> bool {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let refused = match &self.jobs {
            Some(jobs) => jobs.try_send((first, reply_to)),
            None => Err(TrySendError::Disconnected((first, reply_to))),
        };
        match refused {
            Ok(()) => return true,
            Err(TrySendError::Full((_, reply_to))) => {
                reply_to.complete(Err(Refusal::Busy { retry_after_ms: BUSY_RETRY_MS }));
            }
            Err(TrySendError::Disconnected((_, reply_to))) => {
                reply_to.complete(Err(Refusal::Unavailable));
            }
        }
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        false
    }
}

impl Drop for Lookups {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has already answered its waiters.
            let _panicked = thread.join();
        }
    }
}

fn answer_all(mut history: History, queue: &Receiver<Job>, waiting: &AtomicU64) {
    while let Ok((first, reply_to)) = queue.recv() {
        waiting.fetch_sub(1, Ordering::Relaxed);
        reply_to.complete(history.outcome(&first));
    }
}
