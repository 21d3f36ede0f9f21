//! Large decisions, reckoned beside the engine.
//!
//! *Shape.* The engine hands out a copy of one customer with the book and what is asked of it. A
//! thread decides, with the same function, and splits what has no room in one commit. The engine
//! commits the result if nothing that it rests on has changed meanwhile.
//! *Limits.* One decision at a time, and so many that wait here. Who finds no room waits with the
//! engine, or, of a job, tries again when one is done.

use std::io;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use ledger_core::{Away, Ledger, Marks, Stamp, unless_away};
use schemas::commit::MAX_COMMIT_BYTES;
use schemas::parts::{Split, split};
use schemas::preview::PreviewToken;
use schemas::{Command, Event, Rejection};

use crate::panics::guarded;

/// A decision that looks at more than so many subscriptions or lines is reckoned here: others would
/// wait for it.
pub(crate) const HEAVY: usize = 50;
/// How many decisions wait to be reckoned, or for the engine to take them.
const WAITING: usize = 4;
/// How far its thread gives way to the engine.
const NICE: i32 = 5;
/// So many bytes of events are one commit; what has more is split.
pub(crate) const WHOLE_BYTES: usize = 128 * 1_024;

/// What a decision rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Base {
    /// The revision of the command's stream.
    pub(crate) revision: u64,
    /// What decisions take from the book.
    pub(crate) catalog: u64,
    /// What others have taken of what it claims.
    pub(crate) marks: Option<Marks>,
}

/// A decision that is to be reckoned.
#[derive(Debug)]
pub struct ToReckon {
    pub(crate) ledger: Ledger,
    pub(crate) command: Command,
    pub(crate) stamp: Stamp,
    pub(crate) base: Base,
    /// It came with the token of a preview.
    pub(crate) previewed: bool,
}

/// What a decision came to.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// Events that have room in one commit.
    Whole(Vec<Event>),
    /// More than that.
    Split(Box<Split>),
    Refused(Rejection),
    /// Something has to be read back first.
    Away(Away),
    /// It met a fault of the ledger.
    Fault,
}

/// A decision that was reckoned.
#[derive(Debug)]
pub(crate) struct Reckoned {
    pub(crate) stamp: Stamp,
    pub(crate) command: Command,
    pub(crate) base: Base,
    pub(crate) outcome: Outcome,
    /// What the token of a preview says of the events, if it came with one.
    pub(crate) digest: Option<[u8; 16]>,
}

impl ToReckon {
    /// Decides it.
    pub(crate) fn reckon(self) -> Reckoned {
        let Self { ledger, command, stamp, base, previewed } = self;
        let (id, kind) = (stamp.command_id, command.kind().name);
        let decide = || unless_away(|| ledger.decide(&command, &stamp));
        let (outcome, digest) = match guarded("deciding a command", &(id, kind), decide) {
            Some(Ok(Ok(events))) => {
                let digest = previewed.then(|| PreviewToken::of_events(&events));
                (Outcome::of(&stamp, events), digest)
            }
            Some(Ok(Err(rejection))) => (Outcome::Refused(rejection), None),
            Some(Err(away)) => (Outcome::Away(away), None),
            None => (Outcome::Fault, None),
        };
        Reckoned { stamp, command, base, outcome, digest }
    }
}

/// As much of a commit is left for what stands beside its events.
const BESIDE_BYTES: usize = 8 * 1_024;

impl Outcome {
    /// A decision in parts, if the last of them has room in a commit.
    fn parts(split: Split) -> Self {
        let positions = vec![u64::MAX; split.parts()];
        let body = |event: &Event| event.encode_body(Vec::new()).len();
        let bytes: usize = split.last(&positions).iter().map(body).sum();
        if bytes + BESIDE_BYTES > MAX_COMMIT_BYTES {
            return Self::Refused(Rejection::CommitTooLarge { bytes, limit: MAX_COMMIT_BYTES });
        }
        Self::Split(Box::new(split))
    }

    /// Events, split if they have to be.
    pub(crate) fn of(stamp: &Stamp, events: Vec<Event>) -> Self {
        let (mut bytes, mut buffer) = (0, Vec::new());
        for event in &events {
            buffer.clear();
            buffer = event.encode_body(buffer);
            bytes += buffer.len();
            if bytes > WHOLE_BYTES {
                return Self::parts(split(stamp.command_id, events));
            }
        }
        Self::Whole(events)
    }
}

/// The thread that reckons for the engine.
#[derive(Debug)]
pub(crate) struct Reckoner {
    asked: Option<Sender<Box<ToReckon>>>,
    reckoned: Receiver<Box<Reckoned>>,
    thread: Option<JoinHandle<()>>,
}

impl Reckoner {
    pub(crate) fn start() -> io::Result<Self> {
        let (asked, queue) = bounded::<Box<ToReckon>>(WAITING);
        // As many as can be asked for: nobody ever waits to hand one in.
        let (done, reckoned) = bounded(2 * WAITING);
        let thread = std::thread::Builder::new().name("reckoner".to_owned()).spawn(move || {
            event_log::give_way(NICE);
            for one in queue {
                if done.send(Box::new(one.reckon())).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { asked: Some(asked), reckoned, thread: Some(thread) })
    }

    /// Has something reckoned. Whether there was room.
    pub(crate) fn ask(&self, one: ToReckon) -> bool {
        match self.asked.as_ref().map(|asked| asked.try_send(Box::new(one))) {
            Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) | None => false,
            Some(Ok(())) => true,
        }
    }

    /// What was reckoned.
    pub(crate) fn reckoned(&self) -> &Receiver<Box<Reckoned>> {
        &self.reckoned
    }
}

impl Drop for Reckoner {
    fn drop(&mut self) {
        self.asked = None;
        // Whoever waits to hand something in is let go.
        self.reckoned = crossbeam_channel::never();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that reckons panicked");
        }
    }
}
