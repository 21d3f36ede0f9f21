//! An invoice of 100,000 lines over NATS: billed, explained, voided, billed again and credited by
//! line, while others are served; and a process that is killed while it drafts one.
//!
//! `BILLFOLD_BIN` names another binary than the one that tests build: a release says how long
//! others wait.

mod nats_book;

use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use client::nats::{NatsAsk, Patience};
use nats_connection::NatsOptions;
use rustix::process::{Pid, Signal, kill_process};
use schemas::Date;
use schemas::subjects::SubjectPrefix;
use schemas::wire::header;
use serde_json::{Value, json};
use tests::acme::{self, command_id, id};
use tests::nats::NatsServer;
use tests::process::{command, command_of};
use tests::wait::{PATIENCE, until};

use nats_book::{document, message, runtime, text, until_true};

/// Prices of a plan: each is a line.
const PRICES: u64 = 10;

/// A running `billfold up`. It is killed when this is dropped.
struct Up(Child);

impl Up {
    fn start(data: &Path, arguments: &[&str]) -> Self {
        let socket = data.join("billfold.sock");
        if socket.exists() {
            std::fs::remove_file(&socket).expect("it was killed");
        }
        let arguments = [&["up"], arguments].concat();
        let mut process = match std::env::var_os("BILLFOLD_BIN") {
            Some(binary) => command_of(Path::new(&binary), data, &arguments),
            None => command(data, &arguments),
        };
        let mut up = Self(
            process
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
                .expect("billfold can be started"),
        );
        until("billfold up answers", || {
            let ended = up.0.try_wait().expect("a child can be waited for");
            assert!(ended.is_none(), "billfold up ended: {ended:?}");
            socket.exists().then_some(())
        });
        up
    }

    fn stop(mut self) {
        let id = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(id, Signal::TERM).expect("a child can be told to stop");
        let ended = until("it stops", || self.0.try_wait().expect("a child can be waited for"));
        assert!(ended.success(), "{ended}");
    }

    fn kill(mut self) {
        self.0.kill().expect("a child can be killed");
        self.0.wait().expect("a child can be waited for");
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ended = self.0.kill();
        let _waited = self.0.wait();
    }
}

/// Somebody who asks over NATS.
struct Asks {
    ask: NatsAsk,
    next: AtomicU64,
}

impl Asks {
    async fn at(options: &NatsOptions) -> Self {
        let client = nats_connection::connect(options).await.expect("connected");
        let patience = Patience { answer: PATIENCE, nobody: PATIENCE, whole: PATIENCE };
        let ask = NatsAsk::new(client, SubjectPrefix::default(), patience);
        Self { ask, next: AtomicU64::new(1) }
    }

    async fn query(&self, name: &str, at_least: Option<&str>, body: Value) -> Value {
        let mut message = message(&format!("query.{name}"), &body);
        if let Some(position) = at_least {
            message.headers.insert(header::AT_LEAST.to_owned(), position.to_owned());
        }
        let reply = self.ask.patiently(&message).await;
        let reply = reply.expect("answered");
        assert!(!reply.is_problem(), "{name}: {}", text(&reply));
        document(&reply)["data"].clone()
    }

    /// Submits a command; its position.
    async fn submit(&self, name: &str, body: &Value) -> String {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let reply = self.ask.patiently(&acme::command(command_id(number), name, body)).await;
        let reply = reply.expect("answered");
        assert!(!reply.is_problem(), "{name}: {}", text(&reply));
        document(&reply)["position"].as_str().expect("a position").to_owned()
    }

