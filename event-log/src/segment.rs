//! The segment file: a header of one sector, then blocks, then zeros.
//!
//! *Names.* `segment-<number, 10 digits>-<first position, 20 digits>.blk`; numbers start at 1 and
//! have no gaps. The number keeps names apart when two segments start at the same position, which
//! happens when one holds empty blocks only.
//!
//! | offset | bytes | header field |
//! |---|---|---|
//! | 0 | 4 | magic `BFSG` |
//! | 4 | 2 | format version, 1 |
//! | 6 | 2 | offset of the first block, 512 |
//! | 8 | 1 | hash algorithm: 1 SHA-256 |
//! | 9 | 3 | zero |
//! | 12 | 84 | log id, book, partition, length of the book's name: as in a block header |
//! | 96 | 8 | epoch of the block before |
//! | 104 | 8 | number of the block before |
//! | 112 | 8 | first position |
//! | 120 | 8 | segment number |
//! | 128 | 32 | hash of the block before; zeros in segment 1 |
//! | 160 | 8 | length of the file |
//! | 168 | 340 | zero |
//! | 508 | 4 | CRC32C of bytes 0..508 |
//!
//! *Ordering.* A segment gets its name only after its header and its first block are durable.

use crate::block_header::{FORMAT_VERSION, HASH_SHA256, check_identity};
use crate::damage::{Fault, Record};
use crate::head::Head;
use crate::identity::{IDENTITY_BYTES, LogIdentity};
use crate::layout::{SECTOR, SECTOR_BYTES, field, set_field};

/// The segment header's length in bytes: one sector.
pub(crate) const SEGMENT_HEADER_BYTES: usize = SECTOR;
/// Where the first block starts.
pub(crate) const FIRST_BLOCK_AT: u64 = SECTOR_BYTES;

const MAGIC: [u8; 4] = *b"BFSG";
const VERSION_AT: usize = 4;
const FIRST_BLOCK_FIELD_AT: usize = 6;
const HASH_ALGORITHM_AT: usize = 8;
const IDENTITY_AT: usize = 12;
const EPOCH_AT: usize = 96;
const BLOCK_NUMBER_AT: usize = 104;
const POSITION_AT: usize = 112;
const SEGMENT_NUMBER_AT: usize = 120;
const PREVIOUS_AT: usize = 128;
const LENGTH_AT: usize = 160;
const CRC_AT: usize = 508;

const PREFIX: &str = "segment-";
const SUFFIX: &str = ".blk";

/// A segment's name, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SegmentName {
    pub(crate) number: u64,
    pub(crate) first_position: u64,
}

impl SegmentName {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let (number, position) =
            name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.split_once('-')?;
        let name_of = Self { number: number.parse().ok()?, first_position: position.parse().ok()? };
        (name_of.file_name() == name).then_some(name_of)
    }

    pub(crate) fn file_name(self) -> String {
        format!("{PREFIX}{:010}-{:020}{SUFFIX}", self.number, self.first_position)
    }
}

/// A segment's header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) identity: LogIdentity,
    pub(crate) number: u64,
    /// The log's head before the segment's first block.
    pub(crate) start: Head,
    pub(crate) length: u64,
}

impl SegmentHeader {
    pub(crate) fn name(&self) -> SegmentName {
        SegmentName { number: self.number, first_position: self.start.next_position }
    }

    pub(crate) fn encode(&self) -> [u8; SEGMENT_HEADER_BYTES] {
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        set_field(&mut bytes, 0, MAGIC);
        set_field(&mut bytes, VERSION_AT, FORMAT_VERSION.to_le_bytes());
        set_field(&mut bytes, FIRST_BLOCK_FIELD_AT, 512_u16.to_le_bytes());
        bytes[HASH_ALGORITHM_AT] = HASH_SHA256;
        set_field(&mut bytes, IDENTITY_AT, self.identity.to_bytes());
        set_field(&mut bytes, EPOCH_AT, self.start.epoch.to_le_bytes());
        set_field(&mut bytes, BLOCK_NUMBER_AT, self.start.block_number.to_le_bytes());
        set_field(&mut bytes, POSITION_AT, self.start.next_position.to_le_bytes());
        set_field(&mut bytes, SEGMENT_NUMBER_AT, self.number.to_le_bytes());
        set_field(&mut bytes, PREVIOUS_AT, self.start.block_hash);
        set_field(&mut bytes, LENGTH_AT, self.length.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..CRC_AT]);
        set_field(&mut bytes, CRC_AT, crc.to_le_bytes());
        bytes
    }

    /// Reads a header. With `expected`, it must be of that log.
    pub(crate) fn decode(bytes: &[u8], expected: Option<&LogIdentity>) -> Result<Self, Fault> {
        let record = Record::Segment;
        if bytes.len() < SEGMENT_HEADER_BYTES {
            return Err(Fault::Truncated { record });
        }
        if field(bytes, 0) != MAGIC {
            return Err(Fault::Magic { expected: record });
        }
        if crc32c::crc32c(&bytes[..CRC_AT]) != u32::from_le_bytes(field(bytes, CRC_AT)) {
            return Err(Fault::HeaderChecksum { record });
        }
        let version = u16::from_le_bytes(field(bytes, VERSION_AT));
        if version != FORMAT_VERSION {
            return Err(Fault::Unknown { field: "format version", value: version.into() });
        }
        let algorithm = bytes[HASH_ALGORITHM_AT];
        if algorithm != HASH_SHA256 {
            return Err(Fault::Unknown { field: "hash algorithm", value: algorithm.into() });
        }
        let identity_bytes: [u8; IDENTITY_BYTES] = field(bytes, IDENTITY_AT);
        if let Some(expected) = expected {
            check_identity(&identity_bytes, expected)?;
        }
        let Some(identity) = LogIdentity::from_bytes(&identity_bytes) else {
            return Err(Fault::Impossible { field: "identity", value: 0 });
        };
        let start = Head {
            next_position: u64::from_le_bytes(field(bytes, POSITION_AT)),
            block_number: u64::from_le_bytes(field(bytes, BLOCK_NUMBER_AT)),
            block_hash: field(bytes, PREVIOUS_AT),
            epoch: u64::from_le_bytes(field(bytes, EPOCH_AT)),
        };
        let number = u64::from_le_bytes(field(bytes, SEGMENT_NUMBER_AT));
        let length = u64::from_le_bytes(field(bytes, LENGTH_AT));
        if length % SECTOR_BYTES != 0 || length < 2 * SECTOR_BYTES {
            return Err(Fault::Impossible { field: "segment length", value: length });
        }
        Ok(Self { identity, number, start, length })
    }
}
