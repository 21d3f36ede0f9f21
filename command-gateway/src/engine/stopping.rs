//! How an engine ends: cleanly, or at once because it must.
//!
//! *Correctness.* Everyone who waits is answered. What is on its way to the disk still counts if it
//! lands; what was decided after a failure is not written.

use super::driver::Driver;
use super::ending::{End, failed, refuse};
use super::intake::Intake;
use crate::decider::Decider;
use crate::outcome::Refusal;
use crate::progress::Stopped;

impl<D: Decider> Driver<D> {
    /// Lets the block on its way finish.
    fn land(&mut self) -> Result<(), End> {
        while self.in_flight {
            let written = self.writer.done().recv();
            self.came_back(written)?;
        }
        Ok(())
    }

    /// The clean stop: everything decided is made durable and answered, then the log is closed.
    pub(super) fn finish(&mut self) -> Stopped {
        let landed = self.land().and_then(|()| match self.seal() {
            Some(decided) => {
                let written = self.writer.write(decided);
                self.written(written).and_then(|()| self.land())
            }
            None => Ok(()),
        });
        match landed {
            Ok(()) | Err(End::Asked) => {}
            Err(End::Failed(why)) => return self.fail(why),
        }
        match self.writer.close(self.core.recorded_micros()) {
            Ok(()) => Stopped::Closed,
            Err(error) => {
                tracing::error!(%error, "the log could not be closed");
                Stopped::LogFailed
            }
        }
    }

    /// The hard stop: what is on its way still counts if it lands, what was decided after it is
    /// not written.
    pub(super) fn fail(&mut self, why: Stopped) -> Stopped {
        if self.in_flight
            && let Ok(written) = self.writer.done().recv()
        {
            match written.result {
                Ok(()) => self.release(written.decided, written.took),
                Err(error) => drop(failed(written.decided, &error)),
            }
        }
        self.in_flight = false;
        if let Some(decided) = self.core.seal() {
            refuse(decided.answers, &Refusal::UnknownOutcome);
        }
        why
    }

    /// Refuses what waits undecided, to the last one.
    pub(super) fn refuse_queue(&mut self) {
        self.admission.close();
        for offer in self.reading.take_all().chain(self.large.take_all()) {
            offer.waiter.complete(Err(Refusal::Unavailable));
        }
        let mut intake = self.held.take().map(Intake::Command);
        loop {
            let last = !self.admission.is_someone_entering();
            for intake in intake.take().into_iter().chain(self.intake.try_iter()) {
                match intake {
                    Intake::Command(offer) => offer.waiter.complete(Err(Refusal::Unavailable)),
                    // Whoever wants a copy hears of it when the request is dropped.
                    Intake::Copy(_) | Intake::Stop => {}
                }
            }
            if last {
                return;
            }
            std::thread::yield_now();
        }
    }
}
