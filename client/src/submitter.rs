//! Many commands through a door, each exactly once.
//!
//! # Ordering
//!
//! Commands go in batches of several hundred, one batch after the other. A door that gains from
//! several requests at once gets several batches in a round: then all commands of one customer
//! are in one batch of it, in order, and commands about the book itself go alone. When some of a
//! batch find no room, all of it that was not accepted goes again, in order and under the same
//! ids: what was refused only because something before it was not there yet is decided afresh.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use schemas::ids::CommandId;
use schemas::wire::{
    BatchAnswer, BatchCommand, BatchReply, Endpoint, MAX_BATCH_BYTES, MAX_BATCH_COMMANDS,
};
use schemas::{Command, Problem, StreamId, Timestamp};

use crate::ask::{Ask, AskError};

/// How often a batch is tried while the ledger says that it is busy.
const TRIES: u32 = 200;
/// The pause when a busy ledger does not say how long to wait.
const PAUSE: Duration = Duration::from_millis(20);
/// How many rounds are written ahead of the one that is decided.
const ROUNDS_AHEAD: usize = 2;
/// Room for the batch's own brackets and commas.
const BATCH_ROOM: usize = 1_024;

/// A command to submit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The idempotency key.
    pub id: CommandId,
    /// The line of a file that it stands for.
    pub line: Option<u64>,
    /// When it takes effect; now if left out.
    pub effective_at: Option<Timestamp>,
    /// What is asked.
    pub command: Command,
}

/// Sends the orders and gives one answer for each, in their order. `done` hears how many more
/// were answered. The next batches are written while one is decided.
///
/// # Errors
/// [`AskError`] when the door cannot be reached, stays busy, or refuses a batch as a whole.
pub fn submit(
    door: &impl Ask,
    orders: &[Order],
    mut done: impl FnMut(usize),
) -> Result<Vec<BatchAnswer>, AskError> {
    let at_once = door.at_once().max(1);
    thread::scope(|scope| {
        let (written, rounds) = sync_channel(ROUNDS_AHEAD);
        scope.spawn(move || write(orders, at_once, &written));
        let mut answers: Vec<Option<BatchAnswer>> = vec![None; orders.len()];
        for round in rounds {
            let round = round?;
            for (batch, answered) in round.iter().zip(send(door, &round)?) {
                done(answered.len());
                for (written, answer) in batch.iter().zip(answered) {
                    answers[written.order] = Some(answer);
                }
            }
        }
        Ok(answers.into_iter().flatten().collect())
    })
}

/// A command as it stands in a batch.
struct Written {
    /// Its place among the orders.
    order: usize,
    json: Vec<u8>,
}

/// Batches that go at once.
type Round = Vec<Vec<Written>>;

/// A round that is being filled.
struct Filling {
    batches: Round,
    bytes: Vec<usize>,
    /// It is about the book itself, and goes in one batch.
    about_book: bool,
}

impl Filling {
    fn new(at_once: usize) -> Self {
        let batches = (0..at_once).map(|_| Vec::new()).collect();
        Self { batches, bytes: vec![BATCH_ROOM; at_once], about_book: false }
    }

    /// Which batch a command of this stream belongs to; none if it has to wait for the next
    /// round.
    fn place(&mut self, stream: StreamId, bytes: usize) -> Option<usize> {
        let at_once = self.batches.len();
        let (about_book, lane) = match stream {
            StreamId::Book => (true, 0),
            StreamId::Customer(customer) => {
                let [.., low] = customer.uuid().into_bytes();
                (false, usize::from(low) % at_once)
            }
        };
        let is_empty = self.batches.iter().all(Vec::is_empty);
        let fits_the_round = at_once == 1 || self.about_book == about_book;
        let fits_the_batch = self.batches[lane].len() < MAX_BATCH_COMMANDS
            && self.bytes[lane] + bytes < MAX_BATCH_BYTES;
        let fits = fits_the_round && fits_the_batch;
        if !fits && !is_empty {
            return None;
        }
        self.about_book = about_book;
        self.bytes[lane] += bytes + 1;
        Some(lane)
    }
}

/// Writes the orders and cuts them into rounds, until nobody takes them any more.
fn write(orders: &[Order], at_once: usize, to: &SyncSender<Result<Round, AskError>>) {
    let mut filling = Filling::new(at_once);
    for (order, ordered) in orders.iter().enumerate() {
        let json = match serde_json::to_vec(&in_batch(ordered)) {
            Ok(json) => json,
            Err(source) => {
                // Whoever took batches has failed by itself, if it is gone.
                let _gone = to.send(Err(AskError::NoJsonForm(source)));
                return;
            }
        };
        let stream = ordered.command.stream();
        let lane = filling.place(stream, json.len()).or_else(|| {
            let full = std::mem::replace(&mut filling, Filling::new(at_once));
            to.send(Ok(full.batches)).ok()?;
            filling.place(stream, json.len())
        });
        let Some(lane) = lane else { return };
        filling.batches[lane].push(Written { order, json });
    }
    let _gone = to.send(Ok(filling.batches));
}

