//! The block: what is made durable with one sync.
//!
//! *Shape.* A 192-byte header, the body, zeros up to the next sector. The body is, for each
//! commit, its length (u32) and its bytes. All integers are little endian.
//!
//! | offset | bytes | header field |
//! |---|---|---|
//! | 0 | 4 | magic `BFBK` |
//! | 4 | 2 | format version, 1 |
//! | 6 | 1 | kind: 0 commits, 1 takeover, 2 closing |
//! | 7 | 1 | codec of the body: 0 none |
//! | 8 | 1 | hash algorithm: 1 SHA-256 |
//! | 9 | 3 | zero |
//! | 12 | 16 | log id |
//! | 28 | 64 | book, ASCII, zero padded |
//! | 92 | 2 | partition |
//! | 94 | 2 | length of the book's name |
//! | 96 | 8 | epoch |
//! | 104 | 8 | block number; the log's first block is 1 |
//! | 112 | 8 | position of the first commit (of the next one, if the block is empty) |
//! | 120 | 8 | time, microseconds since 1970 UTC, signed |
//! | 128 | 32 | hash of the block before; zeros in block 1 |
//! | 160 | 4 | count of commits |
//! | 164 | 4 | length of the body as stored |
//! | 168 | 4 | CRC32C of the body as stored |
//! | 172 | 16 | zero |
//! | 188 | 4 | CRC32C of header bytes 0..188 |
//!
//! *Hash.* A block's hash is SHA-256 over its 192 header bytes and its body as stored, without the
//! padding: `dd` of those bytes through `sha256sum` gives it.

use sha2::{Digest, Sha256};

use crate::block_body::{Commits, MAX_BODY_BYTES};
use crate::damage::{Fault, Record};
use crate::identity::{IDENTITY_BYTES, LogIdentity};
use crate::layout::{all_zero, field, padded, set_field};

/// The header's length in bytes.
pub const BLOCK_HEADER_BYTES: usize = 192;
/// The most bytes a block takes in a file.
pub(crate) const MAX_FRAME_BYTES: usize = padded(BLOCK_HEADER_BYTES + MAX_BODY_BYTES);

const MAGIC: [u8; 4] = *b"BFBK";
pub(crate) const FORMAT_VERSION: u16 = 1;
const CODEC_NONE: u8 = 0;
pub(crate) const HASH_SHA256: u8 = 1;

const VERSION_AT: usize = 4;
const KIND_AT: usize = 6;
const CODEC_AT: usize = 7;
const HASH_ALGORITHM_AT: usize = 8;
const IDENTITY_AT: usize = 12;
const EPOCH_AT: usize = 96;
const NUMBER_AT: usize = 104;
const POSITION_AT: usize = 112;
const TIME_AT: usize = 120;
const PREVIOUS_AT: usize = 128;
const COUNT_AT: usize = 160;
const BODY_LENGTH_AT: usize = 164;
const BODY_CRC_AT: usize = 168;
const HEADER_CRC_AT: usize = 188;

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// What a block is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockKind {
    /// Commits.
    Commits,
    /// Empty: a writer opened the log, with a higher epoch.
    Takeover,
    /// Empty: the writer stopped cleanly.
    Closing,
}

impl BlockKind {
    fn code(self) -> u8 {
        match self {
            Self::Commits => 0,
            Self::Takeover => 1,
            Self::Closing => 2,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        [Self::Commits, Self::Takeover, Self::Closing].into_iter().find(|kind| kind.code() == code)
    }
}

/// A block's header, as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockHeader {
    /// What the block is for.
    pub kind: BlockKind,
    /// The writer's epoch.
    pub epoch: u64,
    /// The block's number; the first is 1.
    pub number: u64,
    /// The position of its first commit, or of the next one if it is empty.
    pub first_position: u64,
    /// How many commits it holds.
    pub count: u32,
    /// Microseconds since 1970 UTC.
    pub time: i64,
    /// The hash of the block before.
    pub previous: Hash,
    /// The body's length as stored.
    pub body_bytes: u32,
    /// The CRC32C of the body as stored.
    pub body_crc: u32,
}

