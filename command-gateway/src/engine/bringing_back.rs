//! The engine takes what was read back.

use crossbeam_channel::RecvError;

use super::driver::Driver;
use super::ending::End;
use crate::archive::{Damaged, Read};
use crate::decider::Decider;
use crate::jobs::Waits;
use crate::outcome::Refusal;
use crate::progress::Stopped;

impl<D: Decider> Driver<D> {
    /// Brings back all that was read by now.
    pub(super) fn take_what_was_read(&mut self) {
        while let Ok(read) = self.reading.read_back().read().try_recv() {
            self.bring_back(read);
        }
    }

    /// Something was read, or never will be.
    ///
    /// # Errors
    /// [`End::Failed`] when nobody reads any more.
    pub(super) fn was_read(&mut self, read: Result<Read, RecvError>) -> Result<(), End> {
        let read = read.map_err(|_| End::Failed(Stopped::Broken))?;
        self.bring_back(read);
        Ok(())
    }

    fn bring_back(&mut self, Read { away, commits }: Read) {
        let customer = away.customer();
        let brought = commits.and_then(|commits| self.core.restore(&away, &commits));
        let (refused, is_of_job) = self.reading.was_read(customer, brought.is_ok());
        let is_of_job = is_of_job || self.aside.remove(&customer);
        self.core.aside_waits(customer, Waits::Turn);
        self.core.has_room_to_reckon();
        let Err(Damaged(position)) = brought else { return };
        if let Some(refused) = refused {
            self.core.refuse(*refused, Refusal::LogDamaged { position });
        }
        if is_of_job {
            self.core.damaged = Some(customer);
        }
    }
}
