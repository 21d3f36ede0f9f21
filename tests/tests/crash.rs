//! The real process is killed again and again under load; clients retry by command id.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use command_gateway::door::Client;
use schemas::ids::CommandId;
use schemas::wire::{Accepted, LogPosition, Message, Reply, header};
use schemas::{Commit, Problem};
use serde_json::json;
use tests::acme::{BOOK, charge, command, command_id, opening, pay, query, register};
use tests::log;
use tests::process::{Server, answer, run};
use tests::random::Random;
use tests::wait::{PATIENCE, until};
use uuid::Uuid;

/// How often the process is killed.
const KILLS: u64 = 20;
/// How many clients submit at once.
const CLIENTS: u64 = 4;
/// How many commands each has outstanding.
const WINDOW: usize = 100;
/// Customers of each client.
const CUSTOMERS: u64 = 5;

/// What all clients and the one who kills see of each other.
#[derive(Default)]
struct Together {
    acknowledged: AtomicU64,
    enough: AtomicBool,
}

/// One client: what it asked, and what it was told.
struct Life {
    number: u64,
    random: Random,
    asked: u64,
    outstanding: BTreeMap<CommandId, Message>,
    told: HashMap<CommandId, Accepted>,
    /// Acknowledged commands that were sent once more, to hear the first answer again.
    repeated: u64,
}

