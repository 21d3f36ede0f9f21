//! Reading and checking the frames of one segment file, through one large buffer.

use std::io;

use crate::block_header::{BLOCK_HEADER_BYTES, BlockHeader, Hash};
use crate::damage::{Fault, FileFault, Record};
use crate::disk::DiskFile;
use crate::identity::LogIdentity;
use crate::layout::{SECTOR, SECTOR_BYTES, all_zero, file_length};

/// How much is read at once. A whole frame of the largest size fits.
const BUFFER_BYTES: usize = 1 << 20;

/// A window on one file.
#[derive(Debug)]
pub(crate) struct FrameReader {
    file: Box<dyn DiskFile>,
    buffer: Vec<u8>,
    /// Where in the file the buffer starts.
    start: u64,
}

/// A frame that was checked, and where it ends.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) header: BlockHeader,
    pub(crate) hash: Hash,
}

impl FrameReader {
    pub(crate) fn new(file: Box<dyn DiskFile>) -> Self {
        Self { file, buffer: Vec::new(), start: 0 }
    }

    /// Forgets what was read, because the file may have changed since.
    pub(crate) fn forget(&mut self) {
        self.buffer.clear();
    }

    /// Forgets what was read at or behind `offset`, because that may still change.
    pub(crate) fn forget_behind(&mut self, offset: u64) {
        let keep = usize::try_from(offset.saturating_sub(self.start)).unwrap_or(usize::MAX);
        self.buffer.truncate(keep);
    }

    /// The bytes at `offset`: `length` of them, or fewer where the file or `limit` ends. Nothing
    /// at or beyond `limit` is read, because it may still change.
    pub(crate) fn window(&mut self, offset: u64, length: usize, limit: u64) -> io::Result<&[u8]> {
        let length =
            usize::try_from(limit.saturating_sub(offset)).map_or(length, |l| l.min(length));
        let held = self.start..self.start + file_length(self.buffer.len());
        let wanted_end = offset + file_length(length);
        if !(held.contains(&offset) && wanted_end <= held.end) {
            let room = usize::try_from(limit.saturating_sub(offset)).unwrap_or(usize::MAX);
            self.buffer.resize(room.min(BUFFER_BYTES.max(length)), 0);
            self.start = offset;
            let outcome = self.file.read_at(&mut self.buffer, offset);
            self.buffer.truncate(*outcome.as_ref().unwrap_or(&0));
            outcome?;
        }
        let from = usize::try_from(offset - self.start).unwrap_or(usize::MAX);
        let to = (from + length).min(self.buffer.len());
        Ok(&self.buffer[from.min(to)..to])
    }

    /// The frame at `offset`, checked in all but its place in the chain; `None` if there are only
    /// zeros where its header should be.
    pub(crate) fn frame_at(
        &mut self,
        offset: u64,
        limit: u64,
        identity: &LogIdentity,
    ) -> Result<Option<Frame>, FileFault> {
        let damaged = |fault| FileFault::at(offset, fault);
        let bytes = self.window(offset, BLOCK_HEADER_BYTES, limit)?;
        if all_zero(bytes) {
            return Ok(None);
        }
        if bytes.len() < BLOCK_HEADER_BYTES {
            return Err(damaged(Fault::Truncated { record: Record::Block }));
        }
        let header = BlockHeader::decode(bytes, identity).map_err(damaged)?;
        let frame = self.window(offset, header.frame_bytes(), limit)?;
        if frame.len() < header.frame_bytes() {
            return Err(damaged(Fault::Truncated { record: Record::Block }));
        }
        let hash = header.check_frame(frame).map_err(damaged)?;
        Ok(Some(Frame { header, hash }))
    }

    /// The bytes of the frame at `offset` that [`FrameReader::frame_at`] has just checked.
    pub(crate) fn frame_bytes(&self, offset: u64, header: &BlockHeader) -> &[u8] {
        let from = usize::try_from(offset - self.start).unwrap_or(usize::MAX);
        &self.buffer[from..from + header.frame_bytes()]
    }

    /// Whether anything is written where a header would be at `offset`, past the buffer: what
    /// a reader that waits asks again and again.
    pub(crate) fn is_written_at(&self, offset: u64) -> io::Result<bool> {
        let mut header = [0; BLOCK_HEADER_BYTES];
        let read = self.file.read_at(&mut header, offset)?;
        Ok(!all_zero(&header[..read]))
    }

    /// The first valid frame at or behind `offset`, on any sector: the sign that what stands
    /// before it is damage and no torn write.
    pub(crate) fn frame_behind(
        &mut self,
        offset: u64,
        limit: u64,
        identity: &LogIdentity,
    ) -> Result<Option<(u64, Frame)>, FileFault> {
        let mut at = offset;
        while at < limit {
            let window = self.window(at, BUFFER_BYTES, limit)?;
            if window.is_empty() {
                break;
            }
            let taken = window.len().div_ceil(SECTOR) * SECTOR;
            let starts: Vec<u64> = (0..window.len())
                .step_by(SECTOR)
                .filter(|from| window[*from..].starts_with(b"BFBK"))
                .map(|from| at + file_length(from))
                .collect();
            for start in starts {
                match self.frame_at(start, limit, identity) {
                    Ok(Some(frame)) => return Ok(Some((start, frame))),
                    Ok(None) | Err(FileFault::Fault { .. }) => {}
                    Err(FileFault::Io(error)) => return Err(FileFault::Io(error)),
                }
            }
            at += file_length(taken);
        }
        Ok(None)
    }

    /// The first and the last sector at or behind `offset` that is not all zero, as a byte range.
    pub(crate) fn not_zero_behind(
        &mut self,
        offset: u64,
        limit: u64,
    ) -> io::Result<Option<std::ops::Range<u64>>> {
        let mut found: Option<std::ops::Range<u64>> = None;
        let mut at = offset;
        while at < limit {
            let window = self.window(at, BUFFER_BYTES, limit)?;
            if window.is_empty() {
                break;
            }
            let taken = file_length(window.len());
            if !all_zero(window) {
                for (index, sector) in window.chunks(SECTOR).enumerate() {
                    if !all_zero(sector) {
                        let from = at + file_length(index) * SECTOR_BYTES;
                        let start = found.as_ref().map_or(from, |range| range.start);
                        found = Some(start..from + file_length(sector.len()));
                    }
                }
            }
            at += taken;
        }
        Ok(found)
    }
}
