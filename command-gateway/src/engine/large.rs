//! Commands of doors with large decisions.

use std::collections::{BTreeMap, VecDeque};

use schemas::ids::CommandId;

use super::decided::Offer;
use crate::completion::ReplyTo;
use crate::reckoning::{Reckoner, ToReckon};

/// A command of a door.
type Waiter = Box<Offer<ReplyTo>>;

/// Commands of doors with large decisions.
pub(crate) struct Large {
    reckoner: Reckoner,
    /// Those that are being reckoned.
    reckoned: BTreeMap<CommandId, Waiter>,
    /// Those that go on in the open block.
    next: VecDeque<Waiter>,
    /// The next turn is one of these, and not of a job.
    first: bool,
}

impl Large {
    pub(crate) fn new(reckoner: Reckoner) -> Self {
        let (reckoned, next) = (BTreeMap::new(), VecDeque::new());
        Self { reckoner, reckoned, next, first: false }
    }

    pub(super) fn reckoner(&self) -> &Reckoner {
        &self.reckoner
    }

    /// Whether a command can go on.
    pub(super) fn has_turn(&self) -> bool {
        !self.next.is_empty()
    }

    /// A command goes on before the others.
    pub(super) fn go_on(&mut self, offer: Waiter) {
        self.next.push_front(offer);
    }

    /// A command goes on once those before it are done.
    pub(super) fn go_on_last(&mut self, offer: Waiter) {
        self.next.push_back(offer);
    }

    /// The command that goes on now; none if it is a job's turn. They take turns while `by_turns`.
    pub(super) fn next(&mut self, by_turns: bool) -> Option<Waiter> {
        self.first = !self.first;
        if by_turns && !self.first { None } else { self.next.pop_front() }
    }

    /// Has a decision reckoned, for a job. Whether there was room.
    pub(super) fn ask(&self, one: ToReckon) -> bool {
        self.reckoner.ask(one)
    }

    /// Has the decision of a command reckoned; given back if there is no room.
    pub(super) fn ask_for(&mut self, one: ToReckon, offer: Waiter) -> Result<(), Waiter> {
        if !self.reckoner.ask(one) {
            return Err(offer);
        }
        self.reckoned.insert(offer.request.command_id, offer);
        Ok(())
    }

    /// The command whose decision was reckoned, if it was one of a door.
    pub(super) fn was_reckoned(&mut self, command_id: CommandId) -> Option<Waiter> {
        self.reckoned.remove(&command_id)
    }

    /// What is not decided any more.
    pub(super) fn take_all(&mut self) -> Vec<Waiter> {
        let reckoned = std::mem::take(&mut self.reckoned).into_values();
        reckoned.chain(std::mem::take(&mut self.next)).collect()
    }
}