    /// A seller, a plan of ten prices, a reseller with so many subscriptions, another customer.
    async fn fill(&self, subscriptions: u64) {
        for (name, body) in acme::opening() {
            self.submit(name, &body).await;
        }
        let price = |n: u64| {
            let amount = format!("{n}.00");
            json!({"price": format!("p{n}"),
                   "amounts": [{"currency": "EUR", "rate": {"flat": amount}}]})
        };
        let plan = json!({
            "plan": id("pln", 9), "name": "Seat", "every": {"count": 1, "unit": "month"},
            "timing": "in_advance", "prices": (1..=PRICES).map(price).collect::<Vec<_>>(),
        });
        self.submit("plan.define", &plan).await;
        for customer in [1, 2] {
            self.submit("customer.register", &acme::register(customer)).await;
        }
        let all: Vec<u64> = (1..=subscriptions).collect();
        for some in all.chunks(500) {
            let commands: Vec<Value> = some
                .iter()
                .map(|n| {
                    let body = json!({"customer": id("cus", 1), "subscription": id("sub", *n),
                                      "plan": id("pln", 9)});
                    json!({"command": "subscription.create",
                           "command_id": id("cmd", 1_000_000 + n), "body": body})
                })
                .collect();
            let reply =
                self.ask.patiently(&message("command.batch", &json!({"commands": commands}))).await;
            let answers = document(&reply.expect("answered"));
            let answers = answers["answers"].as_array().expect("answers");
            assert!(answers.iter().all(|one| one["status"] == "accepted"), "{answers:?}");
        }
    }

    async fn invoices(&self, at_least: Option<&str>) -> Vec<Value> {
        let all = self.query("invoices.list", at_least, json!({"customer": id("cus", 1)})).await;
        all.as_array().expect("invoices").clone()
    }
}

