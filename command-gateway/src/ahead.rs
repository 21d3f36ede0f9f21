//! What a job has to decide, decided ahead of its turn by other threads.
//!
//! *Shape.* The engine hands out the next subjects of a job, some at once, with a copy of the book
//! and of these customers. A thread unpacks those that are at rest and decides, with the same
//! function. In its turn the engine commits what was decided, if nothing that it rests on has
//! changed meanwhile; else it decides again itself.
//! *Correctness.* Only what would be committed at once comes back: what is refused, too large, or
//! needs to be read back is decided by the engine as if nobody had tried.
//! *Limits.* So many threads, and two batches for each. They run when a processor has nothing else
//! to do, so that nobody waits for one; if they get to nothing the engine decides alone.

use std::io;
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use ledger_core::process::Task;
use ledger_core::{Ledger, Stamp, Woken, unless_away};
use schemas::ids::CustomerId;
use schemas::{Event, StreamId, Timestamp};
use thread_priority::{
    NormalThreadSchedulePolicy, ThreadPriority, ThreadSchedulePolicy,
    set_thread_priority_and_policy, thread_native_id,
};

use crate::panics::guarded;
use crate::reckoning::HEAVY;

/// The most threads: more decide more than an engine commits.
const MOST_THREADS: usize = 3;
/// Batches that are with each thread, so that it never waits for one.
const BATCHES: usize = 2;
/// How long the engine waits for a batch.
pub(crate) const PATIENCE: Duration = Duration::from_millis(5);
/// How far the threads give way where they cannot give way to everybody.
const NICE: i32 = 19;

/// Subjects of a job.
#[derive(Debug)]
pub struct Batch {
    /// The book and those of them who can be decided on elsewhere.
    pub(crate) ledger: Ledger,
    /// The position of the job's own commit.
    pub(crate) cause: u64,
    /// The revision of the book's stream.
    pub(crate) book: u64,
    pub(crate) now: Timestamp,
    pub(crate) tasks: Vec<(CustomerId, Task)>,
}

/// What was decided for a subject.
#[derive(Debug)]
pub struct DecidedAhead {
    pub(crate) subject: CustomerId,
    pub(crate) cause: u64,
    pub(crate) book: u64,
    pub(crate) stamp: Stamp,
    /// The revision of the subject that it was decided on.
    pub(crate) revision: u64,
    /// None if the engine has to decide.
    pub(crate) events: Option<Vec<Event>>,
    /// The subject, if it was at rest.
    pub(crate) woken: Option<Woken>,
}

impl DecidedAhead {
    /// Whether the engine needs not decide, if it would decide alike.
    pub fn is_decided(&self) -> bool {
        self.events.is_some()
    }
}

impl Batch {
    /// Decides for each subject.
    pub fn decide(self) -> Vec<DecidedAhead> {
        let Self { ledger, cause, book, now, tasks } = self;
        let mut decided: Vec<DecidedAhead> = Vec::with_capacity(tasks.len());
        for (subject, Task { command_id, command }) in tasks {
            let stamp = Stamp { command_id, recorded_at: now, effective_at: now };
            let decide = || {
                if ledger.customer(subject).is_none() || ledger.weight(&command) > HEAVY {
                    return None;
                }
                unless_away(|| ledger.decide(&command, &stamp)).ok()?.ok()
            };
            let events = guarded("deciding a command ahead", &command_id, decide).flatten();
            let revision = ledger.revision(StreamId::Customer(subject));
            decided.push(DecidedAhead {
                subject,
                cause,
                book,
                stamp,
                revision,
                events,
                woken: None,
            });
        }
        // Both are in the order of the batch; who was not copied or was awake is not in the second.
        let mut woken = ledger.into_woken().into_iter().peekable();
        for one in &mut decided {
            one.woken = woken.next_if(|woken| woken.id() == one.subject);
        }
        decided
    }
}

/// The threads that decide ahead; none where there is one processor.
#[derive(Debug)]
pub(crate) struct Ahead {
    asked: Option<Sender<Batch>>,
    decided: Receiver<Vec<DecidedAhead>>,
    /// How many batches are with the threads.
    out: usize,
    threads: Vec<JoinHandle<()>>,
}

/// This thread runs when a processor has nothing else to do, and stops as soon as it has.
fn give_way() {
    let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
    let lowest = ThreadPriority::Min;
    if set_thread_priority_and_policy(thread_native_id(), lowest, idle).is_err() {
        event_log::give_way(NICE);
    }
}

impl Ahead {
    pub(crate) fn start() -> io::Result<Self> {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let count = processors.saturating_sub(1).min(MOST_THREADS);
        let (asked, queue) = bounded::<Batch>(count * BATCHES);
        // As many as can be asked for: nobody ever waits to hand one in.
        let (done, decided) = bounded(count * BATCHES);
        let mut threads = Vec::with_capacity(count);
        for number in 0..count {
            let (queue, done) = (queue.clone(), done.clone());
            let thread = std::thread::Builder::new().name(format!("ahead-{number}"));
            threads.push(thread.spawn(move || {
                give_way();
                for batch in queue {
                    let cause = batch.cause;
                    let decided = guarded("deciding ahead", &cause, || batch.decide());
                    // Whose decision does not come back is decided by the engine.
                    if done.send(decided.unwrap_or_default()).is_err() {
                        return;
                    }
                }
            })?);
        }
        let decided = if count == 0 { crossbeam_channel::never() } else { decided };
        Ok(Self { asked: Some(asked), decided, out: 0, threads })
    }

    /// Whether there is room for another batch.
    pub(crate) fn has_room(&self) -> bool {
        self.asked.is_some() && self.out < self.threads.len() * BATCHES
    }

    /// Has a batch decided. Whether somebody will.
    pub(crate) fn ask(&mut self, batch: Batch) -> bool {
        match self.asked.as_ref().map(|asked| asked.try_send(batch)) {
            Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) | None => false,
            Some(Ok(())) => {
                self.out += 1;
                true
            }
        }
    }

    /// What was decided. Each batch is to be [`taken`](Self::taken).
    pub(crate) fn decided(&self) -> &Receiver<Vec<DecidedAhead>> {
        &self.decided
    }

    /// A batch came back.
    pub(crate) fn taken(&mut self) {
        self.out = self.out.saturating_sub(1);
    }

    /// Nobody decides ahead any more.
    pub(crate) fn end(&mut self) {
        self.asked = None;
        self.decided = crossbeam_channel::never();
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.end();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread that decides ahead panicked");
            }
        }
    }
}
