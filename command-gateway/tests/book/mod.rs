//! A small book for the tests: one seller, one plan, customers by number.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use std::sync::Arc;

use command_gateway::{CommandRequest, Gateway, GatewayConfig, ManualClock};
use event_log::sim::SimDisk;
use event_log::{Disk, LogReader};
use schemas::command::OpenBook;
use schemas::ids::{BillingRunId, CommandId, CustomerId};
use schemas::{Command, Commit, Timestamp};
use uuid::Uuid;

/// The log's id in every test.
pub const LOG: Uuid = Uuid::from_u128(0x10);

pub fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

pub fn id(n: u64) -> CommandId {
    CommandId::new(Uuid::from_u128(u128::from(n)))
}

pub fn customer(n: u64) -> CustomerId {
    CustomerId::new(Uuid::from_u128(0xc000_0000 + u128::from(n)))
}

pub fn run_id(n: u64) -> BillingRunId {
    BillingRunId::new(Uuid::from_u128(0xb000_0000 + u128::from(n)))
}

pub fn uuid(prefix: &str, n: u64) -> String {
    format!("{prefix}_{n:032x}")
}

pub fn command(name: &str, json: &str) -> Command {
    Command::from_json(name, json.as_bytes()).expect("a command of the tests")
}

pub fn open_book() -> OpenBook {
    OpenBook {
        book: "acme".parse().expect("a name"),
        profile: schemas::terms::Profile::Billfold1,
        policies: None,
        clock: schemas::terms::BookClock::Wall,
    }
}

pub fn open_test_book(now: &str) -> OpenBook {
    OpenBook { clock: schemas::terms::BookClock::Test(at(now)), ..open_book() }
}

pub fn define_entity() -> Command {
    let series = r#"{"code":"INV","kind":"invoice","prefix":"INV","digits":4}"#;
    let entity = uuid("ent", 1);
    let json = format!(
        r#"{{"entity":"{entity}","name":"Seller","zone":"UTC","payment_terms_days":30,"series":[{series}]}}"#
    );
    command("entity.define", &json)
}

pub fn define_plan() -> Command {
    let plan = uuid("pln", 1);
    let price = r#"{"price":"fee","amounts":[{"currency":"EUR","rate":{"flat":"10.00"}}]}"#;
    let json = format!(
        r#"{{"plan":"{plan}","name":"Basic","every":{{"count":1,"unit":"month"}},"timing":"in_advance","prices":[{price}]}}"#
    );
    command("plan.define", &json)
}

pub fn register(n: u64) -> Command {
    let (customer, entity) = (customer(n), uuid("ent", 1));
    let json = format!(
        r#"{{"customer":"{customer}","entity":"{entity}","name":"Customer {n}","currency":"EUR"}}"#
    );
    command("customer.register", &json)
}

pub fn subscribe(n: u64) -> Command {
    let (customer, subscription, plan) = (customer(n), uuid("sub", n), uuid("pln", 1));
    let json =
        format!(r#"{{"customer":"{customer}","subscription":"{subscription}","plan":"{plan}"}}"#);
    command("subscription.create", &json)
}

pub fn pay(n: u64, payment: u64, amount: &str) -> Command {
    let (customer, payment) = (customer(n), uuid("pay", 0xa000_0000_0000 + payment));
    let json = format!(
        r#"{{"customer":"{customer}","payment":"{payment}","amount":{{"amount":"{amount}","currency":"EUR"}}}}"#
    );
    command("payment.record", &json)
}

/// A charge that is invoiced at once.
pub fn charge(n: u64, charge: u64, amount: &str) -> Command {
    let (customer, charge) = (customer(n), uuid("chg", 0xd000_0000_0000 + charge));
    let json = format!(
        r#"{{"customer":"{customer}","charge":"{charge}","description":"Work","price":{{"total":{{"amount":"{amount}","currency":"EUR"}}}},"invoice":{{"now":{{}}}}}}"#
    );
    command("charge.add", &json)
}

pub fn run_billing(n: u64, through: &str) -> Command {
    command("billing.run", &format!(r#"{{"run":"{}","through":"{through}"}}"#, run_id(n)))
}

pub fn advance(to: &str) -> Command {
    command("book.advance_clock", &format!(r#"{{"to":"{to}"}}"#))
}

pub fn request(n: u64, command: Command) -> CommandRequest {
    CommandRequest::new(id(n), "ada".parse().expect("an actor"), command)
}

pub fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(at("2026-03-01T12:00:00Z")))
}

pub fn config(disk: &SimDisk) -> GatewayConfig {
    GatewayConfig::on(Arc::new(disk.clone())).with_clock(clock())
}

/// A fresh wall book on a simulated disk, with its seller (id 1) and its plan (id 2).
pub fn acme(disk: &SimDisk) -> Gateway {
    let gateway = Gateway::create(&config(disk), LOG, open_book()).expect("a fresh disk");
    set_up(&gateway);
    gateway
}

pub fn set_up(gateway: &Gateway) {
    let handle = gateway.handle();
    handle.submit_blocking(request(1, define_entity())).expect("accepted");
    handle.submit_blocking(request(2, define_plan())).expect("accepted");
}

pub fn reader(disk: &SimDisk) -> LogReader {
    let disk: Arc<dyn Disk> = Arc::new(disk.clone());
    LogReader::open_on(disk).expect("a log")
}

/// All durable commits.
pub fn commits(mut reader: LogReader) -> Vec<Commit> {
    let mut commits = Vec::new();
    while let Some(block) = reader.next_block().expect("readable") {
        commits
            .extend(block.commits().map(|(_, bytes)| Commit::from_bytes(bytes).expect("readable")));
    }
    commits
}
