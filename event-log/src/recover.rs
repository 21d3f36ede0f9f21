//! Finding out where a log ends after any stop, and telling a torn write from damage.
//!
//! *Rules.* A block at or below the watermark that is not whole is damage. So is one that has a
//! valid block behind it, one whose checksums are right but that does not fit the chain or was
//! written by a later version, and the first block of a segment (a segment gets its name after
//! that block is durable). What is left is a torn write: it is zeroed, synced and reported. A
//! valid block beyond the watermark is kept: it may have been answered for.
//! *Ordering.* Kept blocks beyond the watermark are written and synced once more before anything
//! is built on them: after a failed sync the page cache may hold what the disk does not.

use crate::block_header::BlockKind;
use crate::damage::{Fault, FileFault, ReadError};
use crate::disk::DiskFile;
use crate::folder::Folder;
use crate::head::Head;
use crate::identity::LogIdentity;
use crate::segment::SegmentName;
use crate::tail::{End, TornTail, classify_tail, rewrite, write_zeros};
use crate::walk::{Place, Walk};
use crate::watermark::{Slots, WATERMARK_FILE, Watermark};

/// How much is checked before a log is written again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CheckOnOpen {
    /// Every block of every segment.
    #[default]
    Everything,
    /// The last segment, and the one the watermark is in. Older ones are checked when read.
    LastSegments,
    /// From the segment on that holds this position, for a caller who knows what is before it.
    /// Older ones are checked when read.
    From {
        /// The position.
        position: u64,
    },
}

/// What opening a log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Where the log stood before the takeover block.
    pub found: Head,
    /// Whether the writer before had closed the log.
    pub closed_cleanly: bool,
    /// The torn write at the end that was cut, if there was one.
    pub torn_tail: Option<TornTail>,
    /// How many blocks beyond the watermark were whole and are kept.
    pub kept_beyond_watermark: u64,
    /// Whether no slot of the watermark could be read.
    pub watermark_lost: bool,
    /// How many segments there are.
    pub segments: u64,
    /// How many blocks were checked.
    pub blocks_checked: u64,
}

/// Where a log ends.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) file: Box<dyn DiskFile>,
    pub(crate) place: Place,
    pub(crate) segment_length: u64,
    pub(crate) watermark: Watermark,
    pub(crate) report: RecoveryReport,
}

/// Checks a log, mends its tail, and says where it ends. The caller holds the lock.
pub(crate) fn recover(
    folder: &Folder,
    identity: &LogIdentity,
    segments: &[SegmentName],
    check: CheckOnOpen,
) -> Result<Recovered, ReadError> {
    let watermark = find_watermark(folder, identity)?;
    let mut end = find_end(folder, identity, segments, watermark, check)?;
    let last = end.walk.place().segment;
    let file_name = last.file_name();
    let io = |error| folder.io(&file_name, error);
    let torn_tail = classify_tail(folder, &mut end, watermark)?;

    let file = folder.disk.open(&file_name).map_err(io)?;
    let header = folder.read_header(file.as_ref(), last, Some(identity))?;
    file.preallocate(header.length).map_err(io)?;
    let place = end.walk.place();
    if let Some(torn) = &torn_tail {
        write_zeros(file.as_ref(), &torn.range).map_err(io)?;
    }
    let known = watermark.filter(|mark| mark.segment == last.number).map_or(0, |mark| mark.end);
    rewrite(file.as_ref(), known..place.offset).map_err(io)?;
    file.sync_data().map_err(io)?;
    folder.disk.sync_folder().map_err(|error| folder.io("", error))?;

    let known_block = watermark.map_or(place.head.block_number, |mark| mark.head.block_number);
    let report = RecoveryReport {
        found: place.head,
        closed_cleanly: end.closed,
        torn_tail: torn_tail.map(|torn| TornTail {
            file: folder.disk.path(&file_name),
            offset: place.offset,
            bytes: torn.range.end - place.offset,
            fault: torn.fault,
        }),
        kept_beyond_watermark: place.head.block_number - known_block,
        watermark_lost: watermark.is_none(),
        segments: last.number,
        blocks_checked: end.blocks,
    };
    let watermark = Watermark {
        sequence: watermark.map_or(0, |mark| mark.sequence),
        log: identity.log(),
        segment: last.number,
        segment_first_position: last.first_position,
        end: place.offset,
        head: place.head,
    };
    Ok(Recovered { file, place, segment_length: header.length, watermark, report })
}

