//! Records whose checksums are right and that still can't follow: never cut as a torn write.

use std::sync::Arc;

use event_log::sim::SimDisk;
use event_log::{
    Block, CheckOnOpen, CopyError, Damage, Disk, EventLog, Fault, FileLog, LogId, LogIdentity,
    LogOptions, LogReader, OpenError, ReadError, WatermarkState, copy, verify,
};

fn options() -> LogOptions {
    LogOptions { segment_bytes: 4096, prepare_ahead: false, ..LogOptions::at(0) }
}

/// A takeover block and `commits` blocks of one sector each, and a watermark that is older.
fn log_of(log: u8, commits: u64) -> SimDisk {
    let disk = SimDisk::new(0);
    let identity = LogIdentity::new(LogId([log; 16]), "refusals", 0).unwrap();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let mut log = FileLog::create(shared, &identity, options()).unwrap();
    for position in 1..=commits {
        let mut block = Block::new(0);
        block.push(&position.to_le_bytes()).unwrap();
        log.append(position, &mut block).unwrap();
    }
    drop(log);
    let marks = disk.file_bytes("watermark").unwrap();
    let mut anchor = vec![0; marks.len()];
    anchor[..128].copy_from_slice(&marks[..128]);
    disk.set_file_bytes("watermark", &anchor);
    disk
}

fn segment(number: usize, disk: &SimDisk) -> String {
    let names = disk.file_names().into_iter().filter(|name| name.starts_with("segment"));
    names.collect::<Vec<_>>()[number - 1].clone()
}

/// Changes a field of the block at `block` and makes its header's checksum right again.
fn forge(disk: &SimDisk, block: usize, at: usize, value: &[u8]) {
    let name = segment(1, disk);
    let mut bytes = disk.file_bytes(&name).unwrap();
    bytes[block + at..block + at + value.len()].copy_from_slice(value);
    let crc = crc32c::crc32c(&bytes[block..block + 188]);
    bytes[block + 188..block + 192].copy_from_slice(&crc.to_le_bytes());
    disk.set_file_bytes(&name, &bytes);
}

fn damage(disk: &SimDisk, options: LogOptions) -> Damage {
    match FileLog::open(Arc::new(disk.clone()), options) {
        Err(OpenError::Read(ReadError::Corrupt(damage))) => damage,
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("opened"),
    }
}

#[test]
fn a_last_block_that_does_not_fit_is_refused_though_it_is_beyond_the_watermark() {
    // The third block starts at 1536: the header's sector, the takeover block, one block before.
    let cases: [(usize, &[u8], Fault); 7] = [
        (4, &[2, 0], Fault::Unknown { field: "format version", value: 2 }),
        (6, &[9], Fault::Unknown { field: "block kind", value: 9 }),
        (7, &[1], Fault::Unknown { field: "codec", value: 1 }),
        (8, &[2], Fault::Unknown { field: "hash algorithm", value: 2 }),
        (96, &[0], Fault::Epoch { previous: 1, found: 0 }),
        (104, &[9], Fault::BlockNumber { expected: 3, found: 9 }),
        (112, &[3], Fault::Position { expected: 2, found: 3 }),
    ];
    for (at, value, fault) in cases {
        let disk = log_of(1, 2);
        forge(&disk, 1536, at, value);

        let refused = damage(&disk, options());

        assert_eq!((refused.offset, refused.fault), (1536, fault));
        assert!(refused.file.ends_with(segment(1, &disk)));
    }
}

#[test]
fn a_block_with_another_previous_hash_breaks_the_chain() {
    let disk = log_of(1, 2);
    forge(&disk, 1536, 128, &[0; 32]);

    assert_eq!(damage(&disk, options()).fault, Fault::Chain);
}

#[test]
fn a_log_whose_segments_are_gone_is_damaged_and_no_fresh_folder() {
    // given
    let disk = log_of(1, 30);
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    while disk.file_names().iter().any(|name| name.starts_with("segment")) {
        disk.remove_file(&segment(1, &disk));
    }
    // when
    let copied = copy(shared.clone(), &SimDisk::new(1));
    let Err(CopyError::Read(not_copied)) = copied else { panic!("{copied:?}") };
    let found = [
        LogReader::open_on(shared.clone()).err(),
        verify(shared.clone(), |_, _| {}).err(),
        Some(not_copied),
        Some(ReadError::Corrupt(damage(&disk, options()))),
    ];
    // then
    for error in found {
        let Some(error @ ReadError::Corrupt(_)) = error else { panic!("{error:?}") };
        let said = error.to_string();
        assert!(said.contains("segment 1 is missing, which watermark tells of"), "{said}");
        assert!(said.contains("restore the log from a backup"), "{said}");
    }
    // when nothing says that there ever was one
    disk.remove_file("watermark");
    // then
    let none = LogReader::open_on(shared);
    assert!(matches!(none, Err(ReadError::NoLog { .. })), "{none:?}");
}

