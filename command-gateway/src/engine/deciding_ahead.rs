//! What a job has to decide next is handed out, and comes back before its turn.
//!
//! *Correctness.* What was decided on a copy is committed if it would be decided alike now: the
//! subject and the book are at the revisions it was decided on, nobody has taken its invoices'
//! ids, it is the same day, and it was decided a moment ago. Its numbers come last.

use std::time::Instant;

use crossbeam_channel::RecvError;
use ledger_core::Stamp;
use schemas::{Cause, StreamId};

use super::driver::Driver;
use super::handed_out::HandedOut;
use super::step::{Entry, Step};
use super::stepping::EngineCore;
use crate::ahead::{Batch, DecidedAhead, PATIENCE};
use crate::decider::Decider;
use crate::jobs::Next;
use crate::request::CommandRequest;

/// Subjects of a batch: some tenths of a millisecond of a thread's time.
const BATCH: usize = 16;
/// What was decided longer ago is decided again.
const STALE_MICROS: i64 = 1_000_000;

impl<D: Decider, W> EngineCore<D, W> {
    /// Whether the next subject of a job is handed out.
    pub(crate) fn waits_for_next(&self) -> bool {
        self.fold.jobs.next().is_some_and(|next| self.handed_out.is_out(&next))
    }

    /// The next subjects that can be handed out, if there are enough to be worth it.
    pub fn next_batch(&mut self) -> Option<Batch> {
        let next = self.fold.jobs.next()?;
        let handed_out = &mut self.handed_out;
        if handed_out.cause != next.cause {
            *handed_out = HandedOut::of(next.cause);
        }
        if handed_out.is_full() {
            return None;
        }
        let subjects = self.fold.jobs.upcoming(handed_out.last, BATCH);
        if subjects.is_empty() || (handed_out.last.is_none() && subjects.len() < BATCH) {
            return None;
        }
        let ledger = self.fold.state.copy_many(subjects)?;
        handed_out.last = subjects.last().copied();
        handed_out.found.extend(subjects.iter().map(|subject| (*subject, None)));
        let tasks = subjects.iter().map(|subject| (*subject, next.job.task(*subject))).collect();
        let (cause, book) = (next.cause, self.fold.state.revision(StreamId::Book));
        Some(Batch { ledger, cause, book, now: self.now(), tasks })
    }

    /// A batch came back.
    pub fn take_decided(&mut self, batch: Vec<DecidedAhead>) {
        for one in batch {
            if one.cause == self.handed_out.cause
                && let Some(waiting) = self.handed_out.found.get_mut(&one.subject)
            {
                *waiting = Some(one);
            }
        }
    }

    /// What has not come back is not waited for.
    pub(crate) fn decide_alone(&mut self) {
        self.handed_out.found.retain(|_, found| found.is_some());
    }

    /// What was decided for a subject whose turn has come, if it was handed out. Who was at rest is
    /// awake then.
    pub(super) fn take_decided_for(&mut self, next: &Next) -> Option<DecidedAhead> {
        let mut decided = self.handed_out.take(next)?;
        if let Some(woken) = decided.woken.take() {
            self.fold.state.wake(woken);
        }
        Some(decided)
    }

    /// Commits what was decided ahead, if it would be decided alike now; gives the command back
    /// if not.
    pub(super) fn take_in_decided(
        &mut self,
        request: CommandRequest,
        cause: Option<Cause>,
        decided: DecidedAhead,
    ) -> Result<Step, CommandRequest> {
        let DecidedAhead { subject, cause: _, book, stamp, revision, events, woken: _ } = decided;
        let Some(mut events) = events else { return Err(request) };
        let state = &self.fold.state;
        let before = self.recorded_at();
        let recorded_at = before.map_or(stamp.recorded_at, |before| before.max(stamp.recorded_at));
        let is_same = state.revision(StreamId::Book) == book
            && state.revision(StreamId::Customer(subject)) == revision
            && self.now().micros() - stamp.recorded_at.micros() <= STALE_MICROS
            && state.is_same_day(subject, stamp.recorded_at, recorded_at)
            && state.is_dated(subject, &events, recorded_at)
            && state.is_free(&events);
        if !is_same {
            return Err(request);
        }
        if let Err(rejection) = state.number(subject, &mut events) {
            return Ok(self.refused(rejection));
        }
        let stamp = Stamp { recorded_at, ..stamp };
        Ok(self.take_in(Entry { request, cause, stamp: &stamp, whole: true }, events))
    }
}

impl<D: Decider> Driver<D> {
    /// Hands out what a job has to decide next; whether something was.
    pub(super) fn hand_out(&mut self) -> bool {
        let mut is_handed_out = false;
        while self.ahead.has_room()
            && let Some(batch) = self.core.next_batch()
        {
            is_handed_out = self.ahead.ask(batch);
            if !is_handed_out {
                self.decide_alone();
            }
        }
        is_handed_out
    }

    /// Nothing is decided ahead any more.
    fn decide_alone(&mut self) {
        self.ahead.end();
        self.core.decide_alone();
    }

    /// What does not come back in time is decided by the engine.
    pub(super) fn do_without_who_is_late(&mut self) {
        if !self.core.waits_for_next() {
            self.waiting_since = None;
        } else if self.waiting_since.get_or_insert_with(Instant::now).elapsed() >= PATIENCE {
            self.waiting_since = None;
            self.core.decide_alone();
        }
    }

    /// Takes all that was decided ahead by now.
    pub(super) fn take_what_was_decided(&mut self) {
        while let Ok(batch) = self.ahead.decided().try_recv() {
            self.was_decided(Ok(batch));
        }
    }

    /// A batch was decided ahead, or none will be any more.
    pub(super) fn was_decided(&mut self, decided: Result<Vec<DecidedAhead>, RecvError>) {
        if let Ok(batch) = decided {
            self.ahead.taken();
            self.core.take_decided(batch);
        } else {
            self.decide_alone();
        }
    }
}
