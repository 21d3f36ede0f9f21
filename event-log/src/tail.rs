//! What stands behind a log's last whole block: a torn write, or damage.

use std::ops::Range;
use std::path::PathBuf;

use crate::damage::{Fault, FileFault, ReadError, Record};
use crate::disk::DiskFile;
use crate::folder::Folder;
use crate::layout::{SECTOR_BYTES, file_length};
use crate::segment::FIRST_BLOCK_AT;
use crate::walk::Walk;
use crate::watermark::Watermark;

/// Zeros and kept blocks are written so many bytes at a time.
const CHUNK: usize = 1 << 18;

/// A torn write that was cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornTail {
    /// The segment file.
    pub file: PathBuf,
    /// Where the log ends now.
    pub offset: u64,
    /// How many bytes behind that were zeroed.
    pub bytes: u64,
    /// What was wrong with the block there; `None` if only its first sector was missing.
    pub fault: Option<Fault>,
}

/// The last whole block, and what stopped the walk there.
pub(crate) struct End {
    pub(crate) walk: Walk,
    pub(crate) fault: Option<FileFault>,
    pub(crate) closed: bool,
    pub(crate) blocks: u64,
}

/// What a torn write left: the sectors that are not zero, and what is wrong with the block.
pub(crate) struct Torn {
    pub(crate) range: Range<u64>,
    pub(crate) fault: Option<Fault>,
}

/// What stands behind the last whole block: nothing, a torn write to be zeroed, or damage.
pub(crate) fn classify_tail(
    folder: &Folder,
    end: &mut End,
    watermark: Option<Watermark>,
) -> Result<Option<Torn>, ReadError> {
    let place = end.walk.place();
    let limit = end.walk.segment_end();
    let refuse = |fault| Err(folder.in_segment(place.segment, FileFault::at(place.offset, fault)));
    let fault = match end.fault.take() {
        Some(FileFault::Fault { fault, .. }) => Some(fault),
        Some(FileFault::Io(error)) => return Err(folder.io(&place.segment.file_name(), error)),
        None => None,
    };
    if place.offset == FIRST_BLOCK_AT {
        return refuse(fault.unwrap_or(Fault::Truncated { record: Record::Block }));
    }
    if let Some(fault) = fault.as_ref().filter(|fault| !can_be_torn(fault)) {
        return refuse(fault.clone());
    }
    let frames = end.walk.frames();
    let io = |error| folder.io(&place.segment.file_name(), error);
    let Some(range) = frames.not_zero_behind(place.offset, limit).map_err(io)? else {
        return Ok(None);
    };
    if watermark.is_none() {
        return refuse(Fault::WatermarkLost);
    }
    let behind = end.walk.block_behind(place.offset + SECTOR_BYTES, limit);
    let behind = behind.map_err(|fault| folder.in_segment(place.segment, fault))?;
    if let Some((at, successor)) = behind {
        let fault = fault.unwrap_or(Fault::Magic { expected: Record::Block });
        return refuse(Fault::BeforeSuccessor { fault: Box::new(fault), successor, at });
    }
    Ok(Some(Torn { range, fault }))
}

/// Whether a write cut by a crash can look like this. Bytes whose checksum is right were written
/// whole, so what is wrong with them is no tear.
fn can_be_torn(fault: &Fault) -> bool {
    match fault {
        Fault::Magic { .. }
        | Fault::HeaderChecksum { .. }
        | Fault::BodyChecksum
        | Fault::Truncated { .. } => true,
        Fault::Unknown { .. }
        | Fault::Impossible { .. }
        | Fault::Commits { .. }
        | Fault::Padding
        | Fault::Identity { .. }
        | Fault::Position { .. }
        | Fault::BlockNumber { .. }
        | Fault::Chain
        | Fault::Epoch { .. }
        | Fault::SegmentMissing { .. }
        | Fault::SegmentName
        | Fault::BelowWatermark { .. }
        | Fault::WatermarkDisagrees { .. }
        | Fault::WatermarkLost
        | Fault::BeforeSuccessor { .. } => false,
    }
}

/// Fills the range with zeros.
pub(crate) fn write_zeros(file: &dyn DiskFile, range: &Range<u64>) -> std::io::Result<()> {
    let zeros = vec![0; CHUNK];
    let mut at = range.start;
    while at < range.end {
        let left = usize::try_from(range.end - at).unwrap_or(CHUNK);
        let chunk = &zeros[..left.min(CHUNK)];
        file.write_at(chunk, at)?;
        at += file_length(chunk.len());
    }
    Ok(())
}

/// Writes what is there once more.
pub(crate) fn rewrite(file: &dyn DiskFile, range: Range<u64>) -> std::io::Result<()> {
    let mut buffer = vec![0; CHUNK];
    let mut at = range.start;
    while at < range.end {
        let left = usize::try_from(range.end - at).unwrap_or(CHUNK);
        let chunk = &mut buffer[..left.min(CHUNK)];
        let read = file.read_at(chunk, at)?;
        if read == 0 {
            break;
        }
        file.write_at(&chunk[..read], at)?;
        at += file_length(read);
    }
    Ok(())
}
