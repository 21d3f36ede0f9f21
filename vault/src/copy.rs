//! Copies of the keys, to be kept apart from the log.
//!
//! *Shape.* A head of 72 bytes (magic `BFKCOPY1`, log id, id of the master key, the master key or
//! zeros), then the slots of the key file, up to the end. A copy with the master key in it opens
//! everything: it is only made sealed for somebody ([`crate::age`]). One without is of no use to
//! who has not that key.
//! *Correctness.* Keys come back by their ids, beside those that are there. A key that was
//! destroyed here or in the copy stays destroyed; whoever restores destroys what the log says was
//! erased after the copy was made.

use std::io::{self, Read, Write};

use zeroize::Zeroizing;

use crate::file::KeyFile;
use crate::key::{KEY_BYTES, Key};
use crate::master;
use crate::opening::Absent;
use crate::place::{KEYS, Place, VaultError};
use crate::ring::Held;
use crate::slot::{SLOT_BYTES, Secret, Slot, decode, encode};
use crate::vault::Vault;

const MAGIC: [u8; 8] = *b"BFKCOPY1";
const HEAD_BYTES: usize = 8 + 16 + 16 + KEY_BYTES;

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
    /// A copy of other keys.
    #[error("this is a copy of the keys of another book; name the right book")]
    OtherLog,
    /// The copy has no master key, and the one that is here does not fit.
    #[error(
        "the copy was made without its master key and that is not here; put the key back first, \
         or restore a copy that was sealed for somebody"
    )]
    NoMaster,
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
}

/// Copies all keys, with the master key that opens them or without; how many slots there were.
/// The keys may be in use meanwhile.
///
/// # Errors
/// A [`CopyError`]: there are no keys, damage, the disk, what `out` says.
pub fn backup(
    place: &Place,
    log: [u8; 16],
    with_master: bool,
    out: &mut impl Write,
) -> Result<u64, CopyError> {
    let failed = || VaultError::io(place.disk.path(KEYS));
    let file = KeyFile::open_read(place.disk.as_ref(), KEYS).map_err(failed())?;
    let head = file.head().map_err(failed())?;
    let head = head.ok_or_else(|| VaultError::Damaged { path: place.disk.path(KEYS) })?;
    if head.log != log {
        return Err(VaultError::OtherLog { path: place.disk.path(KEYS) }.into());
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(HEAD_BYTES));
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&head.log);
    bytes.extend_from_slice(&head.master);
    if with_master {
        bytes.extend_from_slice(master::find(place, head.master)?.bytes());
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
    read.map_err(failed())?;
    refused.map_or(Ok(copied), |error| Err(error.into()))
}

/// Puts the keys of a copy back, beside those that are there.
///
/// # Errors
/// A [`CopyError`]: somebody uses the keys, another book's copy, a copy without a master key.
pub fn restore(place: &Place, log: [u8; 16], from: &mut impl Read) -> Result<Restored, CopyError> {
    let mut head = Zeroizing::new([0; HEAD_BYTES]);
    read_whole(from, head.as_mut_slice())?.then_some(()).ok_or(CopyError::NoCopy)?;
    if head[..8] != MAGIC {
        return Err(CopyError::NoCopy);
    }
    if head[8..24] != log {
        return Err(CopyError::OtherLog);
    }
    let mut id = [0; 16];
    id.copy_from_slice(&head[24..40]);
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    key.copy_from_slice(&head[40..]);
    let copied = Some(Key::from_bytes(*key)).filter(|key| key.id() == id);
    let master = match copied {
        Some(key) => key,
        None => master::find(place, id).map_err(|_| CopyError::NoMaster)?,
    };
    let vault = Vault::open(place, log, Absent::Make, |_| true)?;
    let mut restored = Restored::default();
    let mut slot = Zeroizing::new([0; SLOT_BYTES]);
    while read_whole(from, slot.as_mut_slice())? {
        let Slot::Key(name, secret) = decode(&slot) else { return Err(CopyError::NoCopy) };
        if secret == Secret::Destroyed {
            restored.destroyed_here += u64::from(vault.destroy_one(&name)?);
        } else if let Secret::Live { nonce, wrapped } = secret
            && let Some(key) = master.unwrap(nonce, &name.bytes(), &wrapped)
        {
            match vault.held(&name)? {
                Held::None => {
                    vault.put_back(&name, &key)?;
                    restored.added += 1;
                }
                Held::Damaged => {
                    vault.put_back(&name, &key)?;
                    restored.mended += 1;
                }
                Held::Destroyed(_) => restored.destroyed += 1,
                Held::Live(..) => {}
            }
        }
    }
    vault.sync()?;
    Ok(restored)
}

/// Fills `into`; whether there was so much.
fn read_whole(from: &mut impl Read, into: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(into) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}
