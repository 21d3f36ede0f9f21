//! The engine's thread.
//!
//! *Shape.* A turn decides what is queued, gives the block to the log, and answers what is
//! durable. At most one block is on its way to the disk; meanwhile the next is decided.
//! *Ordering.* Blocks are written in their order, and answers leave in that order. When nothing is
//! queued and the block is small it is written on this thread, which saves two hops.
//! *Correctness.* Room for two blocks is reserved before a block is begun: a full disk refuses
//! commands before they are decided, so nothing decided ever has to be taken back. After a failed
//! write or a panic in the state the engine stops for good; the log then tells what is durable.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvError, TryRecvError, select};
use schemas::ids::CustomerId;

use super::decided::{Answer, Decided, Offer, Offered, Verdict};
use super::ending::{End, failed, refuse};
use super::intake::Intake;
use super::large::Large;
use super::reading::Reading;
use super::room::{Room, room_of};
use super::stepping::EngineCore;
use super::working::Work;
use super::writer::{Writer, Written};
use crate::admission::Admission;
use crate::ahead::{Ahead, PATIENCE};
use crate::completion::ReplyTo;
use crate::copies::HeldCopy;
use crate::decider::Decider;
use crate::history::Lookups;
use crate::measures::{BlockCounts, Measures};
use crate::outcome::Refusal;
use crate::panics::guarded;
use crate::progress::{Progress, Stopped};
use crate::snapshot::Shelf;

/// How often the writer is looked at while commands are decided.
const LOOK_EVERY: usize = 32;
/// While the disk is idle and more is queued, a block is gathered up to so many answers.
const GATHER: usize = 256;
/// Blocks up to so many answers are written on the engine's thread when nothing else waits.
const INLINE: usize = 4;
/// Of so many commands one is a job's while others wait.
const WORK_ONE_IN: usize = 4;
/// The most of a job's commands that are decided before the queue is looked at again.
const WORK_AT_ONCE: usize = 64;
/// While something large is committed, so much of a block is: a twelfth.
const LARGE_BYTES: usize = 64 * 1_024;
/// How long a full disk is left alone.
const ROOM_AGAIN: Duration = Duration::from_millis(100);

pub(crate) struct Driver<D> {
    pub(super) core: EngineCore<D, ReplyTo>,
    pub(super) intake: Receiver<Intake>,
    pub(super) admission: Arc<Admission>,
    /// A command that the open block had no room for.
    pub(super) held: Option<Box<Offer<ReplyTo>>>,
    pub(super) writer: Writer,
    pub(super) in_flight: bool,
    /// The open block takes no more.
    full: bool,
    room: Room,
    lookups: Lookups,
    pub(super) reading: Reading,
    pub(super) large: Large,
    pub(super) ahead: Ahead,
    /// Since when the next subject of a job is waited for.
    pub(super) waiting_since: Option<Instant>,
    /// Somebody waits for an answer from the block that is on its way.
    awaited: bool,
    /// Subjects of jobs that were put aside and of whom something is read.
    pub(super) aside: BTreeSet<CustomerId>,
    progress: Progress,
    shelf: Arc<Shelf>,
    measures: Measures,
}

impl<D: Decider> Driver<D> {
    pub(crate) fn new(
        core: EngineCore<D, ReplyTo>,
        (intake, admission): (Receiver<Intake>, Arc<Admission>),
        writer: Writer,
        (lookups, reading, large, ahead): (Lookups, Reading, Large, Ahead),
        (progress, shelf, measures): (Progress, Arc<Shelf>, Measures),
    ) -> Self {
        let room = Room::Reserved;
        let (held, in_flight, full) = (None, false, false);
        Self {
            core,
            intake,
            admission,
            held,
            writer,
            in_flight,
            full,
            room,
            lookups,
            reading,
            large,
            ahead,
            waiting_since: None,
            awaited: false,
            aside: BTreeSet::new(),
            progress,
            shelf,
            measures,
        }
    }

    /// Runs until asked to stop, or until it must.
    pub(crate) fn run(mut self) {
        self.reserve();
        self.core.end_drafts();
        let ended = guarded("the engine's thread", &(), || {
            loop {
                if let Err(end) = self.turn() {
                    return end;
                }
            }
        });
        let stopped = match ended {
            Some(End::Asked) => self.finish(),
            Some(End::Failed(why)) => self.fail(why),
            None => self.fail(Stopped::Broken),
        };
        self.progress.stop(stopped);
        self.refuse_queue();
        tracing::info!(?stopped, durable = self.progress.durable(), "the engine stopped");
    }

    fn turn(&mut self) -> Result<(), End> {
        if let Some(files) = self.shelf.take() {
            self.core.adopt(files);
        }
        self.shelf.set_ids_in_memory(self.core.ids_in_memory());
        let asked = self.fill()?;
        if !self.in_flight {
            match self.seal() {
                Some(decided) => self.ship(decided)?,
                None if asked => {}
                None => self.wait_idle()?,
            }
        } else if !asked {
            self.wait_in_flight()?;
        }
        if asked { Err(End::Asked) } else { Ok(()) }
    }

