//! Walking from block to block through the segments, checking that each may follow the last.

use crate::block_header::BLOCK_HEADER_BYTES;
use crate::block_view::BlockView;
use crate::damage::{Fault, FileFault, ReadError};
use crate::folder::Folder;
use crate::frames::{Frame, FrameReader};
use crate::head::Head;
use crate::identity::LogIdentity;
use crate::layout::file_length;
use crate::segment::{FIRST_BLOCK_AT, SegmentName};

/// A place between two blocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) segment: SegmentName,
    pub(crate) offset: u64,
    pub(crate) head: Head,
}

/// Walks forward over a log.
#[derive(Debug)]
pub(crate) struct Walk {
    folder: Folder,
    identity: LogIdentity,
    frames: FrameReader,
    place: Place,
    /// Where the current segment ends: by its header, or where its file was cut.
    segment_end: u64,
    last: Option<(u64, Frame)>,
}

impl Walk {
    /// Starts at the first block of a segment.
    pub(crate) fn at_segment(
        folder: &Folder,
        identity: &LogIdentity,
        segment: SegmentName,
    ) -> Result<Self, ReadError> {
        let (file, header) = folder.open_segment(segment, Some(identity))?;
        let length = file.length().map_err(|error| folder.io(&segment.file_name(), error))?;
        Ok(Self {
            folder: folder.clone(),
            identity: identity.clone(),
            frames: FrameReader::new(file),
            place: Place { segment, offset: FIRST_BLOCK_AT, head: header.start },
            segment_end: header.length.min(length),
            last: None,
        })
    }

    pub(crate) fn place(&self) -> Place {
        self.place
    }

    pub(crate) fn segment_end(&self) -> u64 {
        self.segment_end
    }

    pub(crate) fn frames(&mut self) -> &mut FrameReader {
        &mut self.frames
    }

    /// Goes to another place. Its head is trusted: it was reached by walking before.
    pub(crate) fn go_to(&mut self, place: Place) -> Result<(), ReadError> {
        if place.segment != self.place.segment {
            *self = Self::at_segment(&self.folder, &self.identity, place.segment)?;
        }
        self.place = place;
        Ok(())
    }

    /// Steps over one block of this segment that ends at or before `limit`; `None` if there are
    /// zeros, or no room for a block.
    pub(crate) fn step(&mut self, limit: u64) -> Result<Option<&Frame>, FileFault> {
        let offset = self.place.offset;
        let limit = limit.min(self.segment_end);
        if offset + file_length(BLOCK_HEADER_BYTES) > limit {
            return Ok(None);
        }
        let Some(frame) = self.frames.frame_at(offset, limit, &self.identity)? else {
            return Ok(None);
        };
        self.place.head.check_next(&frame.header).map_err(|fault| FileFault::at(offset, fault))?;
        self.place.head = Head::after(&frame.header, frame.hash);
        self.place.offset = offset + file_length(frame.header.frame_bytes());
        let (_, frame) = self.last.insert((offset, frame));
        Ok(Some(frame))
    }

    /// Where the first whole block at or behind `offset` of this segment is, and its number.
    pub(crate) fn block_behind(
        &mut self,
        offset: u64,
        limit: u64,
    ) -> Result<Option<(u64, u64)>, FileFault> {
        let found = self.frames.frame_behind(offset, limit, &self.identity)?;
        Ok(found.map(|(at, frame)| (at, frame.header.number)))
    }

    /// The block that was stepped over last.
    pub(crate) fn view(&self) -> Option<BlockView<'_>> {
        let (offset, frame) = self.last.as_ref()?;
        let bytes = self.frames.frame_bytes(*offset, &frame.header);
        Some(BlockView::new(&frame.header, &frame.hash, bytes))
    }

    /// Goes on to the next segment, which must start where this one ends.
    pub(crate) fn next_segment(&mut self, next: SegmentName) -> Result<(), ReadError> {
        let here = self.place;
        let walk = Self::at_segment(&self.folder, &self.identity, next)?;
        let start = walk.place.head;
        let fault = if start.block_number != here.head.block_number {
            let expected = here.head.block_number + 1;
            Some(Fault::BlockNumber { expected, found: start.block_number.saturating_add(1) })
        } else if start.next_position != here.head.next_position {
            let expected = here.head.next_position;
            Some(Fault::Position { expected, found: start.next_position })
        } else if start != here.head {
            Some(Fault::Chain)
        } else {
            None
        };
        if let Some(fault) = fault {
            return Err(self.folder.in_segment(here.segment, FileFault::at(here.offset, fault)));
        }
        *self = walk;
        Ok(())
    }
}
