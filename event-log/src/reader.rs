//! Reading a log, from its own process or any other, while it is written.
//!
//! *Shape.* [`LogReader`] walks forward block by block; it takes no lock and writes nothing.
//! *Correctness.* Each block's checksums and its place in the chain are checked. A reader gives no
//! block that a power cut could take back: it stops at the durable watermark, or at a block that
//! has a valid successor (a writer starts no block before the one before is durable).
//! *Limits.* One read buffer of 1 MiB, and one index entry for each 64 blocks seen, or 256 KiB
//! where single commits are asked for.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::block_view::BlockView;
use crate::damage::{Fault, FileFault, ReadError};
use crate::disk::{Disk, DiskFile};
use crate::file_disk::FileDisk;
use crate::folder::Folder;
use crate::head::Head;
use crate::identity::LogIdentity;
use crate::segment::SegmentName;
use crate::signal::DurableSignal;
use crate::walk::{Place, Walk};
use crate::watermark::Watermark;

/// One place in so many blocks is remembered …
const INDEX_EVERY: u64 = 64;
/// … or so many bytes of a segment, where single commits are asked for: what is read to come to
/// one.
const INDEX_BYTES: u64 = 256 << 10;
/// The first and the longest pause between two looks at another process's watermark.
const SHORTEST_PAUSE: Duration = Duration::from_micros(200);
const LONGEST_PAUSE: Duration = Duration::from_millis(5);

/// Opens readers of one log that its writer in this process wakes. Clones go to any thread.
#[derive(Debug, Clone)]
pub struct Readers {
    pub(crate) folder: Folder,
    pub(crate) signal: DurableSignal,
}

impl Readers {
    /// A reader at the log's start.
    /// # Errors
    /// As [`LogReader::open`].
    pub fn open(&self) -> Result<LogReader, ReadError> {
        LogReader::start(self.folder.clone(), Some(self.signal.clone()))
    }

    /// How far the log is durable, without the disk.
    pub fn durable_head(&self) -> Head {
        self.signal.get().head
    }
}

/// A reader of one log.
#[derive(Debug)]
pub struct LogReader {
    pub(crate) folder: Folder,
    pub(crate) identity: LogIdentity,
    segments: Vec<SegmentName>,
    pub(crate) walk: Walk,
    watermark_file: Option<Box<dyn DiskFile>>,
    watermark: Watermark,
    pub(crate) signal: Option<DurableSignal>,
    index: Vec<Place>,
    /// Single commits are asked for.
    jumps: bool,
    /// Whether the zeros behind each segment's last block are checked too.
    pub(crate) checks_slack: bool,
}

