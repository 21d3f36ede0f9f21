//! The real process is killed in the middle of a billing run over customers that can be billed,
//! customers whose bill is refused, and customers whose bill is too large for one commit.

use std::collections::BTreeMap;
use std::path::Path;

use client::SocketClient;
use schemas::event::{CustomerParked, InvoiceFinalized};
use schemas::parts::{Role, role};
use schemas::wire::Message;
use schemas::{Commit, StreamId};
use serde_json::{Value, json};
use tests::acme::{BOOK, command, command_id, id, opening, pay, price, query, register, subscribe};
use tests::life::log_of;
use tests::log;
use tests::process::{Server, answer, run};
use tests::random::Random;
use tests::wait::until;

/// How many customers there are.
const CUSTOMERS: u64 = 400;
/// Each of so many is refused: more cycles than one command opens.
const REFUSED_ONE_IN: u64 = 40;
/// Each of so many has an invoice of more than 256 KiB.
const LARGE_ONE_IN: u64 = 25;
/// How often the process is killed within the run.
const KILLS: u64 = 4;
const RUN: u64 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Ordinary,
    Refused,
    Large,
}

fn kind(customer: u64) -> Kind {
    if customer % REFUSED_ONE_IN == 1 {
        Kind::Refused
    } else if customer % LARGE_ONE_IN == 2 {
        Kind::Large
    } else {
        Kind::Ordinary
    }
}

fn of_kind(kind_of: Kind) -> impl Iterator<Item = u64> {
    (1..=CUSTOMERS).filter(move |customer| kind(*customer) == kind_of)
}

/// Submits commands one after the other, each with the next id.
struct Submitter {
    client: SocketClient,
    sent: u64,
}

impl Submitter {
    fn submit(&mut self, name: &str, body: &Value) -> Value {
        self.sent += 1;
        answer(&mut self.client, &command(command_id(self.sent), name, body))
    }

    fn advance(&mut self, day: &str) {
        self.submit("book.advance_clock", &json!({"to": format!("{day}T00:00:00Z")}));
    }

    fn join(&mut self, customers: impl Iterator<Item = u64>, plan: u64) {
        for customer in customers {
            self.submit("customer.register", &register(customer));
            self.submit("subscription.create", &subscribe(customer, plan));
        }
    }
}

/// A plan with a cycle each day.
fn daily(plan: u64, price: &Value) -> Value {
    json!({
        "plan": id("pln", plan), "name": "Daily", "every": {"count": 1, "unit": "day"},
        "timing": "in_advance", "prices": [price],
    })
}

/// Thirty tiers and a last one: every line says what each of them took.
fn tiered() -> Value {
    let tier = |n: u64| {
        let (up_to, unit) = ((10 * n).to_string(), format!("{}.25", 100 - n));
        json!({"up_to": up_to, "unit": unit, "flat": "0", "percent": "0"})
    };
    let last = json!({"up_to": null, "unit": "3.50", "flat": "0", "percent": "0"});
    let tiers: Vec<Value> = (1..=30).map(tier).chain([last]).collect();
    let rate = json!({"graduated": tiers});
    json!({"price": "fee", "amounts": [{"currency": "EUR", "rate": rate}]})
}

/// A book on a test clock in which everybody is due.
fn set_up(server: &Server) -> Submitter {
    let mut submitter = Submitter { client: server.connect(), sent: 0 };
    for (name, body) in opening() {
        submitter.submit(name, &body);
    }
    submitter.submit("plan.define", &daily(10, &price("flat", "1.00")));
    submitter.submit("plan.define", &daily(11, &tiered()));
    // Four years of days are more than one command opens.
    submitter.join(of_kind(Kind::Refused), 10);
    submitter.advance("2022-10-01");
    submitter.join(of_kind(Kind::Ordinary), 1);
    for customer in of_kind(Kind::Large) {
        submitter.submit("customer.register", &register(customer));
        let many = json!({"quantity": "1000"});
        let subscription = with(subscribe(customer, 11), &many);
        submitter.submit("subscription.create", &subscription);
    }
    // Four hundred days of the tiered plan are more than a commit holds.
    submitter.advance("2024-01-15");
    submitter
}

fn with(mut body: Value, more: &Value) -> Value {
    for (key, value) in more.as_object().expect("an object") {
        body[key] = value.clone();
    }
    body
}

fn progress(client: &mut SocketClient) -> Value {
    let mut message = query("", &json!({"run": id("run", RUN)}));
    message.subject = format!("billfold.{BOOK}.as.ada.admin.run_status");
    answer(client, &message)
}

fn tried(progress: &Value) -> u64 {
    let count = |name: &str| progress[name].as_u64().expect("a count");
    count("billed") + count("failed")
}

/// Kills the process while the run is under way, again and again.
fn kill_in_the_run(data: &Path, mut server: Server) -> Server {
    let mut random = Random::new(11);
    let share = CUSTOMERS / (KILLS + 1);
    for kill in 0..KILLS {
        let enough = share * kill + 1 + random.below(share);
        let mut client = server.connect();
        let seen = until("the run gets on", || {
            let seen = progress(&mut client);
            (tried(&seen) >= enough).then_some(seen)
        });
        server.kill();
        assert_eq!(seen["state"], "running", "kill {kill} came too late: {seen}");
        server = Server::start(data);
    }
    server
}

