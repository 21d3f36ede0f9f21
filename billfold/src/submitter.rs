//! Many commands through a door, in order, each exactly once.
//!
//! # Ordering
//!
//! Commands go in batches of several hundred, one batch after the other. When some of a batch
//! find no room, all of it that was not accepted goes again, in order and under the same ids:
//! what was refused only because something before it was not there yet is decided afresh.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use schemas::ids::CommandId;
use schemas::wire::{
    BatchAnswer, BatchCommand, BatchReply, Endpoint, Headers, MAX_BATCH_BYTES, MAX_BATCH_COMMANDS,
};
use schemas::{Command, Problem, Timestamp};

use crate::door::Ask;
use crate::exit::Failure;

/// How often a batch is tried while the ledger says that it is busy.
const TRIES: u32 = 200;
/// The pause when a busy ledger does not say how long to wait.
const PAUSE: Duration = Duration::from_millis(20);
/// How many batches are written ahead of the one that is decided.
const BATCHES_AHEAD: usize = 2;
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
/// [`Failure`] when the door cannot be reached, stays busy, or refuses a batch as a whole.
pub fn submit(
    door: &impl Ask,
    orders: &[Order],
    mut done: impl FnMut(usize),
) -> Result<Vec<BatchAnswer>, Failure> {
    thread::scope(|scope| {
        let (written, batches) = sync_channel(BATCHES_AHEAD);
        scope.spawn(move || write(orders, &written));
        let mut answers = Vec::with_capacity(orders.len());
        for batch in batches {
            let sent = send(door, &batch?)?;
            done(sent.len());
            answers.extend(sent);
        }
        Ok(answers)
    })
}

/// Commands as they stand in a batch.
type Written = Vec<Vec<u8>>;

/// Writes the orders and cuts them into batches, until nobody takes them any more.
fn write(orders: &[Order], to: &SyncSender<Result<Written, Failure>>) {
    let mut batch = Written::new();
    let mut bytes = BATCH_ROOM;
    for order in orders {
        let command = match serde_json::to_vec(&in_batch(order)) {
            Ok(command) => command,
            Err(error) => {
                let failure = Failure::Internal(format!("a command has no JSON form: {error}"));
                // Whoever took batches has failed by itself, if it is gone.
                let _gone = to.send(Err(failure));
                return;
            }
        };
        let is_full =
            batch.len() == MAX_BATCH_COMMANDS || bytes + command.len() + 1 > MAX_BATCH_BYTES;
        if is_full {
            bytes = BATCH_ROOM;
            if to.send(Ok(std::mem::take(&mut batch))).is_err() {
                return;
            }
        }
        bytes += command.len() + 1;
        batch.push(command);
    }
    if !batch.is_empty() {
        let _gone = to.send(Ok(batch));
    }
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
    }
}

/// One batch, tried until nothing in it asks to be tried again.
fn send(door: &impl Ask, commands: &[Vec<u8>]) -> Result<Vec<BatchAnswer>, Failure> {
    let mut accepted: Vec<Option<BatchAnswer>> = vec![None; commands.len()];
    let mut last = None;
    for _ in 0..TRIES {
        let open: Vec<usize> = (0..commands.len()).filter(|at| accepted[*at].is_none()).collect();
        if open.is_empty() {
            return Ok(accepted.into_iter().flatten().collect());
        }
        match ask_batch(door, open.iter().map(|at| commands[*at].as_slice())) {
            Ok(answers) => {
                let again = answers.iter().find_map(retryable).cloned();
                // A long reply answers the first commands only; the rest goes again at once.
                for (at, answer) in open.iter().zip(answers) {
                    let is_accepted = matches!(answer, BatchAnswer::Accepted(_));
                    if again.is_none() || is_accepted {
                        accepted[*at] = Some(answer);
                    }
                }
                last = again;
            }
            Err(Failure::Problem(problem)) if problem.retryable => last = Some(*problem),
            Err(other) => return Err(other),
        }
        if let Some(problem) = &last {
            thread::sleep(problem.retry_after_ms.map_or(PAUSE, Duration::from_millis));
        }
    }
    Err(last.map_or_else(
        || Failure::Internal("a batch was never answered whole".to_owned()),
        Failure::from,
    ))
}

fn retryable(answer: &BatchAnswer) -> Option<&Problem> {
    match answer {
        BatchAnswer::Problem(problem) if problem.retryable => Some(problem),
        BatchAnswer::Problem(_) | BatchAnswer::Accepted(_) => None,
    }
}

fn ask_batch<'a>(
    door: &impl Ask,
    commands: impl ExactSizeIterator<Item = &'a [u8]>,
) -> Result<Vec<BatchAnswer>, Failure> {
    let sent = commands.len();
    let mut body = br#"{"commands":["#.to_vec();
    for (index, command) in commands.enumerate() {
        if index > 0 {
            body.push(b',');
        }
        body.extend_from_slice(command);
    }
    body.extend_from_slice(b"]}");
    let reply = door.ask(Endpoint::Batch, Headers::new(), body)?;
    let reply: BatchReply = serde_json::from_slice(&reply)
        .map_err(|error| Failure::Internal(format!("the answer to a batch: {error}")))?;
    let got = reply.answers.len();
    if got == 0 || got > sent {
        return Err(Failure::Internal(format!("{sent} commands got {got} answers")));
    }
    Ok(reply.answers)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use schemas::command::RetirePlan;
    use schemas::ids::PlanId;
    use schemas::problem::Fault;
    use schemas::wire::{Accepted, Batch};
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
            BatchAnswer::Accepted(Accepted {
                command_id: command.command_id,
                status: "accepted".to_owned(),
                stream: "book".to_owned(),
                revision: 1,
                events: Vec::new(),
                position: "0:1".to_owned(),
                recorded_at: "2026-01-01T00:00:00Z".parse().expect("an instant"),
                duplicate: false,
            })
        }
    }

    impl Ask for Narrow {
        fn ask(&self, _: Endpoint, _: Headers, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
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
}
