//! A billing run bills everyone who is due, once, whatever happens in between.

mod book;

use std::time::Duration;

use book::*;
use command_gateway::{Gateway, GatewayHandle, RunProgress, RunState, bill_command_id};
use event_log::sim::SimDisk;
use schemas::{Cause, Commit};

const CUSTOMERS: u64 = 200;
const PATIENCE: Duration = Duration::from_secs(20);

/// A test book in January with subscribers; at the end it is the first of March.
fn subscribed(disk: &SimDisk) -> Gateway {
    let open = open_test_book("2026-01-01T00:00:00Z");
    let gateway = Gateway::create(&config(disk), LOG, open).expect("a fresh disk");
    set_up(&gateway);
    let registered = (0..CUSTOMERS).map(|n| request(1_000 + n, register(n)));
    let subscribed = (0..CUSTOMERS).map(|n| request(2_000 + n, subscribe(n)));
    for outcome in gateway.handle().submit_batch(registered.chain(subscribed).collect()).wait() {
        outcome.expect("accepted");
    }
    let advance = request(3_000, advance("2026-03-01T00:00:00Z"));
    gateway.handle().submit_blocking(advance).expect("accepted");
    gateway
}

fn run(handle: &GatewayHandle, n: u64, through: &str) -> RunProgress {
    handle.submit_blocking(request(4_000 + n, run_billing(n, through))).expect("accepted");
    handle.progress().wait_run(run_id(n), PATIENCE).expect("the run is known")
}

fn bills(commits: &[Commit], n: u64) -> Vec<&Commit> {
    let run = commits.iter().find(|c| c.command_id == id(4_000 + n)).expect("the run's commit");
    let cause = Some(Cause { position: run.position });
    commits.iter().filter(|commit| commit.cause == cause).collect()
}

#[test]
fn everyone_due_is_billed_once_and_running_again_bills_nothing() {
    let disk = SimDisk::new(1);
    let gateway = subscribed(&disk);
    let handle = gateway.handle();

    let first = run(&handle, 1, "2026-02-28");
    assert_eq!((first.state, first.billed, first.failed), (RunState::Done, CUSTOMERS, 0));
    let second = run(&handle, 2, "2026-02-28");
    assert_eq!((second.state, second.due, second.billed), (RunState::Done, 0, 0));

    gateway.close();
    let all = commits(reader(&disk));
    let bills = bills(&all, 1);
    assert_eq!(bills.len() as u64, CUSTOMERS);
    for (n, bill) in (0..).zip(bills) {
        assert_eq!(bill.command_id, bill_command_id(run_id(1), customer(n)));
        assert_eq!(bill.actor.as_str(), "system");
    }
}

#[test]
fn a_run_goes_on_after_a_crash_in_its_middle() {
    for operations in [3, 6, 9, 12, 15, 20] {
        let disk = SimDisk::new(operations);
        let gateway = subscribed(&disk);
        let handle = gateway.handle();
        handle.submit_blocking(request(4_001, run_billing(1, "2026-02-28"))).expect("accepted");
        disk.cut_power_after(operations);
        let _stopped = handle.progress().wait_run(run_id(1), PATIENCE);
        drop(gateway);
        disk.crash();

        let gateway = Gateway::open(&config(&disk)).expect("a sound log");
        let progress = gateway.handle().progress().wait_run(run_id(1), PATIENCE);
        let progress = progress.expect("the run is known");
        assert_eq!(progress.state, RunState::Done);
        assert_eq!((progress.billed, progress.failed), (CUSTOMERS, 0));
        gateway.close();
        assert_eq!(bills(&commits(reader(&disk)), 1).len() as u64, CUSTOMERS);
    }
}

#[test]
fn commands_pass_while_a_run_is_under_way() {
    let disk = SimDisk::new(1);
    let gateway = subscribed(&disk);
    let handle = gateway.handle();
    handle.submit_blocking(request(4_001, run_billing(1, "2026-02-28"))).expect("accepted");
    let payments = (0..500).map(|n| request(5_000 + n, pay(n % CUSTOMERS, n, "1.00")));
    for outcome in handle.submit_batch(payments.collect()).wait() {
        outcome.expect("accepted");
    }
    let progress = handle.progress().wait_run(run_id(1), PATIENCE).expect("the run is known");
    assert_eq!(progress.billed, CUSTOMERS);
}

#[test]
fn who_was_billed_by_another_command_in_between_is_counted_and_stops_nothing() {
    let disk = SimDisk::new(1);
    let gateway = subscribed(&disk);
    let handle = gateway.handle();
    // A cycle that was due when the run began is invoiced by hand before the run comes to it.
    let last = customer(CUSTOMERS - 1);
    let now = command("invoice.now", &format!(r#"{{"customer":"{last}"}}"#));
    let batch = vec![request(4_001, run_billing(1, "2026-02-28")), request(9_000, now)];
    let outcomes = handle.submit_batch(batch).wait();
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let progress = handle.progress().wait_run(run_id(1), PATIENCE).expect("the run is known");
    assert_eq!(progress.state, RunState::Done);
    assert_eq!(progress.billed + progress.failed, CUSTOMERS);
}
