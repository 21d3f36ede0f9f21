//! Every cut and every flipped bit of a small log.

use std::sync::Arc;

use event_log::sim::SimDisk;
use event_log::{
    Block, Disk, EventLog, FileLog, LogId, LogIdentity, LogOptions, LogReader, OpenError,
    ReadError, WatermarkState, verify,
};

fn options() -> LogOptions {
    LogOptions { segment_bytes: 2560, prepare_ahead: false, ..LogOptions::at(5) }
}

/// A log of two segments: where the blocks end in each, and its commits.
struct Small {
    disk: SimDisk,
    ends: Vec<(String, usize)>,
    commits: Vec<Vec<u8>>,
}

fn small_log(closed: bool) -> Small {
    let disk = SimDisk::new(0);
    let identity = LogIdentity::new(LogId([9; 16]), "small", 1).unwrap();
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let mut log = FileLog::create(shared, &identity, options()).unwrap();
    let mut commits = Vec::new();
    for lengths in [&[5, 9][..], &[400], &[30, 1, 60], &[12]] {
        let mut block = Block::new(6);
        for length in lengths {
            let commit = vec![u8::try_from(commits.len() + 65).unwrap(); *length];
            block.push(&commit).unwrap();
            commits.push(commit);
        }
        log.append(log.head().next_position, &mut block).unwrap();
    }
    if closed {
        log.close(7).unwrap();
    }
    drop(log);
    let segments = disk.file_names().into_iter().filter(|name| name.starts_with("segment"));
    let ends: Vec<_> = segments
        .map(|name| {
            let bytes = disk.file_bytes(&name).unwrap();
            // The header fills its sector; each block starts on one and tells its length.
            let mut end = 512;
            while bytes.get(end..end + 4) == Some(b"BFBK") {
                let body = u32::from_le_bytes(bytes[end + 164..end + 168].try_into().unwrap());
                end = (end + 192 + body as usize).next_multiple_of(512);
            }
            (name, end)
        })
        .collect();
    assert_eq!(ends.len(), 2);
    Small { disk, ends, commits }
}

/// What was found after the damage: the commits that reading gave, or the refusal.
enum Outcome {
    Read(Vec<Vec<u8>>),
    Refused { file: String, offset: u64 },
}

fn refusal(error: &ReadError, what: &str) -> Outcome {
    let ReadError::Corrupt(damage) = error else { panic!("{what}: {error}") };
    let file = damage.file.file_name().unwrap().to_str().unwrap().to_owned();
    Outcome::Refused { file, offset: damage.offset }
}

fn open_and_read(disk: &SimDisk, what: &str) -> Outcome {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    match FileLog::open(shared.clone(), options()) {
        Ok(_) => {}
        Err(OpenError::Read(error)) => return refusal(&error, what),
        Err(error) => panic!("{what}: {error}"),
    }
    verify_only(shared, what)
}

fn verify_only(disk: Arc<dyn Disk>, what: &str) -> Outcome {
    let mut commits = Vec::new();
    match verify(disk, |_, commit| commits.push(commit.to_vec())) {
        Ok(_) => Outcome::Read(commits),
        Err(error) => refusal(&error, what),
    }
}

/// Puts `bytes` in place of a file and checks what verifying and opening make of it.
fn check(small: &Small, name: &str, bytes: &[u8], must_refuse: bool, what: &str) {
    let disk = small.disk.copy(1);
    disk.set_file_bytes(name, bytes);
    let verified = verify_only(Arc::new(disk.clone()), what);
    // Without its watermark the last block may be one that is not durable: only opening settles it.
    let unsettled = usize::from(name == "watermark");
    for (outcome, lacking) in [(verified, unsettled), (open_and_read(&disk, what), 0)] {
        match outcome {
            Outcome::Read(commits) => {
                assert!(!must_refuse, "{what}: accepted");
                assert!(small.commits.starts_with(&commits), "{what}: other commits");
                assert!(commits.len() + lacking >= small.commits.len(), "{what}: fewer commits");
            }
            Outcome::Refused { file, offset } if must_refuse => {
                assert_eq!(file, name, "{what}");
                assert!(offset <= bytes.len() as u64, "{what}: at {offset}");
            }
            Outcome::Refused { .. } => {}
        }
    }
}

fn check_every_flip(small: &Small, first: bool) {
    let (name, end) = if first { &small.ends[0] } else { &small.ends[1] };
    let bytes = small.disk.file_bytes(name).unwrap();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            check(small, name, &flipped, at < *end, &format!("{name}: bit {bit} of byte {at}"));
        }
    }
}

#[test]
fn every_flipped_bit_of_the_first_segment_is_refused_with_file_and_offset() {
    check_every_flip(&small_log(true), true);
}