#[test]
fn a_missing_segment_is_not_said_to_be_damage_of_the_file_that_tells_of_it() {
    for missing in [1, 2, 3] {
        let disk = log_of(1, 20);
        disk.remove_file(&segment(missing, &disk));
        let found = verify(Arc::new(disk), |_, _| {});
        let Err(error @ ReadError::Corrupt(_)) = found else { panic!("{found:?}") };
        let said = error.to_string();
        assert!(said.contains(&format!("segment {missing} is missing")), "{said}");
        assert!(!said.contains("at byte"), "{said}");
    }
}

#[test]
fn without_a_watermark_the_blocks_say_what_is_durable_and_what_is_only_whole() {
    // given
    let disk = log_of(1, 3);
    disk.remove_file("watermark");
    let open = || LogReader::open_on(Arc::new(disk.clone())).unwrap();
    // when and then: the last block has nothing behind it that would say that it is durable
    let mut reader = open();
    assert_eq!(reader.durable_head().unwrap().last_position(), Some(2));
    assert_eq!(reader.head().last_position(), None, "it stays where it is");
    assert_eq!(reader.whole_position().unwrap(), 3);
    let report = verify(Arc::new(disk.clone()), |_, _| {}).unwrap();
    assert_eq!(report.watermark, WatermarkState::Lost);
    assert_eq!((report.head.last_position(), report.whole_position), (Some(2), 3));
    assert_eq!(report.torn_bytes, 0);
    // when the last block is torn, too
    let name = segment(1, &disk);
    let mut bytes = disk.file_bytes(&name).unwrap();
    bytes[2048 + 193] ^= 1;
    disk.set_file_bytes(&name, &bytes);
    // then
    assert_eq!(open().whole_position().unwrap(), 2);
    assert!(verify(Arc::new(disk.clone()), |_, _| {}).unwrap().torn_bytes > 0);
    assert_eq!(damage(&disk, options()).fault, Fault::WatermarkLost);
}

#[test]
fn a_segment_of_another_log_is_refused() {
    let (disk, other) = (log_of(1, 20), log_of(2, 20));
    let name = segment(2, &disk);
    disk.set_file_bytes(&name, &other.file_bytes(&name).unwrap());

    let refused = damage(&disk, options());

    assert!(matches!(refused.fault, Fault::Identity { .. }), "{refused}");
    assert!(refused.file.ends_with(name));
}

#[test]
fn a_watermark_of_another_log_is_refused() {
    let (disk, other) = (log_of(1, 3), log_of(2, 3));
    disk.set_file_bytes("watermark", &other.file_bytes("watermark").unwrap());

    let refused = damage(&disk, options());

    assert!(matches!(refused.fault, Fault::Identity { .. }), "{refused}");
    assert!(refused.file.ends_with("watermark"));
}

#[test]
fn a_quick_opening_leaves_older_segments_to_their_readers() {
    let disk = log_of(1, 30);
    let name = segment(1, &disk);
    let mut bytes = disk.file_bytes(&name).unwrap();
    bytes[1024 + 193] ^= 1;
    disk.set_file_bytes(&name, &bytes);
    assert_eq!(damage(&disk.copy(1), options()).offset, 1024);

    let quick = LogOptions { check: CheckOnOpen::LastSegments, ..options() };
    let (log, _) = FileLog::open(Arc::new(disk.clone()), quick).unwrap();

    assert_eq!(log.head().next_position, 31);
    let mut reader = LogReader::open_on(Arc::new(disk)).unwrap();
    reader.next_block().unwrap();
    let Err(ReadError::Corrupt(refused)) = reader.next_block() else { panic!("accepted") };
    assert_eq!((refused.offset, refused.fault), (1024, Fault::BodyChecksum));
    assert!(reader.next_block().is_err(), "it stays where it is");
    assert!(reader.read_commit(30).unwrap().is_some(), "what is whole can still be read");
}

#[test]
fn a_probe_measures_the_folder_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();

    let report = event_log::probe::measure(folder.path(), 20).unwrap();

    assert_eq!(report.rounds, 20);
    assert!(report.sync_p50 <= report.sync_p99 && report.sync_p99 <= report.sync_max);
    assert!(report.raw_append_bytes_per_second > 0);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
