//! Working jobs off: one subject at a time, between the commands of doors.
//!
//! *Correctness.* What cannot be done for a subject (a refusal, a commit that is too large, a
//! panic) is followed at once by the command that parks it. If that cannot be done either the
//! subject is counted as failed and as stuck, and the job goes on.

use ledger_core::Away;
use ledger_core::process::{Task, Unable};
use schemas::Cause;

use super::stepping::{EngineCore, Step};
use crate::decider::Decider;
use crate::jobs::{Next, Tried};
use crate::outcome::Refusal;
use crate::request::CommandRequest;

/// What became of one task.
enum Worked {
    Done,
    Unable(Unable),
    /// The open block has no room for it; as good as not decided.
    Full,
    /// Something has to be read back first; as good as not decided.
    Away(Away),
}

/// How far a job came.
#[derive(Debug)]
pub enum Work {
    /// One subject further.
    Done,
    /// Nothing is to be done.
    Idle,
    /// The open block has no room.
    Full,
    /// Something of the next subject has to be read back first.
    Away(Away),
}

impl<D: Decider, W> EngineCore<D, W> {
    /// Whether a job has subjects left.
    pub fn is_working(&self) -> bool {
        self.fold.jobs.is_working()
    }

    /// Decides what a job has to do next, if one has subjects left and the open block has room.
    ///
    /// # Errors
    /// [`Refusal::Internal`] if the state is no longer to be trusted, as with
    /// [`Offered::Broken`](super::Offered::Broken).
    pub fn work_next(&mut self) -> Result<Work, Refusal> {
        let Some(next) = self.fold.jobs.next() else { return Ok(Work::Idle) };
        let worked = if self.damaged.take() == Some(next.subject) {
            Worked::Unable(Unable::Unreadable)
        } else {
            self.work(&next, next.task())?
        };
        let tried = match worked {
            Worked::Done => Tried::Done,
            Worked::Unable(why) => match self.park(&next, &why)? {
                Some(tried) => tried,
                None => return Ok(Work::Full),
            },
            Worked::Full => return Ok(Work::Full),
            Worked::Away(away) => return Ok(Work::Away(away)),
        };
        self.fold.jobs.tried(tried);
        Ok(Work::Done)
    }

    /// Parks the subject of a task that could not be done; nothing if the open block has no room.
    fn park(&mut self, next: &Next, why: &Unable) -> Result<Option<Tried>, Refusal> {
        let Some(parking) = next.job.parking(next.subject, why) else {
            return Ok(Some(Tried::Parked { now: false }));
        };
        let (process, customer) = (next.job.process(), next.subject);
        Ok(match self.work(next, parking)? {
            Worked::Done => {
                tracing::warn!(process, %customer, ?why, "a customer is parked");
                Some(Tried::Parked { now: true })
            }
            Worked::Unable(still) => {
                tracing::error!(process, %customer, ?why, ?still, "a customer cannot be parked");
                Some(Tried::Stuck)
            }
            Worked::Full => None,
            // Parking looks at nothing that leaves memory.
            Worked::Away(_) => Some(Tried::Stuck),
        })
    }

    fn work(&mut self, next: &Next, task: Task) -> Result<Worked, Refusal> {
        let Task { command_id, command } = task;
        let known = self.known.position_of(command_id).map_err(|error| {
            tracing::error!(%error, source = ?error.source, "a job cannot go on");
            Refusal::Internal
        })?;
        if known.is_some() {
            return Ok(Worked::Done);
        }
        let request = CommandRequest::new(command_id, self.system.clone(), command);
        match self.decide(request, Some(Cause { position: next.cause })) {
            Step::Accepted(_) => Ok(Worked::Done),
            Step::Refused(Refusal::Rejected { rejection, .. }) => {
                Ok(Worked::Unable(Unable::Refused(*rejection)))
            }
            Step::Refused(_) => Ok(Worked::Unable(Unable::Fault)),
            Step::Full(_) => Ok(Worked::Full),
            Step::Away(_, away) => Ok(Worked::Away(away)),
            Step::Broken(_) => Err(Refusal::Internal),
        }
    }
}
