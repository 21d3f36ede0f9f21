//! The next segment's file, made ahead.
//!
//! Filling a segment with zeros takes long, so it is done on a thread of its own while the current
//! segment is filled. The thread pauses between pieces: the log's own syncs wait for the disk
//! behind each of them. The spare has a name that is no segment's until it is needed.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::disk::{Disk, DiskFile};

/// The spare's file name.
pub(crate) const SPARE_FILE: &str = "spare.blk";

type Made = io::Result<Box<dyn DiskFile>>;

/// A pause is so many times as long as the piece before it took.
const PAUSE: u32 = 3;
/// The longest pause: with a segment's pieces some five seconds.
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// Makes the next segment's file.
#[derive(Debug)]
pub(crate) struct Spare {
    disk: Arc<dyn Disk>,
    state: State,
    /// The spare is wanted soon.
    hurries: Arc<AtomicBool>,
}

#[derive(Debug)]
enum State {
    Absent,
    Preparing(JoinHandle<Made>),
    Ready(Box<dyn DiskFile>),
}

impl Spare {
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Self {
        Self { disk, state: State::Absent, hurries: Arc::default() }
    }

    /// Starts to make a spare on another thread, if there is none; it is wanted soon if that
    /// `hurries`.
    pub(crate) fn prepare_ahead(&mut self, length: u64, hurries: bool) {
        self.hurries.store(hurries, Ordering::Relaxed);
        match self.state {
            State::Absent => {}
            State::Preparing(_) | State::Ready(_) => return,
        }
        let disk = Arc::clone(&self.disk);
        let thread = std::thread::Builder::new().name("log-segment".to_owned());
        // Without a thread the spare is made when it is needed.
        let hurries = Arc::clone(&self.hurries);
        let pause = move |took: Duration| {
            if !hurries.load(Ordering::Relaxed) {
                std::thread::sleep((took * PAUSE).min(LONGEST_PAUSE));
            }
        };
        if let Ok(handle) = thread.spawn(move || make(disk.as_ref(), length, &pause)) {
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
            State::Preparing(handle) => self.join(handle).and_then(Result::ok),
            State::Ready(file) => Some(file),
        };
        match ready {
            Some(file) => fill(self.disk.as_ref(), file, length, &|_| ()),
            None => make(self.disk.as_ref(), length, &|_| ()),
        }
    }

    /// What the thread came to, which does not pause any more; none if it panicked.
    fn join(&self, handle: JoinHandle<Made>) -> Option<Made> {
        self.hurries.store(true, Ordering::Relaxed);
        handle.join().ok()
    }

    /// Removes the spare, to leave a tidy folder.
    pub(crate) fn discard(&mut self) {
        match std::mem::replace(&mut self.state, State::Absent) {
            State::Absent => return,
            State::Preparing(handle) => drop(self.join(handle)),
            State::Ready(file) => drop(file),
        }
        // The next opening removes what is left.
        let _left = self.disk.remove(SPARE_FILE);
    }
}

impl Drop for Spare {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.state, State::Absent) {
            State::Preparing(handle) => drop(self.join(handle)),
            State::Absent | State::Ready(_) => {}
        }
    }
}

/// Makes a spare.
fn make(disk: &dyn Disk, length: u64, pause: &dyn Fn(Duration)) -> io::Result<Box<dyn DiskFile>> {
    remove_if_there(disk)?;
    fill(disk, disk.create(SPARE_FILE)?, length, pause)
}

/// Fills the spare with zeros. If that fails, no half-made file is left to take up room.
fn fill(
    disk: &dyn Disk,
    file: Box<dyn DiskFile>,
    length: u64,
    pause: &dyn Fn(Duration),
) -> io::Result<Box<dyn DiskFile>> {
    match file.preallocate_ahead(length, pause) {
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