impl BlockHeader {
    /// Reads a header whose checksum and codes are right and that is of `identity`.
    pub(crate) fn decode(bytes: &[u8], identity: &LogIdentity) -> Result<Self, Fault> {
        let record = Record::Block;
        if field(bytes, 0) != MAGIC {
            return Err(Fault::Magic { expected: record });
        }
        let crc = u32::from_le_bytes(field(bytes, HEADER_CRC_AT));
        if crc32c::crc32c(&bytes[..HEADER_CRC_AT]) != crc {
            return Err(Fault::HeaderChecksum { record });
        }
        let version = u16::from_le_bytes(field(bytes, VERSION_AT));
        let unknown = |field, value: u64| Err(Fault::Unknown { field, value });
        if version != FORMAT_VERSION {
            return unknown("format version", version.into());
        }
        if bytes[CODEC_AT] != CODEC_NONE {
            return unknown("codec", bytes[CODEC_AT].into());
        }
        if bytes[HASH_ALGORITHM_AT] != HASH_SHA256 {
            return unknown("hash algorithm", bytes[HASH_ALGORITHM_AT].into());
        }
        let Some(kind) = BlockKind::from_code(bytes[KIND_AT]) else {
            return unknown("block kind", bytes[KIND_AT].into());
        };
        check_identity(&field(bytes, IDENTITY_AT), identity)?;
        let header = Self {
            kind,
            epoch: u64::from_le_bytes(field(bytes, EPOCH_AT)),
            number: u64::from_le_bytes(field(bytes, NUMBER_AT)),
            first_position: u64::from_le_bytes(field(bytes, POSITION_AT)),
            count: u32::from_le_bytes(field(bytes, COUNT_AT)),
            time: i64::from_le_bytes(field(bytes, TIME_AT)),
            previous: field(bytes, PREVIOUS_AT),
            body_bytes: u32::from_le_bytes(field(bytes, BODY_LENGTH_AT)),
            body_crc: u32::from_le_bytes(field(bytes, BODY_CRC_AT)),
        };
        header.check_ranges()?;
        Ok(header)
    }

    /// Writes the header into its place.
    pub(crate) fn encode(&self, identity: &LogIdentity, bytes: &mut [u8]) {
        bytes.fill(0);
        set_field(bytes, 0, MAGIC);
        set_field(bytes, VERSION_AT, FORMAT_VERSION.to_le_bytes());
        set_field(bytes, KIND_AT, [self.kind.code(), CODEC_NONE, HASH_SHA256]);
        set_field(bytes, IDENTITY_AT, identity.to_bytes());
        set_field(bytes, EPOCH_AT, self.epoch.to_le_bytes());
        set_field(bytes, NUMBER_AT, self.number.to_le_bytes());
        set_field(bytes, POSITION_AT, self.first_position.to_le_bytes());
        set_field(bytes, TIME_AT, self.time.to_le_bytes());
        set_field(bytes, PREVIOUS_AT, self.previous);
        set_field(bytes, COUNT_AT, self.count.to_le_bytes());
        set_field(bytes, BODY_LENGTH_AT, self.body_bytes.to_le_bytes());
        set_field(bytes, BODY_CRC_AT, self.body_crc.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[..HEADER_CRC_AT]);
        set_field(bytes, HEADER_CRC_AT, crc.to_le_bytes());
    }

    fn check_ranges(&self) -> Result<(), Fault> {
        let impossible = |field, value: u64| Err(Fault::Impossible { field, value });
        if self.body_bytes as usize > MAX_BODY_BYTES {
            return impossible("body length", self.body_bytes.into());
        }
        if self.kind != BlockKind::Commits && self.count != 0 {
            return impossible("commit count of an empty block", self.count.into());
        }
        if self.first_position.checked_add(self.count.into()).is_none() {
            return impossible("first position", self.first_position);
        }
        if self.number == u64::MAX {
            return impossible("block number", self.number);
        }
        if self.epoch == u64::MAX {
            return impossible("epoch", self.epoch);
        }
        Ok(())
    }

    /// The position after the last commit.
    pub fn next_position(&self) -> u64 {
        self.first_position + u64::from(self.count)
    }

    /// Header and body.
    pub(crate) fn hashed_bytes(&self) -> usize {
        BLOCK_HEADER_BYTES + self.body_bytes as usize
    }

    /// Header, body and padding.
    pub(crate) fn frame_bytes(&self) -> usize {
        padded(self.hashed_bytes())
    }

    /// Checks the body and the padding of a whole frame, and gives the block's hash.
    pub(crate) fn check_frame(&self, frame: &[u8]) -> Result<Hash, Fault> {
        let (hashed, padding) = frame.split_at(self.hashed_bytes());
        let body = &hashed[BLOCK_HEADER_BYTES..];
        if crc32c::crc32c(body) != self.body_crc {
            return Err(Fault::BodyChecksum);
        }
        if !all_zero(padding) {
            return Err(Fault::Padding);
        }
        if Commits::count_whole(body) != Some(self.count as usize) {
            return Err(Fault::Commits { count: self.count });
        }
        Ok(Sha256::digest(hashed).into())
    }
}

/// Whether a header's identity is the one that is read.
pub(crate) fn check_identity(
    bytes: &[u8; IDENTITY_BYTES],
    expected: &LogIdentity,
) -> Result<(), Fault> {
    if *bytes == expected.to_bytes() {
        return Ok(());
    }
    let found = LogIdentity::from_bytes(bytes)
        .map_or_else(|| "no log that can be named".to_owned(), |found| found.to_string());
    Err(Fault::Identity { expected: Box::new(expected.clone()), found })
}
