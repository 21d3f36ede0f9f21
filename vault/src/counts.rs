//! How many keys there are.

use std::collections::HashSet;
use std::io;

use crate::file::KeyFile;
use crate::master;
use crate::place::{KEYS, Place, VaultError};
use crate::ring::{Held, Loaded};
use crate::slot::Slot;
use crate::vault::Vault;

/// What a vault holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Keys that open something: the master key opens them.
    pub live: u64,
    /// Keys that were destroyed: a customer's own counts once, and so does that of its documents.
    pub destroyed: u64,
    /// Keys that cannot be read or opened, and have to be restored.
    pub damaged: u64,
}

impl Counts {
    fn of(loaded: &Loaded) -> io::Result<Self> {
        let mut counts = Self::default();
        // Where a key was destroyed that nobody had here, a note stands for it, and a copy that
        // is put back may bring the name that it had.
        let mut destroyed = HashSet::new();
        loaded.file.each(0, |_, slot| {
            match slot {
                Slot::Empty => return false,
                Slot::Filler => {}
                Slot::Key(name, secret) => match loaded.unwrapped(&name, &secret) {
                    Held::Live(..) => counts.live += 1,
                    Held::Destroyed(name) => {
                        destroyed.insert(name.scope);
                    }
                    Held::Damaged | Held::None => counts.damaged += 1,
                },
                Slot::Lost | Slot::Unreadable => counts.damaged += 1,
            }
            true
        })?;
        counts.destroyed = destroyed.len() as u64;
        Ok(counts)
    }
}

impl Vault {
    /// How many keys there are.
    ///
    /// # Errors
    /// A [`VaultError`] when the file cannot be read.
    pub fn counts(&self) -> Result<Counts, VaultError> {
        self.with(|loaded| Counts::of(loaded).map_err(self.failed()))
    }
}

/// How many keys there are of the log `log`; each is tried with the master key. They may be in use.
///
/// # Errors
/// A [`VaultError`]: there are none, keys of another log, no master key that fits, damage, the
/// disk.
pub fn counts(place: &Place, log: [u8; 16]) -> Result<Counts, VaultError> {
    let file = KeyFile::look(place, log)?;
    let master = master::find(place, file.head_of(place, log)?.master)?;
    Counts::of(&Loaded::new(file, master)).map_err(VaultError::io(place.disk.path(KEYS)))
}