impl LogReader {
    /// Opens the log in the folder at `path`, at its start.
    /// # Errors
    /// [`ReadError::NoLog`] if there is none; [`ReadError::Corrupt`] if its files are damaged.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ReadError> {
        let path = path.as_ref();
        let disk = FileDisk::open(path)
            .map_err(|source| ReadError::Io { path: path.to_path_buf(), source })?;
        Self::open_on(Arc::new(disk))
    }

    /// Opens the log on `disk`, at its start.
    /// # Errors
    /// As [`LogReader::open`].
    pub fn open_on(disk: Arc<dyn Disk>) -> Result<Self, ReadError> {
        Self::start(Folder::new(disk), None)
    }

    fn start(folder: Folder, signal: Option<DurableSignal>) -> Result<Self, ReadError> {
        let segments = folder.some_segments()?;
        let identity = folder.identity(&segments)?;
        let walk = Walk::at_segment(&folder, &identity, segments[0])?;
        let watermark_file = folder.watermark_file()?;
        let watermark = Watermark::empty(identity.log());
        let index = vec![walk.place()];
        let mut reader = Self {
            folder,
            identity,
            segments,
            walk,
            watermark_file,
            watermark,
            signal,
            index,
            jumps: false,
            checks_slack: false,
        };
        reader.refresh()?;
        Ok(reader)
    }

    /// Which log this is.
    pub fn identity(&self) -> &LogIdentity {
        &self.identity
    }

    /// Where the reader is: behind the block it gave last.
    pub fn head(&self) -> Head {
        self.walk.place().head
    }

    /// How far the log is known to be durable, as of now. Where the watermark is lost, the blocks
    /// say it.
    /// # Errors
    /// [`ReadError::Io`] if the watermark can't be read; without one, as
    /// [`LogReader::next_block`].
    pub fn durable_head(&mut self) -> Result<Head, ReadError> {
        self.refresh()?;
        if self.watermark.segment > 0 || self.signal.is_some() {
            return Ok(self.watermark.head);
        }
        let before = self.walk.place();
        let ahead = |known: &Place| known.head.block_number > before.head.block_number;
        if let Some(known) = self.index.last().copied().filter(ahead) {
            self.walk.go_to(known)?;
        }
        let head = loop {
            match self.advance() {
                Ok(true) => {}
                Ok(false) => break Ok(self.head()),
                Err(error) => break Err(error),
            }
        };
        self.walk.go_to(before)?;
        head
    }

    /// The next durable block; `None` if there is none yet.
    /// # Errors
    /// [`ReadError::Corrupt`] names the file and the offset; the reader stays where it is.
    pub fn next_block(&mut self) -> Result<Option<BlockView<'_>>, ReadError> {
        if self.advance()? { Ok(self.walk.view()) } else { Ok(None) }
    }

    /// Goes to where [`LogReader::next_block`] gives the block that holds `position`; to the
    /// durable end if that is not there yet.
    /// # Errors
    /// As [`LogReader::next_block`].
    pub fn seek(&mut self, position: u64) -> Result<(), ReadError> {
        match self.step_over(position)? {
            Some(before) => self.walk.go_to(before),
            None => Ok(()),
        }
    }

    /// Goes behind the block that holds `position` and gives it; `None` if it is not durable yet.
    /// # Errors
    /// As [`LogReader::next_block`].
    pub fn block_of(&mut self, position: u64) -> Result<Option<BlockView<'_>>, ReadError> {
        self.jumps = true;
        let found = self.step_over(position)?;
        Ok(found.and_then(|_| self.walk.view()))
    }

    /// Goes behind the block that holds `position`, and says where it begins; to the durable end
    /// if that is not there yet.
    fn step_over(&mut self, position: u64) -> Result<Option<Place>, ReadError> {
        self.refresh()?;
        let (here, target) = (self.walk.place(), self.nearest_place(position)?);
        let is_between = target.head.block_number <= here.head.block_number
            && here.head.next_position <= position;
        if !is_between {
            self.walk.go_to(target)?;
        }
        loop {
            let before = self.walk.place();
            if !self.advance()? {
                return Ok(None);
            }
            if self.walk.place().head.next_position > position {
                return Ok(Some(before));
            }
        }
    }

    /// The bytes of one commit; `None` if it is not durable yet. The reader stays where it is.
    /// # Errors
    /// As [`LogReader::next_block`].
    pub fn read_commit(&mut self, position: u64) -> Result<Option<Vec<u8>>, ReadError> {
        let before = self.walk.place();
        let found = self.block_of(position)?.and_then(|block| {
            block.commits().find(|(at, _)| *at == position).map(|(_, bytes)| bytes.to_vec())
        });
        self.walk.go_to(before)?;
        Ok(found)
    }

    /// Waits until there is a block to read, or the time is over; says which.
    ///
    /// In the writer's process the writer wakes it; elsewhere it looks every few milliseconds.
    /// # Errors
    /// [`ReadError::Io`] if the watermark can't be read.
    pub fn wait(&mut self, timeout: Duration) -> Result<bool, ReadError> {
        let seen = self.head().block_number;
        if let Some(signal) = &self.signal {
            self.watermark = signal.wait(seen, timeout);
            return Ok(self.watermark.head.block_number > seen);
        }
        let started = Instant::now();
        let mut pause = SHORTEST_PAUSE;
        loop {
            self.refresh()?;
            if self.watermark.head.block_number > seen {
                return Ok(true);
            }
            let left = timeout.saturating_sub(started.elapsed());
            if left.is_zero() {
                return Ok(false);
            }
            std::thread::sleep(pause.min(left));
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// From now on, also checks that there are only zeros behind each segment's last block.
    pub(crate) fn check_slack(&mut self) {
        self.checks_slack = true;
    }

    /// The number of the block that the watermark file names; `None` if it can't be read.
    pub(crate) fn watermark_block(&self) -> Result<Option<u64>, ReadError> {
        let Some(file) = &self.watermark_file else { return Ok(None) };
        let newest = self.folder.read_watermark(file.as_ref())?.newest;
        Ok(newest.map(|mark| mark.head.block_number))
    }

    /// The number of the segment that the reader is in.
    pub(crate) fn segment_number(&self) -> u64 {
        self.walk.place().segment.number
    }

    /// The offset in the current segment up to which blocks are known to be durable.
    fn durable_limit(&self) -> u64 {
        let here = self.walk.place().segment.number;
        match self.watermark.segment.cmp(&here) {
            std::cmp::Ordering::Greater => u64::MAX,
            std::cmp::Ordering::Equal => self.watermark.end,
            std::cmp::Ordering::Less => 0,
        }
    }

    /// Steps over one durable block; `false` if there is none.
    fn advance(&mut self) -> Result<bool, ReadError> {
        loop {
            let place = self.walk.place();
            let limit = self.durable_limit();
            if place.offset >= limit {
                self.check_watermark(place)?;
                if self.refresh()? {
                    continue;
                }
                return self.advance_before_successor();
            }
            let stepped = self.walk.step(limit).map(|frame| frame.is_some());
            if stepped.map_err(|fault| self.folder.in_segment(place.segment, fault))? {
                self.remember(place);
                return Ok(true);
            }
            if self.watermark.segment == place.segment.number {
                let fault = Fault::BelowWatermark { durable_to: self.watermark.end };
                let fault = FileFault::at(place.offset, fault);
                return Err(self.folder.in_segment(place.segment, fault));
            }
            let next = self.segment_after(place.segment)?;
            let Some(next) = next else {
                let fault = Fault::SegmentMissing { expected: place.segment.number + 1 };
                let fault = FileFault::at(place.offset, fault);
                return Err(self.folder.in_segment(place.segment, fault));
            };
            self.go_on_to(next)?;
        }
    }

    /// At the watermark the chain must be the one that the watermark names.
    fn check_watermark(&self, place: Place) -> Result<(), ReadError> {
        let mark = &self.watermark;
        let there = mark.segment == place.segment.number && mark.end == place.offset;
        if there && mark.head != place.head {
            let fault = Fault::WatermarkDisagrees { block: mark.head.block_number };
            return Err(self.folder.in_segment(place.segment, FileFault::at(place.offset, fault)));
        }
        Ok(())
    }

    pub(crate) fn segment_io(&self, segment: SegmentName, error: std::io::Error) -> ReadError {
        self.folder.io(&segment.file_name(), error)
    }

    pub(crate) fn segment_after(
        &mut self,
        segment: SegmentName,
    ) -> Result<Option<SegmentName>, ReadError> {
        let after = |segments: &[SegmentName]| {
            segments.iter().copied().find(|name| name.number == segment.number + 1)
        };
        if let Some(next) = after(&self.segments) {
            return Ok(Some(next));
        }
        self.segments = self.folder.segments()?;
        Ok(after(&self.segments))
    }

    /// Reads the watermark again; whether it moved.
    pub(crate) fn refresh(&mut self) -> Result<bool, ReadError> {
        if self.watermark_file.is_none() {
            self.watermark_file = self.folder.watermark_file()?;
        }
        let newest = match (&self.signal, &self.watermark_file) {
            (Some(signal), _) => Some(signal.get()),
            (None, Some(file)) => self.folder.read_watermark(file.as_ref())?.newest,
            (None, None) => None,
        };
        let Some(newest) = newest.filter(|mark| mark.log == self.identity.log()) else {
            return Ok(false);
        };
        let moved = newest.head.block_number > self.watermark.head.block_number;
        if moved {
            self.watermark = newest;
        }
        Ok(moved)
    }

    /// Remembers a place, unless one is known close before or behind.
    pub(crate) fn remember(&mut self, place: Place) {
        let number = place.head.block_number;
        let at = self.index.partition_point(|known| known.head.block_number <= number);
        let before = at.checked_sub(1).map(|before| self.index[before]);
        let behind = self.index.get(at);
        if before.is_none_or(|before| self.are_far(&before, &place))
            && behind.is_none_or(|behind| self.are_far(&place, behind))
        {
            self.index.insert(at, place);
        }
    }

    /// Whether so much lies between two places that both are worth remembering.
    fn are_far(&self, before: &Place, behind: &Place) -> bool {
        let is_much = before.segment.number != behind.segment.number
            || before.offset + INDEX_BYTES <= behind.offset;
        before.head.block_number + INDEX_EVERY <= behind.head.block_number
            || (self.jumps && is_much)
    }

    /// The last known place at or before `position`.
    fn nearest_place(&mut self, position: u64) -> Result<Place, ReadError> {
        let last = self.segments.last().map_or(0, |segment| segment.number);
        if last < self.watermark.segment || self.watermark.segment == 0 {
            self.segments = self.folder.some_segments()?;
        }
        let seen = self.index.partition_point(|place| place.head.next_position <= position);
        let indexed = self.index[seen.saturating_sub(1)];
        let begun = self.segments.partition_point(|segment| segment.first_position <= position);
        let segment = self.segments[begun.saturating_sub(1)];
        let reached = segment.number <= self.watermark.segment;
        if segment.number > indexed.segment.number && reached {
            return Ok(Walk::at_segment(&self.folder, &self.identity, segment)?.place());
        }
        Ok(indexed)
    }
}
