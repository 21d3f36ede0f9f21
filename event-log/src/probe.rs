//! Measuring what a folder's disk can do, to print beside what the log does on it.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::disk::Disk;
use crate::file_disk::FileDisk;

const PROBE_FILE: &str = "probe.tmp";
/// A block of 128 commits of 113 bytes, in sectors.
const ROUND_BYTES: usize = 15_360;
const FILE_BYTES: u64 = 16 << 20;

/// What a folder's disk can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProbeReport {
    /// How many rounds of one write and one sync were measured.
    pub rounds: u32,
    /// Bytes a round.
    pub round_bytes: u64,
    /// Half of the syncs took no longer.
    pub sync_p50: Duration,
    /// 99 of 100 syncs took no longer.
    pub sync_p99: Duration,
    /// The longest sync.
    pub sync_max: Duration,
    /// Bytes written and synced a second, one round after the other.
    pub raw_append_bytes_per_second: u64,
}

/// Writes and syncs blocks of 15,360 bytes, one after the other, into a preallocated file in
/// `folder`; the file is removed afterwards.
/// # Errors
/// What the disk says.
pub fn measure(folder: impl AsRef<Path>, rounds: u32) -> io::Result<ProbeReport> {
    let disk = FileDisk::open(folder)?;
    match disk.remove(PROBE_FILE) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let report = rounds_on(&disk, rounds.max(1));
    disk.remove(PROBE_FILE)?;
    report
}

fn rounds_on(disk: &FileDisk, rounds: u32) -> io::Result<ProbeReport> {
    let file = disk.create(PROBE_FILE)?;
    file.preallocate(FILE_BYTES)?;
    let block = vec![0xA5; ROUND_BYTES];
    let round_bytes = ROUND_BYTES as u64;
    let mut syncs = Vec::new();
    let started = Instant::now();
    for round in 0..u64::from(rounds) {
        let offset = round * round_bytes % (FILE_BYTES - round_bytes);
        file.write_at(&block, offset)?;
        let sync_started = Instant::now();
        file.sync_data()?;
        syncs.push(sync_started.elapsed());
    }
    let elapsed = started.elapsed().as_nanos().max(1);
    syncs.sort_unstable();
    let at = |percent: usize| syncs[(syncs.len() - 1) * percent / 100];
    let bytes = u128::from(round_bytes) * u128::from(rounds);
    Ok(ProbeReport {
        rounds,
        round_bytes,
        sync_p50: at(50),
        sync_p99: at(99),
        sync_max: at(100),
        raw_append_bytes_per_second: u64::try_from(bytes * 1_000_000_000 / elapsed)
            .unwrap_or(u64::MAX),
    })
}