fn in_batch(order: &Order) -> BatchCommand {
    BatchCommand {
        command: order.command.kind().name.to_owned(),
        command_id: order.id,
        body: order.command.to_json(),
        expected_revision: None,
        effective_at: order.effective_at,
        deadline: None,
        reason: None,
        preview: None,
    }
}

/// A batch with the answers that it has so far.
struct Sending<'a> {
    batch: &'a [Written],
    answers: Vec<Option<BatchAnswer>>,
}

impl Sending<'_> {
    fn is_open(&self) -> bool {
        self.answers.iter().any(Option::is_none)
    }

    fn open(&self) -> Vec<usize> {
        (0..self.answers.len()).filter(|at| self.answers[*at].is_none()).collect()
    }

    /// What has no answer yet, as one request.
    fn body(&self) -> Vec<u8> {
        let mut body = br#"{"commands":["#.to_vec();
        for (index, at) in self.open().into_iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            body.extend_from_slice(&self.batch[at].json);
        }
        body.extend_from_slice(b"]}");
        body
    }

    /// Takes a reply; gives what asks to be tried again.
    fn take(&mut self, reply: Result<Vec<u8>, AskError>) -> Result<Option<Problem>, AskError> {
        let open = self.open();
        let reply = match reply {
            Ok(reply) => reply,
            Err(AskError::Problem(problem)) if problem.retryable => return Ok(Some(*problem)),
            Err(other) => return Err(other),
        };
        let reply: BatchReply = serde_json::from_slice(&reply)
            .map_err(|source| AskError::Unreadable { what: "a batch".to_owned(), source })?;
        let (sent, got) = (open.len(), reply.answers.len());
        if got == 0 || got > sent {
            return Err(AskError::Miscounted { sent, got });
        }
        let again = reply.answers.iter().find_map(retryable).cloned();
        // A long reply answers the first commands only; the rest goes again at once.
        for (at, answer) in open.into_iter().zip(reply.answers) {
            let is_accepted = matches!(answer, BatchAnswer::Accepted(_));
            if again.is_none() || is_accepted {
                self.answers[at] = Some(answer);
            }
        }
        Ok(again)
    }
}

/// One round, tried until nothing in it asks to be tried again.
fn send(door: &impl Ask, round: &Round) -> Result<Vec<Vec<BatchAnswer>>, AskError> {
    let each = round.iter();
    let mut batches: Vec<Sending<'_>> =
        each.map(|batch| Sending { batch, answers: vec![None; batch.len()] }).collect();
    let mut last = None;
    for _ in 0..TRIES {
        let mut open: Vec<&mut Sending<'_>> =
            batches.iter_mut().filter(|batch| batch.is_open()).collect();
        if open.is_empty() {
            let all = batches.into_iter().map(|batch| batch.answers.into_iter().flatten());
            return Ok(all.map(Iterator::collect).collect());
        }
        let requests = open.iter().map(|batch| (Endpoint::Batch, batch.body())).collect();
        let mut again = None;
        for (batch, reply) in open.iter_mut().zip(door.ask_all(requests)) {
            again = batch.take(reply)?.or(again);
        }
        if let Some(problem) = &again {
            thread::sleep(problem.retry_after_ms.map_or(PAUSE, Duration::from_millis));
        }
        last = again.or(last);
    }
    Err(last.map_or(AskError::NeverWhole, AskError::from))
}

