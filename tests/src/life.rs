//! A client that keeps commands outstanding while processes are killed under it: what it asked,
//! what it was told, and whether the log agrees. It knows no transport.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use schemas::changed::Changed;
use schemas::ids::CommandId;
use schemas::wire::{Accepted, EventRef, LogPosition, Message, Reply};
use schemas::{Commit, Problem};
use uuid::Uuid;

use crate::acme::{BOOK, charge, command, command_id, pay, register};
use crate::log;
use crate::random::Random;

/// How many commands a client has outstanding.
const WINDOW: usize = 100;
/// Customers of each client.
const CUSTOMERS: u64 = 5;

/// What all clients and the one who kills see of each other.
#[derive(Debug, Default)]
pub struct Together {
    acknowledged: AtomicU64,
    enough: AtomicBool,
}

impl Together {
    /// How many commands were acknowledged so far.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Nothing new is to be asked any more.
    pub fn end(&self) {
        self.enough.store(true, Ordering::Relaxed);
    }

    /// Whether nothing new is to be asked.
    pub fn is_enough(&self) -> bool {
        self.enough.load(Ordering::Relaxed)
    }
}

/// One client: what it asked, and what it was told.
#[derive(Debug)]
pub struct Life {
    number: u64,
    random: Random,
    asked: u64,
    outstanding: BTreeMap<CommandId, Message>,
    told: HashMap<CommandId, Accepted>,
    /// Acknowledged commands that were sent once more, to hear the first answer again.
    repeated: u64,
}

impl Life {
    /// The client of this number; each has customers of its own.
    pub fn new(number: u64) -> Self {
        let random = Random::new(0x5eed + number);
        let (outstanding, told) = (BTreeMap::new(), HashMap::new());
        Self { number, random, asked: 0, outstanding, told, repeated: 0 }
    }

    /// What has no answer yet.
    pub const fn outstanding(&self) -> &BTreeMap<CommandId, Message> {
        &self.outstanding
    }

    /// How often it asked for the first answer again.
    pub const fn repeated(&self) -> u64 {
        self.repeated
    }

    /// How much it may have outstanding. Customers are registered one by one: what follows needs
    /// them.
    pub fn window(&self) -> usize {
        if self.told.len() < usize::try_from(CUSTOMERS).expect("few") { 1 } else { WINDOW }
    }

    /// Something new; now and then something that was acknowledged before.
    pub fn next_or_known(&mut self) -> (CommandId, Message) {
        if self.asked > CUSTOMERS && self.random.below(20) == 0 {
            let first = command_id(1_000_000 + self.number * 10_000_000);
            self.repeated += 1;
            return (first, command(first, "customer.register", &register(self.customer(0))));
        }
        let (id, message) = self.next();
        self.outstanding.insert(id, message.clone());
        (id, message)
    }

    /// Takes note of an answer. What was not decided is given back, to be asked again.
    ///
    /// # Panics
    /// When a retry has another answer than the first, or a command is refused for good.
    pub fn hear(&mut self, id: CommandId, reply: &Reply, together: &Together) -> Option<Message> {
        let body = String::from_utf8_lossy(&reply.body);
        if reply.is_problem() {
            let problem: Problem = serde_json::from_str(&body).expect("a problem");
            assert!(problem.retryable, "{id}: {body}");
            return self.outstanding.get(&id).cloned();
        }
        let accepted: Accepted = serde_json::from_str(&body).expect("an answer");
        let first = self.told.entry(id).or_insert_with(|| accepted.clone());
        let again = Accepted { duplicate: first.duplicate, ..accepted };
        assert_eq!(again, *first, "the answer to a retry is the first answer");
        if self.outstanding.remove(&id).is_some() {
            together.acknowledged.fetch_add(1, Ordering::Relaxed);
        }
        None
    }

    fn customer(&self, n: u64) -> u64 {
        self.number * CUSTOMERS + n
    }

    /// The next thing to ask; the first are registrations, then money moves.
    fn next(&mut self) -> (CommandId, Message) {
        let n = self.number * 10_000_000 + self.asked;
        let id = command_id(1_000_000 + n);
        let customer = self.random.below(CUSTOMERS);
        let customer = self.customer(customer);
        let cents = 1 + self.random.below(99);
        let amount = format!("{}.{cents:02}", self.random.below(500));
        let (name, body) = match self.asked {
            registered if registered < CUSTOMERS => {
                ("customer.register", register(self.customer(registered)))
            }
            _later if self.random.below(3) == 0 => ("charge.add", charge(customer, n, amount)),
            _later => ("payment.record", pay(customer, n, amount)),
        };
        self.asked += 1;
        (id, command(id, name, &body))
    }
}

/// Where the log of the small book is.
pub fn log_of(data: &Path) -> PathBuf {
    data.join("books").join(BOOK).join("log")
}

/// What the log says that the answer should have been.
fn document(log: Uuid, commit: &Commit) -> Accepted {
    let position = LogPosition { log, position: commit.position };
    let events = (0..).zip(&commit.events).map(|(index, event): (u32, _)| {
        let id = format!("{position}:{index}");
        EventRef { id, kind: event.kind().name.to_owned() }
    });
    Accepted {
        command_id: commit.command_id,
        status: "accepted".to_owned(),
        stream: commit.stream.to_string(),
        revision: commit.revision,
        events: events.collect(),
        position: position.to_string(),
        recorded_at: commit.recorded_at,
        duplicate: false,
        changed: Changed::of(&commit.events),
    }
}

/// Every acknowledged command is in the log once, as it was acknowledged; nothing else is, but
/// for the book's first commit and the `set_up` behind it.
///
/// # Panics
/// When it is not so.
pub fn check_log(data: &Path, lives: &[Life], set_up: u64) {
    let reader = log::reader_at(&log_of(data));
    let id = Uuid::from_bytes(reader.identity().log().0);
    let commits = log::commits(reader);
    let mut by_command = HashMap::new();
    for commit in &commits {
        let before = by_command.insert(commit.command_id, commit);
        assert!(before.is_none(), "{} is in the log twice", commit.command_id);
    }
    let mut told = 0;
    for life in lives {
        assert!(life.outstanding.is_empty(), "everything has its answer in the end");
        for (command, accepted) in &life.told {
            let commit = by_command.get(command).expect("what was acknowledged is in the log");
            let accepted = Accepted { duplicate: false, ..accepted.clone() };
            assert_eq!(accepted, document(id, commit));
            told += 1;
        }
    }
    assert_eq!(commits.len() as u64, 1 + set_up + told, "nothing is there that nobody asked for");
}