#[test]
fn an_invoice_of_100_000_lines_is_an_invoice_like_others() {
    let Some(server) = NatsServer::start("") else { return };
    let data = tempfile::tempdir().expect("a folder");
    let subscriptions = 10_000;
    let lines = subscriptions * PRICES;
    let up = Up::start(data.path(), &["--nats", &server.url()]);
    runtime().block_on(async {
        let asks = Asks::at(&NatsOptions::to([server.url()])).await;
        asks.fill(subscriptions).await;

        // A run bills it; meanwhile another customer pays.
        let today = json!(today());
        asks.submit("billing.run", &json!({"run": id("run", 1), "through": today})).await;
        let began = Instant::now();
        let mut waits = Vec::new();
        let mut payment = 0;
        while asks.invoices(None).await.is_empty() {
            assert!(began.elapsed() < 4 * PATIENCE, "it is billed");
            for _ in 0..20 {
                payment += 1;
                let asked = Instant::now();
                asks.submit("payment.record", &acme::pay(2, payment, "1.00")).await;
                waits.push(asked.elapsed());
            }
        }
        waits.sort_unstable();
        let at = |share: usize| waits[(waits.len() - 1) * share / 100];
        eprintln!(
            "{lines} lines are billed and shown after {:?}; {} payments meanwhile: p50 {:?}, \
             p99 {:?}, longest {:?}",
            began.elapsed(),
            waits.len(),
            at(50),
            at(99),
            at(100)
        );
        let invoices = asks.invoices(None).await;
        let [first] = &invoices[..] else { panic!("one invoice: {invoices:?}") };
        assert_eq!((&first["line_count"], &first["total"]["amount"]), (&json!(lines), &json!("550000.00")));
        let first = first["invoice"].clone();

        // Its lines are shown page by page, and each can be explained.
        let last = asks.query("invoices.get", None, json!({"invoice": first, "after_line": lines - 3})).await;
        let numbers: Vec<_> = last["lines"].as_array().expect("lines").iter().map(|l| l["line"].clone()).collect();
        assert_eq!(numbers, [lines - 2, lines - 1, lines].map(|n| json!(n)));
        assert_eq!(last["next_line"], Value::Null);
        let told = asks.query("invoices.explain", None, json!({"invoice": first, "line": 77_777})).await;
        let line = &told["lines"][0];
        assert_eq!(line["line"]["line"], 77_777);
        let named: Vec<_> = line["events"].as_array().expect("events").iter().map(|e| e["role"].clone()).collect();
        assert_eq!(named, ["price", "segment", "cycle", "invoice"].map(|n| json!(n)), "{line}");

        // It is voided and billed again.
        let began = Instant::now();
        let void = json!({"customer": id("cus", 1), "invoice": first, "rebill": true, "reason": "wrong address"});
        asks.submit("invoice.void", &void).await;
        eprintln!("voided in {:?}", began.elapsed());
        let began = Instant::now();
        let second = id("inv", 2);
        let now = json!({"customer": id("cus", 1), "invoice": {"invoice": second}});
        let position = asks.submit("invoice.now", &now).await;
        eprintln!("billed again in {:?}", began.elapsed());
        let began = Instant::now();
        let found = asks.invoices(Some(&position)).await;
        eprintln!("read models follow in {:?}", began.elapsed());
        let told: Vec<_> = found.iter().map(|one| (one["status"].clone(), one["line_count"].clone())).collect();
        assert!(told.contains(&(json!("voided"), json!(lines))), "{told:?}");
        assert!(told.contains(&(json!("open"), json!(lines))), "{told:?}");

        // A line of it is credited.
        let began = Instant::now();
        let note = json!({
            "customer": id("cus", 1), "note": id("crn", 1), "invoice": second,
            "lines": [{"line": 50_000, "amount": acme::eur("4.00")}],
        });
        let position = asks.submit("credit_note.issue", &note).await;
        eprintln!("credited in {:?}", began.elapsed());
        let body = json!({"invoice": second, "after_line": 49_999, "line_limit": 1});
        let shown = asks.query("invoices.get", Some(&position), body).await;
        assert_eq!(shown["lines"][0]["credited"]["amount"], "4.00", "{}", shown["lines"][0]);
        assert_eq!(shown["invoice"]["credited"]["amount"], "4.00");
        asks.submit("payment.record", &acme::pay(1, 900_000, "549996.00")).await;
        until_true("it is paid", || async {
            let all = asks.invoices(None).await;
            all.iter().any(|one| one["invoice"] == json!(second.replace('-', "")) && one["status"] == "paid")
        })
        .await;
    });
    up.stop();
    let verified = tests::process::run(data.path(), &["verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

#[test]
fn a_process_that_is_killed_while_it_drafts_bills_once_when_it_is_back() {
    let Some(server) = NatsServer::start("") else { return };
    let data = tempfile::tempdir().expect("a folder");
    let subscriptions = 1_500;
    let nats = ["--nats", &server.url()];
    runtime().block_on(async {
        let options = NatsOptions::to([server.url()]);
        let asks = Asks::at(&options).await;
        let mut up = Up::start(data.path(), &nats);
        asks.fill(subscriptions).await;
        let before = position(&asks).await;
        let run = json!({"run": id("run", 1), "through": today()});
        asks.submit("billing.run", &run).await;
        // Each time it is let go a little further.
        for kill in 1..=6 {
            until_true("some of it is drafted", || async {
                position(&asks).await > before + 40 * kill || !asks.invoices(None).await.is_empty()
            })
            .await;
            up.kill();
            up = Up::start(data.path(), &nats);
        }
        until_true("it is billed", || async { !asks.invoices(None).await.is_empty() }).await;
        let invoices = asks.invoices(None).await;
        let [only] = &invoices[..] else { panic!("one invoice: {invoices:?}") };
        assert_eq!(only["line_count"], json!(subscriptions * PRICES));
        assert_eq!(only["total"]["amount"], json!("82500.00"));
        up.stop();
    });
    let verified = tests::process::run(data.path(), &["verify"]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
}

/// The durable position.
async fn position(asks: &Asks) -> u64 {
    let reply = asks.ask.patiently(&message("admin.status", &json!({}))).await;
    let status = document(&reply.expect("answered"));
    let position = status["data"]["durable"].as_str().or(status["position"].as_str());
    let position = position.unwrap_or_else(|| panic!("{status}"));
    let (_, number) = position.rsplit_once(':').expect("a position");
    number.parse().expect("a number")
}

fn today() -> Date {
    client::edge::now().expect("a clock").utc_date()
}