#[test]
fn every_flipped_bit_of_the_last_segment_is_refused_with_file_and_offset() {
    check_every_flip(&small_log(false), false);
}

#[test]
fn a_segment_cut_anywhere_below_the_watermark_is_refused_with_file_and_offset() {
    for small in [small_log(true), small_log(false)] {
        for (name, end) in &small.ends {
            let bytes = small.disk.file_bytes(name).unwrap();
            for at in 0..bytes.len() {
                let what = format!("{name}: cut at {at}");
                check(&small, name, &bytes[..at], at < *end, &what);
            }
        }
    }
}

#[test]
fn a_damaged_watermark_never_changes_what_is_read() {
    let small = small_log(false);
    let bytes = small.disk.file_bytes("watermark").unwrap();
    for at in 0..bytes.len() {
        check(&small, "watermark", &bytes[..at], false, &format!("watermark cut at {at}"));
        let bits = if at % 4096 < 128 { 8 } else { 1 };
        for bit in 0..bits {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            check(&small, "watermark", &flipped, false, &format!("bit {bit} of byte {at}"));
        }
    }
}

#[test]
fn a_missing_segment_is_refused_by_name() {
    let small = small_log(true);
    for (name, _) in &small.ends {
        let disk = small.disk.copy(2);
        disk.remove_file(name);

        let what = format!("without {name}");
        let verified = verify_only(Arc::new(disk.clone()), &what);

        assert!(matches!(verified, Outcome::Refused { .. }), "{what}");
        assert!(matches!(open_and_read(&disk, &what), Outcome::Refused { .. }), "{what}");
    }
}

#[test]
fn a_folder_that_lost_all_its_segments_is_not_begun_anew() {
    let small = small_log(true);
    for (name, _) in &small.ends {
        small.disk.remove_file(name);
    }
    let identity = LogIdentity::new(LogId([9; 16]), "small", 1).unwrap();

    let refused = FileLog::open_or_create(Arc::new(small.disk), &identity, options());

    assert!(matches!(refused, Err(OpenError::Read(ReadError::Corrupt(_)))));
}

#[test]
fn a_torn_block_beyond_the_watermark_is_cut_and_reported_but_not_if_a_block_follows_it() {
    // Given a log whose watermark was lost in a power cut, back to the opening.
    let small = small_log(false);
    let marks = small.disk.file_bytes("watermark").unwrap();
    let mut old = vec![0; marks.len()];
    old[..128].copy_from_slice(&marks[..128]);
    small.disk.set_file_bytes("watermark", &old);
    let (name, end) = &small.ends[1];
    let bytes = small.disk.file_bytes(name).unwrap();
    assert_eq!(*end, 1536, "two blocks of one sector each");

    // When the last block is torn, it is cut.
    let mut torn = bytes.clone();
    torn[1024 + 200] ^= 1;
    let disk = small.disk.copy(3);
    disk.set_file_bytes(name, &torn);
    let (log, report) = FileLog::open(Arc::new(disk.clone()), options()).unwrap();
    let tail = report.torn_tail.unwrap();
    assert_eq!((tail.offset, tail.bytes), (1024, 512));
    assert_eq!(log.head().next_position, small.commits.len() as u64);
    drop(log);
    let Outcome::Read(commits) = verify_only(Arc::new(disk), "cut") else { panic!("refused") };
    assert_eq!(commits, small.commits[..small.commits.len() - 1]);

    // When the one before it is torn, that is damage: nothing is torn in front of a whole block.
    let (first_name, _) = &small.ends[0];
    let mut damaged = small.disk.file_bytes(first_name).unwrap();
    damaged[1024 + 200] ^= 1;
    let disk = small.disk.copy(4);
    disk.set_file_bytes(first_name, &damaged);
    let refused = FileLog::open(Arc::new(disk), options()).unwrap_err();
    let OpenError::Read(ReadError::Corrupt(damage)) = refused else { panic!("{refused}") };
    assert_eq!(damage.offset, 1024);
}

#[test]
fn a_reader_without_a_watermark_shows_only_blocks_that_have_a_successor() {
    let small = small_log(false);
    small.disk.remove_file("watermark");
    let mut reader = LogReader::open_on(Arc::new(small.disk.clone())).unwrap();

    let mut commits = Vec::new();
    while let Some(block) = reader.next_block().unwrap() {
        commits.extend(block.commits().map(|(_, commit)| commit.to_vec()));
    }

    assert_eq!(commits, small.commits[..small.commits.len() - 1]);
    let report = verify(Arc::new(small.disk.clone()), |_, _| {}).unwrap();
    assert_eq!((report.watermark, report.unsettled_bytes), (WatermarkState::Lost, 512));
}
