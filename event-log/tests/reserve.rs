//! Room for blocks is made before anything is decided.

use std::sync::Arc;

use event_log::sim::SimDisk;
use event_log::{
    AppendError, Block, EventLog, FileLog, LogId, LogIdentity, LogOptions, MAX_COMMIT_BYTES,
};

fn full_block() -> Block {
    let mut block = Block::new(0);
    let commit = vec![7; MAX_COMMIT_BYTES];
    while block.push(&commit).is_ok() {}
    block
}

fn created(disk: &SimDisk) -> FileLog {
    let identity = LogIdentity::new(LogId([1; 16]), "acme", 0).expect("a name");
    let options = LogOptions { prepare_ahead: false, ..LogOptions::at(0) };
    FileLog::create(Arc::new(disk.clone()), &identity, options).expect("room")
}

#[test]
fn what_was_reserved_is_appended_however_full_the_disk_is_by_then() {
    let disk = SimDisk::new(1);
    let mut log = created(&disk);
    for _ in 0..20 {
        // Given room for two blocks, and a disk that takes no more
        disk.set_capacity(None);
        log.reserve(2).expect("room");
        disk.set_capacity(Some(1));
        // When two blocks of the largest size are appended
        for _ in 0..2 {
            let position = log.head().next_position;
            // Then there is room for them
            log.append(position, &mut full_block()).expect("reserved");
        }
    }
}

#[test]
fn without_room_a_reservation_is_refused_and_the_log_goes_on_once_there_is_some() {
    let disk = SimDisk::new(1);
    let mut log = created(&disk);
    disk.set_capacity(Some(1));
    // Given a segment that is filled up
    while log.reserve(1).is_ok() {
        let position = log.head().next_position;
        log.append(position, &mut full_block()).expect("reserved");
    }
    // When more is reserved, then it is refused
    let refused = log.reserve(2);
    assert!(matches!(refused, Err(AppendError::DiskFull { .. })), "{refused:?}");
    disk.set_capacity(None);
    log.reserve(2).expect("room again");
}
