//! Working jobs off: one subject at a time, between the commands of doors.
//!
//! *Shape.* What takes more than one commit for a subject, or is reckoned beside the engine, is put
//! aside, and goes on by turns with the subjects behind it.
//! *Correctness.* What cannot be done for a subject (a refusal, a commit that is too large, a
//! panic) is followed at once by the command that parks it. If that cannot be done either the
//! subject is counted as failed and as stuck, and the job goes on.

use ledger_core::Away;
use ledger_core::process::{Task, Unable};
use schemas::Cause;
use schemas::ids::CustomerId;

use super::step::Step;
use super::stepping::EngineCore;
use crate::ahead::DecidedAhead;
use crate::decider::Decider;
use crate::jobs::{Next, Tried, Waits};
use crate::outcome::Refusal;
use crate::reckoning::ToReckon;
use crate::request::CommandRequest;

/// What became of one task.
enum Worked {
    Done,
    Unable(Unable),
    /// The open block has no room for it; as good as not decided.
    Full,
    /// Something has to be read back first; as good as not decided.
    Away(Away),
    /// It is to be reckoned beside the engine; as good as not decided.
    Heavy(Box<CommandRequest>),
    /// A part of it is in the block.
    Drafting,
}

/// How far a job came.
#[derive(Debug)]
pub enum Work {
    /// One subject further, or one part of what is done for it.
    Done,
    /// Nothing is to be done.
    Idle,
    /// The open block has no room.
    Full,
    /// Something of the next subject has to be read back first.
    Away(Away),
    /// The same of one that was put aside.
    AsideAway(Away),
    /// The next is to be reckoned beside the engine; so often it was.
    Heavy(Box<ToReckon>, CustomerId, u32),
    /// Nobody needs to wait for what is done for this customer any more.
    LetGo(CustomerId),
}

impl<D: Decider, W> EngineCore<D, W> {
    /// Whether a job has subjects left.
    pub fn is_working(&self) -> bool {
        self.fold.jobs.is_working()
    }

    /// Whether something can be done for one of them now.
    pub(crate) fn has_turn(&self) -> bool {
        let jobs = &self.fold.jobs;
        jobs.has_turn_aside() || (jobs.next().is_some() && !self.waits_for_next())
    }

    /// Decides what a job has to do next, if one has subjects left and the open block has room.
    ///
    /// # Errors
    /// [`Refusal::Internal`] if the state is no longer to be trusted, as with
    /// [`Offered::Broken`](super::Offered::Broken).
    pub fn work_next(&mut self) -> Result<Work, Refusal> {
        let (next, aside) = (self.fold.jobs.next(), self.fold.jobs.next_aside());
        self.aside_next = !self.aside_next;
        if let Some((aside, tries)) = aside
            && (self.aside_next || next.is_none())
        {
            return self.work_aside(&aside, tries);
        }
        let next = next.filter(|_| !self.waits_for_next());
        let Some(next) = next else { return Ok(Work::Idle) };
        let tried = match self.work_for(&next)? {
            Worked::Done => Tried::Done,
            Worked::Unable(why) => match self.park(&next, &why)? {
                Some(tried) => tried,
                None => return Ok(Work::Full),
            },
            Worked::Full => return Ok(Work::Full),
            Worked::Away(away) => return Ok(Work::Away(away)),
            Worked::Heavy(_) | Worked::Drafting => {
                self.fold.jobs.put_aside();
                return Ok(Work::Done);
            }
        };
        self.fold.jobs.tried(tried);
        Ok(Work::Done)
    }

    /// Goes on with one that was put aside.
    fn work_aside(&mut self, next: &Next, tries: u32) -> Result<Work, Refusal> {
        let tried = match self.work_for(next)? {
            Worked::Done => Tried::Done,
            Worked::Unable(why) => match self.park(next, &why)? {
                Some(tried) => tried,
                None => return Ok(Work::Full),
            },
            Worked::Full => return Ok(Work::Full),
            Worked::Away(away) => return Ok(Work::AsideAway(away)),
            Worked::Heavy(request) => {
                let one = Box::new(self.to_reckon(&request));
                return Ok(Work::Heavy(one, next.subject, tries));
            }
            Worked::Drafting => return Ok(Work::Done),
        };
        self.fold.jobs.tried_aside(next, tried);
        Ok(Work::LetGo(next.subject))
    }

