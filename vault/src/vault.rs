//! The writer's end of the keys of one book.
//!
//! *Shape.* Whoever writes the book's log has the vault. Doors seal with it on their own threads;
//! the thread that writes the log keeps new keys and destroys old ones.
//! *Ordering.* New keys are synced in one go before the block that needs them, so thousands of
//! registrations cost one more sync. Destroyed keys are overwritten in one go after the block that
//! says so. What a crash leaves undone is done when the book is opened ([`Vault::erase`] with what
//! the ledger says was erased).
//! *Correctness.* A failed write or sync is not tried again: the vault is of no more use.

use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use event_log::{Disk, DiskLock};
use schemas::StreamId;
use schemas::fields::Erasure;
use schemas::ids::CustomerId;

use crate::file::{Head, KeyFile};
use crate::fresh::{self, Fresh, FreshKey};
use crate::key::{Key, random};
use crate::master;
use crate::place::{KEYS, LOCK, Place, VaultError};
use crate::ring::{Held, KeyRing, Loaded};
use crate::scope::{Hint, KeyScope};
use crate::settle::{NEW, settle};
use crate::slot::{Name, SLOT_BYTES, Secret, Slot, encode};
use crate::using::Using;

/// Stands where nothing is and nothing may be: before a slot that is used.
pub(crate) const FILLER: [u8; SLOT_BYTES] = [0xff; SLOT_BYTES];

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

/// Where the next key goes.
#[derive(Debug)]
struct Tail {
    next: u32,
    room: u32,
    /// A write or a sync failed.
    failed: bool,
}

/// The keys of one book, for the one process that writes its log.
#[derive(Debug)]
pub struct Vault {
    place: Place,
    ring: Arc<KeyRing>,
    fresh: Fresh,
    tail: Mutex<Tail>,
    _lock: Box<dyn DiskLock>,
}

