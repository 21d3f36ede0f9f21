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

use event_log::DiskLock;
use schemas::fields::Erasure;
use schemas::ids::CustomerId;

use crate::fresh::{self, Fresh, FreshKey};
use crate::key::{Key, random};
use crate::place::{KEYS, Place, VaultError};
use crate::ring::{Held, KeyRing, Loaded};
use crate::scope::{Hint, KeyScope};
use crate::slot::{FILLER, LOST, Name, Secret, Slot, encode};
use crate::using::Using;

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
    /// The keys of a file that was looked at; the next one goes to `next`.
    pub(crate) fn of(
        place: &Place,
        log: [u8; 16],
        lock: Box<dyn DiskLock>,
        loaded: Loaded,
        next: u32,
    ) -> Result<Self, VaultError> {
        let room = loaded.file.room().map_err(VaultError::io(place.disk.path(KEYS)))?;
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

    pub(crate) fn failed(&self) -> impl FnOnce(io::Error) -> VaultError + use<> {
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
            // A damaged key is sealed with no more: it may come back from a copy under its own id,
            // and a new one has another.
            Held::Damaged | Held::None => Ok(None),
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
        let scopes = erased.into_iter();
        let scopes = scopes.flat_map(|(customer, erasure)| KeyScope::erased(customer, erasure));
        self.destroy(scopes)
    }

    /// Destroys all keys of these scopes. None of them gets another one.
    ///
    /// # Errors
    /// A [`VaultError`]: some of them may still be there.
    pub fn destroy(&self, scopes: impl IntoIterator<Item = KeyScope>) -> Result<(), VaultError> {
        let note = |scope: KeyScope| {
            let id = scope.new_id(random()?);
            Ok((Name { scope, id }, Secret::Destroyed))
        };
        let notes = self.overwrite(scopes)?.into_iter().map(note);
        let notes = notes.collect::<Result<Vec<_>, VaultError>>()?;
        if notes.is_empty() { Ok(()) } else { self.append(&notes) }
    }

    /// Destroys the keys of these scopes that are here; gives the scopes that have none.
    ///
    /// # Errors
    /// As [`Vault::destroy`].
    pub(crate) fn overwrite(
        &self,
        scopes: impl IntoIterator<Item = KeyScope>,
    ) -> Result<Vec<KeyScope>, VaultError> {
        let mut never_had = Vec::new();
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
                    // It was a key of this scope when it was read last.
                    Slot::Unreadable => {
                        overwritten = true;
                        self.change(|_, loaded| loaded.file.write(number, &LOST))?;
                    }
                    Slot::Key(..) | Slot::Empty | Slot::Filler | Slot::Lost => {}
                }
            }
            if !had {
                never_had.push(scope);
            }
        }
        if overwritten {
            self.change(|_, loaded| loaded.file.sync())?;
        }
        Ok(never_had)
    }

    /// What is there of one key.
    pub(crate) fn held(&self, name: &Name) -> Result<Held, VaultError> {
        self.with(|loaded| loaded.exactly(name).map(|(_, held)| held).map_err(self.failed()))
    }

    /// Destroys one key, or notes that it was destroyed; not yet durably. Whether it was live.
    pub(crate) fn put_destroyed(&self, name: &Name) -> Result<bool, VaultError> {
        let (number, held) = self.with(|loaded| loaded.exactly(name).map_err(self.failed()))?;
        match held {
            Held::Destroyed(_) => return Ok(false),
            Held::Live(..) | Held::Damaged | Held::None => {}
        }
        self.put(number, name, &Secret::Destroyed)?;
        Ok(number.is_some())
    }

    /// Puts a key back, in its own slot if it has one; not yet durably.
    pub(crate) fn put_back(&self, name: &Name, key: &Key) -> Result<(), VaultError> {
        let nonce = random()?;
        let (number, _) = self.with(|loaded| loaded.exactly(name).map_err(self.failed()))?;
        let wrapped = self.with(|loaded| Ok(loaded.master.wrap(nonce, &name.bytes(), key)))?;
        self.put(number, name, &Secret::Live { nonce, wrapped })
    }

    /// Writes a slot: this one, or the next.
    fn put(&self, number: Option<u32>, name: &Name, secret: &Secret) -> Result<(), VaultError> {
        self.change(|tail, loaded| {
            let at = number.unwrap_or(tail.next);
            loaded.file.write(at, &encode(name, secret))?;
            if number.is_none() {
                loaded.index.insert(Hint::of(name.id), at);
                tail.next = at + 1;
            }
            Ok(())
        })
    }

    /// Damaged keys that were overwritten are counted no more: a copy is put back.
    pub(crate) fn forget_lost(&self) -> Result<(), VaultError> {
        self.change(|_, loaded| {
            let mut lost = Vec::new();
            loaded.file.each(0, |number, slot| {
                if slot == Slot::Lost {
                    lost.push(number);
                }
                slot != Slot::Empty
            })?;
            lost.into_iter().try_for_each(|number| loaded.file.write(number, &FILLER))
        })
    }

    /// Makes durable what was changed.
    pub(crate) fn sync(&self) -> Result<(), VaultError> {
        self.change(|_, loaded| loaded.file.sync())
    }
}
