//! The bytes of the format: a frozen log that must read for ever, and be written the same.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use event_log::{
    Block, EventLog, FileDisk, FileLog, LogId, LogIdentity, LogOptions, VerifyReport, verify,
};

/// The log in `tests/golden/log-v1`; it is never written again. With this variable set to a
/// folder, the test writes a log there instead, from which a new golden can be made.
const WRITE_TO: &str = "EVENT_LOG_GOLDEN_TO";

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/log-v1")
}

fn commits() -> Vec<Vec<u8>> {
    (0..12_u8).map(|n| vec![n; 1 + usize::from(n) * 40]).collect()
}

fn write_log(folder: &Path) {
    let disk = Arc::new(FileDisk::create(folder).unwrap());
    let id = LogId(*b"golden log id 01");
    let identity = LogIdentity::new(id, "golden_book-1", 258).unwrap();
    let at =
        |time| LogOptions { segment_bytes: 4096, prepare_ahead: false, ..LogOptions::at(time) };
    let mut log = FileLog::create(disk.clone(), &identity, at(1_700_000_000_000_001)).unwrap();
    for (index, cut) in commits().chunks(3).enumerate() {
        if index == 2 {
            log.close(-5).unwrap();
            drop(log);
            (log, _) = FileLog::open(disk.clone(), at(1_700_000_000_000_002)).unwrap();
        }
        let mut block = Block::new(1_700_000_000_000_100 + i64::try_from(index).unwrap());
        for commit in cut {
            block.push(commit).unwrap();
        }
        log.append(log.head().next_position, &mut block).unwrap();
    }
    log.close(i64::MAX).unwrap();
}

fn check(folder: &Path) -> (VerifyReport, Vec<Vec<u8>>) {
    let disk = Arc::new(FileDisk::open(folder).unwrap());
    let mut found = Vec::new();
    let report = verify(disk, |_, commit| found.push(commit.to_vec())).unwrap();
    (report, found)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
fn the_frozen_log_is_read_as_it_was_written() {
    let (report, found) = check(&golden());

    assert_eq!(found, commits());
    assert_eq!(
        report.identity.to_string(),
        "log 676f6c64-656e-206c-6f67-206964203031 \
        (book golden_book-1, partition 258)"
    );
    assert_eq!((report.blocks, report.head.epoch, report.closed), (8, 2, true));
    assert_eq!(
        hex(&report.head.block_hash),
        "e61bd90c9186ee9f5185e3829c8c9aa5a4ce05211a7e73ddaae8e964466eb764"
    );
    assert_eq!(
        hex(&report.merkle_root),
        "93b5bdfc3210dd98d490922b513a2a685c3c539437ac8cd31d228d967957aa20"
    );
}

#[test]
fn the_same_log_is_written_in_the_same_bytes() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("log");
    write_log(&folder);
    if let Ok(target) = std::env::var(WRITE_TO) {
        write_log(Path::new(&target));
    }

    for entry in std::fs::read_dir(golden()).unwrap() {
        let name = entry.unwrap().file_name();
        let frozen = std::fs::read(golden().join(&name)).unwrap();
        let written = std::fs::read(folder.join(&name)).unwrap();
        let first = frozen.iter().zip(&written).position(|(old, new)| old != new);
        assert_eq!((first, written.len()), (None, frozen.len()), "{}", name.display());
    }
}

#[test]
fn a_reader_in_another_language_finds_the_same() {
    let (report, found) = check(&golden());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/foreign/read_log.py");

    let output = Command::new("python3").arg(script).arg(golden()).output().unwrap();

    let mut expected = format!(
        "block {}\nnext position {}\nhead {}\nroot {}\n",
        report.head.block_number,
        report.head.next_position,
        hex(&report.head.block_hash),
        hex(&report.merkle_root)
    );
    for (number, commit) in (1..).zip(found) {
        writeln!(expected, "commit {number} {}", hex(&commit)).unwrap();
    }
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{output:?}");
}
