//! One file of sorted command ids.
//!
//! | section | bytes |
//! |---|---|
//! | blocks | 4,096 each, see below |
//! | fences | for each block its first id, 16 |
//! | filter | see [`Filter`] |
//! | footer | 128, see below |
//!
//! | offset in a block | bytes | field |
//! |---|---|---|
//! | 0 | 20 × n | n entries: id (16, big endian: sorts), position less the first (4) |
//! | 4,080 | 4 | n, at most 204 |
//! | 4,084 | 8 | zero |
//! | 4,092 | 4 | CRC32C of bytes 0..4,092 |
//!
//! | offset in the footer | bytes | field |
//! |---|---|---|
//! | 0 | 4 | magic `BFID` |
//! | 4 | 4 | format version, 1 |
//! | 8 | 16 | log id |
//! | 24 | 8 | first position |
//! | 32 | 8 | last position |
//! | 40 | 32 | hash of the block that holds the last position; its first 8 bytes key the filter |
//! | 72 | 8 | count of blocks |
//! | 80 | 8 | length of the filter |
//! | 88 | 4 | CRC32C of fences and filter |
//! | 92 | 32 | zero |
//! | 124 | 4 | CRC32C of bytes 0..124 |
//!
//! Integers are little endian but for ids.

use std::io;
use std::sync::OnceLock;

use event_log::{Disk, DiskFile, Hash, LogId};

use super::filter::Filter;

pub(super) const BLOCK: usize = 4_096;
pub(super) const ENTRY: usize = 20;
pub(super) const ENTRIES: usize = 204;
pub(super) const COUNT_AT: usize = 4_080;
pub(super) const BLOCK_CRC_AT: usize = 4_092;
pub(super) const FOOTER: usize = 128;
pub(super) const FOOTER_CRC_AT: usize = 124;
pub(super) const MAGIC: [u8; 4] = *b"BFID";
pub(super) const FORMAT: u32 = 1;

/// Why a file of ids is not used.
#[derive(Debug, thiserror::Error)]
pub enum IdFileError {
    /// The disk said no.
    #[error("{name} cannot be read")]
    Io {
        /// The file.
        name: String,
        /// What the disk said.
        #[source]
        source: io::Error,
    },
    /// The bytes are not what was written.
    #[error("{name} is damaged: {what}")]
    Damaged {
        /// The file.
        name: String,
        /// What is wrong.
        what: &'static str,
    },
}

/// What a file of ids says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IdFooter {
    pub(crate) log: LogId,
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) block_hash: Hash,
    pub(crate) blocks: u64,
    pub(crate) filter_bytes: u64,
    pub(crate) index_crc: u32,
}

/// Ids with their positions, in the order of the ids.
pub(super) type Sorted = Vec<(u128, u64)>;

/// A file of sorted ids, open for lookups.
#[derive(Debug)]
pub struct IdFile {
    pub(crate) number: u64,
    pub(crate) name: String,
    pub(crate) footer: IdFooter,
    file: Box<dyn DiskFile>,
    fences: Vec<u128>,
    filter: Filter,
    /// What the log says, once the file turned out damaged.
    pub(super) mended: OnceLock<Sorted>,
}

impl IdFooter {
    pub(super) fn encode(&self) -> [u8; FOOTER] {
        let mut bytes = [0; FOOTER];
        bytes[0..4].copy_from_slice(&MAGIC);
        bytes[4..8].copy_from_slice(&FORMAT.to_le_bytes());
        bytes[8..24].copy_from_slice(&self.log.0);
        bytes[24..32].copy_from_slice(&self.first.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.last.to_le_bytes());
        bytes[40..72].copy_from_slice(&self.block_hash);
        bytes[72..80].copy_from_slice(&self.blocks.to_le_bytes());
        bytes[80..88].copy_from_slice(&self.filter_bytes.to_le_bytes());
        bytes[88..92].copy_from_slice(&self.index_crc.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..FOOTER_CRC_AT]);
        bytes[FOOTER_CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8; FOOTER]) -> Result<Self, &'static str> {
        let long = |at: usize| u64::from_le_bytes(std::array::from_fn(|n| bytes[at + n]));
        let short = |at: usize| u32::from_le_bytes(std::array::from_fn(|n| bytes[at + n]));
        if bytes[0..4] != MAGIC {
            return Err("it does not end as such a file does");
        }
        if crc32c::crc32c(&bytes[..FOOTER_CRC_AT]) != short(FOOTER_CRC_AT) {
            return Err("the footer's checksum is wrong");
        }
        if short(4) != FORMAT {
            return Err("it has another format version");
        }
        Ok(Self {
            log: LogId(std::array::from_fn(|n| bytes[8 + n])),
            first: long(24),
            last: long(32),
            block_hash: std::array::from_fn(|n| bytes[40 + n]),
            blocks: long(72),
            filter_bytes: long(80),
            index_crc: short(88),
        })
    }

    pub(super) fn filter_key(&self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|n| self.block_hash[n]))
    }
}

