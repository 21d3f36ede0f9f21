//! Opening a book's keys reads their file once.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use event_log::sim::SimDisk;
use event_log::{Disk, DiskFile, DiskLock, LockError};
use vault::{Absent, Place, Vault};

use crate::book::{LOG, open, reads, registered};

/// Slots lie behind the head.
const FIRST_SLOT: u64 = 512;

/// A disk that counts how often slots are read.
#[derive(Debug, Clone)]
struct Counting {
    disk: SimDisk,
    reads: Arc<AtomicU64>,
}

impl Counting {
    fn counted(&self, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(CountingFile { file, reads: Arc::clone(&self.reads) })
    }
}

impl Disk for Counting {
    fn path(&self, name: &str) -> PathBuf {
        self.disk.path(name)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.disk.create(name).map(|file| self.counted(file))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.disk.open(name).map(|file| self.counted(file))
    }

    fn open_read(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.disk.open_read(name).map(|file| self.counted(file))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.disk.sync_folder()
    }

    fn lock(&self, name: &str) -> Result<Box<dyn DiskLock>, LockError> {
        self.disk.lock(name)
    }
}

#[derive(Debug)]
struct CountingFile {
    file: Box<dyn DiskFile>,
    reads: Arc<AtomicU64>,
}

impl DiskFile for CountingFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        if offset >= FIRST_SLOT {
            self.reads.fetch_add(1, Ordering::Relaxed);
        }
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_at(bytes, offset)
    }

    fn preallocate(&self, length: u64) -> io::Result<()> {
        self.file.preallocate(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.file.set_length(length)
    }
}

#[test]
fn every_slot_is_read_once_when_keys_are_opened_and_every_key_is_found() {
    // given fewer slots than are read at once, one of them never written
    let disk = SimDisk::new(1);
    let vault = open(&disk);
    let texts = [1, 2, 3].map(|n| registered(&vault, n, "Ada").0);
    drop(vault);
    let mut bytes = disk.file_bytes("keys").expect("keys");
    bytes[512 + 128..512 + 256].fill(0);
    disk.set_file_bytes("keys", &bytes);
    let counting = Counting { disk, reads: Arc::default() };
    let place = Place::on(Arc::new(counting.clone())).with_room(16);
    // when
    let vault = Vault::open(&place, LOG, Absent::Refuse, |_| true).expect("a sound disk");
    // then
    assert_eq!(counting.reads.load(Ordering::Relaxed), 1);
    for text in texts {
        assert!(reads(&vault.ring(), &text, "Ada"));
    }
}