    pub(super) fn seal(&mut self) -> Option<Decided<ReplyTo>> {
        self.full = false;
        self.core.seal()
    }

    /// The open block takes no more.
    pub(super) fn is_full(&mut self) {
        self.full = true;
    }

    /// Whether a job could go on right now.
    fn can_work(&mut self) -> bool {
        let has_work = self.large.has_turn() || (self.core.has_turn() && !self.reading.holds_job());
        let is_large = self.large.has_turn() || self.core.has_aside();
        let has_enough = is_large && self.core.open_bytes() >= LARGE_BYTES;
        if !has_work || has_enough || self.full {
            return false;
        }
        !self.core.is_empty() || self.no_room().is_none()
    }

    /// Decides what is queued; whether a stop was asked for.
    fn fill(&mut self) -> Result<bool, End> {
        let mut decided = 0;
        loop {
            self.take_what_was_read();
            self.take_what_was_reckoned();
            let offer = match self.held.take().or_else(|| self.reading.again.pop_front()) {
                Some(offer) => Ok(Intake::Command(offer)),
                None => self.intake.try_recv(),
            };
            match offer {
                Ok(Intake::Command(offer)) => self.offer(offer)?,
                Ok(Intake::Copy(request)) => self.core.copy(request),
                Ok(Intake::Stop) | Err(TryRecvError::Disconnected) => return Ok(true),
                Err(TryRecvError::Empty) => {
                    self.work(WORK_AT_ONCE)?;
                    // Who came meanwhile is decided into the same block.
                    if self.full || self.intake.is_empty() || !self.writer.done().is_empty() {
                        return Ok(false);
                    }
                    continue;
                }
            }
            decided += 1;
            if decided % (WORK_ONE_IN - 1) == 0 {
                self.work(1)?;
            }
            let written = decided % LOOK_EVERY == 0 && !self.writer.done().is_empty();
            let gathered = !self.in_flight && self.core.open_answers() >= GATHER;
            if written || gathered || self.full {
                return Ok(false);
            }
        }
    }

    fn offer(&mut self, offer: Box<Offer<ReplyTo>>) -> Result<(), End> {
        if self.core.is_empty()
            && let Some(refusal) = self.no_room()
        {
            offer.waiter.complete(Err(refusal));
            return Ok(());
        }
        let Some(offer) = self.reading.behind(offer) else { return Ok(()) };
        match self.core.offer(offer) {
            Offered::Taken => Ok(()),
            Offered::Away(offer, away) => {
                self.reading.wait(offer, away);
                Ok(())
            }
            Offered::Heavy(offer) => {
                self.have_reckoned(offer);
                Ok(())
            }
            Offered::Drafting(offer) => {
                self.go_on_later(offer);
                Ok(())
            }
            Offered::Full(offer) => {
                self.held = Some(offer);
                self.full = true;
                Ok(())
            }
            Offered::Broken(offer) => {
                offer.waiter.complete(Err(Refusal::Internal));
                Err(End::Failed(Stopped::Broken))
            }
        }
    }

    fn work(&mut self, most: usize) -> Result<(), End> {
        for done in 0..most {
            // Who comes meanwhile waits for one step at most, and not for a block full of parts.
            let others_wait = done > 0 && !self.intake.is_empty();
            self.take_what_was_decided();
            self.do_without_who_is_late();
            if others_wait || (done > 0 && self.is_time_to_seal()) || !self.can_work() {
                return Ok(());
            }
            // Who was handed out just now is waited for.
            if self.hand_out() && !self.can_work() {
                return Ok(());
            }
            if self.large.has_turn() && !self.go_on_large()? {
                continue;
            }
            if self.reading.holds_job() {
                return Ok(());
            }
            match self.core.work_next() {
                Ok(Work::Done) => {}
                Ok(Work::Idle) => return Ok(()),
                Ok(Work::Full) => self.full = true,
                Ok(Work::Away(away)) => {
                    self.reading.wait_for_job(away);
                    return Ok(());
                }
                Ok(Work::AsideAway(away)) => self.read_for_aside(away),
                Ok(Work::Heavy(one, subject, tries)) => self.reckon_for_aside(*one, subject, tries),
                Ok(Work::LetGo(customer)) => self.let_subject_go(customer),
                Err(_) => return Err(End::Failed(Stopped::Broken)),
            }
        }
        Ok(())
    }

    /// Whether somebody waits for an answer, and the next block could be written.
    fn is_time_to_seal(&self) -> bool {
        let is_awaited = self.awaited || self.core.open_answers() > 0;
        is_awaited && (!self.in_flight || !self.writer.done().is_empty())
    }

    /// Why no block can be begun, if so.
    fn no_room(&mut self) -> Option<Refusal> {
        if let Room::Missing { asked, .. } = &self.room
            && !self.in_flight
            && asked.elapsed() >= ROOM_AGAIN
        {
            self.reserve();
        }
        match &self.room {
            Room::Reserved => None,
            Room::Missing { refusal, .. } => Some(refusal.clone()),
        }
    }

    fn reserve(&mut self) {
        self.room = room_of(self.writer.reserve());
    }

