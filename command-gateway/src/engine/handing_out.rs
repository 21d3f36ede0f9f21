//! Large decisions of doors and jobs, on their way between the engine and whoever reckons them.
//!
//! *Ordering.* A command from a door that is large holds its customer, its batch and its id: who
//! comes after it waits. What a job does for a customer holds nobody: commands pass, and what was
//! reckoned is reckoned anew. After some tries it holds its customer, and both hold the book, so
//! that they end.

use crossbeam_channel::RecvError;
use ledger_core::Away;
use schemas::StreamId;
use schemas::ids::{CommandId, CustomerId};

use super::decided::{Offer, Offered};
use super::driver::Driver;
use super::ending::End;
use super::reading::Orders;
use crate::completion::ReplyTo;
use crate::decider::Decider;
use crate::jobs::Waits;
use crate::outcome::Refusal;
use crate::progress::Stopped;
use crate::queue::BUSY_RETRY_MS;
use crate::reckoning::{Reckoned, ToReckon};

/// So often something is begun before what would have it begun anew waits.
const TRIES: u32 = 3;

impl<D: Decider> Driver<D> {
    /// Has a command's decision reckoned. Nobody passes it.
    pub(super) fn have_reckoned(&mut self, offer: Box<Offer<ReplyTo>>) {
        let one = self.core.to_reckon(&offer.request);
        self.hold_others(&offer);
        let Err(offer) = self.large.ask_for(one, offer) else { return };
        // It waits for room, and goes on holding whom it holds.
        if let Err(offer) = self.large.later(offer) {
            self.let_go(offer.request.command_id);
            offer.waiter.complete(Err(Refusal::Busy { retry_after_ms: BUSY_RETRY_MS }));
        }
    }

    /// Nobody passes a command of a door. If it was begun too often, not even a change of the book.
    fn hold_others(&mut self, offer: &Offer<ReplyTo>) {
        let tries = self.large.count(offer.request.command_id);
        let more = match tries {
            1 => Some(Orders::of(offer)),
            tries if tries == TRIES + 1 => Some(Orders::book()),
            _ => None,
        };
        if let Some(orders) = more {
            self.reading.hold(&orders);
            self.large.held(offer.request.command_id, orders);
        }
    }

    fn let_go(&mut self, command_id: CommandId) {
        for orders in self.large.let_go(command_id) {
            self.reading.let_go(&orders);
        }
    }

    /// A subject of a job that was put aside is done.
    pub(super) fn let_subject_go(&mut self, customer: CustomerId) {
        for orders in self.large.let_subject_go(customer) {
            self.reading.let_go(&orders);
        }
    }

    /// A command goes on in the next block. Nobody passes it.
    pub(super) fn go_on_later(&mut self, offer: Box<Offer<ReplyTo>>) {
        self.hold_others(&offer);
        self.large.go_on(offer);
    }

    /// Takes all that was reckoned by now.
    pub(super) fn take_what_was_reckoned(&mut self) {
        while let Ok(reckoned) = self.large.reckoner().reckoned().try_recv() {
            self.take_reckoned(*reckoned);
        }
    }

    /// Something was reckoned, or never will be.
    ///
    /// # Errors
    /// [`End::Failed`] when nobody reckons any more.
    pub(super) fn was_reckoned(
        &mut self,
        reckoned: Result<Box<Reckoned>, RecvError>,
    ) -> Result<(), End> {
        let reckoned = reckoned.map_err(|_| End::Failed(Stopped::Broken))?;
        self.take_reckoned(*reckoned);
        Ok(())
    }

    fn take_reckoned(&mut self, reckoned: Reckoned) {
        let (command_id, stream) = (reckoned.stamp.command_id, reckoned.command.stream());
        self.core.prepare(reckoned);
        if let Some(offer) = self.large.had_no_room() {
            self.have_reckoned(offer);
        }
        self.core.has_room_to_reckon();
        match (self.large.was_reckoned(command_id), stream) {
            (Some(offer), _) => self.large.go_on_last(offer),
            (None, StreamId::Customer(customer)) => self.core.aside_waits(customer, Waits::Turn),
            (None, StreamId::Book) => {}
        }
    }

    /// Goes on with a command from a door, by turns with jobs. Whether it is a job's turn.
    ///
    /// # Errors
    /// [`End::Failed`] if the state is no longer to be trusted.
    pub(super) fn go_on_large(&mut self) -> Result<bool, End> {
        let Some(offer) = self.large.next(self.core.has_turn()) else { return Ok(true) };
        let command_id = offer.request.command_id;
        match self.core.offer(offer) {
            Offered::Taken => self.let_go(command_id),
            Offered::Drafting(offer) => self.large.go_on(offer),
            Offered::Full(offer) => {
                self.large.go_on(offer);
                self.is_full();
            }
            Offered::Heavy(offer) => self.have_reckoned(offer),
            Offered::Away(offer, away) => {
                self.reading.wait_first(offer, away);
                self.let_go(command_id);
            }
            Offered::Broken(offer) => {
                offer.waiter.complete(Err(Refusal::Internal));
                return Err(End::Failed(Stopped::Broken));
            }
        }
        Ok(false)
    }

    /// Has something read for a subject that was put aside.
    pub(super) fn read_for_aside(&mut self, away: Away) {
        let customer = away.customer();
        if self.reading.ask(away) {
            self.aside.insert(customer);
            self.core.aside_waits(customer, Waits::Result);
        } else {
            self.core.aside_waits(customer, Waits::Room);
        }
    }

    /// Has something reckoned for a subject that was put aside.
    pub(super) fn reckon_for_aside(&mut self, one: ToReckon, subject: CustomerId, tries: u32) {
        if tries == TRIES {
            for orders in [Orders::customer(subject), Orders::book()] {
                self.reading.hold(&orders);
                self.large.subject_held(subject, orders);
            }
        }
        let is_asked = self.large.ask(one);
        let waits = if is_asked { Waits::Result } else { Waits::Room };
        self.core.aside_waits(subject, waits);
    }
}
