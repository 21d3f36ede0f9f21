//! Commands of doors with large decisions.

use std::collections::{BTreeMap, VecDeque};

use schemas::ids::{CommandId, CustomerId};

use super::decided::Offer;
use super::reading::Orders;
use crate::archive::WAITING;
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
    /// Those that wait for room to be reckoned.
    later: VecDeque<Waiter>,
    /// The next turn is one of these, and not of a job.
    first: bool,
    /// How often each was begun, and whom it holds.
    begun: BTreeMap<CommandId, (u32, Vec<Orders>)>,
    /// Whom subjects of jobs hold.
    subjects: BTreeMap<CustomerId, Vec<Orders>>,
}

impl Large {
    pub(crate) fn new(reckoner: Reckoner) -> Self {
        let (reckoned, next, later) = (BTreeMap::new(), VecDeque::new(), VecDeque::new());
        let (begun, subjects) = (BTreeMap::new(), BTreeMap::new());
        Self { reckoner, reckoned, next, later, first: false, begun, subjects }
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

    /// A command waits for room to be reckoned; given back if too many do.
    pub(super) fn later(&mut self, offer: Waiter) -> Result<(), Waiter> {
        if self.later.len() >= WAITING {
            return Err(offer);
        }
        self.later.push_back(offer);
        Ok(())
    }

    /// The first that waits for room to be reckoned.
    pub(super) fn had_no_room(&mut self) -> Option<Waiter> {
        self.later.pop_front()
    }

    /// A command is begun; how often it was by now.
    pub(super) fn count(&mut self, command_id: CommandId) -> u32 {
        let (tries, _) = self.begun.entry(command_id).or_default();
        *tries += 1;
        *tries
    }

    /// A command holds these.
    pub(super) fn held(&mut self, command_id: CommandId, orders: Orders) {
        self.begun.entry(command_id).or_default().1.push(orders);
    }

    /// A command is done: whom it held.
    pub(super) fn let_go(&mut self, command_id: CommandId) -> Vec<Orders> {
        self.begun.remove(&command_id).map(|(_, orders)| orders).unwrap_or_default()
    }

    /// A subject of a job holds these.
    pub(super) fn subject_held(&mut self, customer: CustomerId, orders: Orders) {
        self.subjects.entry(customer).or_default().push(orders);
    }

    /// A subject of a job is done: whom it held.
    pub(super) fn let_subject_go(&mut self, customer: CustomerId) -> Vec<Orders> {
        self.subjects.remove(&customer).unwrap_or_default()
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
        let waiting = std::mem::take(&mut self.next).into_iter();
        reckoned.chain(waiting).chain(std::mem::take(&mut self.later)).collect()
    }
}
