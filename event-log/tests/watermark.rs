//! What a reader shows survives any power cut: shown at every point between a write and its sync.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use event_log::sim::SimDisk;
use event_log::{
    Block, Disk, DiskFile, DiskLock, EventLog, FileLog, LockError, LogId, LogIdentity, LogOptions,
    LogReader,
};

/// Power cuts that are tried at each point.
const CUTS: u64 = 6;
const BLOCKS: u64 = 14;

type Commits = Vec<Vec<u8>>;

/// What a reader makes of a disk at one moment.
type Reading = fn(&SimDisk) -> Commits;

fn options() -> LogOptions {
    LogOptions { segment_bytes: 3 * 512, prepare_ahead: false, ..LogOptions::at(0) }
}

fn read(disk: &SimDisk) -> Commits {
    let mut commits = Vec::new();
    let Ok(mut reader) = LogReader::open_on(Arc::new(disk.clone())) else { return commits };
    while let Some(block) = reader.next_block().expect("nothing is damaged") {
        commits.extend(block.commits().map(|(_, bytes)| bytes.to_vec()));
    }
    commits
}

/// The planted fault: whatever was written is shown, whether it is durable or not.
fn read_beyond_the_watermark(disk: &SimDisk) -> Commits {
    // A writer that opens the log finds every whole block, as after a killed process.
    let copy = disk.copy(1);
    drop(FileLog::open(Arc::new(copy.clone()), options()));
    read(&copy)
}

/// What survives a power cut now.
fn survivors(disk: &SimDisk, seed: u64) -> Commits {
    let copy = disk.copy(seed);
    copy.crash();
    // A log whose first block was lost is none.
    drop(FileLog::open(Arc::new(copy.clone()), options()));
    read(&copy)
}

/// A disk that is looked at before and after everything that is written and synced.
#[derive(Debug, Clone)]
struct Watched {
    disk: SimDisk,
    reading: Reading,
    /// Points at which something was shown, and what a power cut took back.
    found: Arc<Mutex<(u64, Vec<String>)>>,
}

impl Watched {
    fn new(reading: Reading) -> Self {
        Self { disk: SimDisk::new(7), reading, found: Arc::default() }
    }

    fn look(&self, at: &str) {
        let shown = (self.reading)(&self.disk);
        let mut found = self.found.lock().expect("nobody panicked");
        found.0 += u64::from(!shown.is_empty());
        for seed in 0..CUTS {
            let left = survivors(&self.disk, seed);
            if !left.starts_with(&shown) {
                let (shown, left) = (shown.len(), left.len());
                found.1.push(format!("{at}: {shown} commits were shown, {left} survived"));
            }
        }
    }
}

impl Disk for Watched {
    fn path(&self, name: &str) -> PathBuf {
        self.disk.path(name)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = self.disk.create(name)?;
        Ok(Box::new(WatchedFile { file, disk: self.clone() }))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = self.disk.open(name)?;
        Ok(Box::new(WatchedFile { file, disk: self.clone() }))
    }

    fn open_read(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.disk.open_read(name)
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.look("before a rename");
        self.disk.rename(from, to)?;
        self.look("after a rename");
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.look("before a folder's sync");
        self.disk.sync_folder()
    }

    fn lock(&self, name: &str) -> Result<Box<dyn DiskLock>, LockError> {
        self.disk.lock(name)
    }
}

#[derive(Debug)]
struct WatchedFile {
    file: Box<dyn DiskFile>,
    disk: Watched,
}

impl DiskFile for WatchedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_at(bytes, offset)?;
        self.disk.look("between a write and its sync");
        Ok(())
    }

    fn preallocate(&self, length: u64) -> io::Result<()> {
        self.file.preallocate(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.look("before a sync");
        self.file.sync_data()?;
        self.disk.look("after a sync");
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.file.set_length(length)
    }
}

/// Writes a log over several segments; gives how often something was shown, and what was taken
/// back.
fn watch(reading: Reading) -> (u64, Vec<String>) {
    let watched = Watched::new(reading);
    let identity = LogIdentity::new(LogId([9; 16]), "watched", 0).expect("a name");
    let disk: Arc<dyn Disk> = Arc::new(watched.clone());
    let mut log = FileLog::create(disk, &identity, options()).expect("a fresh disk");
    for number in 0..BLOCKS {
        let mut block = Block::new(0);
        block.push(format!("commit {number}").as_bytes()).expect("room");
        log.append(number + 1, &mut block).expect("the disk is well");
    }
    assert_eq!(read(&watched.disk).len() as u64, BLOCKS);
    let found = watched.found.lock().expect("nobody panicked");
    found.clone()
}

#[test]
fn a_reader_never_shows_what_a_power_cut_takes_back() {
    let (shown, taken_back) = watch(read);

    assert!(shown > 4 * BLOCKS, "something was shown at {shown} points only");
    assert_eq!(taken_back, Vec::<String>::new());
}

#[test]
fn a_reader_that_ignores_the_watermark_is_caught() {
    let (_, taken_back) = watch(read_beyond_the_watermark);

    let between = taken_back.iter().filter(|point| point.starts_with("between a write"));
    assert!(between.count() as u64 >= BLOCKS, "{taken_back:#?}");
}
