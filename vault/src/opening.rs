//! Opening a book's keys to write them, and making those of a new book.
//!
//! *Correctness.* Keys that are not there are only made where nothing can have been sealed yet, or
//! where somebody asks for it ([`init`]): new ones in the place of old ones would open nothing, and
//! nobody would know. What lies before the last used slot and is no key is overwritten: a slot
//! whose name is damaged may hold a key that nobody could find any more to destroy it.

use std::io;
use std::sync::Arc;

use event_log::{Disk, DiskLock};
use schemas::StreamId;

use crate::file::{Head, KeyFile};
use crate::master;
use crate::place::{KEYS, LOCK, Place, VaultError, is_missing};
use crate::ring::Loaded;
use crate::scope::KeyScope;
use crate::settle::{BAD, NEW, settle};
use crate::slot::{FILLER, LOST, Secret, Slot};
use crate::vault::Vault;

/// What is done where there is no key file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// One is made: nothing was sealed yet.
    Make,
    /// [`VaultError::NoKeys`]: something may be sealed.
    Refuse,
}

impl Vault {
    /// Opens the keys of the log `log`. `is_known` says whether the log has a stream: a key that a
    /// power cut left half written is damage only if it was used.
    ///
    /// # Errors
    /// A [`VaultError`]: there are no keys, another process has them, the master key is not there,
    /// damage, the disk.
    pub fn open(
        place: &Place,
        log: [u8; 16],
        absent: Absent,
        is_known: impl Fn(StreamId) -> bool,
    ) -> Result<Self, VaultError> {
        Self::open_locked(place, log, absent, is_known, lock(place)?)
    }

    /// As [`Vault::open`], for who has the lock.
    pub(crate) fn open_locked(
        place: &Place,
        log: [u8; 16],
        absent: Absent,
        is_known: impl Fn(StreamId) -> bool,
        lock: Box<dyn DiskLock>,
    ) -> Result<Self, VaultError> {
        settle(place)?;
        let (failed, path) = (|| VaultError::io(place.disk.path(KEYS)), || place.disk.path(KEYS));
        let file = match (KeyFile::open(place.disk.as_ref(), KEYS), absent) {
            (Ok(file), Absent::Make | Absent::Refuse) => file,
            (Err(error), Absent::Make) if is_missing(&error) => made(place, log)?,
            (Err(error), Absent::Refuse) if is_missing(&error) => {
                return Err(VaultError::NoKeys { path: path() });
            }
            (Err(error), Absent::Make | Absent::Refuse) => return Err(failed()(error)),
        };
        let head = file.head_of(place, log)?;
        let master = master::settle(place, head.master)?;
        let mut loaded = Loaded::new(file, master);
        let (next, lost) = take_in(&mut loaded, is_known).map_err(failed())?;
        if lost > 0 {
            let path = path();
            let path = path.display();
            tracing::warn!(
                lost,
                %path,
                "damaged keys were overwritten; restore them with `billfold keys restore`"
            );
        }
        Self::of(place, log, lock, loaded, next)
    }
}

/// Keeps every other writer away from the keys.
pub(crate) fn lock(place: &Place) -> Result<Box<dyn DiskLock>, VaultError> {
    let lock = place.disk.lock(LOCK);
    lock.map_err(|error| VaultError::of_lock(place.disk.path(LOCK), error))
}

/// Gives a key file whose head is damaged another name, so that another can be made.
pub(crate) fn set_aside(place: &Place) -> Result<(), VaultError> {
    let disk = place.disk.as_ref();
    let set_aside = || -> io::Result<()> {
        let file = match KeyFile::open_read(disk, KEYS) {
            Ok(file) => file,
            Err(error) if is_missing(&error) => return Ok(()),
            Err(error) => return Err(error),
        };
        if file.head()?.is_none() {
            disk.rename(KEYS, BAD)?;
            disk.sync_folder()?;
            tracing::warn!(path = %disk.path(BAD).display(), "a damaged key file was set aside");
        }
        Ok(())
    };
    settle(place)?;
    set_aside().map_err(VaultError::io(disk.path(KEYS)))
}

/// Makes keys for a log that lost its own: what was sealed stays unreadable.
///
/// # Errors
/// A [`VaultError`]: there are keys, somebody uses them, the disk.
pub fn init(place: &Place, log: [u8; 16]) -> Result<(), VaultError> {
    let _lock = lock(place)?;
    settle(place)?;
    let path = || place.disk.path(KEYS);
    match KeyFile::open_read(place.disk.as_ref(), KEYS) {
        Ok(_) => Err(VaultError::AlreadyThere { path: path() }),
        Err(error) if is_missing(&error) => made(place, log).map(|_| ()),
        Err(error) => Err(VaultError::io(path())(error)),
    }
}

/// Makes a key file without keys, and a master key if there is none.
fn made(place: &Place, log: [u8; 16]) -> Result<KeyFile, VaultError> {
    let master = master::first(place)?;
    let made = || -> io::Result<KeyFile> {
        let disk: &dyn Disk = place.disk.as_ref();
        let file = KeyFile::create(disk, NEW, &Head { log, master: master.id() })?;
        disk.rename(NEW, KEYS)?;
        disk.sync_folder()?;
        Ok(file)
    };
    made().map_err(VaultError::io(place.disk.path(KEYS)))
}

/// Takes note of every key, and overwrites what is none before the last used slot: what a power cut
/// left there, and slots whose name cannot be read. The slot behind the last one, and how many of
/// the latter there were.
fn take_in(loaded: &mut Loaded, is_known: impl Fn(StreamId) -> bool) -> io::Result<(u32, u64)> {
    let file = Arc::clone(&loaded.file);
    let (mut next, mut gaps, mut lost) = (0, Vec::new(), Vec::new());
    file.each(0, |number, slot| {
        match slot {
            Slot::Empty => gaps.push(number),
            Slot::Filler | Slot::Lost => next = number + 1,
            Slot::Unreadable => {
                next = number + 1;
                lost.push(number);
            }
            Slot::Key(name, secret) => {
                next = number + 1;
                if secret == Secret::Unreadable && !may_be_used(name.scope, &is_known) {
                    gaps.push(number);
                } else {
                    loaded.note(number, slot);
                }
            }
        }
        true
    })?;
    loaded.seen = next;
    gaps.retain(|number| *number < next);
    for number in &gaps {
        file.write(*number, &FILLER)?;
    }
    for number in &lost {
        file.write(*number, &LOST)?;
    }
    if !gaps.is_empty() || !lost.is_empty() {
        file.sync()?;
    }
    Ok((next, lost.len() as u64))
}

/// Whether something may be sealed with a scope's key. The log is not asked for records.
fn may_be_used(scope: KeyScope, is_known: impl Fn(StreamId) -> bool) -> bool {
    match scope {
        KeyScope::Customer(customer) | KeyScope::Documents(customer) => {
            is_known(StreamId::Customer(customer))
        }
        KeyScope::Record(_) => true,
    }
}
