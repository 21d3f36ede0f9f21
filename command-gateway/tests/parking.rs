//! What a process cannot do for a customer parks it; nothing is only logged, nobody is forgotten.

mod book;
mod toy;

use std::time::Duration;

use book::*;
use command_gateway::{Gateway, RunProgress, RunState, bill_command_id};
use event_log::sim::SimDisk;
use schemas::command::ParkCustomer;
use schemas::event::CustomerParked;
use schemas::{Cause, Commit};

const PATIENCE: Duration = Duration::from_secs(20);
/// One that goes well among each that does not.
const MIXED: [u128; 9] = [
    toy::FINE,
    toy::PANICS_IN_DECIDE,
    toy::TOO_LARGE,
    toy::REFUSED,
    toy::CANNOT_PARK,
    toy::PANICS_IN_PARK,
    10,
    11,
    12,
];

fn start(gateway: &Gateway) {
    let run = request(4_001, run_billing(1, "2026-02-28"));
    gateway.handle().submit_blocking(run).expect("accepted");
}

fn over(gateway: &Gateway) -> RunProgress {
    let progress = gateway.handle().progress().wait_run(run_id(1), PATIENCE);
    let progress = progress.expect("the run is known");
    assert_eq!(progress.state, RunState::Done);
    progress
}

/// The commits of the run.
fn made(disk: &SimDisk) -> Vec<Commit> {
    let all = commits(reader(disk));
    let run = all.iter().find(|commit| commit.command_id == id(4_001)).expect("the run began");
    let cause = Some(Cause { position: run.position });
    all.into_iter().filter(|commit| commit.cause == cause).collect()
}

fn parked(commit: &Commit) -> Option<&CustomerParked> {
    commit.events.iter().find_map(|event| event.get())
}

#[test]
fn a_refusal_a_panic_and_a_commit_that_is_too_large_park_and_the_run_goes_on() {
    let disk = SimDisk::new(1);
    let gateway = toy::gateway_of(&disk, toy::due(MIXED));
    start(&gateway);
    let progress = over(&gateway);
    assert_eq!((progress.due, progress.billed), (9, 4));
    assert_eq!((progress.failed, progress.parked), (5, 3));
    let standing = gateway.handle();
    assert_eq!((standing.progress().parked(), standing.progress().stuck()), (3, 2));
    gateway.close();

    let made = made(&disk);
    let reasons: Vec<&str> =
        made.iter().filter_map(parked).map(|parked| parked.reason.as_str()).collect();
    assert_eq!(reasons, ["internal", "commit_too_large", "plan_retired"]);
    for commit in made.iter().filter(|commit| parked(commit).is_some()) {
        let parked = parked(commit).expect("filtered");
        assert_eq!((parked.process.as_str(), parked.run), ("billing_run", Some(run_id(1))));
        let asked: &ParkCustomer = commit.command.get().expect("a command of its own");
        assert_ne!(commit.command_id, bill_command_id(run_id(1), asked.customer));
        assert_eq!(commit.actor.as_str(), "system");
    }
    let again = Gateway::open_with(&config(&disk), toy::due([])).expect("a sound log");
    assert_eq!(again.handle().progress().parked(), 3);
}

#[test]
fn after_a_crash_everyone_was_served_once_or_parked_once() {
    for operations in [2, 3, 4, 6, 8, 12] {
        let disk = SimDisk::new(operations);
        // Large commits spread the run over several blocks.
        let due = || toy::due(MIXED.into_iter().chain([toy::LARGE]).chain(20..60));
        let gateway = toy::gateway_of(&disk, due());
        start(&gateway);
        disk.cut_power_after(operations);
        let _stopped = gateway.handle().progress().wait_run(run_id(1), PATIENCE);
        drop(gateway);
        disk.crash();

        let gateway = Gateway::open_with(&config(&disk), due()).expect("a sound log");
        let progress = over(&gateway);
        assert_eq!((progress.due, progress.billed), (50, 45), "after {operations}");
        assert_eq!((progress.failed, progress.parked), (5, 3), "after {operations}");
        assert_eq!(gateway.handle().progress().parked(), 3);
        gateway.close();
        let made = made(&disk);
        assert_eq!(made.len(), 48);
        let mut streams: Vec<_> = made.iter().map(|commit| commit.stream).collect();
        streams.dedup();
        assert_eq!(streams.len(), 48, "nobody twice");
    }
}
