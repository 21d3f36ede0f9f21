//! Gateway, projectors and the NATS server are killed again and again under load, each at seeded
//! moments; clients retry by command id.
//!
//! `BILLFOLD_TEST_KILLS=50` kills each of them 50 times; the usual run is shorter.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use async_nats::{Client, ConnectOptions, HeaderMap, Subscriber};
use futures_util::StreamExt as _;
use projections::ViewName;
use schemas::ids::CommandId;
use schemas::wire::{Headers, LogPosition, Message, Reply, header};
use serde_json::{Value, json};
use tests::acme::{self, command_id, opening};
use tests::life::{Life, Together, check_log, log_of};
use tests::log;
use tests::nats::NatsServer;
use tests::process::{command, run};
use tests::random::Random;
use tests::wait::{PATIENCE, until};
use uuid::Uuid;

/// How many clients submit at once.
const CLIENTS: u64 = 3;
/// After this time nobody knows what became of a request, and it is sent again.
const UNKNOWN: Duration = Duration::from_secs(2);
/// How long a client listens before it looks for requests without an answer.
const LOOK: Duration = Duration::from_millis(100);

/// How often each of the processes is killed.
fn kills() -> usize {
    let asked = std::env::var("BILLFOLD_TEST_KILLS").ok();
    asked.map_or(4, |text| text.parse().expect("BILLFOLD_TEST_KILLS is a number"))
}

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Gateway,
    Projector(ViewName),
    Nats,
}

/// `billfold serve` or `billfold project`. Killed when it is dropped.
struct Role {
    name: &'static str,
    child: Child,
}

impl Role {
    fn start(data: &Path, url: &str, name: &'static str, arguments: &[&str]) -> Self {
        let mut command = command(data, arguments);
        command.args(["--nats", url]).stdin(Stdio::null()).stdout(Stdio::null());
        Self { name, child: command.spawn().expect("billfold can be started") }
    }

    fn project(data: &Path, url: &str, view: ViewName) -> Self {
        let name = view.as_str();
        Self::start(data, url, name, &["project", name])
    }

    fn kill(&mut self) {
        let ended = self.child.try_wait().expect("a child can be waited for");
        assert!(ended.is_none(), "{} ended by itself: {ended:?}", self.name);
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
    }
}

impl Drop for Role {
    fn drop(&mut self) {
        // One that has ended already needs no killing.
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// Everything that can be killed.
struct Town<'a> {
    data: &'a Path,
    nats: NatsServer,
    gateway: Role,
    /// The read models, each in a process of its own.
    projectors: BTreeMap<ViewName, Role>,
}

impl<'a> Town<'a> {
    fn start(data: &'a Path, nats: NatsServer) -> Self {
        let url = nats.url();
        let gateway = Role::start(data, &url, "serve", &["serve"]);
        let projectors =
            ViewName::ALL.map(|view| (view, Role::project(data, &url, view))).into_iter();
        Self { data, nats, gateway, projectors: projectors.collect() }
    }

    fn kill_and_start(&mut self, victim: Victim) {
        let (data, url) = (self.data, self.nats.url());
        match victim {
            Victim::Gateway => {
                self.gateway.kill();
                self.gateway = Role::start(data, &url, "serve", &["serve"]);
            }
            Victim::Projector(view) => {
                let projector = self.projectors.get_mut(&view).expect("each has one");
                projector.kill();
                *projector = Role::project(data, &url, view);
            }
            Victim::Nats => {
                self.nats.kill();
                self.nats.restart();
            }
        }
    }
}

/// A client's connection: requests by number, replies in any order.
struct Line {
    client: Client,
    replies: Subscriber,
    inbox: String,
    asked: u64,
}

impl Line {
    async fn open(url: &str) -> Self {
        let client = ConnectOptions::new()
            .retry_on_initial_connect()
            .reconnect_delay_callback(|_| Duration::from_millis(20))
            .connect(url)
            .await
            .expect("it goes on trying");
        let inbox = client.new_inbox();
        let replies = client.subscribe(format!("{inbox}.*")).await.expect("a subscription");
        Self { client, replies, inbox, asked: 0 }
    }

    async fn send(&mut self, message: &Message) -> u64 {
        self.asked += 1;
        let mut headers = HeaderMap::new();
        for (name, value) in &message.headers {
            headers.insert(name.as_str(), value.as_str());
        }
        let (subject, reply) = (message.subject.clone(), format!("{}.{}", self.inbox, self.asked));
        let body = message.body.clone().into();
        let sent = self.client.publish_with_reply_and_headers(subject, reply, headers, body);
        sent.await.expect("a client takes messages while it has no connection");
        self.asked
    }