impl Vault {
    /// Opens the keys of the log `log`; makes them if there are none. `is_known` says whether the
    /// log has a stream: a key that a power cut left half written is damage only if it was used.
    ///
    /// # Errors
    /// A [`VaultError`]: another process has them, the master key is not there, damage, the disk.
    pub fn open(
        place: &Place,
        log: [u8; 16],
        is_known: impl Fn(StreamId) -> bool,
    ) -> Result<Self, VaultError> {
        let lock = place.disk.lock(LOCK);
        let lock = lock.map_err(|error| VaultError::of_lock(place.disk.path(LOCK), error))?;
        settle(place)?;
        let failed = || VaultError::io(place.disk.path(KEYS));
        let file = match KeyFile::open(place.disk.as_ref(), KEYS) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => made(place, log)?,
            Err(error) => return Err(failed()(error)),
        };
        let path = || place.disk.path(KEYS);
        let head = file.head().map_err(failed())?.ok_or(VaultError::Damaged { path: path() })?;
        if head.log != log {
            return Err(VaultError::OtherLog { path: path() });
        }
        let master = master::settle(place, head.master)?;
        let next = close_gaps(&file, is_known).map_err(failed())?;
        let room = file.room().map_err(failed())?;
        let mut loaded = Loaded::new(file, master);
        loaded.look().map_err(failed())?;
        let ring = Arc::new(KeyRing::of_writer(place.clone(), log, loaded));
        let tail = Mutex::new(Tail { next, room, failed: false });
        let vault = Self { place: place.clone(), ring, fresh: Fresh::default(), tail, _lock: lock };
        vault.reserve()?;
        Ok(vault)
    }

    /// Opens what is sealed.
    pub fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.ring)
    }

    fn failed(&self) -> impl FnOnce(io::Error) -> VaultError + use<> {
        VaultError::io(self.place.disk.path(KEYS))
    }

    /// Reads or changes the file.
    pub(crate) fn with<T>(
        &self,
        run: impl FnOnce(&Loaded) -> Result<T, VaultError>,
    ) -> Result<T, VaultError> {
        let loaded = self.ring.loaded.read().unwrap_or_else(PoisonError::into_inner);
        run(loaded.as_ref().expect("a vault's ring is loaded"))
    }

    /// The key to seal with for a scope, made if there is none.
    pub(crate) fn key_of(&self, scope: KeyScope) -> Result<Using, VaultError> {
        if let Some(found) = self.stored(scope)? {
            return Ok(found);
        }
        let mut waiting = self.fresh.lock();
        // It may have been kept since.
        match self.stored(scope)? {
            Some(found) => Ok(found),
            None => fresh::of(&mut waiting, scope).map(Using::Fresh),
        }
    }

    fn stored(&self, scope: KeyScope) -> Result<Option<Using>, VaultError> {
        let held = self.with(|loaded| loaded.of(scope).map_err(self.failed()))?;
        match held {
            Held::Live(name, key) => Ok(Some(Using::Stored(name, key))),
            Held::Destroyed(name) => Ok(Some(Using::Destroyed(name.id))),
            Held::None => Ok(None),
            Held::Damaged => Err(VaultError::DamagedKey { path: self.place.disk.path(KEYS) }),
        }
    }

    /// Makes room for new keys ahead, so that a full disk shows before a command is decided.
    ///
    /// # Errors
    /// A [`VaultError`] when there is none.
    pub fn reserve(&self) -> Result<(), VaultError> {
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        if tail.room.saturating_sub(tail.next) >= self.place.room {
            return Ok(());
        }
        let room = tail.next.saturating_add(self.place.room.saturating_mul(2));
        self.with(|loaded| loaded.file.reserve(room).map_err(self.failed()))?;
        tail.room = room;
        Ok(())
    }

    /// Makes new keys durable.
    ///
    /// # Errors
    /// A [`VaultError`]; nothing is kept by this vault after it.
    pub fn keep<'a>(
        &self,
        keys: impl Iterator<Item = &'a Arc<FreshKey>>,
    ) -> Result<(), VaultError> {
        let new: Vec<&Arc<FreshKey>> =
            keys.filter(|key| !key.kept.swap(true, Ordering::Relaxed)).collect();
        if new.is_empty() {
            return Ok(());
        }
        let slots = self.with(|loaded| {
            let slot = |key: &&Arc<FreshKey>| {
                // A text that waited while its customer was erased is erased, too.
                if let Held::Destroyed(_) = loaded.of(key.name.scope).map_err(self.failed())? {
                    return Ok((key.name, Secret::Destroyed));
                }
                let nonce = random()?;
                let wrapped = loaded.master.wrap(nonce, &key.name.bytes(), &key.key);
                Ok((key.name, Secret::Live { nonce, wrapped }))
            };
            new.iter().map(slot).collect::<Result<Vec<_>, VaultError>>()
        })?;
        self.append(&slots)?;
        let mut waiting = self.fresh.lock();
        for key in new {
            if waiting.get(&key.name.scope).is_some_and(|known| known.as_ptr() == Arc::as_ptr(key))
            {
                waiting.remove(&key.name.scope);
            }
        }
        Ok(())
    }

    fn append(&self, slots: &[(Name, Secret)]) -> Result<(), VaultError> {
        let bytes: Vec<u8> = slots.iter().flat_map(|(name, secret)| encode(name, secret)).collect();
        self.change(|tail, loaded| {
            let first = tail.next;
            loaded.file.write(first, &bytes)?;
            loaded.file.sync()?;
            for (number, (name, _)) in (first..).zip(slots) {
                loaded.index.insert(Hint::of(name.id), number);
                tail.next = number + 1;
            }
            Ok(())
        })
    }

    /// Changes the file, unless a change has failed before.
    fn change(
        &self,
        change: impl FnOnce(&mut Tail, &Loaded) -> io::Result<()>,
    ) -> Result<(), VaultError> {
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let before = io::Error::other("a write failed before");
        if std::mem::replace(&mut tail.failed, true) {
            return Err(self.failed()(before));
        }
        self.with(|loaded| change(&mut tail, loaded).map_err(self.failed()))?;
        tail.failed = false;
        Ok(())
    }

    /// Destroys the keys of erased customers, where they are not yet, and makes that durable.
    ///
    /// # Errors
    /// A [`VaultError`]: some of them may still be there.
    pub fn erase(
        &self,
        erased: impl IntoIterator<Item = (CustomerId, Erasure)>,
    ) -> Result<(), VaultError> {
        let scopes = erased.into_iter().flat_map(|(customer, erasure)| match erasure {
            Erasure::Own => vec![KeyScope::Customer(customer)],
            Erasure::All => vec![KeyScope::Customer(customer), KeyScope::Documents(customer)],
        });
        self.destroy(scopes)
    }

    /// Destroys all keys of these scopes. None of them gets another one.
    ///
    /// # Errors
    /// A [`VaultError`]: some of them may still be there.
    pub fn destroy(&self, scopes: impl IntoIterator<Item = KeyScope>) -> Result<(), VaultError> {
        let mut never_had: Vec<(Name, Secret)> = Vec::new();
        let mut overwritten = false;
        for scope in scopes {
            self.fresh.lock().remove(&scope);
            let slots = self.with(|loaded| Ok(loaded.index.slots(scope.hint())))?;
            let mut had = false;
            for number in slots {
                let slot = self.with(|loaded| loaded.file.read(number).map_err(self.failed()))?;
                match slot {
                    Slot::Key(name, secret) if name.scope == scope => {
                        had = true;
                        if secret != Secret::Destroyed {
                            overwritten = true;
                            self.change(|_, loaded| loaded.file.destroy(number))?;
                        }
                    }
                    Slot::Key(..) | Slot::Empty | Slot::Unreadable => {}
                }
            }
            if !had {
                let id = scope.new_id(random()?);
                never_had.push((Name { scope, id }, Secret::Destroyed));
            }
        }
        if overwritten {
            self.change(|_, loaded| loaded.file.sync())?;
        }
        if never_had.is_empty() { Ok(()) } else { self.append(&never_had) }
    }

    /// What is there of one key.
    pub(crate) fn held(&self, name: &Name) -> Result<Held, VaultError> {
        self.with(|loaded| loaded.exactly(name).map(|(_, held)| held).map_err(self.failed()))
    }

    /// Destroys one key, not yet durably; whether it was there.
    pub(crate) fn destroy_one(&self, name: &Name) -> Result<bool, VaultError> {
        match self.with(|loaded| loaded.exactly(name).map_err(self.failed()))? {
            (Some(number), Held::Live(..) | Held::Damaged) => {
                self.change(|_, loaded| loaded.file.destroy(number))?;
                Ok(true)
            }
            (_, Held::Destroyed(_) | Held::None) | (None, Held::Live(..) | Held::Damaged) => {
                Ok(false)
            }
        }
    }

    /// Puts a key back, in its own slot if it has one; not yet durably.
    pub(crate) fn put_back(&self, name: &Name, key: &Key) -> Result<(), VaultError> {
        let nonce = random()?;
        let (number, _) = self.with(|loaded| loaded.exactly(name).map_err(self.failed()))?;
        self.change(|tail, loaded| {
            let wrapped = loaded.master.wrap(nonce, &name.bytes(), key);
            let bytes = encode(name, &Secret::Live { nonce, wrapped });
            let at = number.unwrap_or(tail.next);
            loaded.file.write(at, &bytes)?;
            if number.is_none() {
                loaded.index.insert(Hint::of(name.id), at);
                tail.next = at + 1;
            }
            Ok(())
        })
    }

    /// Makes durable what was changed.
    pub(crate) fn sync(&self) -> Result<(), VaultError> {
        self.change(|_, loaded| loaded.file.sync())
    }

    /// How many keys there are.
    ///
    /// # Errors
    /// A [`VaultError`] when the file cannot be read.
    pub fn counts(&self) -> Result<Counts, VaultError> {
        self.with(|loaded| Counts::of(&loaded.file).map_err(self.failed()))
    }
}

