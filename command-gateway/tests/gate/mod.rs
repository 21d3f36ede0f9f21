//! A disk whose syncs, or whose reads, wait while a gate is closed.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use event_log::sim::SimDisk;
use event_log::{Disk, DiskFile, DiskLock, LockError};

#[derive(Debug, Default)]
struct State {
    closed: bool,
    waiting: usize,
}

/// Holds syncs or reads up.
#[derive(Debug, Clone, Default)]
pub struct Gate(Arc<(Mutex<State>, Condvar)>);

impl Gate {
    pub fn close(&self) {
        self.0.0.lock().expect("no panic inside").closed = true;
    }

    pub fn open(&self) {
        self.0.0.lock().expect("no panic inside").closed = false;
        self.0.1.notify_all();
    }

    /// Waits until a sync stands before the closed gate.
    pub fn wait_for_a_sync(&self) {
        self.wait_for_one();
    }

    /// Waits until something stands before the closed gate.
    pub fn wait_for_one(&self) {
        let state = self.0.0.lock().expect("no panic inside");
        let limit = Duration::from_secs(20);
        let (state, _) = self
            .0
            .1
            .wait_timeout_while(state, limit, |state| state.waiting == 0)
            .expect("no panic inside");
        assert!(state.waiting > 0, "nothing came to the gate");
    }

    fn pass(&self) {
        let mut state = self.0.0.lock().expect("no panic inside");
        state.waiting += 1;
        self.0.1.notify_all();
        let mut state = self.0.1.wait_while(state, |state| state.closed).expect("no panic inside");
        state.waiting -= 1;
    }
}

/// A simulated disk behind gates.
#[derive(Debug, Clone)]
pub struct GatedDisk {
    pub disk: SimDisk,
    pub gate: Gate,
    /// Of files that are only read.
    pub reads: Gate,
}

impl GatedDisk {
    pub fn new(seed: u64) -> Self {
        Self::of(SimDisk::new(seed))
    }

    pub fn of(disk: SimDisk) -> Self {
        Self { disk, gate: Gate::default(), reads: Gate::default() }
    }

    fn gated(&self, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(GatedFile { file, gate: self.gate.clone(), reads: Gate::default() })
    }
}

impl Disk for GatedDisk {
    fn path(&self, name: &str) -> PathBuf {
        self.disk.path(name)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.disk.create(name).map(|file| self.gated(file))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.disk.open(name).map(|file| self.gated(file))
    }

    fn open_read(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let (gate, reads) = (self.gate.clone(), self.reads.clone());
        let file = self.disk.open_read(name)?;
        Ok(Box::new(GatedFile { file, gate, reads }))
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
struct GatedFile {
    file: Box<dyn DiskFile>,
    gate: Gate,
    reads: Gate,
}

impl DiskFile for GatedFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.reads.pass();
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_at(bytes, offset)
    }

    fn preallocate(&self, length: u64) -> io::Result<()> {
        self.file.preallocate(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.gate.pass();
        self.file.sync_data()
    }

    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.file.set_length(length)
    }
}
