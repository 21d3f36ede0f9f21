//! Readers and `verify` beside a writer at full speed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use event_log::{
    Block, Disk, EventLog, FileDisk, FileLog, LogId, LogIdentity, LogOptions, LogReader, verify,
};

const BLOCKS: u64 = 600;

fn commit(position: u64) -> Vec<u8> {
    position.to_le_bytes().repeat(1 + usize::try_from(position % 90).unwrap())
}

fn write(log: &mut FileLog) {
    let mut block = Block::new(0);
    for index in 0..BLOCKS {
        let first = log.head().next_position;
        block.clear(0);
        for position in first..first + index % 4 {
            block.push(&commit(position)).unwrap();
        }
        log.append(first, &mut block).unwrap();
    }
}

/// Follows until the writer is done and all is read; gives the number of commits.
fn follow(disk: Arc<dyn Disk>, done: &AtomicBool) -> u64 {
    let mut reader = LogReader::open_on(disk).unwrap();
    let mut next = 1;
    loop {
        let finished = done.load(Ordering::SeqCst);
        while let Some(block) = reader.next_block().unwrap() {
            for (position, bytes) in block.commits() {
                assert_eq!((position, bytes), (next, commit(next).as_slice()));
                next += 1;
            }
        }
        if finished {
            return next - 1;
        }
        let middle = next / 2;
        if middle > 0 {
            assert_eq!(reader.read_commit(middle).unwrap(), Some(commit(middle)));
        }
        reader.wait(Duration::from_millis(20)).unwrap();
    }
}

fn verify_until(disk: &Arc<dyn Disk>, done: &AtomicBool) -> u64 {
    loop {
        let finished = done.load(Ordering::SeqCst);
        let report = verify(disk.clone(), |_, _| {}).unwrap();
        if finished {
            return report.commits;
        }
    }
}

#[test]
fn reading_and_verifying_beside_a_writer_never_meet_damage() {
    let folder = tempfile::tempdir().unwrap();
    let disk: Arc<dyn Disk> = Arc::new(FileDisk::create(folder.path().join("log")).unwrap());
    let identity = LogIdentity::new(LogId([4; 16]), "busy", 0).unwrap();
    let options = LogOptions { segment_bytes: 64 << 10, ..LogOptions::at(0) };
    let mut log = FileLog::create(disk.clone(), &identity, options).unwrap();
    let done = AtomicBool::new(false);

    let (followed, verified) = std::thread::scope(|scope| {
        let follower = scope.spawn(|| follow(disk.clone(), &done));
        let verifier = scope.spawn(|| verify_until(&disk, &done));
        write(&mut log);
        done.store(true, Ordering::SeqCst);
        (follower.join().unwrap(), verifier.join().unwrap())
    });

    let written = log.head().next_position - 1;
    assert_eq!((followed, verified), (written, written));
}
