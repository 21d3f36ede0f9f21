//! A disk in memory that does its worst, from a seed.
//!
//! *Shape.* [`SimDisk`] is a handle; clones share the disk. What was written but not synced is
//! kept apart, by sector, and [`SimDisk::crash`] takes a random part of it back: sectors are lost,
//! torn in the middle, and kept in any order; names that were not synced may go back too.
//! *Correctness.* A failed sync behaves as Linux does: what it left behind is still read, is not
//! written by a later sync, and is gone after a crash.
//! *Limits.* For tests. Everything is behind one mutex.

mod inode;
mod random;
mod state;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::disk::{Disk, DiskFile, DiskLock, LockError};

pub use random::SplitMix64;
use state::State;

/// A simulated disk that holds one folder.
#[derive(Debug, Clone)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

impl SimDisk {
    /// An empty disk. All that goes wrong on it follows from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { state: Arc::new(Mutex::new(State::new(seed))) }
    }

    /// An independent copy, power and unsynced writes included; its further fate follows from
    /// `seed`.
    #[must_use]
    pub fn copy(&self, seed: u64) -> Self {
        let state = self.state().copy(seed);
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// The power goes and comes back: unsynced writes are lost, torn or kept at random, files that
    /// were open can't be used any more, locks are free. What was armed to fail is disarmed.
    pub fn crash(&self) {
        self.state().crash();
    }

    /// The power goes within the `operations`-th change from now (1 is the next). Everything
    /// fails from then on, until [`SimDisk::crash`].
    pub fn cut_power_after(&self, operations: u64) {
        self.state().cut_power_in = Some(operations);
    }

    /// The `syncs`-th sync of a file from now (1 is the next) fails.
    pub fn fail_sync(&self, syncs: u64) {
        self.state().fail_sync_in = Some(syncs);
    }

    /// The `writes`-th write from now (1 is the next) fails, half done.
    pub fn fail_write(&self, writes: u64) {
        self.state().fail_write_in = Some(writes);
    }

    /// Nothing fails any more, of what was armed and has not failed yet.
    pub fn disarm(&self) {
        self.state().disarm();
    }

    /// The disk holds no more than so many bytes; `None` for no limit.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity = bytes;
    }

    /// Whether the folder can't be written.
    pub fn set_read_only(&self, read_only: bool) {
        self.state().read_only = read_only;
    }

    /// Whether syncs only pretend. A crash test must fail on such a disk, or it tests nothing.
    pub fn set_syncs_ignored(&self, ignored: bool) {
        self.state().ignore_syncs = ignored;
    }

    /// How many syncs of files there were.
    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    /// How many changes there were: writes, syncs, names.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// The names of all files, in order.
    pub fn file_names(&self) -> Vec<String> {
        self.state().names.keys().cloned().collect()
    }

    /// A file's bytes as they are read now; `None` if there is no such file.
    pub fn file_bytes(&self, name: &str) -> Option<Vec<u8>> {
        self.state().inode_named(name).ok().map(|inode| inode.content().to_vec())
    }

    /// Replaces a file's bytes, durably, as if it had always been so.
    pub fn set_file_bytes(&self, name: &str, bytes: &[u8]) {
        self.state().set_file(name, bytes);
    }

    /// Removes a file, durably.
    pub fn remove_file(&self, name: &str) {
        self.state().forget_file(name);
    }

    /// Each change is made whole while locked, so a panicking thread leaves a usable state.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, inode: u64, writable: bool) -> Box<dyn DiskFile> {
        let generation = self.state().generation;
        Box::new(SimFile { disk: self.clone(), inode, generation, writable })
    }
}

impl Disk for SimDisk {
    fn path(&self, name: &str) -> PathBuf {
        Path::new("/simulated").join(name)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let inode = self.state().create(name)?;
        Ok(self.handle(inode, true))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let inode = {
            let state = self.state();
            state.check_writable()?;
            state.inode_of(name)?
        };
        Ok(self.handle(inode, true))
    }

    fn open_read(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let inode = self.state().inode_of(name)?;
        Ok(self.handle(inode, false))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let state = self.state();
        state.check_power()?;
        Ok(state.names.keys().cloned().collect())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.state().rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.state().remove(name)
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.state().sync_folder()
    }

    fn lock(&self, name: &str) -> Result<Box<dyn DiskLock>, LockError> {
        let mut state = self.state();
        state.check_writable()?;
        let inode = match state.inode_of(name) {
            Ok(inode) => inode,
            Err(_) => state.create(name)?,
        };
        if !state.locks.insert(inode) {
            return Err(LockError::Held { pid: Some(std::process::id()) });
        }
        let generation = state.generation;
        Ok(Box::new(SimLock { disk: self.clone(), name: name.to_owned(), inode, generation }))
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    inode: u64,
    generation: u64,
    writable: bool,
}

impl SimFile {
    fn state(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.disk.state();
        state.check_power()?;
        if state.generation == self.generation {
            Ok(state)
        } else {
            Err(io::Error::other("this file was open before the simulated crash"))
        }
    }

    fn writable(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.state()?;
        state.check_writable()?;
        if self.writable {
            Ok(state)
        } else {
            Err(io::Error::new(io::ErrorKind::PermissionDenied, "opened to read only"))
        }
    }
}

impl DiskFile for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.state()?;
        let content = state.inode(self.inode).content();
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(content.len());
        let length = buffer.len().min(content.len() - from);
        buffer[..length].copy_from_slice(&content[from..from + length]);
        Ok(length)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.writable()?.write(self.inode, bytes, offset)
    }

    fn preallocate(&self, length: u64) -> io::Result<()> {
        self.writable()?.preallocate(self.inode, length)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.state()?.sync(self.inode)
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.state()?.inode(self.inode).content().len() as u64)
    }

    fn set_length(&self, length: u64) -> io::Result<()> {
        self.writable()?.set_length(self.inode, length)
    }
}

#[derive(Debug)]
struct SimLock {
    disk: SimDisk,
    name: String,
    inode: u64,
    generation: u64,
}

impl DiskLock for SimLock {
    fn is_in_place(&self) -> io::Result<bool> {
        let state = self.disk.state();
        let named = state.inode_of(&self.name).ok() == Some(self.inode);
        Ok(named && state.generation == self.generation)
    }
}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if state.generation == self.generation {
            state.locks.remove(&self.inode);
        }
    }
}
