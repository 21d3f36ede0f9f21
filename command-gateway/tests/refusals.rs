//! What the engine refuses, and what it does not let happen to the neighbours.

mod book;
mod gate;
mod toy;

use schemas::command::{BillingCommand, BookCommand};
use std::sync::Arc;
use std::time::{Duration, Instant};

use book::*;
use command_gateway::{
    Clock as _, Gateway, GatewayConfig, GatewayError, Refusal, Stopped, completions,
};
use event_log::OpenError;
use event_log::sim::SimDisk;
use gate::GatedDisk;
use schemas::command::BillCustomer;
use schemas::{Command, Rejection};
use toy::retire;

#[test]
fn a_command_whose_deadline_passed_is_dropped_undecided() {
    let clock = clock();
    let disk = SimDisk::new(1);
    let gateway = Gateway::create(&config(&disk).with_clock(clock.clone()), LOG, open_book());
    let gateway = gateway.expect("a fresh disk");
    let handle = gateway.handle();
    let deadline = clock.now();

    handle.submit_blocking(request(1, define_entity()).until(deadline)).expect("just in time");
    clock.advance_micros(1);
    let late = handle.submit_blocking(request(2, define_plan()).until(deadline));
    assert_eq!(late, Err(Refusal::DeadlineExceeded { deadline }));
    assert_eq!(handle.progress().durable(), 2);
    handle.submit_blocking(request(2, define_plan())).expect("with the same id");
}

