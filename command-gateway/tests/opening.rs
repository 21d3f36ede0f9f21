//! Opening a book: what is folded in, and what is refused with its position.

mod book;

use std::sync::Arc;

use book::*;
use command_gateway::{Gateway, GatewayError, ReplayError};
use event_log::sim::SimDisk;
use event_log::{Block, EventLog as _, FileLog, LogId, LogIdentity, LogOptions, OpenError};
use schemas::Commit;

/// Appends a commit behind an engine's back.
fn append(disk: &SimDisk, change: impl FnOnce(&mut Commit)) {
    let (mut log, _) =
        FileLog::open(Arc::new(disk.clone()), LogOptions::at(0)).expect("a sound log");
    let mut commit = commits(reader(disk)).pop().expect("there are some");
    commit.position += 1;
    commit.revision += 1;
    change(&mut commit);
    let mut block = Block::new(0);
    block.push(&commit.to_bytes()).expect("room");
    log.append(log.head().next_position, &mut block).expect("room");
    log.close(0).expect("room");
}

fn refused(change: impl FnOnce(&mut Commit)) -> ReplayError {
    let disk = SimDisk::new(1);
    acme(&disk).close();
    append(&disk, change);
    match Gateway::open(&config(&disk)) {
        Err(GatewayError::Replay(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_gap_in_positions_is_refused() {
    let error = refused(|commit| commit.position += 1);
    assert_eq!(error, ReplayError::Position { position: 4, found: 5 });
    assert!(error.to_string().contains("position 4"));
}

#[test]
fn a_gap_in_revisions_is_refused() {
    let error = refused(|commit| commit.revision += 1);
    assert!(
        matches!(error, ReplayError::Revision { position: 4, expected: 4, found: 5, .. }),
        "{error:?}"
    );
}

#[test]
fn time_that_goes_back_is_refused() {
    let error = refused(|commit| commit.recorded_at = at("2001-01-01T00:00:00Z"));
    assert_eq!(error, ReplayError::Time { position: 4 });
}

#[test]
fn a_payment_of_nobody_is_refused_and_panics_nowhere() {
    let error = refused(|commit| {
        let other = SimDisk::new(2);
        let gateway = acme(&other);
        gateway.handle().submit_blocking(request(10, register(1))).expect("accepted");
        gateway.handle().submit_blocking(request(11, pay(1, 1, "5.00"))).expect("accepted");
        gateway.close();
        let payment = commits(reader(&other)).pop().expect("there are some");
        *commit = Commit { position: 4, revision: 1, ..payment };
    });
    let ReplayError::Impossible { position: 4, source } = error else { panic!("{error:?}") };
    assert_eq!(source.what(), customer(1).to_string());
}

#[test]
fn a_log_without_a_book_is_not_opened_but_a_broken_off_creation_is_completed() {
    let disk = SimDisk::new(1);
    let identity = LogIdentity::new(LogId(LOG.into_bytes()), "acme", 0).expect("a name");
    FileLog::create(Arc::new(disk.clone()), &identity, LogOptions::at(0)).expect("a fresh disk");
    let opened = Gateway::open(&config(&disk));
    assert!(matches!(opened, Err(GatewayError::NoBook)), "{opened:?}");
    acme(&disk).close();
    Gateway::open(&config(&disk)).expect("a book");
}

#[test]
fn a_book_is_not_created_twice() {
    let disk = SimDisk::new(1);
    acme(&disk).close();
    let again = Gateway::create(&config(&disk), LOG, open_book());
    let Err(GatewayError::Log(OpenError::AlreadyThere { .. })) = again else { panic!("{again:?}") };
}

#[test]
fn the_first_commit_opens_the_book_at_its_own_present() {
    let disk = SimDisk::new(1);
    let open = open_test_book("2024-02-01T00:00:00Z");
    Gateway::create(&config(&disk), LOG, open).expect("a fresh disk").close();
    let all = commits(reader(&disk));
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].recorded_at, at("2024-02-01T00:00:00Z"));
    assert_eq!((all[0].actor.as_str(), all[0].position, all[0].revision), ("system", 1, 1));
}
