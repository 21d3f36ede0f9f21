//! A disk that is full, fails or can't be written; and limits of what can be appended.

use std::sync::Arc;

use event_log::sim::SimDisk;
use event_log::{
    AppendError, Block, BlockError, Disk, EventLog, FileLog, LogId, LogIdentity, LogOptions,
    LogReader, MAX_BODY_BYTES, MAX_COMMIT_BYTES, OpenError, verify,
};

fn identity() -> LogIdentity {
    LogIdentity::new(LogId([2; 16]), "faults", 0).unwrap()
}

fn options() -> LogOptions {
    LogOptions { segment_bytes: 4096, prepare_ahead: false, ..LogOptions::at(0) }
}

fn create(disk: &SimDisk) -> FileLog {
    FileLog::create(Arc::new(disk.clone()), &identity(), options()).unwrap()
}

fn append(log: &mut FileLog, commit: &[u8]) -> Result<(), AppendError> {
    let mut block = Block::new(0);
    block.push(commit).unwrap();
    log.append(log.head().next_position, &mut block).map(|_| ())
}

fn count(disk: &SimDisk) -> u64 {
    verify(Arc::new(disk.clone()), |_, _| {}).unwrap().commits
}

#[test]
fn a_full_disk_refuses_the_block_whole_and_takes_it_once_there_is_room() {
    let disk = SimDisk::new(0);
    let mut log = create(&disk);
    disk.set_capacity(Some(16_000));

    let mut stored = 0;
    let refused = loop {
        match append(&mut log, &[7; 300]) {
            Ok(()) => stored += 1,
            Err(error) => break error,
        }
    };

    assert!(matches!(&refused, AppendError::DiskFull { bytes: 4096, .. }), "{refused:?}");
    assert!(matches!(append(&mut log, b"x"), Err(AppendError::DiskFull { .. })));
    assert_eq!(count(&disk), stored);
    assert!(!disk.file_names().contains(&"spare.blk".to_owned()), "no half-made file is left");
    disk.set_capacity(None);
    append(&mut log, b"x").unwrap();
    assert_eq!(count(&disk), stored + 1);
}

#[test]
fn a_full_disk_refuses_to_make_or_open_a_log() {
    let disk = SimDisk::new(0);
    disk.set_capacity(Some(100));

    let refused = FileLog::create(Arc::new(disk.clone()), &identity(), options()).unwrap_err();

    assert!(matches!(refused, OpenError::DiskFull { .. }), "{refused:?}");
}

#[test]
fn after_a_failed_sync_the_outcome_is_unknown_and_nothing_more_is_written() {
    let disk = SimDisk::new(3);
    let mut log = create(&disk);
    append(&mut log, b"first").unwrap();
    disk.fail_sync(1);

    let failed = append(&mut log, b"second").unwrap_err();
    let operations = disk.operations();
    let next = append(&mut log, b"third").unwrap_err();

    assert!(matches!(failed, AppendError::UnknownOutcome { position: 2, .. }), "{failed:?}");
    assert!(matches!(next, AppendError::Poisoned));
    assert!(matches!(log.close(0), Err(AppendError::Poisoned)));
    assert_eq!(disk.operations(), operations, "no write and no second sync");
    assert_eq!(log.head().next_position, 2);
}

#[test]
fn after_a_failed_write_the_outcome_is_unknown_and_recovery_settles_it() {
    let disk = SimDisk::new(4);
    let mut log = create(&disk);
    append(&mut log, b"first").unwrap();
    disk.fail_write(1);

    let failed = append(&mut log, &[1; 2000]).unwrap_err();
    drop(log);

    assert!(matches!(failed, AppendError::UnknownOutcome { .. }), "{failed:?}");
    let (log, report) = FileLog::open(Arc::new(disk.clone()), options()).unwrap();
    assert!(report.torn_tail.is_some_and(|tail| tail.bytes > 0));
    assert_eq!((log.head().next_position, count(&disk)), (2, 1));
}

#[test]
fn a_read_only_folder_can_be_read_but_not_opened_to_write() {
    let disk = SimDisk::new(0);
    let mut log = create(&disk);
    append(&mut log, b"first").unwrap();
    drop(log);
    disk.set_read_only(true);

    let refused = FileLog::open(Arc::new(disk.clone()), options()).unwrap_err();

    assert!(matches!(refused, OpenError::ReadOnly { .. }), "{refused:?}");
    assert_eq!(count(&disk), 1);
}

#[test]
fn a_reader_is_not_shown_a_block_that_is_written_but_not_synced() {
    let disk = SimDisk::new(5);
    let mut log = create(&disk);
    append(&mut log, b"first").unwrap();
    disk.fail_sync(1);
    append(&mut log, b"second").unwrap_err();

    let mut other_process = LogReader::open_on(Arc::new(disk.clone())).unwrap();
    let mut same_process = log.reader().unwrap();

    for reader in [&mut other_process, &mut same_process] {
        let mut shown = 0;
        while let Some(block) = reader.next_block().unwrap() {
            shown += block.commits().count();
        }
        assert_eq!(shown, 1);
    }
}

#[test]
fn a_block_takes_no_more_than_its_limits() {
    let mut block = Block::new(0);

    assert_eq!(block.push(&[]), Err(BlockError::EmptyCommit));
    let long = vec![0; MAX_COMMIT_BYTES + 1];
    assert_eq!(block.push(&long), Err(BlockError::CommitTooLarge { bytes: long.len() }));
    block.push(&long[1..]).unwrap();
    block.push(&long[1..]).unwrap();
    assert!(block.fits(MAX_COMMIT_BYTES - 12));
    assert!(!block.fits(MAX_COMMIT_BYTES - 11));
    assert!(matches!(block.push(&long[1..]), Err(BlockError::Full { .. })));
    block.push(&long[13..]).unwrap();
    assert_eq!((block.len(), block.body_bytes()), (3, MAX_BODY_BYTES));
}

#[test]
fn the_largest_block_goes_into_a_segment_of_any_size() {
    let disk = SimDisk::new(0);
    let mut log = create(&disk);
    let mut block = Block::new(0);
    let commit = vec![3; MAX_COMMIT_BYTES - 4];
    (0..3).for_each(|_| block.push(&commit).unwrap());

    log.append(1, &mut block).unwrap();
    append(&mut log, b"small").unwrap();

    assert_eq!(count(&disk), 4);
    drop(log);
    let (log, _) = FileLog::open(Arc::new(disk), options()).unwrap();
    assert_eq!(log.head().next_position, 5);
}

#[test]
fn the_root_does_not_depend_on_where_blocks_are_cut() {
    let root = |per_block: usize| {
        let disk: Arc<dyn Disk> = Arc::new(SimDisk::new(0));
        let mut log = FileLog::create(disk.clone(), &identity(), options()).unwrap();
        let commits: Vec<Vec<u8>> = (0..60_u8).map(|n| vec![n; 1 + usize::from(n)]).collect();
        for cut in commits.chunks(per_block) {
            let mut block = Block::new(0);
            for commit in cut {
                block.push(commit).unwrap();
            }
            log.append(log.head().next_position, &mut block).unwrap();
        }
        let report = verify(disk, |_, _| {}).unwrap();
        (report.merkle_root, report.commits)
    };

    let one_by_one = root(1);

    assert_eq!(one_by_one.1, 60);
    for per_block in [2, 7, 60] {
        assert_eq!(root(per_block), one_by_one);
    }
}
