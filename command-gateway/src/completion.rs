//! How an outcome gets back to whoever waits for it.
//!
//! *Correctness.* Every [`ReplyTo`] is answered exactly once. One that is dropped unanswered (its
//! thread died) answers *unknown outcome* by itself, so nobody waits for ever.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use crossbeam_channel::{Receiver, Sender, unbounded};
use tokio::sync::oneshot;

use crate::outcome::{Outcome, Refusal};

/// Takes outcomes. Called on the engine's thread: it must be quick and must not block.
pub trait Completion: Send + Sync {
    /// The command submitted under `tag` has this outcome.
    fn complete(&self, tag: u64, outcome: Outcome);

    /// Whether its commands are a batch: decided in their order.
    fn is_batch(&self) -> bool {
        false
    }
}

/// Where one outcome goes.
pub struct ReplyTo {
    to: Option<Arc<dyn Completion>>,
    tag: u64,
}

impl ReplyTo {
    /// The outcome goes to `to` under `tag`.
    pub fn new(to: Arc<dyn Completion>, tag: u64) -> Self {
        Self { to: Some(to), tag }
    }

    /// Which commands it keeps its order with, whatever customer they are of: those of its batch.
    pub(crate) fn batch(&self) -> Option<usize> {
        let to = self.to.as_ref().filter(|to| to.is_batch())?;
        Some(Arc::as_ptr(to).cast::<()>().addr())
    }

    /// Answers.
    pub fn complete(mut self, outcome: Outcome) {
        if let Some(to) = self.to.take() {
            to.complete(self.tag, outcome);
        }
    }

    /// Takes the obligation back: whoever submitted hears of it in another way.
    pub(crate) fn disarm(mut self) {
        self.to = None;
    }
}

impl Drop for ReplyTo {
    fn drop(&mut self) {
        if let Some(to) = self.to.take() {
            to.complete(self.tag, Err(Refusal::UnknownOutcome));
        }
    }
}

impl fmt::Debug for ReplyTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyTo").field("tag", &self.tag).finish_non_exhaustive()
    }
}

/// A channel of outcomes with their tags: one for thousands of outstanding commands.
pub fn completions() -> (Arc<dyn Completion>, Receiver<(u64, Outcome)>) {
    let (sender, receiver) = unbounded();
    (Arc::new(ToChannel(sender)), receiver)
}

struct ToChannel(Sender<(u64, Outcome)>);

impl Completion for ToChannel {
    fn complete(&self, tag: u64, outcome: Outcome) {
        // A receiver that is gone does not wait any more.
        let _gone = self.0.send((tag, outcome));
    }
}

/// One submitted command: a future of its outcome, which can also be waited for.
#[derive(Debug)]
pub struct Ticket(oneshot::Receiver<Outcome>);

impl Ticket {
    pub(crate) fn pair() -> (Self, ReplyTo) {
        let (sender, receiver) = oneshot::channel();
        let once = Arc::new(Once(Mutex::new(Some(sender))));
        (Self(receiver), ReplyTo::new(once, 0))
    }

    /// Blocks until the outcome is there. Not for async code, which awaits the ticket.
    ///
    /// # Errors
    /// The [`Refusal`].
    pub fn wait(self) -> Outcome {
        self.0.blocking_recv().unwrap_or(Err(Refusal::UnknownOutcome))
    }
}

impl Future for Ticket {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome> {
        Pin::new(&mut self.0)
            .poll(context)
            .map(|received| received.unwrap_or(Err(Refusal::UnknownOutcome)))
    }
}

struct Once(Mutex<Option<oneshot::Sender<Outcome>>>);

impl Completion for Once {
    fn complete(&self, _tag: u64, outcome: Outcome) {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(sender) = sender {
            // A receiver that is gone does not wait any more.
            let _gone = sender.send(outcome);
        }
    }
}

/// Several submitted commands: a future of their outcomes, in their order.
#[derive(Debug)]
pub struct BatchTicket(oneshot::Receiver<Vec<Outcome>>);

impl BatchTicket {
    /// A ticket for `count` commands, and where their outcomes go, tagged by their index.
    pub(crate) fn of(count: usize) -> (Self, Arc<dyn Completion>) {
        let (sender, receiver) = oneshot::channel();
        let all = Gathered {
            outcomes: (0..count).map(|_| Err(Refusal::UnknownOutcome)).collect(),
            missing: count,
            sender: Some(sender),
        };
        (Self(receiver), Arc::new(Gather(Mutex::new(all))))
    }

    /// Blocks until all outcomes are there.
    pub fn wait(self) -> Vec<Outcome> {
        self.0.blocking_recv().unwrap_or_default()
    }
}

impl Future for BatchTicket {
    type Output = Vec<Outcome>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Vec<Outcome>> {
        Pin::new(&mut self.0).poll(context).map(Result::unwrap_or_default)
    }
}

struct Gathered {
    outcomes: Vec<Outcome>,
    missing: usize,
    sender: Option<oneshot::Sender<Vec<Outcome>>>,
}

struct Gather(Mutex<Gathered>);

impl Completion for Gather {
    fn is_batch(&self) -> bool {
        true
    }

    fn complete(&self, tag: u64, outcome: Outcome) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = usize::try_from(tag).ok().and_then(|index| all.outcomes.get_mut(index));
        if let Some(place) = place {
            *place = outcome;
            all.missing -= 1;
        }
        if all.missing == 0
            && let Some(sender) = all.sender.take()
        {
            // A receiver that is gone does not wait any more.
            let _gone = sender.send(std::mem::take(&mut all.outcomes));
        }
    }
}
