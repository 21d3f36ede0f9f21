//! How many keys there are.

use std::io;

use crate::file::KeyFile;
use crate::place::{KEYS, Place, VaultError};
use crate::slot::{Secret, Slot};
use crate::vault::Vault;

/// What a vault holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Keys that open something.
    pub live: u64,
    /// Keys that were destroyed.
    pub destroyed: u64,
    /// Keys that cannot be read, and have to be restored.
    pub damaged: u64,
}

impl Counts {
    fn of(file: &KeyFile) -> io::Result<Self> {
        let mut counts = Self::default();
        file.each(0, |_, slot| {
            match slot {
                Slot::Empty => return false,
                Slot::Filler => {}
                Slot::Key(_, Secret::Live { .. }) => counts.live += 1,
                Slot::Key(_, Secret::Destroyed) => counts.destroyed += 1,
                Slot::Key(_, Secret::Unreadable) | Slot::Lost | Slot::Unreadable => {
                    counts.damaged += 1;
                }
            }
            true
        })?;
        Ok(counts)
    }
}

impl Vault {
    /// How many keys there are.
    ///
    /// # Errors
    /// A [`VaultError`] when the file cannot be read.
    pub fn counts(&self) -> Result<Counts, VaultError> {
        self.with(|loaded| Counts::of(&loaded.file).map_err(self.failed()))
    }
}

/// How many keys there are of the log `log`. They may be in use.
///
/// # Errors
/// A [`VaultError`]: there are none, keys of another log, damage, the disk.
pub fn counts(place: &Place, log: [u8; 16]) -> Result<Counts, VaultError> {
    let file = KeyFile::look(place, log)?;
    Counts::of(&file).map_err(VaultError::io(place.disk.path(KEYS)))
}