#[test]
fn an_internal_command_from_a_door_is_refused() {
    let gateway = acme(&SimDisk::new(1));
    let through = "2026-01-01".parse().expect("a date");
    let bill = BillCustomer { customer: customer(1), run: run_id(1), through, ahead: false };
    for command in [
        Command::Billing(BillingCommand::BillCustomer(bill)),
        Command::Book(BookCommand::OpenBook(open_book())),
    ] {
        let refused = gateway.handle().submit_blocking(request(10, command));
        let Err(Refusal::Rejected { rejection, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(*rejection, Rejection::InternalCommand);
    }
}

#[test]
fn a_full_queue_answers_busy_at_once_and_loses_nothing() {
    let disk = GatedDisk::new(1);
    let config = GatewayConfig::on(Arc::new(disk.clone())).with_clock(clock()).with_queue(4);
    let gateway = Gateway::create(&config, LOG, open_book()).expect("a fresh disk");
    set_up(&gateway);
    let handle = gateway.handle();
    let (to, outcomes) = completions();
    disk.gate.close();
    handle.submit_to(request(10, register(0)), &to, 0).expect("room");
    disk.gate.wait_for_a_sync();

    // The engine writes on its own thread, so nobody empties the queue now.
    let mut taken = 1;
    for n in 1..20 {
        match handle.submit_to(request(10 + n, register(n)), &to, n) {
            Ok(()) => taken += 1,
            Err(refusal) => assert!(matches!(refusal, Refusal::Busy { .. }), "{refusal:?}"),
        }
    }
    assert_eq!(taken, 5);
    disk.gate.open();
    let accepted = outcomes.iter().take(taken).filter(|(_, outcome)| outcome.is_ok()).count();
    assert_eq!(accepted, taken);
}

#[test]
fn answers_leave_only_after_the_sync_rejections_too() {
    let disk = GatedDisk::new(1);
    let config = GatewayConfig::on(Arc::new(disk.clone())).with_clock(clock());
    let gateway = Gateway::create(&config, LOG, open_book()).expect("a fresh disk");
    set_up(&gateway);
    let handle = gateway.handle();
    let (to, outcomes) = completions();
    disk.gate.close();
    // Given a block of several commands on its way, so that the engine decides meanwhile
    for n in 0..100 {
        handle.submit_to(request(100 + n, register(n)), &to, n).expect("room");
    }
    disk.gate.wait_for_a_sync();
    // When a command is decided that sees them, and refused
    handle.submit_to(request(300, register(0)), &to, 300).expect("room");
    // Then nothing is answered before the sync
    assert_eq!(outcomes.len(), 0);
    assert_eq!(handle.progress().durable(), 3);
    disk.gate.open();
    let outcomes: Vec<_> = outcomes.iter().take(101).collect();
    let (_, last) = outcomes.iter().find(|(tag, _)| *tag == 300).expect("answered");
    assert!(matches!(last, Err(Refusal::Rejected { .. })), "{last:?}");
    assert_eq!(handle.progress().durable(), 103);
}

#[test]
fn a_bad_command_in_a_batch_does_not_hurt_its_neighbours() {
    let disk = SimDisk::new(1);
    let gateway = toy::gateway(&disk);
    let whats = [toy::FINE, toy::PANICS_IN_DECIDE, toy::REFUSED, toy::TOO_LARGE, toy::FINE];
    let batch = (10..).zip(whats).map(|(n, what)| request(n, retire(what))).collect();

    let outcomes = gateway.handle().submit_batch(batch).wait();

    assert!(outcomes[0].is_ok());
    assert_eq!(outcomes[1], Err(Refusal::Internal));
    assert!(matches!(&outcomes[2], Err(Refusal::Rejected { .. })));
    let Err(Refusal::Rejected { rejection, .. }) = &outcomes[3] else { panic!("{outcomes:?}") };
    let Rejection::CommitTooLarge { bytes, limit } = **rejection else { panic!("{rejection:?}") };
    assert!(bytes > limit);
    assert_eq!(outcomes[4].as_ref().map(|receipt| receipt.revision), Ok(3));
    gateway.close();
    assert_eq!(commits(reader(&disk)).len(), 3);
}

#[test]
fn commits_that_do_not_fit_into_one_block_go_into_the_next() {
    let disk = SimDisk::new(1);
    let gateway = toy::gateway(&disk);
    let batch = (10..30).map(|n| request(n, retire(toy::LARGE))).collect();
    let outcomes = gateway.handle().submit_batch(batch).wait();
    assert!(outcomes.iter().all(Result::is_ok));
    gateway.close();
    let positions: Vec<u64> = commits(reader(&disk)).iter().map(|c| c.position).collect();
    assert_eq!(positions, (1..=21).collect::<Vec<_>>());
}

#[test]
fn what_cannot_be_folded_in_stops_the_engine_and_half_of_nothing_is_written() {
    for what in [toy::PANICS_IN_EVOLVE, toy::UNMADE] {
        let disk = SimDisk::new(1);
        let gateway = toy::gateway(&disk);
        let handle = gateway.handle();
        handle.submit_blocking(request(10, retire(toy::FINE))).expect("accepted");

        let broken = handle.submit_blocking(request(11, retire(what)));

        assert_eq!(broken, Err(Refusal::Internal));
        assert_eq!(handle.progress().wait_stopped(Duration::from_secs(20)), Some(Stopped::Broken));
        let after = handle.submit_blocking(request(12, retire(toy::FINE)));
        assert_eq!(after, Err(Refusal::Unavailable));
        drop(gateway);
        assert_eq!(commits(reader(&disk)).len(), 2);
    }
}

#[test]
fn a_failed_sync_leaves_the_outcome_unknown_and_stops_the_engine() {
    let disk = SimDisk::new(1);
    let gateway = acme(&disk);
    let handle = gateway.handle();
    disk.fail_sync(1);

    let outcome = handle.submit_blocking(request(10, register(1)));

    assert_eq!(outcome, Err(Refusal::UnknownOutcome));
    assert_eq!(handle.progress().wait_stopped(Duration::from_secs(20)), Some(Stopped::LogFailed));
    assert_eq!(handle.submit_blocking(request(11, register(2))), Err(Refusal::Unavailable));
    drop(gateway);
    // The same id settles it.
    disk.crash();
    let gateway = Gateway::open(&config(&disk)).expect("a sound log");
    gateway.handle().submit_blocking(request(10, register(1))).expect("accepted, then or now");
    gateway.close();
    let all = commits(reader(&disk));
    assert_eq!(all.iter().filter(|commit| commit.command_id == id(10)).count(), 1);
}

#[test]
fn a_full_disk_refuses_commands_undecided_until_there_is_room() {
    let disk = SimDisk::new(1);
    let gateway = toy::gateway(&disk);
    let handle = gateway.handle();
    disk.set_capacity(Some(1));

    // Given commands until the disk is full
    let mut accepted = 0;
    let refused = loop {
        match handle.submit_blocking(request(100 + accepted, retire(toy::LARGE))) {
            Ok(_) => accepted += 1,
            Err(refusal) => break refusal,
        }
        assert!(accepted < 1_000, "the disk never gets full");
    };
    assert_eq!(refused, Refusal::DiskFull);
    assert!(refused.problem(LOG).retryable);
    assert!(accepted > 2, "there was room for two blocks at least");
    // When there is room again
    disk.set_capacity(None);
    let patience = Instant::now() + Duration::from_secs(20);
    while handle.submit_blocking(request(100 + accepted, retire(toy::FINE))).is_err() {
        assert!(Instant::now() < patience, "the engine does not notice the room");
        std::thread::yield_now();
    }
    // Then the log has what was accepted, and nothing else
    assert_eq!(handle.progress().durable(), accepted + 2);
    assert_eq!(gateway.close(), Stopped::Closed);
    assert_eq!(commits(reader(&disk)).len() as u64, accepted + 2);
}

#[test]
fn a_second_writer_is_refused() {
    let disk = SimDisk::new(1);
    let first = acme(&disk);
    let second = Gateway::open(&config(&disk));
    assert!(matches!(second, Err(GatewayError::Log(OpenError::InUse { .. }))), "{second:?}");
    first.close();
    Gateway::open(&config(&disk)).expect("free now");
}

#[test]
fn what_waits_when_the_engine_is_closed_is_refused_and_what_is_decided_is_answered() {
    let disk = GatedDisk::new(1);
    let config = GatewayConfig::on(Arc::new(disk.clone())).with_clock(clock());
    let gateway = Gateway::create(&config, LOG, open_book()).expect("a fresh disk");
    set_up(&gateway);
    let handle = gateway.handle();
    disk.gate.close();
    let decided = handle.submit(request(10, register(1))).expect("room");
    disk.gate.wait_for_a_sync();
    let closing = std::thread::spawn(move || gateway.close());
    while handle.submit(request(11, register(2))).is_ok() {
        std::thread::yield_now();
    }
    disk.gate.open();
    decided.wait().expect("accepted");
    assert_eq!(closing.join().expect("no panic"), Stopped::Closed);
    assert_eq!(handle.submit_blocking(request(12, register(3))), Err(Refusal::Unavailable));
}

#[test]
fn time_never_goes_back_when_the_clock_does() {
    let clock = clock();
    let disk = SimDisk::new(1);
    let config = config(&disk).with_clock(clock.clone());
    let gateway = Gateway::create(&config, LOG, open_book()).expect("a fresh disk");
    set_up(&gateway);
    let first = gateway.handle().submit_blocking(request(10, register(1))).expect("accepted");
    clock.advance_micros(-1_000_000);
    let second = gateway.handle().submit_blocking(request(11, register(2))).expect("accepted");
    assert_eq!(first.recorded_at, second.recorded_at);
    gateway.close();
    let gateway = Gateway::open(&config).expect("a sound log");
    let third = gateway.handle().submit_blocking(request(12, register(3))).expect("accepted");
    assert_eq!(first.recorded_at, third.recorded_at);
}

#[test]
fn nobody_waits_for_ever_when_the_engine_stops_under_load() {
    for seed in 0..20 {
        let gateway = acme(&SimDisk::new(seed));
        let handle = gateway.handle();
        let clients: Vec<_> = (0..2)
            .map(|client| {
                let handle = handle.clone();
                std::thread::spawn(move || {
                    for n in 0.. {
                        let n = 1_000 * (client + 1) + n;
                        if handle.submit_blocking(request(n, register(n))).is_err() {
                            return;
                        }
                    }
                })
            })
            .collect();
        while handle.progress().durable() < 10 {
            std::thread::yield_now();
        }
        assert_eq!(gateway.close(), Stopped::Closed);
        for client in clients {
            client.join().expect("answered");
        }
    }
}
