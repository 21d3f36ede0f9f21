//! Appending, reading, opening again: what a log in a real folder does.

use std::sync::Arc;
use std::time::Duration;

use event_log::{
    AppendError, Block, BlockKind, Disk, EventLog, FileDisk, FileLog, LogId, LogIdentity,
    LogOptions, LogReader, OpenError, ReadError,
};

fn identity() -> LogIdentity {
    LogIdentity::new(LogId([7; 16]), "acme", 3).unwrap()
}

fn options() -> LogOptions {
    LogOptions { segment_bytes: 4096, prepare_ahead: false, ..LogOptions::at(1_000) }
}

fn disk(folder: &tempfile::TempDir) -> Arc<dyn Disk> {
    Arc::new(FileDisk::create(folder.path().join("log")).unwrap())
}

fn block(commits: &[&str]) -> Block {
    let mut block = Block::new(2_000);
    for commit in commits {
        block.push(commit.as_bytes()).unwrap();
    }
    block
}

fn all_commits(reader: &mut LogReader) -> Vec<(u64, String)> {
    let mut found = Vec::new();
    while let Some(block) = reader.next_block().unwrap() {
        found.extend(
            block.commits().map(|(at, bytes)| (at, String::from_utf8(bytes.to_vec()).unwrap())),
        );
    }
    found
}

#[test]
fn what_was_appended_is_read_in_order_and_after_opening_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = FileLog::create(disk(&folder), &identity(), options()).unwrap();

    let first = log.append(1, &mut block(&["a", "b"])).unwrap();
    let second = log.append(3, &mut block(&["c"])).unwrap();

    assert_eq!((first.first_position, first.next_position, first.block_number), (1, 3, 2));
    assert_eq!((second.first_position, second.next_position), (3, 4));
    let expected = vec![(1, "a".to_owned()), (2, "b".to_owned()), (3, "c".to_owned())];
    assert_eq!(all_commits(&mut log.reader().unwrap()), expected);
    log.close(3_000).unwrap();
    drop(log);
    let (log, report) = FileLog::open(disk(&folder), options()).unwrap();
    assert!(report.closed_cleanly);
    assert_eq!(report.torn_tail, None);
    assert_eq!((log.head().epoch, log.head().next_position), (2, 4));
    assert_eq!(all_commits(&mut LogReader::open_on(disk(&folder)).unwrap()), expected);
}

#[test]
fn the_log_goes_on_over_many_segments_and_any_position_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let options = LogOptions { prepare_ahead: true, ..options() };
    let mut log = FileLog::create(disk(&folder), &identity(), options).unwrap();
    for index in 1..=300_u64 {
        log.append(index, &mut block(&[&format!("commit {index}")])).unwrap();
    }

    let mut reader = LogReader::open_on(disk(&folder)).unwrap();

    for position in [1, 299, 150, 7, 300] {
        let bytes = reader.read_commit(position).unwrap().unwrap();
        assert_eq!(bytes, format!("commit {position}").into_bytes());
        reader.seek(position).unwrap();
        assert_eq!(reader.next_block().unwrap().unwrap().first_position(), position);
    }
    assert_eq!(reader.read_commit(301).unwrap(), None);
    reader.seek(1).unwrap();
    assert_eq!(all_commits(&mut reader).len(), 300);
    assert_eq!(reader.head(), log.head());
}

#[test]
fn a_block_for_another_position_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = FileLog::create(disk(&folder), &identity(), options()).unwrap();

    let refused = log.append(2, &mut block(&["a"]));

    assert!(matches!(refused, Err(AppendError::PositionConflict { expected: 2, actual: 1 })));
    log.append(1, &mut block(&["a"])).unwrap();
}

#[test]
fn a_closed_log_takes_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = FileLog::create(disk(&folder), &identity(), options()).unwrap();
    log.close(0).unwrap();

    assert!(matches!(log.append(1, &mut block(&["a"])), Err(AppendError::Closed)));
}

#[test]
fn a_second_writer_is_refused_with_the_path_and_the_pid_of_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let first = FileLog::create(disk(&folder), &identity(), options()).unwrap();

    let refused = FileLog::open(disk(&folder), options()).unwrap_err();

    let OpenError::InUse { path, pid } = refused else { panic!("{refused:?}") };
    assert_eq!(path, folder.path().join("log/lock"));
    assert_eq!(pid, Some(std::process::id()));
    drop(first);
    FileLog::open(disk(&folder), options()).unwrap();
}

#[test]
fn a_writer_whose_lock_file_was_replaced_stops_at_the_next_segment() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = FileLog::create(disk(&folder), &identity(), options()).unwrap();
    std::fs::remove_file(folder.path().join("log/lock")).unwrap();

    let refused = (1..).find_map(|position| log.append(position, &mut block(&["a"])).err());

    assert!(matches!(refused, Some(AppendError::LockLost { .. })), "{refused:?}");
    assert!(matches!(log.append(9, &mut block(&["a"])), Err(AppendError::Poisoned)));
}

#[test]
fn a_folder_without_a_log_is_no_log_and_another_log_is_not_taken_for_ours() {
    let folder = tempfile::tempdir().unwrap();
    let missing = FileLog::open(disk(&folder), options()).unwrap_err();
    assert!(matches!(missing, OpenError::Read(ReadError::NoLog { .. })));
    drop(FileLog::create(disk(&folder), &identity(), options()).unwrap());
    let other = LogIdentity::new(LogId([8; 16]), "acme", 3).unwrap();

    let created = FileLog::create(disk(&folder), &identity(), options()).unwrap_err();
    let opened = FileLog::open_or_create(disk(&folder), &other, options()).unwrap_err();

    assert!(matches!(created, OpenError::AlreadyThere { .. }));
    assert!(matches!(opened, OpenError::AlreadyThere { .. }));
}

#[test]
fn a_folder_that_can_not_be_written_is_said_to_be_read_only() {
    // Even the superuser can make no file there.
    let disk = Arc::new(FileDisk::open("/sys/kernel").unwrap());

    let refused = FileLog::create(disk, &identity(), options()).unwrap_err();

    assert!(matches!(refused, OpenError::ReadOnly { .. }), "{refused:?}");
}

#[test]
fn a_reader_in_the_same_process_is_woken_by_an_append() {
    let folder = tempfile::tempdir().unwrap();
    let mut log = FileLog::create(disk(&folder), &identity(), options()).unwrap();
    let readers = log.readers();
    let mut reader = readers.open().unwrap();
    assert_eq!(reader.next_block().unwrap().unwrap().header().kind, BlockKind::Takeover);
    assert!(reader.next_block().unwrap().is_none());
    let waiting = std::thread::spawn(move || {
        let woken = reader.wait(Duration::from_secs(30)).unwrap();
        (woken, all_commits(&mut reader))
    });

    log.append(1, &mut block(&["a"])).unwrap();

    assert_eq!(waiting.join().unwrap(), (true, vec![(1, "a".to_owned())]));
    assert_eq!(readers.durable_head(), log.head());
}