/// The newest watermark; `None` if it is lost.
fn find_watermark(folder: &Folder, identity: &LogIdentity) -> Result<Option<Watermark>, ReadError> {
    let slots = match folder.watermark_file()? {
        Some(file) => folder.read_watermark(file.as_ref())?,
        None => Slots { newest: None, damaged: 0 },
    };
    if let Some(found) = slots.newest.filter(|mark| mark.log != identity.log()) {
        let expected = Box::new(identity.clone());
        let fault = Fault::Identity { expected, found: format!("log {}", found.log) };
        return Err(folder.damage(WATERMARK_FILE, 0, fault));
    }
    Ok(slots.newest)
}

fn find_end(
    folder: &Folder,
    identity: &LogIdentity,
    segments: &[SegmentName],
    watermark: Option<Watermark>,
    check: CheckOnOpen,
) -> Result<End, ReadError> {
    let last = segments.len() as u64;
    let marked = watermark.map_or(last, |mark| mark.segment);
    let first = match check {
        CheckOnOpen::Everything => 1,
        CheckOnOpen::LastSegments => marked.clamp(1, last),
        CheckOnOpen::From { position } => {
            let begun = segments.partition_point(|name| name.first_position <= position);
            marked.min(begun as u64).clamp(1, last)
        }
    };
    let mut rest = segments.iter().skip_while(|name| name.number < first);
    let Some(start) = rest.next() else {
        return Err(ReadError::NoLog { path: folder.disk.path("") });
    };
    let mut walk = Walk::at_segment(folder, identity, *start)?;
    let mut end = EndState { closed: false, blocks: 0, met: marked == 0 || watermark.is_none() };
    let fault = loop {
        let stopped = end.walk_segment(folder, &mut walk, watermark)?;
        let Some(next) = rest.next() else { break stopped };
        if let Some(fault) = stopped {
            return Err(folder.in_segment(walk.place().segment, fault));
        }
        walk.next_segment(*next)?;
    };
    if let (false, Some(mark)) = (end.met, watermark) {
        return Err(end_below(folder, &walk, mark, fault));
    }
    Ok(End { walk, fault, closed: end.closed, blocks: end.blocks })
}

struct EndState {
    closed: bool,
    blocks: u64,
    /// Whether the walk came past the block that the watermark names.
    met: bool,
}

impl EndState {
    /// Walks to the end of one segment; what stopped it, if that was no clean end.
    fn walk_segment(
        &mut self,
        folder: &Folder,
        walk: &mut Walk,
        watermark: Option<Watermark>,
    ) -> Result<Option<FileFault>, ReadError> {
        loop {
            let place = walk.place();
            if let Some(mark) = watermark
                && (mark.segment, mark.end) == (place.segment.number, place.offset)
            {
                if mark.head != place.head {
                    let fault = Fault::WatermarkDisagrees { block: mark.head.block_number };
                    let fault = FileFault::at(place.offset, fault);
                    return Err(folder.in_segment(place.segment, fault));
                }
                self.met = true;
            }
            match walk.step(u64::MAX) {
                Ok(Some(frame)) => {
                    self.closed = frame.header.kind == BlockKind::Closing;
                    self.blocks += 1;
                }
                Ok(None) => return Ok(None),
                Err(FileFault::Io(error)) => {
                    return Err(folder.io(&place.segment.file_name(), error));
                }
                Err(fault) => return Ok(Some(fault)),
            }
        }
    }
}

/// The log ends before the watermark: what is damaged, and where.
fn end_below(folder: &Folder, walk: &Walk, mark: Watermark, fault: Option<FileFault>) -> ReadError {
    let place = walk.place();
    if let Some(fault) = fault {
        return folder.in_segment(place.segment, fault);
    }
    let fault = if mark.segment > place.segment.number {
        Fault::SegmentMissing { expected: place.segment.number + 1 }
    } else if mark.segment == place.segment.number && place.offset < mark.end {
        Fault::BelowWatermark { durable_to: mark.end }
    } else {
        Fault::WatermarkDisagrees { block: mark.head.block_number }
    };
    folder.in_segment(place.segment, FileFault::at(place.offset, fault))
}