impl Life {
    fn new(number: u64) -> Self {
        let random = Random::new(0x5eed + number);
        let (outstanding, told) = (BTreeMap::new(), HashMap::new());
        Self { number, random, asked: 0, outstanding, told, repeated: 0 }
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

    /// Submits until it is enough, and then until everything has its answer.
    fn live(mut self, socket: &Path, together: &Together) -> Self {
        loop {
            let done = until("somebody listens", || {
                let client = Client::connect(socket).ok()?;
                client.set_timeout(Some(PATIENCE)).ok()?;
                Some(self.converse(client, together))
            });
            if done {
                return self;
            }
        }
    }

    /// One connection, from its start to its end; whether all is said.
    fn converse(&mut self, mut client: Client, together: &Together) -> bool {
        let mut sent = HashMap::new();
        // Whoever was not answered asks again under the same id: nobody knows what became of it.
        for (id, message) in &self.outstanding {
            match client.send(message) {
                Ok(tag) => sent.insert(tag, *id),
                Err(_) => return false,
            };
        }
        loop {
            let enough = together.enough.load(Ordering::Relaxed);
            while !enough && sent.len() < self.window() {
                let (id, message) = self.next_or_known();
                let Ok(tag) = client.send(&message) else { return false };
                sent.insert(tag, id);
            }
            if sent.is_empty() {
                return true;
            }
            let Ok((tag, reply)) = client.receive() else { return false };
            let id = sent.remove(&tag).expect("replies have the id of their request");
            if let Some(again) = self.hear(id, &reply, together) {
                let Ok(tag) = client.send(&again) else { return false };
                sent.insert(tag, id);
            }
        }
    }

    /// Customers are registered one by one: what follows needs them.
    fn window(&self) -> usize {
        if self.told.len() < usize::try_from(CUSTOMERS).expect("few") { 1 } else { WINDOW }
    }

    /// Something new; now and then something that was acknowledged before.
    fn next_or_known(&mut self) -> (CommandId, Message) {
        if self.asked > CUSTOMERS && self.random.below(20) == 0 {
            let first = command_id(1_000_000 + self.number * 10_000_000);
            self.repeated += 1;
            return (first, command(first, "customer.register", &register(self.customer(0))));
        }
        let (id, message) = self.next();
        self.outstanding.insert(id, message.clone());
        (id, message)
    }

    /// Takes note of an answer. What was not decided is asked again.
    fn hear(&mut self, id: CommandId, reply: &Reply, together: &Together) -> Option<Message> {
        let body = String::from_utf8_lossy(&reply.body);
        if reply.is_problem() {
            let problem: Problem = serde_json::from_str(&body).expect("a problem");
            assert!(problem.retryable, "{id}: {body}");
            thread::yield_now();
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
}

/// Kills and starts the process; each time after a seeded number of acknowledgements.
fn kill_again_and_again(data: &Path, mut server: Server, together: &Together) -> Server {
    let mut random = Random::new(4);
    for _ in 0..KILLS {
        let before = together.acknowledged.load(Ordering::Relaxed);
        let wanted = before + 1 + random.below(1_500);
        until("clients get on", || {
            (together.acknowledged.load(Ordering::Relaxed) >= wanted).then_some(())
        });
        server.kill();
        server = Server::start(data);
    }
    server
}

fn set_up(server: &Server) -> u64 {
    let mut client = server.connect();
    let commands = opening();
    for (n, (name, body)) in (0..).zip(&commands) {
        answer(&mut client, &command(command_id(n), name, body));
    }
    commands.len() as u64
}

fn log_of(data: &Path) -> PathBuf {
    data.join("books").join(BOOK).join("log")
}

/// What the log says that the answer should have been.
fn document(log: Uuid, commit: &Commit) -> Accepted {
    let position = LogPosition { log, position: commit.position };
    let events = (0..).zip(&commit.events).map(|(index, event): (u32, _)| {
        let id = format!("{position}:{index}");
        schemas::wire::EventRef { id, kind: event.kind().name.to_owned() }
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
    }
}

/// Every acknowledged command is in the log once, as it was acknowledged; nothing else is.
fn check_log(data: &Path, lives: &[Life], set_up: u64) {
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
        assert!(life.outstanding.is_empty());
        for (command, accepted) in &life.told {
            let commit = by_command.get(command).expect("what was acknowledged is in the log");
            let accepted = Accepted { duplicate: false, ..accepted.clone() };
            assert_eq!(accepted, document(id, commit));
            told += 1;
        }
    }
    assert_eq!(commits.len() as u64, 1 + set_up + told, "nothing is there that nobody asked for");
}

/// What the live read models hold is what the log says.
fn check_views(data: &Path, server: &Server) {
    let replayed = log::replayed(|| event_log::LogReader::open(log_of(data)));
    let head = replayed.iter().map(|view| view.position).max().expect("read models");
    let mut ask = query("views.hashes", &json!({}));
    let log = Uuid::from_bytes(log::reader_at(&log_of(data)).identity().log().0);
    let at_least = LogPosition { log, position: head }.to_string();
    ask.headers.insert(header::AT_LEAST.to_owned(), at_least);
    let mut client = server.connect();
    let live = until("read models reach the head", || {
        let live = answer(&mut client, &ask);
        let rows = live["data"].as_array().expect("rows").clone();
        rows.iter().all(|row| row["position"] == json!(head)).then_some(rows)
    });
    assert_eq!(live.len(), replayed.len());
    for (live, replayed) in live.iter().zip(&replayed) {
        assert_eq!(live["view"], json!(replayed.view.as_str()));
        assert_eq!(live["hash"], json!(replayed.hash.to_string()), "{}", replayed.view);
    }
}

#[test]
fn no_acknowledged_command_is_lost_or_doubled_when_the_process_is_killed_under_load() {
    // given
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    let began = Instant::now();
    let server = Server::start(data);
    let set_up = set_up(&server);
    let (socket, together) = (server.socket().to_path_buf(), Together::default());

    // when
    let (server, lives) = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|n| {
                scope.spawn({
                    let (socket, together) = (&socket, &together);
                    move || Life::new(n).live(socket, together)
                })
            })
            .collect();
        let server = kill_again_and_again(data, server, &together);
        let acknowledged = together.acknowledged.load(Ordering::Relaxed);
        println!("{KILLS} kills, {acknowledged} acknowledged, {:?}", began.elapsed());
        together.enough.store(true, Ordering::Relaxed);
        let lives: Vec<_> =
            clients.into_iter().map(|life| life.join().expect("a client ends well")).collect();
        (server, lives)
    });

    // then
    check_views(data, &server);
    assert!(server.stop().success(), "a clean stop");
    check_log(data, &lives, set_up);
    let verified = run(data, &["verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    assert!(lives.iter().any(|life| life.repeated > 0));
}