    /// The next reply; none if there is none for a while.
    async fn next(&mut self) -> Option<(u64, Heard)> {
        let message = tokio::time::timeout(LOOK, self.replies.next()).await.ok().flatten()?;
        let tag = message.subject.rsplit('.').next()?.parse().expect("our own number");
        if message.status.is_some_and(|status| status.as_u16() == 503) {
            return Some((tag, Heard::Nobody));
        }
        let headers = message.headers.as_ref().map(|headers| {
            let values = headers.iter().map(|(name, values)| {
                let value = values.first().map(ToString::to_string).unwrap_or_default();
                (name.to_string(), value)
            });
            values.collect::<Headers>()
        });
        let reply = Reply { headers: headers.unwrap_or_default(), body: message.payload.to_vec() };
        Some((tag, Heard::Reply(reply)))
    }
}

/// What became of a request.
enum Heard {
    Reply(Reply),
    /// Nobody serves the subject right now: it was not delivered.
    Nobody,
}

/// Submits until it is enough, and then until everything has its answer.
async fn live(mut life: Life, url: &str, together: &Together) -> Life {
    let mut line = Line::open(url).await;
    // Late answers to requests that were sent again count, too.
    let mut asked: HashMap<u64, CommandId> = HashMap::new();
    // With the moment at which each is sent again.
    let mut waiting: HashMap<u64, (Instant, Message)> = HashMap::new();
    loop {
        while !together.is_enough() && waiting.len() < life.window() {
            let (id, message) = life.next_or_known();
            let tag = line.send(&message).await;
            asked.insert(tag, id);
            waiting.insert(tag, (Instant::now() + UNKNOWN, message));
        }
        if waiting.is_empty() {
            return life;
        }
        let again: Vec<Message> = match line.next().await {
            Some((tag, Heard::Nobody)) => {
                if let Some((due, _)) = waiting.get_mut(&tag) {
                    *due = Instant::now();
                }
                Vec::new()
            }
            Some((tag, Heard::Reply(reply))) => {
                let waited = waiting.remove(&tag);
                let refused = life.hear(asked[&tag], &reply, together);
                refused.filter(|_| waited.is_some()).into_iter().collect()
            }
            None => {
                let late = waiting.extract_if(|_, (due, _)| *due <= Instant::now());
                late.map(|(_, (_, message))| message).collect()
            }
        };
        for message in again {
            let id = message.headers[header::COMMAND_ID].parse().expect("a command's id");
            let tag = line.send(&message).await;
            asked.insert(tag, id);
            waiting.insert(tag, (Instant::now() + UNKNOWN, message));
        }
    }
}

/// Runs one client's future to its end, on a thread of its own.
fn wait_for<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(future)
}

/// Asks until there is an answer that is no failure.
async fn ask(line: &mut Line, message: &Message) -> Value {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let tag = line.send(message).await;
        let sent = Instant::now();
        while sent.elapsed() < UNKNOWN {
            match line.next().await {
                Some((heard, Heard::Reply(reply))) if heard == tag && !reply.is_problem() => {
                    return serde_json::from_slice(&reply.body).expect("answers are JSON");
                }
                Some((heard, _)) if heard == tag => break,
                Some(_) | None => {}
            }
        }
        line.next().await;
    }
    panic!("{} had no answer in {PATIENCE:?}", message.subject);
}

fn set_up(url: &str) -> u64 {
    let commands = opening();
    wait_for(async {
        let mut line = Line::open(url).await;
        for (n, (name, body)) in (0..).zip(&commands) {
            ask(&mut line, &acme::command(command_id(n), name, body)).await;
        }
    });
    commands.len() as u64
}

/// Everyone as often as was asked for, in a seeded order.
fn victims(random: &mut Random) -> Vec<Victim> {
    let projectors = ViewName::ALL.map(Victim::Projector);
    let all = [&[Victim::Gateway, Victim::Nats], &projectors[..]].concat();
    let count = all.len() * kills();
    let mut victims: Vec<Victim> = all.into_iter().cycle().take(count).collect();
    for at in (1..victims.len()).rev() {
        let other = random.below(at as u64 + 1);
        victims.swap(at, usize::try_from(other).expect("an index"));
    }
    victims
}

fn kill_again_and_again(town: &mut Town<'_>, together: &Together) {
    let mut random = Random::new(11);
    for victim in victims(&mut random) {
        let wanted = together.acknowledged() + 1 + random.below(400);
        until("clients get on", || (together.acknowledged() >= wanted).then_some(()));
        town.kill_and_start(victim);
    }
}

/// What the live read models hold is what the log says.
fn check_views(data: &Path, url: &str) {
    let replayed = log::replayed(|| event_log::LogReader::open(log_of(data)));
    let id = Uuid::from_bytes(log::reader_at(&log_of(data)).identity().log().0);
    let mut line = None;
    for view in &replayed {
        let mut query = acme::query(&format!("{}.hash", view.view), &json!({}));
        let at_least = LogPosition { log: id, position: view.position }.to_string();
        query.headers.insert(header::AT_LEAST.to_owned(), at_least);
        let live = wait_for(async {
            let mut own = Line::open(url).await;
            let live = ask(&mut own, &query).await;
            line = Some(own);
            live
        });
        let live = &live["data"];
        assert_eq!(live["position"], json!(view.position));
        assert_eq!(live["hash"], json!(view.hash.to_string()), "{}: {live}", view.view);
    }
}

#[test]
fn nothing_acknowledged_is_lost_or_doubled_while_gateway_projectors_and_nats_server_are_killed() {
    // given
    let Some(nats) = NatsServer::start("") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let (data, url, began) = (folder.path(), nats.url(), Instant::now());
    let mut town = Town::start(data, nats);
    let set_up = set_up(&url);
    let together = Together::default();

    // when
    let lives: Vec<Life> = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|n| {
                let (url, together) = (&url, &together);
                scope.spawn(move || wait_for(live(Life::new(n), url, together)))
            })
            .collect();
        kill_again_and_again(&mut town, &together);
        together.end();
        let acknowledged = together.acknowledged();
        println!("{} kills of each, {acknowledged} acknowledged, {:?}", kills(), began.elapsed());
        clients.into_iter().map(|life| life.join().expect("a client ends well")).collect()
    });

    // then
    check_views(data, &url);
    drop(town);
    check_log(data, &lives, set_up);
    let verified = run(data, &["verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    assert!(lives.iter().any(|life| life.repeated() > 0));
}
