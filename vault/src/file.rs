//! The key file: a head, then slots of 128 bytes, zeros behind the last.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | magic `BFKEYS` and format version 1 (u16, little endian) |
//! | 8 | 16 | log id |
//! | 24 | 16 | id of the master key that wraps the keys |
//! | 40 | 20 | zero |
//! | 60 | 4 | CRC32C of bytes 0..60 |
//! | 512 | | slots, see [`crate::slot`] |
//!
//! *Ordering.* Slots are written in order and never move. Room is preallocated, so that a sync of
//! new keys writes no metadata.

use std::io;

use event_log::{Disk, DiskFile};

use crate::place::{KEYS, Place, VaultError, is_missing};
use crate::slot::{SECRET_AT, SLOT_BYTES, Secret, Slot, decode, encode_secret};

const MAGIC: [u8; 8] = *b"BFKEYS\x01\x00";
const HEAD_BYTES: usize = 64;
const HEAD_CRC: usize = 60;
const FIRST_SLOT: u64 = 512;
/// Slots that are read at once.
const CHUNK: usize = 512;

/// The head of a key file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) log: [u8; 16],
    pub(crate) master: [u8; 16],
}

impl Head {
    fn encode(&self) -> [u8; HEAD_BYTES] {
        let mut bytes = [0; HEAD_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..24].copy_from_slice(&self.log);
        bytes[24..40].copy_from_slice(&self.master);
        let crc = crc32c::crc32c(&bytes[..HEAD_CRC]);
        bytes[HEAD_CRC..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8; HEAD_BYTES]) -> Option<Self> {
        let crc = crc32c::crc32c(&bytes[..HEAD_CRC]).to_le_bytes();
        if bytes[..8] != MAGIC || bytes[HEAD_CRC..] != crc {
            return None;
        }
        let part = |at: usize| {
            let mut part = [0; 16];
            part.copy_from_slice(&bytes[at..at + 16]);
            part
        };
        Some(Self { log: part(8), master: part(24) })
    }
}

/// An open key file.
#[derive(Debug)]
pub(crate) struct KeyFile {
    file: Box<dyn DiskFile>,
}

impl KeyFile {
    /// Makes a file without keys, and makes its bytes durable; its name is not durable yet.
    pub(crate) fn create(disk: &dyn Disk, name: &str, head: &Head) -> io::Result<Self> {
        let file = disk.create(name)?;
        file.write_at(&head.encode(), 0)?;
        file.sync_data()?;
        Ok(Self { file })
    }

    pub(crate) fn open(disk: &dyn Disk, name: &str) -> io::Result<Self> {
        disk.open(name).map(|file| Self { file })
    }

    pub(crate) fn open_read(disk: &dyn Disk, name: &str) -> io::Result<Self> {
        disk.open_read(name).map(|file| Self { file })
    }

    /// Opens the keys of the log `log` beside who writes them.
    ///
    /// # Errors
    /// A [`VaultError`]: there are none, keys of another log, damage, the disk.
    pub(crate) fn look(place: &Place, log: [u8; 16]) -> Result<Self, VaultError> {
        let path = || place.disk.path(KEYS);
        let file = match Self::open_read(place.disk.as_ref(), KEYS) {
            Ok(file) => file,
            Err(error) if is_missing(&error) => return Err(VaultError::NoKeys { path: path() }),
            Err(error) => return Err(VaultError::io(path())(error)),
        };
        file.head_of(place, log)?;
        Ok(file)
    }

    /// The head, which must be of the log `log`.
    pub(crate) fn head_of(&self, place: &Place, log: [u8; 16]) -> Result<Head, VaultError> {
        let path = || place.disk.path(KEYS);
        let head = self.head().map_err(VaultError::io(path()))?;
        let head = head.ok_or_else(|| VaultError::Damaged { path: path() })?;
        if head.log == log { Ok(head) } else { Err(VaultError::OtherLog { path: path() }) }
    }

    /// The head; `None` if it is none, as in a file that was wiped.
    pub(crate) fn head(&self) -> io::Result<Option<Head>> {
        let mut bytes = [0; HEAD_BYTES];
        self.file.read_at(&mut bytes, 0)?;
        Ok(Head::decode(&bytes))
    }

    /// Shows every slot from `first` on to `visit`, up to the last one that there is room for, or
    /// until `visit` has seen enough.
    pub(crate) fn each(
        &self,
        first: u32,
        mut visit: impl FnMut(u32, Slot) -> bool,
    ) -> io::Result<()> {
        let mut bytes = vec![0; CHUNK * SLOT_BYTES];
        let mut number = first;
        loop {
            let read = self.file.read_at(&mut bytes, place(number))?;
            let (slots, _) = bytes[..read].as_chunks::<SLOT_BYTES>();
            for slot in slots {
                if !visit(number, decode(slot)) {
                    return Ok(());
                }
                number += 1;
            }
            if slots.len() < CHUNK {
                return Ok(());
            }
        }
    }

    pub(crate) fn read(&self, number: u32) -> io::Result<Slot> {
        let mut bytes = [0; SLOT_BYTES];
        self.file.read_at(&mut bytes, place(number))?;
        Ok(decode(&bytes))
    }

    /// How many slots there is room for.
    pub(crate) fn room(&self) -> io::Result<u32> {
        let slots = self.file.length()?.saturating_sub(FIRST_SLOT) / SLOT_BYTES as u64;
        Ok(u32::try_from(slots).unwrap_or(u32::MAX))
    }

    /// Makes room for so many slots in all.
    pub(crate) fn reserve(&self, slots: u32) -> io::Result<()> {
        self.file.preallocate(place(slots))
    }

    /// Writes slots that lie one behind the other.
    pub(crate) fn write(&self, first: u32, slots: &[u8]) -> io::Result<()> {
        self.file.write_at(slots, place(first))
    }

    /// Overwrites the key in a slot; whose it was stays.
    pub(crate) fn destroy(&self, number: u32) -> io::Result<()> {
        let at = place(number) + SECRET_AT as u64;
        self.file.write_at(&encode_secret(&Secret::Destroyed), at)
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Overwrites everything with zeros.
    pub(crate) fn wipe(&self) -> io::Result<()> {
        wipe(self.file.as_ref())
    }
}

/// Overwrites a file with zeros, durably.
pub(crate) fn wipe(file: &dyn DiskFile) -> io::Result<()> {
    let length = file.length()?;
    let zeros = vec![0; 1 << 16];
    let mut at = 0;
    while at < length {
        let left = usize::try_from(length - at).unwrap_or(usize::MAX);
        let chunk = &zeros[..left.min(zeros.len())];
        file.write_at(chunk, at)?;
        at += chunk.len() as u64;
    }
    file.sync_data()
}

fn place(slot: u32) -> u64 {
    FIRST_SLOT + u64::from(slot) * SLOT_BYTES as u64
}
