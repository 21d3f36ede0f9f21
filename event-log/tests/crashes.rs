//! Crashes on a disk that loses, tears and reorders what was not synced.

use std::sync::Arc;

use event_log::sim::{SimDisk, SplitMix64};
use event_log::{
    Block, Disk, EventLog, FileLog, LogId, LogIdentity, LogOptions, LogReader, verify,
};

const SEEDS: u64 = 1_500;

fn identity() -> LogIdentity {
    LogIdentity::new(LogId([1; 16]), "book", 0).unwrap()
}

fn options(random: &mut SplitMix64) -> LogOptions {
    // Small segments, so that crashes hit rolls too.
    let segment_bytes = 2048 + 512 * random.below(8);
    LogOptions { segment_bytes, prepare_ahead: false, ..LogOptions::at(0) }
}

/// What was answered for, and the block whose append did not come back with an answer.
#[derive(Default)]
struct Expected {
    acknowledged: Vec<Vec<u8>>,
    in_flight: Vec<Vec<u8>>,
}

impl Expected {
    /// Every acknowledged commit is there once, in order, and the block in flight whole or not.
    fn settle(&mut self, found: Vec<Vec<u8>>) -> Result<(), String> {
        let with_flight: Vec<_> =
            self.acknowledged.iter().chain(&self.in_flight).cloned().collect();
        if found != self.acknowledged && found != with_flight {
            let lengths = (self.acknowledged.len(), self.in_flight.len(), found.len());
            return Err(format!("acknowledged, in flight, found: {lengths:?}"));
        }
        self.acknowledged = found;
        self.in_flight.clear();
        Ok(())
    }
}

fn commits(disk: &SimDisk) -> Result<Vec<Vec<u8>>, String> {
    let mut found = Vec::new();
    let mut reader =
        LogReader::open_on(Arc::new(disk.clone())).map_err(|error| error.to_string())?;
    loop {
        match reader.next_block() {
            Ok(Some(block)) => found.extend(block.commits().map(|(_, bytes)| bytes.to_vec())),
            Ok(None) => return Ok(found),
            Err(error) => return Err(error.to_string()),
        }
    }
}

fn random_block(random: &mut SplitMix64, tag: &mut u64) -> (Block, Vec<Vec<u8>>) {
    let mut block = Block::new(0);
    let mut pushed = Vec::new();
    for _ in 0..=random.below(4) {
        *tag += 1;
        let mut commit = tag.to_le_bytes().to_vec();
        let length = if random.chance(1, 10) { random.below(3000) } else { random.below(200) };
        commit.extend((0..length).map(|_| random.next_number().to_le_bytes()[0]));
        block.push(&commit).unwrap();
        pushed.push(commit);
    }
    (block, pushed)
}

/// One life of a writer, until something fails or it had enough.
fn live(disk: &SimDisk, random: &mut SplitMix64, tag: &mut u64, expected: &mut Expected) {
    let shared: Arc<dyn Disk> = Arc::new(disk.clone());
    let Ok((mut log, _)) = FileLog::open_or_create(shared, &identity(), options(random)) else {
        return;
    };
    for _ in 0..random.below(25) {
        let (mut block, pushed) = random_block(random, tag);
        if log.append(log.head().next_position, &mut block).is_err() {
            expected.in_flight = pushed;
            return;
        }
        expected.acknowledged.extend(pushed);
    }
    if random.chance(1, 4) {
        // Whether that works or not, it adds no commit.
        let _closed = log.close(0);
    }
}

fn arm(disk: &SimDisk, random: &mut SplitMix64) {
    match random.below(4) {
        0 => disk.fail_sync(1 + random.below(30)),
        1 => disk.fail_write(1 + random.below(50)),
        2 => disk.cut_power_after(1 + random.below(20)),
        _ => disk.cut_power_after(1 + random.below(120)),
    }
}

/// Several lives with a crash, or only a killed process, after each.
fn run(seed: u64, ignore_syncs: bool) -> Result<(), String> {
    let disk = SimDisk::new(seed);
    disk.set_syncs_ignored(ignore_syncs);
    let mut random = SplitMix64::new(seed ^ 0xB111_F01D);
    let (mut tag, mut expected) = (0, Expected::default());
    for _ in 0..=random.below(4) {
        arm(&disk, &mut random);
        live(&disk, &mut random, &mut tag, &mut expected);
        let shown = commits(&disk).unwrap_or_default();
        // A killed process leaves the page cache, a power cut does not.
        if random.chance(3, 4) || disk.list().is_err() {
            disk.crash();
        }
        disk.disarm();
        // The next writer may be cut down while it recovers.
        if random.chance(1, 3) {
            disk.cut_power_after(1 + random.below(12));
            let shared: Arc<dyn Disk> = Arc::new(disk.clone());
            drop(FileLog::open_or_create(shared, &identity(), options(&mut random)));
            disk.crash();
        }
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let opened = FileLog::open_or_create(shared.clone(), &identity(), options(&mut random));
        drop(opened.map_err(|error| error.to_string())?);
        let found = commits(&disk)?;
        if !found.starts_with(&shown) {
            return Err("a reader was shown what the crash took back".to_owned());
        }
        let report = verify(shared, |_, _| {}).map_err(|error| error.to_string())?;
        assert_eq!(report.commits, found.len() as u64);
        expected.settle(found)?;
    }
    Ok(())
}

#[test]
fn what_was_acknowledged_survives_any_crash_exactly_once_and_in_order() {
    for seed in 0..SEEDS {
        if let Err(error) = run(seed, false) {
            panic!("seed {seed}: {error}");
        }
    }
}

#[test]
fn without_the_sync_the_same_check_fails() {
    let failed = (0..SEEDS).filter(|seed| run(*seed, true).is_err()).count() as u64;

    assert!(failed > SEEDS / 10, "only {failed} of {SEEDS} seeds noticed");
}

#[test]
fn the_same_seed_gives_the_same_disk() {
    let files = |seed| {
        let disk = SimDisk::new(seed);
        let mut random = SplitMix64::new(seed);
        live(&disk, &mut random, &mut 0, &mut Expected::default());
        disk.crash();
        disk.file_names().iter().map(|name| disk.file_bytes(name)).collect::<Vec<_>>()
    };

    assert_eq!(files(42), files(42));
    assert_ne!(files(42), files(43));
}
