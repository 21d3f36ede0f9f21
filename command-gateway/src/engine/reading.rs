//! Commands that wait for what is read back from the log.
//!
//! *Ordering.* The commands of one customer keep their order, and so do those of one batch: who
//! comes after one that waits waits behind it. Others pass.
//! *Correctness.* A command that waits is not decided. Where the log cannot be read, it is told so
//! with the position, and the others go on.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ledger_core::Away;
use schemas::StreamId;
use schemas::ids::{CommandId, CustomerId};

use super::decided::Offer;
use crate::archive::{ReadBack, WAITING};
use crate::completion::ReplyTo;
use crate::outcome::Refusal;
use crate::queue::BUSY_RETRY_MS;

type Waiter = Box<Offer<ReplyTo>>;

/// What keeps its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    Book,
    Command(CommandId),
    Customer(CustomerId),
    Batch(usize),
}

/// In which orders a command stands.
fn orders(offer: &Offer<ReplyTo>) -> impl Iterator<Item = Order> {
    let stream = match offer.request.command.stream() {
        StreamId::Customer(customer) => Order::Customer(customer),
        StreamId::Book => Order::Book,
    };
    let command = Order::Command(offer.request.command_id);
    [stream, command].into_iter().chain(offer.waiter.batch().map(Order::Batch))
}

/// The orders of a command that is held.
#[derive(Debug)]
pub(super) struct Orders(Vec<Order>);

impl Orders {
    pub(super) fn of(offer: &Offer<ReplyTo>) -> Self {
        Self(orders(offer).collect())
    }

    /// Everything about a customer.
    pub(super) fn customer(customer: CustomerId) -> Self {
        Self(vec![Order::Customer(customer)])
    }

    /// Everything about the book.
    pub(super) fn book() -> Self {
        Self(vec![Order::Book])
    }
}

/// A job that waits for what its next subject needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum JobWaits {
    For(CustomerId),
    /// Until somebody else has room.
    ForRoom,
}

/// What waits for what is read back.
pub(crate) struct Reading {
    read_back: ReadBack,
    /// In their order; each with the customer of whom something is read, unless it only comes
    /// after one that waits.
    waiting: VecDeque<(Waiter, Option<CustomerId>)>,
    blocked: BTreeSet<Order>,
    /// Orders in which something is reckoned or drafted: nobody passes it.
    held: BTreeMap<Order, u32>,
    /// Customers of whom something is being read.
    asked: BTreeSet<CustomerId>,
    /// Those that waited and are next.
    pub(super) again: VecDeque<Waiter>,
    job: Option<JobWaits>,
}

impl Reading {
    pub(crate) fn new(read_back: ReadBack) -> Self {
        let (waiting, again) = (VecDeque::new(), VecDeque::new());
        let (blocked, asked) = (BTreeSet::new(), BTreeSet::new());
        Self { read_back, waiting, blocked, held: BTreeMap::new(), asked, again, job: None }
    }

    pub(super) fn read_back(&self) -> &ReadBack {
        &self.read_back
    }

    /// Whether a job has to wait.
    pub(super) fn holds_job(&self) -> bool {
        self.job.is_some()
    }

    /// A command waits behind one that does, if it has to keep its order with it. Given back if it
    /// can be decided.
    pub(super) fn behind(&mut self, offer: Waiter) -> Option<Waiter> {
        let nobody = self.blocked.is_empty() && self.held.is_empty();
        if nobody || !orders(&offer).any(|order| self.is_behind(order)) {
            return Some(offer);
        }
        self.push(offer, None);
        None
    }

    fn is_behind(&self, order: Order) -> bool {
        self.blocked.contains(&order) || self.held.contains_key(&order)
    }

    /// Nobody passes in these orders until they are let go as often.
    pub(super) fn hold(&mut self, orders: &Orders) {
        for order in &orders.0 {
            *self.held.entry(*order).or_default() += 1;
        }
    }

    /// Who waited behind these orders is next, if nothing else holds them.
    pub(super) fn let_go(&mut self, orders: &Orders) {
        for order in &orders.0 {
            if let Some(times) = self.held.get_mut(order) {
                *times -= 1;
                if *times == 0 {
                    self.held.remove(order);
                }
            }
        }
        self.sort_out(None, true);
    }

    /// A command waits for what it needs.
    pub(super) fn wait(&mut self, offer: Waiter, away: Away) {
        let customer = away.customer();
        if !self.ask(away) {
            busy(*offer);
            return;
        }
        self.push(offer, Some(customer));
        // Who had waited behind it does so again.
        for next in std::mem::take(&mut self.again) {
            if let Some(next) = self.behind(next) {
                self.again.push_back(next);
            }
        }
    }

    /// A command that was held waits for what it needs, before all that wait behind it.
    pub(super) fn wait_first(&mut self, offer: Waiter, away: Away) {
        let customer = away.customer();
        if !self.ask(away) {
            busy(*offer);
            return;
        }
        self.blocked.extend(orders(&offer));
        self.waiting.push_front((offer, Some(customer)));
    }

    fn push(&mut self, offer: Waiter, of: Option<CustomerId>) {
        if self.waiting.len() >= WAITING {
            busy(*offer);
            return;
        }
        self.blocked.extend(orders(&offer));
        self.waiting.push_back((offer, of));
    }

    /// Has something read, unless more of that customer is being read: that comes first. Whether
    /// there was room.
    pub(super) fn ask(&mut self, away: Away) -> bool {
        let customer = away.customer();
        if self.asked.contains(&customer) {
            return true;
        }
        let has_room = self.read_back.ask(away).is_ok();
        if has_room {
            self.asked.insert(customer);
        }
        has_room
    }

    /// A job waits for what its next subject needs.
    pub(super) fn wait_for_job(&mut self, away: Away) {
        let customer = away.customer();
        let has_room = self.ask(away);
        self.job = Some(if has_room { JobWaits::For(customer) } else { JobWaits::ForRoom });
    }

    /// Something was read of a customer: who waited for it is next, and who came after that. The
    /// first of them, if it is told that it could not be read; whether a job waited for it.
    pub(super) fn was_read(&mut self, of: CustomerId, is_read: bool) -> (Option<Waiter>, bool) {
        self.asked.remove(&of);
        let of_job = self.job == Some(JobWaits::For(of));
        if of_job || self.job == Some(JobWaits::ForRoom) {
            self.job = None;
        }
        (self.sort_out(Some(of), is_read), of_job)
    }

    /// Who waits goes on waiting, or is next. The first that waited for a customer, if it could not
    /// be read.
    fn sort_out(&mut self, of: Option<CustomerId>, is_read: bool) -> Option<Waiter> {
        let mut refused = None;
        self.blocked.clear();
        for (offer, waits_for) in std::mem::take(&mut self.waiting) {
            let stays = match waits_for {
                Some(other) => Some(other) != of,
                None => orders(&offer).any(|order| self.is_behind(order)),
            };
            if stays {
                self.blocked.extend(orders(&offer));
                self.waiting.push_back((offer, waits_for));
            } else if waits_for.is_some() && !is_read && refused.is_none() {
                refused = Some(offer);
            } else {
                self.again.push_back(offer);
            }
        }
        refused
    }

    /// What waits and is not decided any more.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = Waiter> {
        let waiting = std::mem::take(&mut self.waiting);
        let again = std::mem::take(&mut self.again);
        again.into_iter().chain(waiting.into_iter().map(|(offer, _)| offer))
    }
}

fn busy(offer: Offer<ReplyTo>) {
    offer.waiter.complete(Err(Refusal::Busy { retry_after_ms: BUSY_RETRY_MS }));
}