fn retryable(answer: &BatchAnswer) -> Option<&Problem> {
    match answer {
        BatchAnswer::Problem(problem) if problem.retryable => Some(problem),
        BatchAnswer::Problem(_) | BatchAnswer::Accepted(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use schemas::command::{RetirePlan, UpdateCustomer};
    use schemas::ids::{CustomerId, PlanId};
    use schemas::problem::Fault;
    use schemas::wire::{Accepted, Batch, Headers};
    use uuid::Uuid;

    use super::*;

    /// A door with room for a few commands at a time; it refuses what comes out of order.
    struct Narrow {
        room: usize,
        accepted: RefCell<Vec<CommandId>>,
        asked: RefCell<usize>,
    }

    impl Narrow {
        fn answer(&self, command: &BatchCommand, at: usize) -> BatchAnswer {
            let mut accepted = self.accepted.borrow_mut();
            let next = accepted.len() as u128 + 1;
            if at >= self.room {
                return BatchAnswer::Problem(Problem::fault(Fault::Busy, "full").retry_after(0));
            }
            if command.command_id.uuid().as_u128() != next {
                return BatchAnswer::Problem(Problem::fault(Fault::NotFound, "too early"));
            }
            accepted.push(command.command_id);
            self::accepted(command.command_id)
        }
    }

    fn accepted(command_id: CommandId) -> BatchAnswer {
        BatchAnswer::Accepted(Accepted {
            command_id,
            status: "accepted".to_owned(),
            stream: "book".to_owned(),
            revision: 1,
            events: Vec::new(),
            position: "0:1".to_owned(),
            recorded_at: "2026-01-01T00:00:00Z".parse().expect("an instant"),
            duplicate: false,
            changed: Vec::new(),
        })
    }

    impl Ask for Narrow {
        fn ask(&self, _: Endpoint, _: Headers, body: Vec<u8>) -> Result<Vec<u8>, AskError> {
            assert!(body.len() <= MAX_BATCH_BYTES);
            *self.asked.borrow_mut() += 1;
            let batch: Batch = serde_json::from_slice(&body).expect("a batch");
            assert!(batch.commands.len() <= MAX_BATCH_COMMANDS);
            let answers =
                batch.commands.iter().enumerate().map(|(at, c)| self.answer(c, at)).collect();
            Ok(serde_json::to_vec(&BatchReply { answers }).expect("encodes"))
        }
    }

    fn orders(count: u128) -> Vec<Order> {
        let order = |number| Order {
            id: CommandId::new(Uuid::from_u128(number)),
            line: None,
            effective_at: None,
            command: RetirePlan { plan: PlanId::new(Uuid::from_u128(number)) }.into(),
        };
        (1..=count).map(order).collect()
    }

    fn narrow(room: usize) -> Narrow {
        Narrow { room, accepted: RefCell::default(), asked: RefCell::default() }
    }

    #[test]
    fn a_busy_door_gets_the_rest_again_in_order() {
        let door = narrow(3);
        let orders = orders(10);
        let answers = submit(&door, &orders, |_| ()).expect("answered");
        assert!(answers.iter().all(|answer| matches!(answer, BatchAnswer::Accepted(_))));
        let ids: Vec<_> = orders.iter().map(|order| order.id).collect();
        assert_eq!(*door.accepted.borrow(), ids);
    }

    #[test]
    fn many_commands_are_cut_into_batches_and_counted() {
        let door = narrow(usize::MAX);
        let mut counted = 0;
        let answers = submit(&door, &orders(2_500), |more| counted += more).expect("answered");
        assert_eq!((answers.len(), counted), (2_500, 2_500));
        assert_eq!(*door.asked.borrow(), 3);
    }

    #[test]
    fn a_refusal_that_no_retry_can_help_is_an_answer() {
        let door = narrow(usize::MAX);
        let mut orders = orders(3);
        orders.swap(0, 2);
        let answers = submit(&door, &orders, |_| ()).expect("answered");
        let problems = answers.iter().filter(|a| matches!(a, BatchAnswer::Problem(_))).count();
        assert_eq!(problems, 2);
    }

    /// A door that takes three requests at once.
    #[derive(Default)]
    struct Wide(RefCell<Vec<Vec<Batch>>>);

    impl Ask for Wide {
        fn ask(&self, _: Endpoint, _: Headers, _: Vec<u8>) -> Result<Vec<u8>, AskError> {
            Err(AskError::NeverWhole)
        }

        fn at_once(&self) -> usize {
            3
        }

        fn ask_all(&self, requests: Vec<(Endpoint, Vec<u8>)>) -> Vec<Result<Vec<u8>, AskError>> {
            let batches: Vec<Batch> = requests
                .iter()
                .map(|(_, body)| serde_json::from_slice(body).expect("a batch"))
                .collect();
            let reply = |batch: &Batch| {
                let answers = batch.commands.iter().map(|c| accepted(c.command_id)).collect();
                serde_json::to_vec(&BatchReply { answers }).map_err(AskError::NoJsonForm)
            };
            let replies = batches.iter().map(reply).collect();
            self.0.borrow_mut().push(batches);
            replies
        }
    }

    #[test]
    fn a_wide_door_gets_each_customer_in_order_and_the_book_alone() {
        let mut orders = orders(60);
        for (at, order) in orders.iter_mut().enumerate().filter(|(at, _)| *at != 30) {
            let customer = CustomerId::new(Uuid::from_u128(at as u128 % 7));
            order.command = UpdateCustomer {
                customer,
                external_id: None,
                name: None,
                email: None,
                payment_terms_days: Some(1),
                address: None,
                tax_ids: None,
                zone: None,
                purchase_order: None,
                clear: None,
            }
            .into();
        }
        let door = Wide::default();
        let answers = submit(&door, &orders, |_| ()).expect("answered");
        let ids = answers.iter().map(|answer| match answer {
            BatchAnswer::Accepted(accepted) => accepted.command_id,
            BatchAnswer::Problem(problem) => panic!("{problem:?}"),
        });
        assert!(ids.eq(orders.iter().map(|order| order.id)), "answers are in order");

        let rounds = door.0.into_inner();
        let sizes: Vec<Vec<usize>> =
            rounds.iter().map(|round| round.iter().map(|b| b.commands.len()).collect()).collect();
        assert_eq!(sizes.len(), 3, "before, the book, behind: {sizes:?}");
        assert_eq!((sizes[0].len(), &sizes[1]), (3, &vec![1]));
        for batch in rounds.iter().flatten() {
            let ids = batch.commands.iter().map(|command| command.command_id);
            assert!(ids.is_sorted(), "a customer's commands keep their order");
        }
    }
}
