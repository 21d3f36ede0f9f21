//! The durable watermark: how much of the log is known to be durable, for readers and recovery.
//!
//! *Shape.* The file `watermark` has three slots, at 0, 4096 and 8192, each a record of 128 bytes
//! with its own checksum; the valid one with the highest sequence counts.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | magic `BFWM` |
//! | 4 | 2 | format version, 1 |
//! | 6 | 2 | zero |
//! | 8 | 8 | sequence |
//! | 16 | 16 | log id |
//! | 32 | 8 | segment number; 0 before the first |
//! | 40 | 8 | first position of that segment |
//! | 48 | 8 | offset in that segment up to which all is durable |
//! | 56 | 8 | number of the last durable block |
//! | 64 | 8 | next position |
//! | 72 | 8 | epoch |
//! | 80 | 32 | hash of the last durable block |
//! | 112 | 12 | zero |
//! | 124 | 4 | CRC32C of bytes 0..124 |
//!
//! *Ordering.* A slot is written after the sync of the block that it names, so it never claims
//! more than is durable, whenever its own bytes reach the disk. After each block one of the slots
//! 1 and 2 is written, in turn, and not synced: the next recovery keeps valid blocks beyond the
//! watermark anyway. Slot 0 is the anchor: written and synced when the log is opened, rolls to a
//! new segment, or is closed, and never in between. So a power cut that spoils both running slots
//! still leaves a readable one.

use std::io;

use crate::disk::DiskFile;
use crate::head::Head;
use crate::identity::LogId;
use crate::layout::{all_zero, field, set_field};

/// The watermark's file name.
pub(crate) const WATERMARK_FILE: &str = "watermark";

const SLOT_SPACING: u64 = 4096;
const SLOTS: usize = 3;
const RECORD_BYTES: usize = 128;
/// The length of the file.
pub(crate) const FILE_BYTES: u64 = SLOT_SPACING * 2 + 512;
const MAGIC: [u8; 4] = *b"BFWM";
const VERSION: u16 = 1;
const CRC_AT: usize = 124;

/// How much of a log is known to be durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Watermark {
    pub(crate) sequence: u64,
    pub(crate) log: LogId,
    pub(crate) segment: u64,
    pub(crate) segment_first_position: u64,
    pub(crate) end: u64,
    pub(crate) head: Head,
}

impl Watermark {
    /// Before the first block.
    pub(crate) fn empty(log: LogId) -> Self {
        let head = Head::EMPTY;
        Self { sequence: 0, log, segment: 0, segment_first_position: 0, end: 0, head }
    }

    fn encode(&self) -> [u8; RECORD_BYTES] {
        let mut bytes = [0; RECORD_BYTES];
        set_field(&mut bytes, 0, MAGIC);
        set_field(&mut bytes, 4, VERSION.to_le_bytes());
        set_field(&mut bytes, 8, self.sequence.to_le_bytes());
        set_field(&mut bytes, 16, self.log.0);
        set_field(&mut bytes, 32, self.segment.to_le_bytes());
        set_field(&mut bytes, 40, self.segment_first_position.to_le_bytes());
        set_field(&mut bytes, 48, self.end.to_le_bytes());
        set_field(&mut bytes, 56, self.head.block_number.to_le_bytes());
        set_field(&mut bytes, 64, self.head.next_position.to_le_bytes());
        set_field(&mut bytes, 72, self.head.epoch.to_le_bytes());
        set_field(&mut bytes, 80, self.head.block_hash);
        let crc = crc32c::crc32c(&bytes[..CRC_AT]);
        set_field(&mut bytes, CRC_AT, crc.to_le_bytes());
        bytes
    }

    /// A record that is whole, or `None`.
    fn decode(bytes: &[u8]) -> Option<Self> {
        let crc = u32::from_le_bytes(field(bytes, CRC_AT));
        let whole = field(bytes, 0) == MAGIC
            && crc32c::crc32c(&bytes[..CRC_AT]) == crc
            && u16::from_le_bytes(field(bytes, 4)) == VERSION;
        whole.then(|| Self {
            sequence: u64::from_le_bytes(field(bytes, 8)),
            log: LogId(field(bytes, 16)),
            segment: u64::from_le_bytes(field(bytes, 32)),
            segment_first_position: u64::from_le_bytes(field(bytes, 40)),
            end: u64::from_le_bytes(field(bytes, 48)),
            head: Head {
                block_number: u64::from_le_bytes(field(bytes, 56)),
                next_position: u64::from_le_bytes(field(bytes, 64)),
                epoch: u64::from_le_bytes(field(bytes, 72)),
                block_hash: field(bytes, 80),
            },
        })
    }
}

/// What a watermark file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slots {
    /// The newest whole record.
    pub(crate) newest: Option<Watermark>,
    /// How many slots hold neither a whole record nor zeros.
    pub(crate) damaged: usize,
}

/// Reads all slots.
pub(crate) fn read_slots(file: &dyn DiskFile) -> io::Result<Slots> {
    let mut slots = Slots { newest: None, damaged: 0 };
    for slot in 0..SLOTS {
        let mut bytes = [0; RECORD_BYTES];
        let read = file.read_at(&mut bytes, slot as u64 * SLOT_SPACING)?;
        match Watermark::decode(&bytes) {
            Some(found) => {
                if slots.newest.is_none_or(|newest| newest.sequence < found.sequence) {
                    slots.newest = Some(found);
                }
            }
            None if read == RECORD_BYTES && all_zero(&bytes) => {}
            None => slots.damaged += 1,
        }
    }
    Ok(slots)
}

/// The writer's end of the file.
#[derive(Debug)]
pub(crate) struct WatermarkWriter {
    file: Box<dyn DiskFile>,
    current: Watermark,
}

impl WatermarkWriter {
    pub(crate) fn new(file: Box<dyn DiskFile>, current: Watermark) -> Self {
        Self { file, current }
    }

    pub(crate) fn current(&self) -> Watermark {
        self.current
    }

    /// Publishes what is durable, in a running slot.
    pub(crate) fn publish(&mut self, mark: Watermark) -> io::Result<Watermark> {
        let next = Watermark { sequence: self.current.sequence.saturating_add(1), ..mark };
        let slot = 1 + next.sequence % 2;
        self.file.write_at(&next.encode(), slot * SLOT_SPACING)?;
        self.current = next;
        Ok(next)
    }

    /// Writes the current watermark into the anchor slot, and makes it durable. The running slots
    /// are made durable first, so that at no time all three can be spoiled.
    pub(crate) fn anchor(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        self.file.write_at(&self.current.encode(), 0)?;
        self.file.sync_data()
    }
}
