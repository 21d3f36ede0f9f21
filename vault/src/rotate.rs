//! Another master key: every key is wrapped anew, into another file.
//!
//! *Ordering.* The new master key is durable first, then the new file; then the files change their
//! names, and what they held before is overwritten. A crash leaves the old file in place or the
//! new one, and what is left of the other is overwritten when the keys are opened next.

use std::io;

use crate::file::{Head, KeyFile};
use crate::key::{Key, random};
use crate::master;
use crate::opening::Absent;
use crate::place::{KEYS, Place, VaultError};
use crate::ring::{Held, Loaded};
use crate::settle::{NEW, OLD, settle};
use crate::slot::{FILLER, LOST, SLOT_BYTES, Secret, Slot, encode};
use crate::vault::Vault;

/// Slots that are written at once.
const CHUNK: usize = 512;

/// Makes a new master key and wraps every key with it; how many there were.
///
/// # Errors
/// A [`VaultError`]: somebody uses the keys for writing, damage, the disk. The keys can be used
/// as before.
pub fn rotate(place: &Place, log: [u8; 16]) -> Result<u64, VaultError> {
    // Finishes what an earlier rotation left, and keeps others away.
    let vault = Vault::open(place, log, Absent::Refuse, |_| true)?;
    let master = master::prepare(place)?;
    let rewrapped = vault.with(|loaded| rewrap(place, loaded, log, &master))?;
    let disk = place.disk.as_ref();
    let renamed = || -> io::Result<()> {
        disk.rename(KEYS, OLD)?;
        disk.rename(NEW, KEYS)?;
        disk.sync_folder()
    };
    renamed().map_err(VaultError::io(disk.path(KEYS)))?;
    settle(place)?;
    master::put_in_place(place)?;
    Ok(rewrapped)
}

fn rewrap(place: &Place, loaded: &Loaded, log: [u8; 16], master: &Key) -> Result<u64, VaultError> {
    let failed = || VaultError::io(place.disk.path(NEW));
    let head = Head { log, master: master.id() };
    let file = KeyFile::create(place.disk.as_ref(), NEW, &head).map_err(failed())?;
    let (mut bytes, mut first, mut rewrapped, mut refused) = (Vec::new(), 0, 0, None);
    let write = |first: u32, bytes: &mut Vec<u8>| -> io::Result<u32> {
        file.write(first, bytes)?;
        let written = u32::try_from(bytes.len() / SLOT_BYTES).unwrap_or(u32::MAX);
        bytes.clear();
        Ok(first + written)
    };
    let mut each = |slot: Slot| -> Result<(), VaultError> {
        let slot = match slot {
            Slot::Empty => return Ok(()),
            Slot::Filler => FILLER,
            Slot::Lost | Slot::Unreadable => LOST,
            Slot::Key(name, secret) => match loaded.unwrapped(&name, &secret) {
                Held::Live(name, key) => {
                    rewrapped += 1;
                    let nonce = random()?;
                    let wrapped = master.wrap(nonce, &name.bytes(), &key);
                    encode(&name, &Secret::Live { nonce, wrapped })
                }
                Held::Destroyed(name) => encode(&name, &Secret::Destroyed),
                Held::Damaged | Held::None => encode(&name, &Secret::Unreadable),
            },
        };
        bytes.extend_from_slice(&slot);
        if bytes.len() == CHUNK * SLOT_BYTES {
            first = write(first, &mut bytes).map_err(failed())?;
        }
        Ok(())
    };
    let read = loaded.file.each(0, |_, slot| {
        let ended = slot == Slot::Empty;
        if let Err(error) = each(slot) {
            refused = Some(error);
        }
        refused.is_none() && !ended
    });
    read.map_err(VaultError::io(place.disk.path(KEYS)))?;
    if let Some(error) = refused {
        return Err(error);
    }
    write(first, &mut bytes).and_then(|_| file.sync()).map_err(failed())?;
    place.disk.sync_folder().map_err(failed())?;
    Ok(rewrapped)
}
