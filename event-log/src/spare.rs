//! The next segment's file, made ahead.
//!
//! Filling a segment with zeros takes long, so it is done on a thread of its own while the current
//! segment is filled. The spare has a name that is no segment's until it is needed.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::disk::{Disk, DiskFile};

/// The spare's file name.
pub(crate) const SPARE_FILE: &str = "spare.blk";

/// Makes the next segment's file.
#[derive(Debug)]
pub(crate) struct Spare {
    disk: Arc<dyn Disk>,
    state: State,
}

#[derive(Debug)]
enum State {
    Absent,
    Preparing(JoinHandle<io::Result<Box<dyn DiskFile>>>),
    Ready(Box<dyn DiskFile>),
}

impl Spare {
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Self {
        Self { disk, state: State::Absent }
    }

    /// Starts to make a spare on another thread, if there is none.
    pub(crate) fn prepare_ahead(&mut self, length: u64) {
        match self.state {
            State::Absent => {}
            State::Preparing(_) | State::Ready(_) => return,
        }
        let disk = Arc::clone(&self.disk);
        let thread = std::thread::Builder::new().name("log-segment".to_owned());
        // Without a thread the spare is made when it is needed.
        if let Ok(handle) = thread.spawn(move || make(disk.as_ref(), length)) {
            self.state = State::Preparing(handle);
        }
    }

    /// Makes sure that there is a spare, at least `length` long.
    pub(crate) fn ensure(&mut self, length: u64) -> io::Result<()> {
        self.state = State::Ready(self.take(length)?);
        Ok(())
    }

    /// The spare, at least `length` long. It is made now if it is not there; an attempt that
    /// failed ahead of time is made again.
    pub(crate) fn take(&mut self, length: u64) -> io::Result<Box<dyn DiskFile>> {
        let ready = match std::mem::replace(&mut self.state, State::Absent) {
            State::Absent => None,
            State::Preparing(handle) => handle.join().ok().and_then(Result::ok),
            State::Ready(file) => Some(file),
        };
        match ready {
            Some(file) => fill(self.disk.as_ref(), file, length),
            None => make(self.disk.as_ref(), length),
        }
    }

    /// Removes the spare, to leave a tidy folder.
    pub(crate) fn discard(&mut self) {
        match std::mem::replace(&mut self.state, State::Absent) {
            State::Absent => return,
            State::Preparing(handle) => drop(handle.join()),
            State::Ready(file) => drop(file),
        }
        // The next opening removes what is left.
        let _left = self.disk.remove(SPARE_FILE);
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.state, State::Absent) {
            State::Preparing(handle) => drop(handle.join()),
            State::Absent | State::Ready(_) => {}
        }
    }
}

/// Makes a spare.
fn make(disk: &dyn Disk, length: u64) -> io::Result<Box<dyn DiskFile>> {
    remove_if_there(disk)?;
    fill(disk, disk.create(SPARE_FILE)?, length)
}

/// Fills the spare with zeros. If that fails, no half-made file is left to take up room.
fn fill(disk: &dyn Disk, file: Box<dyn DiskFile>, length: u64) -> io::Result<Box<dyn DiskFile>> {
    match file.preallocate(length) {
        Ok(()) => Ok(file),
        Err(error) => {
            drop(file);
            remove_if_there(disk)?;
            Err(error)
        }
    }
}

/// Removes a spare that an earlier writer left. It may hold bytes, so it is not used again.
pub(crate) fn remove_if_there(disk: &dyn Disk) -> io::Result<()> {
    match disk.remove(SPARE_FILE) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}