pub(crate) fn id_file_name(number: u64) -> String {
    format!("ids-{number:010}.bfi")
}

impl IdFile {
    /// Opens a file and checks all of it but its blocks, which are checked when read.
    pub(crate) fn open(disk: &dyn Disk, number: u64) -> Result<Self, IdFileError> {
        let name = id_file_name(number);
        let io = |source| IdFileError::Io { name: name.clone(), source };
        let damaged = |what| IdFileError::Damaged { name: name.clone(), what };
        let file = disk.open_read(&name).map_err(io)?;
        let length = file.length().map_err(io)?;
        let mut bytes = [0; FOOTER];
        let footer_at = length.checked_sub(FOOTER as u64).ok_or_else(|| damaged("too short"))?;
        let read = file.read_at(&mut bytes, footer_at).map_err(io)?;
        if read < FOOTER {
            return Err(damaged("cut short"));
        }
        let footer = IdFooter::decode(&bytes).map_err(damaged)?;
        let fences_at = footer.blocks.checked_mul(BLOCK as u64);
        let index = footer_at.checked_sub(fences_at.unwrap_or(u64::MAX));
        let fence_bytes = footer.blocks * 16;
        let (Some(index), Some(fences_at)) = (index, fences_at) else {
            return Err(damaged("its sections do not fill it"));
        };
        if Some(index) != fence_bytes.checked_add(footer.filter_bytes) || footer.last < footer.first
        {
            return Err(damaged("its sections do not fill it"));
        }
        let mut bytes = vec![0; usize::try_from(index).map_err(|_| damaged("too long"))?];
        let read = file.read_at(&mut bytes, fences_at).map_err(io)?;
        if read < bytes.len() || crc32c::crc32c(&bytes) != footer.index_crc {
            return Err(damaged("the checksum of its index is wrong"));
        }
        let (fences, filter) = bytes.split_at(usize::try_from(fence_bytes).unwrap_or(0));
        let fences = fences.as_chunks::<16>().0.iter().map(|id| u128::from_be_bytes(*id)).collect();
        let filter = Filter::from_bytes(filter, footer.filter_key());
        let filter = filter.ok_or_else(|| damaged("its filter is no filter"))?;
        let mended = OnceLock::new();
        Ok(Self { number, name, footer, file, fences, filter, mended })
    }

    /// How many ids it holds.
    pub fn ids(&self) -> u64 {
        self.footer.last - self.footer.first + 1
    }

    /// Bytes that the filter takes in memory.
    pub fn filter_bytes(&self) -> u64 {
        self.filter.bytes()
    }

    /// Whether it turned out damaged.
    pub(crate) fn is_damaged(&self) -> bool {
        self.mended.get().is_some()
    }

    /// Where the command was accepted, if its id is in here.
    pub(super) fn find(&self, id: u128) -> Result<Option<u64>, IdFileError> {
        if let Some(mended) = self.mended.get() {
            let found = mended.binary_search_by_key(&id, |(known, _)| *known);
            return Ok(found.ok().map(|at| mended[at].1));
        }
        if !self.filter.may_hold(id) {
            return Ok(None);
        }
        let Some(block) = self.fences.partition_point(|first| *first <= id).checked_sub(1) else {
            return Ok(None);
        };
        let entries = self.block(block as u64)?;
        let found = entries.binary_search_by_key(&id, |(known, _)| *known);
        Ok(found.ok().map(|at| entries[at].1))
    }

    /// The entries of one block.
    pub(super) fn block(&self, block: u64) -> Result<Sorted, IdFileError> {
        let damaged = |what| IdFileError::Damaged { name: self.name.clone(), what };
        let mut bytes = [0; BLOCK];
        let read = self.file.read_at(&mut bytes, block * BLOCK as u64);
        let read = read.map_err(|source| IdFileError::Io { name: self.name.clone(), source })?;
        let short = |at: usize| u32::from_le_bytes(std::array::from_fn(|n| bytes[at + n]));
        if read < BLOCK || crc32c::crc32c(&bytes[..BLOCK_CRC_AT]) != short(BLOCK_CRC_AT) {
            return Err(damaged("a block's checksum is wrong"));
        }
        let count = (short(COUNT_AT) as usize).min(ENTRIES);
        let entry = |entry: &[u8; ENTRY]| {
            let id = u128::from_be_bytes(std::array::from_fn(|n| entry[n]));
            let after = u32::from_le_bytes(std::array::from_fn(|n| entry[16 + n]));
            (id, self.footer.first + u64::from(after))
        };
        Ok(bytes[..count * ENTRY].as_chunks::<ENTRY>().0.iter().map(entry).collect())
    }
}
