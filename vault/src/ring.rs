//! Opening what is sealed, in the process that writes the keys and in any other.
//!
//! *Correctness.* A key is read from the file each time it is used and is in memory for no longer,
//! so a destroyed key opens nothing from the moment it is overwritten, in every process. Another
//! process finds new keys when it meets one that it does not know, and a new file when the slots
//! of the old one are wiped.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use schemas::ids::KeyId;
use schemas::personal::SealedText;

use crate::file::KeyFile;
use crate::index::Index;
use crate::key::Key;
use crate::master;
use crate::place::{KEYS, Place, VaultError};
use crate::scope::{Hint, KeyScope};
use crate::slot::{Name, Secret, Slot};

/// What became of a sealed text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// It can be read.
    Text(String),
    /// Its key was destroyed.
    Erased,
    /// Its key is not here, or is damaged.
    Unknown,
}

/// A scope's key as the file has it.
#[derive(Debug)]
pub(crate) enum Held {
    Live(Name, Key),
    Destroyed(Name),
    Damaged,
    None,
}

/// The file as it was when it was last looked at.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) file: Arc<KeyFile>,
    pub(crate) index: Index,
    pub(crate) master: Key,
    /// Slots up to here are in the index.
    pub(crate) seen: u32,
    /// Slots before that could not be read; they may have been half written.
    unsure: Vec<u32>,
}

impl Loaded {
    pub(crate) fn new(file: KeyFile, master: Key) -> Self {
        let (index, unsure) = (Index::default(), Vec::new());
        Self { file: Arc::new(file), index, master, seen: 0, unsure }
    }

    /// Takes note of what was written since.
    pub(crate) fn look(&mut self) -> io::Result<()> {
        let (file, first) = (Arc::clone(&self.file), self.seen);
        for number in std::mem::take(&mut self.unsure) {
            self.note(number, file.read(number)?);
        }
        file.each(first, |number, slot| self.note(number, slot))
    }

    /// Takes note of a slot; whether it was ever used.
    pub(crate) fn note(&mut self, number: u32, slot: Slot) -> bool {
        match slot {
            Slot::Empty => return false,
            Slot::Filler | Slot::Lost => {}
            Slot::Unreadable => self.unsure.push(number),
            Slot::Key(name, _) => self.index.insert(Hint::of(name.id), number),
        }
        self.seen = self.seen.max(number + 1);
        true
    }

    /// The key in a slot.
    pub(crate) fn unwrapped(&self, name: &Name, secret: &Secret) -> Held {
        match secret {
            Secret::Live { nonce, wrapped } => {
                match self.master.unwrap(*nonce, &name.bytes(), wrapped) {
                    Some(key) => Held::Live(*name, key),
                    None => Held::Damaged,
                }
            }
            Secret::Destroyed => Held::Destroyed(*name),
            Secret::Unreadable => Held::Damaged,
        }
    }

    /// The key of an id.
    pub(crate) fn of_id(&self, id: KeyId) -> io::Result<Held> {
        for number in self.index.slots(Hint::of(id)) {
            if let Slot::Key(name, secret) = self.file.read(number)?
                && name.id == id
            {
                return Ok(self.unwrapped(&name, &secret));
            }
        }
        Ok(Held::None)
    }

    /// One key and the slot that it lies in.
    pub(crate) fn exactly(&self, name: &Name) -> io::Result<(Option<u32>, Held)> {
        for number in self.index.slots(Hint::of(name.id)) {
            if let Slot::Key(found, secret) = self.file.read(number)?
                && found == *name
            {
                return Ok((Some(number), self.unwrapped(&found, &secret)));
            }
        }
        Ok((None, Held::None))
    }

    /// What a scope's texts are sealed with: the newest key that can be used. If one of its keys
    /// was destroyed, none can.
    pub(crate) fn of(&self, scope: KeyScope) -> io::Result<Held> {
        let mut newest = Held::None;
        for number in self.index.slots(scope.hint()) {
            if let Slot::Key(name, secret) = self.file.read(number)?
                && name.scope == scope
            {
                match (self.unwrapped(&name, &secret), &newest) {
                    (gone @ Held::Destroyed(_), _) => return Ok(gone),
                    (found, Held::None | Held::Damaged) => newest = found,
                    (_, Held::Live(..) | Held::Destroyed(_)) => {}
                }
            }
        }
        Ok(newest)
    }

    fn opened(&self, sealed: &SealedText) -> io::Result<Opened> {
        Ok(match self.of_id(sealed.key)? {
            Held::Live(_, key) => key.open(sealed).map_or(Opened::Unknown, Opened::Text),
            Held::Destroyed(_) => Opened::Erased,
            Held::Damaged | Held::None => Opened::Unknown,
        })
    }
}

/// Opens what is sealed.
#[derive(Debug)]
pub struct KeyRing {
    place: Place,
    log: [u8; 16],
    /// Whether another process writes the file.
    follows: bool,
    pub(crate) loaded: RwLock<Option<Loaded>>,
}

impl KeyRing {
    /// Follows the keys of a log that another process writes. They need not be there yet, nor
    /// ever: then nothing can be opened.
    pub fn follow(place: Place, log: [u8; 16]) -> Self {
        Self { place, log, follows: true, loaded: RwLock::new(None) }
    }

    pub(crate) fn of_writer(place: Place, log: [u8; 16], loaded: Loaded) -> Self {
        Self { place, log, follows: false, loaded: RwLock::new(Some(loaded)) }
    }

    /// Opens a text, if its key is here.
    pub fn open(&self, sealed: &SealedText) -> Opened {
        let opened = match self.try_open(sealed) {
            Ok(Opened::Unknown) if self.follows => self.refresh().and_then(|()| {
                self.try_open(sealed).map_err(VaultError::io(self.place.disk.path(KEYS)))
            }),
            other => other.map_err(VaultError::io(self.place.disk.path(KEYS))),
        };
        opened.unwrap_or_else(|error| {
            tracing::warn!(%error, "a personal text cannot be opened");
            Opened::Unknown
        })
    }

    fn try_open(&self, sealed: &SealedText) -> io::Result<Opened> {
        let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
        loaded.as_ref().map_or(Ok(Opened::Unknown), |loaded| loaded.opened(sealed))
    }

    /// Looks at the file again: what was added, or the file that has taken its place.
    fn refresh(&self) -> Result<(), VaultError> {
        let mut loaded = self.loaded.write().unwrap_or_else(PoisonError::into_inner);
        let failed = || VaultError::io(self.place.disk.path(KEYS));
        if let Some(known) = loaded.as_mut()
            && known.file.head().map_err(failed())?.is_some()
        {
            return known.look().map_err(failed());
        }
        *loaded = None;
        let file = match KeyFile::open_read(self.place.disk.as_ref(), KEYS) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(failed()(error)),
        };
        let Some(head) = file.head().map_err(failed())? else { return Ok(()) };
        if head.log != self.log {
            return Err(VaultError::OtherLog { path: self.place.disk.path(KEYS) });
        }
        let mut fresh = Loaded::new(file, master::find(&self.place, head.master)?);
        fresh.look().map_err(failed())?;
        *loaded = Some(fresh);
        Ok(())
    }
}