impl Counts {
    fn of(file: &KeyFile) -> io::Result<Self> {
        let mut counts = Self::default();
        file.each(0, |_, slot| {
            match slot {
                Slot::Empty => return false,
                Slot::Unreadable => {}
                Slot::Key(_, Secret::Live { .. }) => counts.live += 1,
                Slot::Key(_, Secret::Destroyed) => counts.destroyed += 1,
                Slot::Key(_, Secret::Unreadable) => counts.damaged += 1,
            }
            true
        })?;
        Ok(counts)
    }
}

/// How many keys there are of the log `log`. They may be in use.
///
/// # Errors
/// A [`VaultError`]: there are none, keys of another log, damage, the disk.
pub fn counts(place: &Place, log: [u8; 16]) -> Result<Counts, VaultError> {
    let (failed, path) = (|| VaultError::io(place.disk.path(KEYS)), || place.disk.path(KEYS));
    let file = KeyFile::open_read(place.disk.as_ref(), KEYS).map_err(failed())?;
    let head = file.head().map_err(failed())?.ok_or(VaultError::Damaged { path: path() })?;
    if head.log != log {
        return Err(VaultError::OtherLog { path: path() });
    }
    Counts::of(&file).map_err(failed())
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

/// Fills what a power cut left between used slots; the slot behind the last one.
fn close_gaps(file: &KeyFile, is_known: impl Fn(StreamId) -> bool) -> io::Result<u32> {
    let mut next = 0;
    let mut gaps = Vec::new();
    file.each(0, |number, slot| {
        match slot {
            Slot::Empty => gaps.push(number),
            Slot::Unreadable => next = number + 1,
            Slot::Key(name, secret) => {
                next = number + 1;
                let is_used = match name.scope {
                    KeyScope::Customer(customer) | KeyScope::Documents(customer) => {
                        is_known(StreamId::Customer(customer))
                    }
                    KeyScope::Record(_) => false,
                };
                if secret == Secret::Unreadable && !is_used {
                    gaps.push(number);
                }
            }
        }
        true
    })?;
    gaps.retain(|number| *number < next);
    for number in &gaps {
        file.write(*number, &FILLER)?;
    }
    if !gaps.is_empty() {
        file.sync()?;
    }
    Ok(next)
}
