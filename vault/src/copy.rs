//! Copies of the keys, to be kept apart from the log.
//!
//! *Shape.* A head of 72 bytes (magic `BFKCOPY1`, log id, id of the master key, the master key or
//! zeros), then the slots of the key file, then an end of 128 bytes (magic `BFKCEND1`, the number
//! of slots as u64, little endian, SHA-256 of everything before the end, zeros). A copy with the
//! master key in it opens everything: it is only made sealed for somebody ([`crate::age`]). One
//! without is of no use to who has not that key.
//! *Ordering.* A copy is read twice: nothing is put back of one that is not whole. What the log
//! says was erased is asked under the lock that keeps the log's writer away, and before anything
//! is put back.
//! *Correctness.* Keys come back by their ids, beside those that are there. A key that was
//! destroyed here or in the copy stays destroyed, and a key of an erased customer comes back as a
//! destroyed one: it is never live on the disk.

use std::collections::HashSet;
use std::io::{self, Read, Write};

use event_log::DiskLock;
use schemas::fields::Erasure;
use schemas::ids::CustomerId;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::file::KeyFile;
use crate::key::{KEY_BYTES, Key};
use crate::master::{self, MasterKey};
use crate::opening::{self, Absent};
use crate::place::{KEYS, Place, VaultError};
use crate::ring::Held;
use crate::scope::KeyScope;
use crate::slot::{Name, SLOT_BYTES, Secret, Slot, decode, encode};
use crate::vault::Vault;

const MAGIC: [u8; 8] = *b"BFKCOPY1";
const HEAD_BYTES: usize = 8 + 16 + 16 + KEY_BYTES;
const END_MAGIC: [u8; 8] = *b"BFKCEND1";

/// Why keys could not be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The keys themselves.
    #[error(transparent)]
    Keys(#[from] VaultError),
    /// The copy.
    #[error("the copy cannot be written or read: {0}")]
    Copy(#[from] io::Error),
    /// Something else.
    #[error("this is no copy of keys; name one that `billfold keys backup` made")]
    NoCopy,
    /// It ends before its end, or was changed.
    #[error("the copy was cut or changed, nothing was put back; name a whole one")]
    Cut,
    /// A copy of other keys.
    #[error("this is a copy of the keys of another book; name the right book")]
    OtherLog,
    /// The copy has no master key, and the one that is here does not fit.
    #[error(
        "the copy was made without its master key and that is not here; name the file that holds \
         it with `--master FILE`, or restore a copy that was sealed for somebody"
    )]
    NoMaster,
    /// The master key that was given does not fit.
    #[error("the given file does not hold the master key of this copy; name the one that does")]
    OtherMaster,
}

/// What became of the keys of a copy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Restored {
    /// Were not here, and are.
    pub added: u64,
    /// Were damaged here, and are whole.
    pub mended: u64,
    /// Were destroyed here since, and stay so.
    pub destroyed: u64,
    /// Are destroyed in the copy, and were destroyed here.
    pub destroyed_here: u64,
    /// Are of customers that the log says were erased, and were destroyed here or not put back.
    pub erased: u64,
}

/// Copies all keys, with the master key that opens them or without; how many slots there were.
/// The keys may be in use meanwhile. Keys that nothing opens here are not copied: a copy of them
/// would look like one that can be put back.
///
/// # Errors
/// A [`CopyError`]: there are no keys, no master key that fits, damage, the disk, what `out` says.
pub fn backup(
    place: &Place,
    log: [u8; 16],
    with_master: bool,
    out: &mut impl Write,
) -> Result<u64, CopyError> {
    let file = KeyFile::look(place, log)?;
    let head = file.head_of(place, log)?;
    let master = master::find(place, head.master)?;
    let mut out = Summed { out, sum: Sha256::new() };
    let mut bytes = Zeroizing::new(Vec::with_capacity(HEAD_BYTES));
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&head.log);
    bytes.extend_from_slice(&head.master);
    if with_master {
        bytes.extend_from_slice(master.bytes());
    }
    bytes.resize(HEAD_BYTES, 0);
    out.write_all(&bytes)?;
    let (mut copied, mut refused) = (0, None);
    let read = file.each(0, |_, slot| {
        let Slot::Key(name, secret) = slot else { return slot != Slot::Empty };
        copied += 1;
        refused = out.write_all(&encode(&name, &secret)).err();
        refused.is_none()
    });
    read.map_err(VaultError::io(place.disk.path(KEYS)))?;
    if let Some(error) = refused {
        return Err(error.into());
    }
    let end = end(copied, out.sum);
    out.out.write_all(&end)?;
    Ok(copied)
}

/// Takes the sum of what is written.
struct Summed<'a, W> {
    out: &'a mut W,
    sum: Sha256,
}

impl<W: Write> Summed<'_, W> {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.sum.update(bytes);
        self.out.write_all(bytes)
    }
}

fn end(slots: u64, sum: Sha256) -> [u8; SLOT_BYTES] {
    let mut end = [0; SLOT_BYTES];
    end[..8].copy_from_slice(&END_MAGIC);
    end[8..16].copy_from_slice(&slots.to_le_bytes());
    end[16..48].copy_from_slice(&sum.finalize());
    end
}

/// What a copy begins with.
struct Begin {
    master_id: [u8; 16],
    /// If it is in the copy.
    master: Option<Key>,
}

