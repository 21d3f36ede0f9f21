//! What one command cannot apply of credit is applied by the next run; the laws hold in between.

mod book;

use std::time::Duration;

use book::*;
use command_gateway::{Gateway, RunState};
use event_log::sim::SimDisk;
use ledger_core::Ledger;
use ledger_core::laws::Laws;
use schemas::Commit;

const PATIENCE: Duration = Duration::from_secs(20);
const OPEN: u64 = 2_300;

/// A customer with many open invoices of 1.00 and one payment for all of them.
fn paid(gateway: &Gateway) {
    let handle = gateway.handle();
    let all: Vec<_> = (0..OPEN).map(|n| request(10_000 + n, charge(1, n, "1.00"))).collect();
    for some in all.chunks(500) {
        for outcome in handle.submit_batch(some.to_vec()).wait() {
            outcome.expect("accepted");
        }
    }
    handle.submit_blocking(request(4, pay(1, 1, "2305.00"))).expect("accepted");
}

fn run(gateway: &Gateway, n: u64) -> (u64, u64) {
    gateway.handle().submit_blocking(request(5 + n, run_billing(n, "2026-03-01"))).expect("ok");
    let over = gateway.handle().progress().wait_run(run_id(n), PATIENCE).expect("known");
    assert_eq!(over.state, RunState::Done);
    (over.due, over.parked)
}

/// What is open and what is left in the end; no law is broken on the way.
fn left(disk: &SimDisk) -> (i128, i64) {
    let (mut ledger, mut laws) = (Ledger::default(), Laws::default());
    let log: Vec<Commit> = commits(reader(disk));
    for commit in &log {
        let broken = laws.observe(commit, &commit.events);
        assert!(broken.is_empty(), "commit {}: {:?}", commit.position, broken.first());
        let bytes = commit.to_bytes();
        let view = schemas::CommitView::parse(&bytes).expect("readable");
        ledger.evolve_commit(&view).expect("a sound log");
    }
    let customer = ledger.customer(customer(1)).expect("registered");
    (customer.owed(), customer.credit().0)
}

#[test]
fn the_next_run_applies_what_is_left() {
    let disk = SimDisk::new(1);
    let gateway = acme(&disk);
    gateway.handle().submit_blocking(request(3, register(1))).expect("accepted");
    paid(&gateway);
    assert_eq!(run(&gateway, 1), (1, 0), "the customer is due");
    assert_eq!(run(&gateway, 2), (0, 0), "and not any more");
    gateway.close();
    assert_eq!(left(&disk), (0, 5_00));
}

#[test]
fn who_is_parked_meanwhile_keeps_it_until_it_is_released() {
    let disk = SimDisk::new(2);
    let gateway = acme(&disk);
    let handle = gateway.handle();
    let price =
        r#"{"price":"seat","amounts":[{"currency":"EUR","rate":{"per_unit":"90000000000.00"}}]}"#;
    let plan = format!(
        r#"{{"plan":"{}","name":"Too dear","every":{{"count":1,"unit":"month"}},"timing":"in_advance","prices":[{price}]}}"#,
        uuid("pln", 2)
    );
    handle.submit_blocking(request(900, command("plan.define", &plan))).expect("accepted");
    handle.submit_blocking(request(3, register(1))).expect("accepted");
    // A subscription that cannot be billed
    let terms = format!(
        r#"{{"customer":"{}","subscription":"{}","plan":"{}","quantity":"9000000000"}}"#,
        customer(1),
        uuid("sub", 1),
        uuid("pln", 2)
    );
    let subscribe = command("subscription.create", &terms);
    handle.submit_blocking(request(901, subscribe)).expect("accepted");
    paid(&gateway);
    let (due, parked) = run(&gateway, 1);
    assert_eq!((due, parked), (1, 1));
    gateway.close();
    assert_eq!(left(&disk), (300_00, 305_00));
    // When it is released, that is applied.
    let gateway = Gateway::open(&config(&disk)).expect("opened");
    let release = command("customer.release", &format!(r#"{{"customer":"{}"}}"#, customer(1)));
    gateway.handle().submit_blocking(request(902, release)).expect("accepted");
    gateway.close();
    assert_eq!(left(&disk), (0, 5_00));
}