    /// Gives a block to the log: here if that is quicker.
    fn ship(&mut self, decided: Decided<ReplyTo>) -> Result<(), End> {
        if decided.answers.len() <= INLINE && self.intake.is_empty() && !self.core.is_working() {
            let written = self.writer.write(decided);
            return self.written(written);
        }
        self.hand_over(decided)
    }

    fn hand_over(&mut self, decided: Decided<ReplyTo>) -> Result<(), End> {
        self.awaited = !decided.answers.is_empty();
        match self.writer.hand_over(decided) {
            Ok(()) => {
                self.in_flight = true;
                Ok(())
            }
            Err(decided) => {
                refuse(decided.answers, &Refusal::UnknownOutcome);
                Err(End::Failed(Stopped::LogFailed))
            }
        }
    }

    fn wait_idle(&mut self) -> Result<(), End> {
        if !self.reading.again.is_empty() {
            return Ok(());
        }
        // While subjects are left, only a full disk or what is read back holds the job up.
        let has_turn = self.core.has_turn() || self.large.has_turn();
        let pause = match (has_turn, self.can_work()) {
            (true, true) => Duration::ZERO,
            (true, false) => ROOM_AGAIN,
            (false, _) => self.patience(),
        };
        select! {
            recv(self.reading.read_back().read()) -> read => self.was_read(read),
            recv(self.large.reckoner().reckoned()) -> reckoned => self.was_reckoned(reckoned),
            recv(self.ahead.decided()) -> decided => {
                self.was_decided(decided);
                Ok(())
            }
            recv(self.intake) -> intake => self.hold(intake),
            default(pause) => Ok(()),
        }
    }

    fn hold(&mut self, intake: Result<Intake, RecvError>) -> Result<(), End> {
        match intake {
            // At once: what is read back meanwhile must not let an earlier one pass it.
            Ok(Intake::Command(offer)) => self.offer(offer),
            Ok(Intake::Copy(request)) => {
                self.core.copy(request);
                Ok(())
            }
            Ok(Intake::Stop) | Err(RecvError) => Err(End::Asked),
        }
    }

    /// Waits for the block on its way, or for more to decide meanwhile.
    fn wait_in_flight(&mut self) -> Result<(), End> {
        if self.held.is_some() || !self.writer.done().is_empty() {
            let written = self.writer.done().recv();
            return self.came_back(written);
        }
        if self.can_work() || !self.reading.again.is_empty() {
            return Ok(());
        }
        let (writer, patience) = (&self.writer, self.patience());
        select! {
            recv(self.reading.read_back().read()) -> read => self.was_read(read),
            recv(self.large.reckoner().reckoned()) -> reckoned => self.was_reckoned(reckoned),
            recv(self.ahead.decided()) -> decided => {
                self.was_decided(decided);
                Ok(())
            }
            recv(writer.done()) -> written => self.came_back(written),
            recv(self.intake) -> intake => self.hold(intake),
            default(patience) => Ok(()),
        }
    }

    /// How long it waits at most while nothing can be done.
    fn patience(&self) -> Duration {
        if self.core.waits_for_next() { PATIENCE } else { Duration::MAX }
    }

    pub(super) fn came_back(&mut self, written: Result<Written, RecvError>) -> Result<(), End> {
        (self.in_flight, self.awaited) = (false, false);
        match written {
            Ok(written) => self.written(written),
            Err(RecvError) => Err(End::Failed(Stopped::LogFailed)),
        }
    }

    /// A block came back: the next one goes to the log before this one is answered.
    pub(super) fn written(&mut self, written: Written) -> Result<(), End> {
        let Written { decided, result, room, took } = written;
        if let Err(error) = result {
            return Err(failed(decided, &error));
        }
        if let Some(reserved) = room {
            self.room = room_of(reserved);
        }
        let shipped = match self.seal() {
            Some(next) => self.hand_over(next),
            None => Ok(()),
        };
        self.release(decided, took);
        shipped
    }

    /// Answers a durable block.
    pub(super) fn release(&mut self, decided: Decided<ReplyTo>, took: Option<Duration>) {
        let Decided { block, first_position, mut answers, copies, jobs, keys: _, erased: _ } =
            decided;
        let commits = u64::from(block.len());
        let durable = first_position - 1 + commits;
        let bytes = block.body_bytes() as u64;
        let mut counts = BlockCounts { commits, bytes, took, ..BlockCounts::default() };
        self.progress.publish(durable, block.body_bytes(), &jobs);
        for Answer { waiter, verdict } in answers.drain(..) {
            match verdict {
                Verdict::Accepted(receipt) => waiter.complete(Ok(receipt)),
                Verdict::Refused(refusal) => {
                    counts.refused(&refusal);
                    waiter.complete(Err(refusal));
                }
                Verdict::Repeated(first) => {
                    counts.duplicates += 1;
                    if !self.lookups.answer(first, waiter) {
                        self.measures.repeat_refused();
                    }
                }
            }
        }
        copies.into_iter().for_each(HeldCopy::release);
        // Nobody waits for that.
        self.core.cool(durable);
        self.measures.block(counts);
        self.core.recycle(block, answers);
    }
}
