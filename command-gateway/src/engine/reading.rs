//! Commands that wait for what is read back from the log.
//!
//! *Ordering.* The commands of one customer keep their order: who comes after one that waits waits
//! behind it. Others pass.
//! *Correctness.* A command that waits is not decided. Where the log cannot be read, it is told so
//! with the position, and the others go on.

use std::collections::{BTreeMap, VecDeque};

use ledger_core::Away;
use schemas::StreamId;
use schemas::ids::CustomerId;

use super::decided::Offer;
use crate::archive::{ReadBack, WAITING};
use crate::completion::ReplyTo;
use crate::outcome::Refusal;
use crate::queue::BUSY_RETRY_MS;

/// What waits for what is read back.
pub(crate) struct Reading {
    read_back: ReadBack,
    waiting: BTreeMap<CustomerId, VecDeque<Box<Offer<ReplyTo>>>>,
    /// How many wait.
    count: usize,
    /// Those that waited and are next.
    pub(super) again: VecDeque<Box<Offer<ReplyTo>>>,
    /// The customer of whom a job waits for something.
    job: Option<CustomerId>,
}

impl Reading {
    pub(crate) fn new(read_back: ReadBack) -> Self {
        let (waiting, again) = (BTreeMap::new(), VecDeque::new());
        Self { read_back, waiting, count: 0, again, job: None }
    }

    pub(super) fn read_back(&self) -> &ReadBack {
        &self.read_back
    }

    /// Whether a job has to wait.
    pub(super) fn holds_job(&self) -> bool {
        self.job.is_some()
    }

    /// A command whose customer waits for something waits behind it. Given back if nothing does.
    pub(super) fn behind(&mut self, offer: Box<Offer<ReplyTo>>) -> Option<Box<Offer<ReplyTo>>> {
        let StreamId::Customer(customer) = offer.request.command.stream() else {
            return Some(offer);
        };
        let Some(queue) = self.waiting.get_mut(&customer) else { return Some(offer) };
        if self.count < WAITING {
            self.count += 1;
            queue.push_back(offer);
        } else {
            busy(*offer);
        }
        None
    }

    /// A command waits for what it needs.
    pub(super) fn wait(&mut self, offer: Box<Offer<ReplyTo>>, away: Away) {
        let customer = away.customer();
        if self.count >= WAITING || self.read_back.ask(away).is_err() {
            busy(*offer);
            return;
        }
        self.count += 1;
        self.waiting.entry(customer).or_default().push_back(offer);
    }

    /// A job waits for what its next subject needs. If too much is asked already it tries again
    /// when something was read.
    pub(super) fn wait_for_job(&mut self, away: Away) {
        let customer = away.customer();
        if self.read_back.ask(away).is_ok() {
            self.job = Some(customer);
        }
    }

    /// The commands that waited for what was read of a customer, and whether a job did.
    pub(super) fn waited(&mut self, customer: CustomerId) -> (VecDeque<Box<Offer<ReplyTo>>>, bool) {
        let waited = self.waiting.remove(&customer).unwrap_or_default();
        self.count -= waited.len();
        let of_job = self.job.take_if(|waits| *waits == customer).is_some();
        (waited, of_job)
    }

    /// What waits and is not decided any more.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = Box<Offer<ReplyTo>>> {
        let waiting = std::mem::take(&mut self.waiting);
        let again = std::mem::take(&mut self.again);
        again.into_iter().chain(waiting.into_values().flatten())
    }
}

fn busy(offer: Offer<ReplyTo>) {
    offer.waiter.complete(Err(Refusal::Busy { retry_after_ms: BUSY_RETRY_MS }));
}
