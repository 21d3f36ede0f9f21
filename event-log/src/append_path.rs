//! One append to the file home, step by step.
//!
//! *Ordering.* Check, roll to a new segment if needed, one write, one `fdatasync`, then the
//! watermark, then the answer. *Correctness.* Room is made before anything is written, so a full
//! disk refuses a block whole. After a failed write or sync the log is poisoned.
//! *Limits.* One block at a time; segments grow from 4 MiB to their full length by doubling, so
//! that a fresh folder is small.

use std::io;
use std::path::PathBuf;

use crate::append::{AppendError, Appended, EventLog};
use crate::block::Block;
use crate::block_header::{BlockKind, MAX_FRAME_BYTES};
use crate::disk::DiskFile;
use crate::file_log::FileLog;
use crate::head::Head;
use crate::identity::LogIdentity;
use crate::layout::{LOCK_FILE, SECTOR_BYTES, file_length};
use crate::options::is_full;
use crate::segment::{FIRST_BLOCK_AT, SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::spare::SPARE_FILE;
use crate::watermark::{WATERMARK_FILE, Watermark};
use crate::writable::{State, WritableSegment};

/// The first segment's length; each further one is twice as long, up to the full length.
const FIRST_SEGMENT_BYTES: u64 = 4 << 20;

/// The watermark to publish for a block that is durable; or the file that failed, and how, with
/// an unknown outcome.
type Written = Result<Watermark, (PathBuf, io::Error)>;

impl FileLog {
    pub(crate) fn append_durably(&mut self, block: &mut Block) -> Result<Appended, AppendError> {
        match self.state {
            State::Open => {}
            State::Poisoned => return Err(AppendError::Poisoned),
            State::Closed => return Err(AppendError::Closed),
        }
        let frame_bytes = file_length(block.frame_bytes());
        let before = self.head;
        let written = match &mut self.segment {
            Some(segment) if segment.offset + frame_bytes <= segment.length => {
                write_behind(segment, block, &self.identity, &before)
            }
            Some(_) | None => self.write_into_new_segment(block, frame_bytes)?,
        };
        let durable = written.and_then(|mark| self.publish(mark));
        if let Err((path, source)) = durable {
            self.state = State::Poisoned;
            let position = before.next_position;
            return Err(AppendError::UnknownOutcome { position, path, source });
        }
        self.prepare_ahead();
        Ok(Appended {
            first_position: before.next_position,
            next_position: self.head.next_position,
            block_number: self.head.block_number,
            block_hash: self.head.block_hash,
        })
    }

    /// Writes the block as the first of a new segment. The outer error refuses the block whole,
    /// the inner one leaves the outcome unknown.
    fn write_into_new_segment(
        &mut self,
        block: &mut Block,
        frame_bytes: u64,
    ) -> Result<Written, AppendError> {
        let in_place = self.lock.is_in_place().unwrap_or(false);
        if !in_place {
            self.state = State::Poisoned;
            return Err(AppendError::LockLost { path: self.folder.disk.path(LOCK_FILE) });
        }
        let number = self.segment.as_ref().map_or(0, |segment| segment.number) + 1;
        let length = self.segment_length(number, frame_bytes);
        let path = self.folder.disk.path(SPARE_FILE);
        let file = match self.spare.take(length) {
            Ok(file) => file,
            Err(error) if is_full(&error) => {
                return Err(AppendError::DiskFull { path, bytes: length });
            }
            Err(source) => return Err(AppendError::NoSegment { path, source }),
        };
        // A spare that was reserved for several blocks may be longer.
        let length = file.length().unwrap_or(length).max(length);
        let header =
            SegmentHeader { identity: self.identity.clone(), number, start: self.head, length };
        let body_bytes = block.body_bytes();
        let (frame, after) = block.seal(&self.identity, &self.head);
        let mut bytes = Vec::with_capacity(SEGMENT_HEADER_BYTES + frame.len());
        bytes.extend_from_slice(&header.encode());
        bytes.extend_from_slice(frame);
        block.unseal(body_bytes);
        let named = self.name_segment(file, &header, &bytes, after);
        Ok(named.map_err(|error| (path, error)))
    }

    /// Makes the spare, with its first bytes, the log's last segment.
    fn name_segment(
        &mut self,
        file: Box<dyn DiskFile>,
        header: &SegmentHeader,
        bytes: &[u8],
        after: Head,
    ) -> io::Result<Watermark> {
        let name = header.name();
        let file_name = name.file_name();
        file.write_at(bytes, 0)?;
        file.sync_data()?;
        self.folder.disk.rename(SPARE_FILE, &file_name)?;
        self.folder.disk.sync_folder()?;
        let segment = WritableSegment {
            file,
            number: name.number,
            first_position: name.first_position,
            offset: file_length(bytes.len()),
            length: header.length,
            path: self.folder.disk.path(&file_name),
        };
        let mark = segment.durable_to(&self.identity, after);
        self.segment = Some(segment);
        Ok(mark)
    }

    /// The length of a segment that can hold a block of `frame_bytes`.
    fn segment_length(&self, number: u64, frame_bytes: u64) -> u64 {
        let doublings = u32::try_from(number - 1).unwrap_or(u32::MAX).min(16);
        let grown = FIRST_SEGMENT_BYTES << doublings;
        let length = grown.min(self.options.segment_bytes).max(FIRST_BLOCK_AT + frame_bytes);
        length.next_multiple_of(SECTOR_BYTES)
    }

    /// Tells readers what is durable.
    fn publish(&mut self, mark: Watermark) -> Result<(), (PathBuf, io::Error)> {
        let rolled = self.watermark.current().segment != mark.segment;
        let published = self.watermark.publish(mark).and_then(|mark| {
            if rolled {
                self.watermark.anchor()?;
            }
            Ok(mark)
        });
        let mark = published.map_err(|error| (self.folder.disk.path(WATERMARK_FILE), error))?;
        self.head = mark.head;
        self.signal.publish(mark);
        Ok(())
    }

    /// Has the next segment made while this one is filled, with pauses while there is time.
    fn prepare_ahead(&mut self) {
        if let Some(segment) = &self.segment
            && self.options.prepare_ahead
            && segment.offset >= segment.length / 4
        {
            let hurries = segment.offset >= segment.length / 4 * 3;
            self.spare.prepare_ahead(self.segment_length(segment.number + 1, 0), hurries);
        }
    }
}

/// Writes the block behind the last one and syncs.
fn write_behind(
    segment: &mut WritableSegment,
    block: &mut Block,
    identity: &LogIdentity,
    head: &Head,
) -> Written {
    let body_bytes = block.body_bytes();
    let (frame, after) = block.seal(identity, head);
    let outcome =
        segment.file.write_at(frame, segment.offset).and_then(|()| segment.file.sync_data());
    segment.offset += file_length(frame.len());
    block.unseal(body_bytes);
    outcome
        .map(|()| segment.durable_to(identity, after))
        .map_err(|error| (segment.path.clone(), error))
}

impl EventLog for FileLog {
    fn identity(&self) -> &LogIdentity {
        &self.identity
    }

    fn head(&self) -> Head {
        self.head
    }

    fn append(
        &mut self,
        expected_position: u64,
        block: &mut Block,
    ) -> Result<Appended, AppendError> {
        if self.state == State::Open && expected_position != self.head.next_position {
            let actual = self.head.next_position;
            return Err(AppendError::PositionConflict { expected: expected_position, actual });
        }
        self.append_durably(block)
    }

    fn reserve(&mut self, blocks: u32) -> Result<(), AppendError> {
        let bytes = u64::from(blocks) * file_length(MAX_FRAME_BYTES);
        let Some(segment) = &self.segment else { return Ok(()) };
        if segment.offset + bytes <= segment.length {
            return Ok(());
        }
        let length = self.segment_length(segment.number + 1, bytes);
        let path = self.folder.disk.path(SPARE_FILE);
        match self.spare.ensure(length) {
            Ok(()) => Ok(()),
            Err(error) if is_full(&error) => Err(AppendError::DiskFull { path, bytes: length }),
            Err(source) => Err(AppendError::NoSegment { path, source }),
        }
    }

    fn close(&mut self, time: i64) -> Result<Head, AppendError> {
        self.append_durably(&mut Block::of_kind(BlockKind::Closing, time))?;
        self.state = State::Closed;
        self.spare.discard();
        self.watermark.anchor().map_err(|source| AppendError::UnknownOutcome {
            position: self.head.next_position,
            path: self.folder.disk.path(WATERMARK_FILE),
            source,
        })?;
        Ok(self.head)
    }
}
