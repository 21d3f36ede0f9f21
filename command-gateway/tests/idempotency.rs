//! A command id is good for one accepted command, for ever.

mod book;
mod gate;

use std::sync::Arc;

use book::*;
use command_gateway::{Gateway, GatewayConfig, Receipt, Refusal, completions};
use event_log::sim::SimDisk;
use gate::GatedDisk;
use schemas::Rejection;

fn first_of(receipt: &Receipt) -> Receipt {
    Receipt { duplicate: true, ..receipt.clone() }
}

#[test]
fn the_same_id_with_the_same_body_gets_the_first_outcome() {
    let gateway = acme(&SimDisk::new(1));
    let handle = gateway.handle();
    let first = handle.submit_blocking(request(10, register(1))).expect("accepted");
    handle.submit_blocking(request(11, register(2))).expect("accepted");
    assert!(!first.duplicate);

    let again = handle.submit_blocking(request(10, register(1)));

    assert_eq!(again, Ok(first_of(&first)));
    assert_eq!(first.events, ["customer.registered"]);
    assert_eq!(handle.progress().durable(), 5, "nothing was added");
}

#[test]
fn the_same_id_with_another_body_is_refused() {
    let gateway = acme(&SimDisk::new(1));
    let handle = gateway.handle();
    let first = handle.submit_blocking(request(10, register(1))).expect("accepted");
    let reused =
        Err(Refusal::IdempotencyKeyReused { command_id: id(10), position: first.position });

    assert_eq!(handle.submit_blocking(request(10, register(2))), reused);
    let earlier = request(10, register(1)).effective(at("2026-02-01T00:00:00Z"));
    assert_eq!(handle.submit_blocking(earlier), reused);
    // The time that was filled in may be given, because it means the same.
    let same = request(10, register(1)).effective(first.recorded_at);
    assert_eq!(handle.submit_blocking(same), Ok(first_of(&first)));
}

#[test]
fn a_rejection_is_not_remembered_and_says_where_it_was_decided() {
    let gateway = acme(&SimDisk::new(1));
    let handle = gateway.handle();

    let refused = handle.submit_blocking(request(10, pay(1, 1, "5.00")));
    let Err(Refusal::Rejected { rejection, position }) = refused else { panic!("{refused:?}") };
    assert_eq!(*rejection, Rejection::UnknownCustomer { customer: customer(1) });
    assert_eq!(position, 3);

    handle.submit_blocking(request(11, register(1))).expect("accepted");
    let decided_afresh = handle.submit_blocking(request(10, pay(1, 1, "5.00")));
    assert_eq!(decided_afresh.map(|receipt| receipt.duplicate), Ok(false));
}

#[test]
fn a_duplicate_is_known_before_the_expected_revision_is_looked_at() {
    let gateway = acme(&SimDisk::new(1));
    let handle = gateway.handle();
    let at_none = request(10, register(1)).at_revision(0);
    let first = handle.submit_blocking(at_none.clone()).expect("accepted");

    assert_eq!(handle.submit_blocking(at_none), Ok(first_of(&first)));
    let stale = handle.submit_blocking(request(11, pay(1, 1, "5.00")).at_revision(0));
    let Err(Refusal::Rejected { rejection, .. }) = stale else { panic!("{stale:?}") };
    assert_eq!(*rejection, Rejection::RevisionConflict { expected: 0, current: 1 });
    handle.submit_blocking(request(11, pay(1, 1, "5.00")).at_revision(1)).expect("accepted");
}

#[test]
fn a_duplicate_in_flight_waits_for_the_first() {
    let disk = GatedDisk::new(1);
    let config = GatewayConfig::on(Arc::new(disk.clone())).with_clock(clock());
    let gateway = Gateway::create(&config, LOG, open_book()).expect("a fresh disk");
    set_up(&gateway);
    let handle = gateway.handle();
    let (to, outcomes) = completions();

    disk.gate.close();
    handle.submit_to(request(10, register(1)), &to, 1).expect("room");
    disk.gate.wait_for_a_sync();
    handle.submit_to(request(10, register(1)), &to, 2).expect("room");
    handle.submit_to(request(10, register(2)), &to, 3).expect("room");
    assert!(outcomes.is_empty(), "nothing is answered before it is durable");
    disk.gate.open();

    let mut outcomes: Vec<_> = outcomes.iter().take(3).collect();
    outcomes.sort_by_key(|(tag, _)| *tag);
    let [(_, first), (_, again), (_, other)] = outcomes.try_into().expect("three");
    let first = first.expect("accepted");
    assert_eq!(again, Ok(first_of(&first)));
    assert!(matches!(other, Err(Refusal::IdempotencyKeyReused { .. })));
}

#[test]
fn ids_are_remembered_across_a_restart() {
    let disk = SimDisk::new(1);
    let gateway = acme(&disk);
    let first = gateway.handle().submit_blocking(request(10, register(1))).expect("accepted");
    gateway.close();

    let gateway = Gateway::open(&config(&disk)).expect("a sound log");
    let again = gateway.handle().submit_blocking(request(10, register(1)));
    assert_eq!(again, Ok(first_of(&first)));
    let other = gateway.handle().submit_blocking(request(10, register(2)));
    assert!(matches!(other, Err(Refusal::IdempotencyKeyReused { .. })));
}

#[test]
fn a_thousand_repeated_commands_are_answered_in_their_order_with_their_first_outcomes() {
    let disk = SimDisk::new(1);
    let gateway = acme(&disk);
    let all = || (0..1_000).map(|n| request(100 + n, register(n))).collect();
    let first = gateway.handle().submit_batch(all()).wait();
    gateway.close();

    let gateway = Gateway::open(&config(&disk)).expect("a sound log");
    let again = gateway.handle().submit_batch(all()).wait();
    for (first, again) in first.iter().zip(&again) {
        let first = first.as_ref().expect("accepted");
        assert_eq!(again, &Ok(first_of(first)));
    }
    assert_eq!(again.len(), 1_000);
}
