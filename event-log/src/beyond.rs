//! What a reader makes of the bytes beyond the durable watermark.

use std::io::ErrorKind;
use std::ops::Range;

use crate::block_header::Hash;
use crate::damage::{Fault, FileFault, ReadError, Record};
use crate::layout::SECTOR_BYTES;
use crate::reader::LogReader;
use crate::segment::SegmentName;
use crate::walk::Place;

/// What lies beyond the watermark.
#[derive(Debug, Clone, Copy)]
enum Ahead {
    /// No block that is known to be durable.
    Nothing,
    /// The next segment, which starts where this one ends.
    Segment(SegmentName),
    /// A block that ends there and has a successor.
    Block { end: u64 },
}

impl LogReader {
    /// Beyond the watermark (it may have been lost in a power cut): a block counts if its
    /// successor is there. Anything that is not whole is a write under way or torn, no error.
    pub(crate) fn advance_before_successor(&mut self) -> Result<bool, ReadError> {
        if self.signal.is_some() {
            return Ok(false);
        }
        self.walk.frames().forget();
        let found = self.look_for_successor();
        // What was looked at may still change, so it is read again when it counts.
        self.walk.frames().forget();
        match found? {
            Ahead::Nothing => Ok(false),
            Ahead::Segment(next) => {
                self.go_on_to(next)?;
                self.advance_before_successor()
            }
            Ahead::Block { end } => {
                let place = self.walk.place();
                let stepped = self.walk.step(end).map(|frame| frame.is_some());
                let stepped =
                    stepped.map_err(|fault| self.folder.in_segment(place.segment, fault))?;
                self.walk.frames().forget_behind(end);
                self.remember(place);
                Ok(stepped)
            }
        }
    }

    /// Whether the log has, whole, the block of this hash that holds `position`, durable or not.
    ///
    /// After a power cut the watermark may have been lost behind it, until a writer opens the log
    /// and says where it ends. What is found here must not be shown: it may be taken back. The
    /// reader goes to the durable end.
    /// # Errors
    /// [`ReadError::Io`] if the log can't be read.
    pub fn holds(&mut self, position: u64, hash: &Hash) -> Result<bool, ReadError> {
        self.seek(position)?;
        let end = self.walk.place();
        self.walk.frames().forget();
        let mut held = false;
        while self.walk.place().head.next_position <= position {
            let segment = self.walk.place().segment;
            if !self.try_step(segment)? {
                match self.segment_after(segment)? {
                    Some(next) if self.walk.next_segment(next).is_ok() => continue,
                    Some(_) | None => break,
                }
            }
            held = self.walk.place().head.block_hash == *hash;
        }
        held &= self.walk.place().head.next_position > position;
        self.walk.frames().forget();
        self.walk.go_to(end)?;
        Ok(held)
    }

    /// The position of the last commit in a whole block, durable or not; 0 if there is none. What
    /// lies behind the durable end may be taken back by a power cut, and must not be shown. The
    /// reader goes to the durable end.
    /// # Errors
    /// As [`LogReader::next_block`].
    pub fn whole_position(&mut self) -> Result<u64, ReadError> {
        self.seek(u64::MAX)?;
        Ok(self.whole_end()?.0)
    }

    /// From the durable end on: the position of the last commit in a whole block, and how many
    /// bytes behind that block are not zero. The reader stays where it is.
    pub(crate) fn whole_end(&mut self) -> Result<(u64, u64), ReadError> {
        let end = self.walk.place();
        self.walk.frames().forget();
        loop {
            let segment = self.walk.place().segment;
            if self.try_step(segment)? {
                continue;
            }
            match self.segment_after(segment)? {
                Some(next) if self.walk.next_segment(next).is_ok() => {}
                Some(_) | None => break,
            }
        }
        let place = self.walk.place();
        let torn = self.slack(place)?.map_or(0, |range| range.end - place.offset);
        self.walk.frames().forget();
        self.walk.go_to(end)?;
        Ok((place.head.last_position().unwrap_or(0), torn))
    }

    /// What lies beyond the watermark, without moving.
    fn look_for_successor(&mut self) -> Result<Ahead, ReadError> {
        let place = self.walk.place();
        let io = |error| self.folder.io(&place.segment.file_name(), error);
        let written = self.walk.frames().is_written_at(place.offset).map_err(io)?;
        let whole = written && self.try_step(place.segment)?;
        let behind = self.walk.place();
        let followed = whole && self.try_step(place.segment)?;
        self.walk.go_to(place)?;
        if followed {
            return Ok(Ahead::Block { end: behind.offset });
        }
        let next = SegmentName {
            number: place.segment.number + 1,
            first_position: behind.head.next_position,
        };
        let header = match self.folder.open_segment(next, Some(&self.identity)) {
            Ok((_, header)) => header,
            Err(ReadError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                return Ok(Ahead::Nothing);
            }
            Err(error) => return Err(error),
        };
        if header.start != behind.head {
            return Ok(Ahead::Nothing);
        }
        Ok(if whole { Ahead::Block { end: behind.offset } } else { Ahead::Segment(next) })
    }

    /// Steps over a block that need not be whole; whether it is.
    fn try_step(&mut self, segment: SegmentName) -> Result<bool, ReadError> {
        match self.walk.step(u64::MAX) {
            Ok(frame) => Ok(frame.is_some()),
            Err(FileFault::Fault { .. }) => Ok(false),
            Err(FileFault::Io(error)) => Err(self.segment_io(segment, error)),
        }
    }

    pub(crate) fn go_on_to(&mut self, next: SegmentName) -> Result<(), ReadError> {
        let place = self.walk.place();
        if self.checks_slack && self.slack(place)?.is_some() {
            let fault = FileFault::at(place.offset, Fault::Padding);
            return Err(self.folder.in_segment(place.segment, fault));
        }
        self.walk.next_segment(next)
    }

    /// What is not zero between `place` and the end of its segment.
    fn slack(&mut self, place: Place) -> Result<Option<Range<u64>>, ReadError> {
        let end = self.walk.segment_end();
        let found = self.walk.frames().not_zero_behind(place.offset, end);
        found.map_err(|error| self.segment_io(place.segment, error))
    }

    /// At the durable end: how many bytes behind it are not zero. `None` if more has become
    /// durable meanwhile. A whole block behind one that is not is damage.
    pub(crate) fn check_tail(&mut self) -> Result<Option<u64>, ReadError> {
        let place = self.walk.place();
        self.walk.frames().forget();
        let found = self.slack(place)?;
        let end = self.walk.segment_end();
        let successor = match found {
            Some(_) => {
                let first = place.offset + SECTOR_BYTES;
                let behind = self.walk.block_behind(first, end);
                behind.map_err(|fault| self.folder.in_segment(place.segment, fault))?
            }
            None => None,
        };
        self.walk.frames().forget();
        if self.refresh()? {
            return Ok(None);
        }
        if let Some((at, successor)) = successor {
            let fault = Box::new(Fault::Magic { expected: Record::Block });
            let fault = Fault::BeforeSuccessor { fault, successor, at };
            return Err(self.folder.in_segment(place.segment, FileFault::at(place.offset, fault)));
        }
        Ok(Some(found.map_or(0, |range| range.end - place.offset)))
    }
}