    /// Whether a subject was put aside.
    pub(crate) fn has_aside(&self) -> bool {
        self.fold.jobs.has_aside()
    }

    /// What one that was put aside waits for from now on.
    pub(crate) fn aside_waits(&mut self, subject: CustomerId, state: Waits) {
        self.fold.jobs.aside_waits(subject, state);
    }

    /// There is room to have something reckoned.
    pub(crate) fn has_room_to_reckon(&mut self) {
        self.fold.jobs.has_room();
    }

    fn work_for(&mut self, next: &Next) -> Result<Worked, Refusal> {
        // Who was at rest goes back to it while it is still in the processor's caches.
        let rests = self.fold.state.rests(next.subject);
        let rests = self.handed_out.note_rest(next.subject, rests);
        let decided = self.take_decided_for(next);
        if self.damaged == Some(next.subject) {
            self.damaged = None;
            return Ok(Worked::Unable(Unable::Unreadable));
        }
        let before = self.fold.next_position;
        let worked = self.work(next, next.task(), decided)?;
        if let (Worked::Done, true) = (&worked, rests)
            && self.fold.next_position > before
        {
            self.fold.passes(before, next.subject);
        }
        Ok(worked)
    }

    /// Parks the subject of a task that could not be done; nothing if the open block has no room.
    fn park(&mut self, next: &Next, why: &Unable) -> Result<Option<Tried>, Refusal> {
        let Some(parking) = next.job.parking(next.subject, why) else {
            return Ok(Some(Tried::Parked { now: false }));
        };
        let (process, customer) = (next.job.process(), next.subject);
        Ok(match self.work(next, parking, None)? {
            Worked::Done => {
                tracing::warn!(process, %customer, ?why, "a customer is parked");
                Some(Tried::Parked { now: true })
            }
            Worked::Unable(still) => {
                tracing::error!(process, %customer, ?why, ?still, "a customer cannot be parked");
                Some(Tried::Stuck)
            }
            Worked::Full => None,
            // Parking looks at little, and at nothing that leaves memory.
            Worked::Away(_) | Worked::Heavy(_) | Worked::Drafting => Some(Tried::Stuck),
        })
    }

    /// Decides a task, or commits what was decided of it.
    fn work(
        &mut self,
        next: &Next,
        task: Task,
        decided: Option<DecidedAhead>,
    ) -> Result<Worked, Refusal> {
        let Task { command_id, command } = task;
        let known = self.known.position_of(command_id).map_err(|error| {
            tracing::error!(%error, source = ?error.source, "a job cannot go on");
            Refusal::Internal
        })?;
        if known.is_some() {
            return Ok(Worked::Done);
        }
        let request = CommandRequest::new(command_id, self.system.clone(), command);
        let cause = Some(Cause { position: next.cause });
        let taken = match decided {
            Some(decided) => self.take_in_decided(request, cause, decided),
            None => Err(request),
        };
        let step = match taken {
            Ok(step) => step,
            Err(request) => self.decide(request, cause),
        };
        match step {
            Step::Accepted(_) => Ok(Worked::Done),
            Step::Refused(Refusal::Rejected { rejection, .. }) => {
                Ok(Worked::Unable(Unable::Refused(*rejection)))
            }
            Step::Refused(_) => Ok(Worked::Unable(Unable::Fault)),
            Step::Full(_) => Ok(Worked::Full),
            Step::Away(_, away) => Ok(Worked::Away(away)),
            Step::Heavy(request) => Ok(Worked::Heavy(Box::new(request))),
            Step::Drafting(_) => Ok(Worked::Drafting),
            Step::Broken(_) => Err(Refusal::Internal),
        }
    }
}