/// Reads a whole copy, shows its slots to `each`, and says whether it was whole.
fn read_copy(
    log: [u8; 16],
    from: &mut impl Read,
    mut each: impl FnMut(&[u8; SLOT_BYTES]) -> Result<(), CopyError>,
) -> Result<Begin, CopyError> {
    let mut head = Zeroizing::new([0; HEAD_BYTES]);
    read_whole(from, head.as_mut_slice())?.then_some(()).ok_or(CopyError::NoCopy)?;
    if head[..8] != MAGIC {
        return Err(CopyError::NoCopy);
    }
    if head[8..24] != log {
        return Err(CopyError::OtherLog);
    }
    let mut master_id = [0; 16];
    master_id.copy_from_slice(&head[24..40]);
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    key.copy_from_slice(&head[40..]);
    let master = Some(Key::from_bytes(*key)).filter(|key| key.id() == master_id);
    let begin = Begin { master_id, master };
    let mut sum = Sha256::new_with_prefix(head.as_slice());
    let (mut slots, mut slot) = (0, Zeroizing::new([0; SLOT_BYTES]));
    while read_whole(from, slot.as_mut_slice())? {
        if slot[..8] == END_MAGIC {
            let is_whole = *slot == end(slots, sum) && !read_whole(from, &mut [0])?;
            return if is_whole { Ok(begin) } else { Err(CopyError::Cut) };
        }
        sum.update(slot.as_slice());
        slots += 1;
        each(&slot)?;
    }
    Err(CopyError::Cut)
}

/// Puts the keys of a copy back, beside those that are there. `open` opens the copy, twice;
/// `master` is its master key if that is neither in it nor in its place. `erased` says, while
/// nobody else can write the keys, which customers were erased.
///
/// # Errors
/// A [`CopyError`]: somebody uses the keys, another book's copy, one that was cut, one without its
/// master key; or what `open` and `erased` say.
pub fn restore<R: Read, E: From<CopyError>>(
    place: &Place,
    log: [u8; 16],
    mut open: impl FnMut() -> io::Result<R>,
    master: Option<&MasterKey>,
    erased: impl FnOnce() -> Result<Vec<(CustomerId, Erasure)>, E>,
) -> Result<Restored, E> {
    let mut opened = || open().map_err(CopyError::Copy);
    let begin = read_copy(log, &mut opened()?, |_| Ok(()))?;
    let master = master_of(place, begin, master)?;
    let lock = opening::lock(place).map_err(CopyError::Keys)?;
    let erased = erased()?;
    Ok(put_back(place, log, &mut opened()?, &master, erased, lock)?)
}

/// The key that the keys of a copy are wrapped by.
fn master_of(place: &Place, begin: Begin, given: Option<&MasterKey>) -> Result<Key, CopyError> {
    match (begin.master, given) {
        (Some(key), None | Some(_)) => Ok(key),
        (None, Some(MasterKey(key))) if key.id() == begin.master_id => Ok(key.clone()),
        (None, Some(_)) => Err(CopyError::OtherMaster),
        (None, None) => master::find(place, begin.master_id).map_err(|_| CopyError::NoMaster),
    }
}

fn put_back(
    place: &Place,
    log: [u8; 16],
    from: &mut impl Read,
    master: &Key,
    erased: Vec<(CustomerId, Erasure)>,
    lock: Box<dyn DiskLock>,
) -> Result<Restored, CopyError> {
    opening::set_aside(place)?;
    let vault = Vault::open_locked(place, log, Absent::Make, |_| true, lock)?;
    let mut restored = Restored::default();
    vault.forget_lost()?;
    let erased: HashSet<KeyScope> = erased
        .into_iter()
        .flat_map(|(customer, erasure)| KeyScope::erased(customer, erasure))
        .collect();
    vault.overwrite(erased.iter().copied())?;
    read_copy(log, from, |slot| {
        let Slot::Key(name, secret) = decode(slot) else { return Err(CopyError::NoCopy) };
        if erased.contains(&name.scope) {
            restored.erased += 1;
            return Ok(vault.put_destroyed(&name).map(|_| ())?);
        }
        match secret {
            Secret::Destroyed => restored.destroyed_here += u64::from(vault.put_destroyed(&name)?),
            Secret::Live { nonce, wrapped } => {
                if let Some(key) = master.unwrap(nonce, &name.bytes(), &wrapped) {
                    put_live(&vault, &name, &key, &mut restored)?;
                }
            }
            Secret::Unreadable => {}
        }
        Ok(())
    })?;
    // Noted now for those who have no key in the copy either: before, it would be a second one.
    vault.destroy(erased)?;
    vault.sync()?;
    Ok(restored)
}

fn put_live(
    vault: &Vault,
    name: &Name,
    key: &Key,
    restored: &mut Restored,
) -> Result<(), VaultError> {
    match vault.held(name)? {
        Held::None => {
            vault.put_back(name, key)?;
            restored.added += 1;
        }
        Held::Damaged => {
            vault.put_back(name, key)?;
            restored.mended += 1;
        }
        Held::Destroyed(_) => restored.destroyed += 1,
        Held::Live(..) => {}
    }
    Ok(())
}

/// Fills `into`; whether there was so much.
fn read_whole(from: &mut impl Read, into: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(into) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
