//! What a layer says of itself, in its last 256 bytes.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | magic `BFSL` |
//! | 4 | 4 | format version, 2 |
//! | 8 | 4 | version of the state's encoding |
//! | 12 | 4 | zero |
//! | 16 | 16 | log id |
//! | 32 | 8 | position: the last commit that it holds |
//! | 40 | 32 | hash of the block that holds that commit |
//! | 72 | 32 | SHA-256 of the layer below; zeros in the lowest |
//! | 104 | 8 | when the last commit was recorded, microseconds since 1970 UTC, signed |
//! | 112 | 8 | when the layer was made, likewise |
//! | 120 | 8 | customers registered up to the position |
//! | 128 | 8 | customers in this layer |
//! | 136 | 8 | taken ids in this layer |
//! | 144 | 8 | where the customers end |
//! | 152 | 8 | where the pages end |
//! | 160 | 8 | where the taken ids end |
//! | 168 | 8 | where the names end |
//! | 176 | 8 | where the book ends |
//! | 184 | 8 | where the jobs end |
//! | 192 | 8 | where the index of pages ends |
//! | 200 | 8 | where the index ends |
//! | 208 | 20 | CRC32C of taken ids, names, book, jobs and the index of pages, 4 each |
//! | 228 | 24 | zero |
//! | 252 | 4 | CRC32C of bytes 0..252 |
//!
//! Integers are little endian.

use event_log::{Hash, LogId};

/// The footer's length in bytes.
pub(super) const FOOTER: usize = 256;
const CRC_AT: usize = 252;
const MAGIC: [u8; 4] = *b"BFSL";
const FORMAT: u32 = 2;

/// A layer's footer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Footer {
    pub(crate) state_version: u32,
    pub(crate) log: LogId,
    pub(crate) position: u64,
    pub(crate) block_hash: Hash,
    pub(crate) below: Hash,
    pub(crate) recorded_at: i64,
    pub(crate) made_at: i64,
    /// Registered up to the position, in all layers.
    pub(crate) registered: u64,
    /// Customers in this layer.
    pub(crate) customers: u64,
    pub(crate) taken: u64,
    pub(crate) ends: Ends,
    pub(crate) sums: Sums,
}

/// Where the sections of a layer end. Each starts where the one before ends.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ends {
    pub(crate) customers: u64,
    pub(crate) pages: u64,
    pub(crate) taken: u64,
    pub(crate) names: u64,
    pub(crate) book: u64,
    pub(crate) jobs: u64,
    pub(crate) page_index: u64,
    pub(crate) index: u64,
}

/// Checksums of sections. Each customer's piece, and each page, has one in its index.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sums {
    pub(crate) taken: u32,
    pub(crate) names: u32,
    pub(crate) book: u32,
    pub(crate) jobs: u32,
    pub(crate) page_index: u32,
}

impl Ends {
    fn all(&self) -> [u64; 8] {
        let Self { customers, pages, taken, names, book, jobs, page_index, index } = *self;
        [customers, pages, taken, names, book, jobs, page_index, index]
    }
}

impl Footer {
    pub(super) fn encode(&self) -> [u8; FOOTER] {
        let mut bytes = [0; FOOTER];
        bytes[0..4].copy_from_slice(&MAGIC);
        bytes[4..8].copy_from_slice(&FORMAT.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.state_version.to_le_bytes());
        bytes[16..32].copy_from_slice(&self.log.0);
        bytes[32..40].copy_from_slice(&self.position.to_le_bytes());
        bytes[40..72].copy_from_slice(&self.block_hash);
        bytes[72..104].copy_from_slice(&self.below);
        bytes[104..112].copy_from_slice(&self.recorded_at.to_le_bytes());
        bytes[112..120].copy_from_slice(&self.made_at.to_le_bytes());
        let counts = [self.registered, self.customers, self.taken];
        for (n, value) in counts.into_iter().chain(self.ends.all()).enumerate() {
            bytes[120 + 8 * n..128 + 8 * n].copy_from_slice(&value.to_le_bytes());
        }
        let Sums { taken, names, book, jobs, page_index } = self.sums;
        for (n, sum) in [taken, names, book, jobs, page_index].into_iter().enumerate() {
            bytes[208 + 4 * n..212 + 4 * n].copy_from_slice(&sum.to_le_bytes());
        }
        let crc = crc32c::crc32c(&bytes[..CRC_AT]);
        bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// Reads the footer of a layer of so many bytes.
    pub(super) fn decode(bytes: &[u8; FOOTER], length: u64) -> Result<Self, &'static str> {
        let long = |at: usize| u64::from_le_bytes(std::array::from_fn(|n| bytes[at + n]));
        let signed = |at: usize| i64::from_le_bytes(std::array::from_fn(|n| bytes[at + n]));
        let short = |at: usize| u32::from_le_bytes(std::array::from_fn(|n| bytes[at + n]));
        if bytes[0..4] != MAGIC {
            return Err("it does not end as a layer does");
        }
        if crc32c::crc32c(&bytes[..CRC_AT]) != short(CRC_AT) {
            return Err("the footer's checksum is wrong");
        }
        if short(4) != FORMAT {
            return Err("it has another format version");
        }
        let ends = Ends {
            customers: long(144),
            pages: long(152),
            taken: long(160),
            names: long(168),
            book: long(176),
            jobs: long(184),
            page_index: long(192),
            index: long(200),
        };
        let sums = Sums {
            taken: short(208),
            names: short(212),
            book: short(216),
            jobs: short(220),
            page_index: short(224),
        };
        if !ends.all().is_sorted() || ends.index.checked_add(FOOTER as u64) != Some(length) {
            return Err("its sections do not fill it");
        }
        Ok(Self {
            state_version: short(8),
            log: LogId(std::array::from_fn(|n| bytes[16 + n])),
            position: long(32),
            block_hash: std::array::from_fn(|n| bytes[40 + n]),
            below: std::array::from_fn(|n| bytes[72 + n]),
            recorded_at: signed(104),
            made_at: signed(112),
            registered: long(120),
            customers: long(128),
            taken: long(136),
            ends,
            sums,
        })
    }
}
