//! The folder a log lives in, as a trait, so that a simulated disk can stand in for a real one.
//!
//! *Shape.* A [`Disk`] is one flat folder; a [`DiskFile`] is one open file of it.
//! *Correctness.* Written is not durable: bytes are durable after [`DiskFile::sync_data`], names
//! after [`Disk::sync_folder`]. Both homes keep to that, and the simulated one takes back what
//! was not synced.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// One flat folder.
pub trait Disk: Send + Sync + fmt::Debug {
    /// How the file `name` is called in messages.
    fn path(&self, name: &str) -> PathBuf;

    /// Makes a new, empty file.
    /// # Errors
    /// `AlreadyExists` if there is one of that name; else what the disk says.
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file to read and write.
    /// # Errors
    /// `NotFound` if there is none; else what the disk says.
    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// Opens a file to read only; works on a read-only folder.
    /// # Errors
    /// `NotFound` if there is none; else what the disk says.
    fn open_read(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;

    /// The names of all files, in no order.
    /// # Errors
    /// What the disk says.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Renames a file, replacing one of that name.
    /// # Errors
    /// What the disk says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    /// # Errors
    /// `NotFound` if there is none; else what the disk says.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes names durable: what was created, renamed and removed before this call.
    /// # Errors
    /// What the disk says. The names may then be durable or not.
    fn sync_folder(&self) -> io::Result<()>;

    /// Takes the exclusive lock on the file `name`, which is made if there is none and never
    /// removed. It is held until the returned lock is dropped or the process ends.
    /// # Errors
    /// [`LockError::Held`] at once if another holds it.
    fn lock(&self, name: &str) -> Result<Box<dyn DiskLock>, LockError>;
}

/// One open file.
pub trait DiskFile: Send + Sync + fmt::Debug {
    /// Reads up to `buffer.len()` bytes at `offset`; fewer only at the end of the file.
    /// # Errors
    /// What the disk says.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of `bytes` at `offset`.
    /// # Errors
    /// What the disk says. Any part may then be written.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Fills the file with zeros up to `length` and makes that durable, so that later writes
    /// below `length` can't run out of space and need no metadata to be synced.
    /// # Errors
    /// `StorageFull` if there is no room; else what the disk says.
    fn preallocate(&self, length: u64) -> io::Result<()>;

    /// The same, for a file that nobody waits for: between pieces `pause` is called with how long
    /// the last one took.
    /// # Errors
    /// As [`preallocate`](Self::preallocate).
    fn preallocate_ahead(&self, length: u64, _pause: &dyn Fn(Duration)) -> io::Result<()> {
        self.preallocate(length)
    }

    /// Makes all bytes written before this call durable.
    /// # Errors
    /// What the disk says. Any part may then be durable, and a second call proves nothing.
    fn sync_data(&self) -> io::Result<()>;

    /// The length in bytes.
    /// # Errors
    /// What the disk says.
    fn length(&self) -> io::Result<u64>;

    /// Cuts or extends the file.
    /// # Errors
    /// What the disk says.
    fn set_length(&self, length: u64) -> io::Result<()>;
}

/// A held lock. Dropping it lets go.
pub trait DiskLock: Send + Sync + fmt::Debug {
    /// Whether the name still leads to the file that is locked. If someone removed or replaced
    /// it, a second writer may hold a lock on another inode.
    /// # Errors
    /// What the disk says.
    fn is_in_place(&self) -> io::Result<bool>;
}

/// Why a lock could not be taken.
#[derive(Debug)]
pub enum LockError {
    /// Another holds it; its process id if it left one.
    Held {
        /// The holder's process id.
        pid: Option<u32>,
    },
    /// The disk said no.
    Io(io::Error),
}

impl From<io::Error> for LockError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