/// The commits of the run, by customer.
fn made(commits: &[Commit]) -> BTreeMap<u64, Vec<&Commit>> {
    let run = commits.iter().find(|commit| commit.command.kind().name == "billing.run");
    let cause = run.expect("the run's commit").position;
    let mut made: BTreeMap<u64, Vec<&Commit>> = BTreeMap::new();
    for commit in commits.iter().filter(|commit| commit.cause.is_some_and(|c| c.position == cause))
    {
        let StreamId::Customer(customer) = commit.stream else { panic!("{:?}", commit.stream) };
        let number = (1..=CUSTOMERS).find(|n| id("cus", *n).parse() == Ok(customer));
        made.entry(number.expect("one of ours")).or_default().push(commit);
    }
    made
}

/// Everyone has one commit of the run: a bill, or a reason why not.
fn check_log(data: &Path) {
    let commits = log::commits(log::reader_at(&log_of(data)));
    let made = made(&commits);
    assert_eq!(made.len() as u64, CUSTOMERS, "nobody is forgotten");
    for (customer, commits) in made {
        let is_part = |commit: &&&Commit| matches!(role(&commit.events), Role::Part(_));
        let parts = commits.iter().filter(is_part).count();
        assert_eq!(parts > 0, kind(customer) == Kind::Large, "{customer} has {parts} parts");
        let commits: Vec<&Commit> = commits.iter().filter(|c| !is_part(c)).copied().collect();
        let [commit] = commits[..] else { panic!("{customer} has {} commits", commits.len()) };
        let parked = commit.events.iter().find_map(|event| event.get::<CustomerParked>());
        let invoices = commit.events.iter().filter_map(|event| event.get::<InvoiceFinalized>());
        let (reason, invoices) = (parked.map(|parked| parked.reason.as_str()), invoices.count());
        let expected = match kind(customer) {
            Kind::Ordinary | Kind::Large => (None, 1),
            Kind::Refused => (Some("too_many_cycles"), 0),
        };
        assert_eq!((reason, invoices), expected, "customer {customer}");
    }
}

/// What queries and status say of those that are parked.
fn check_answers(client: &mut SocketClient) {
    let listed = answer(client, &query("customers.parked", &json!({"limit": 500})));
    let listed = listed["data"].as_array().expect("a page").clone();
    let reasons = |reason: &str| listed.iter().filter(|row| row["reason"] == reason).count();
    let refused = of_kind(Kind::Refused).count();
    assert_eq!(reasons("too_many_cycles"), refused);
    assert_eq!(listed.len(), refused);
    let run = id("run", RUN).replace('-', "");
    assert!(listed.iter().all(|row| row["process"] == "billing_run" && row["run"] == *run));

    let mut message = query("", &json!({}));
    message.subject = format!("billfold.{BOOK}.as.ada.admin.status");
    let status = answer(client, &message);
    assert_eq!(status["parked"], json!(refused));
    assert_eq!(status["stuck"], 0);
}

#[test]
fn killed_within_a_run_each_customer_is_billed_once_or_parked_once_and_the_run_completes() {
    // given
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path();
    let created = run(data, &["book", "create", BOOK, "--test-clock", "2020-01-01T00:00:00Z"]);
    assert!(created.status.success(), "{created:?}");
    let server = Server::start(data);
    let mut submitter = set_up(&server);

    // when
    let billing = json!({"run": id("run", RUN), "through": "2024-01-15"});
    submitter.submit("billing.run", &billing);
    let server = kill_in_the_run(data, server);
    let mut client = server.connect();
    let over = until("the run is over", || {
        let seen = progress(&mut client);
        (seen["state"] == "done").then_some(seen)
    });

    // then
    let not_billed = of_kind(Kind::Refused).count();
    assert_eq!((&over["due"], &over["failed"]), (&json!(CUSTOMERS), &json!(not_billed)));
    assert_eq!(over["parked"], json!(not_billed));
    check_log(data);
    check_answers(&mut client);

    // Payments are taken all the same; released, a customer is billed in smaller steps: 731 days
    // of 1.00, less the 5.00.
    let refused = of_kind(Kind::Refused).next().expect("some are");
    let mut submitter = Submitter { client, sent: submitter.sent };
    submitter.submit("payment.record", &pay(refused, 1, "5.00"));
    let parked = json!({"customer": id("cus", refused)});
    submitter.submit("customer.release", &parked);
    let smaller = json!({"run": id("run", 2), "through": "2021-12-31"});
    submitter.submit("billing.run", &smaller);
    let listed = |client: &mut SocketClient| {
        let listed = answer(client, &balance_of(refused));
        listed["data"]["customer"]["balance"]["amount"].clone()
    };
    until("it is billed", || (listed(&mut submitter.client) == "726.00").then_some(()));
    assert!(server.stop().success());
}

/// The message that asks what a customer owes.
fn balance_of(customer: u64) -> Message {
    query("balances.get", &json!({"customer": id("cus", customer)}))
}
