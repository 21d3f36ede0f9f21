//! The log's file home: the writer.
//!
//! *Ordering.* One append: check, roll to a new segment if needed, one write, one `fdatasync`,
//! then the watermark, then the answer. *Correctness.* Room is made before anything is written,
//! so a full disk refuses a block whole. After a failed write or sync the log is poisoned.
//! *Limits.* One block at a time; segments grow from 4 MiB to their full length by doubling, so
//! that a fresh folder is small.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::append::{AppendError, Appended, EventLog};
use crate::block::{Block, BlockKind};
use crate::damage::{Damage, Fault, ReadError};
use crate::disk::{Disk, DiskFile, DiskLock, LockError};
use crate::folder::Folder;
use crate::head::Head;
use crate::identity::LogIdentity;
use crate::layout::{SECTOR_BYTES, file_length};
use crate::options::{LogOptions, OpenError, is_full};
use crate::reader::LogReader;
use crate::recover::{RecoveryReport, recover};
use crate::segment::{FIRST_BLOCK_AT, SEGMENT_HEADER_BYTES, SegmentHeader};
use crate::signal::DurableSignal;
use crate::spare::{self, SPARE_FILE, Spare};
use crate::watermark::{FILE_BYTES, WATERMARK_FILE, Watermark, WatermarkWriter};

/// The lock's file name. The file is never removed: a second one would be a second lock.
const LOCK_FILE: &str = "lock";
/// The first segment's length; each further one is twice as long, up to the full length.
const FIRST_SEGMENT_BYTES: u64 = 4 << 20;

/// The one writer of a log in files.
#[derive(Debug)]
pub struct FileLog {
    folder: Folder,
    identity: LogIdentity,
    options: LogOptions,
    lock: Box<dyn DiskLock>,
    segment: Option<WritableSegment>,
    head: Head,
    watermark: WatermarkWriter,
    signal: DurableSignal,
    spare: Spare,
    state: State,
}

#[derive(Debug)]
struct WritableSegment {
    file: Box<dyn DiskFile>,
    header_number: u64,
    first_position: u64,
    offset: u64,
    length: u64,
    path: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Poisoned,
    Closed,
}

impl FileLog {
    /// Makes a new log and takes it over.
    /// # Errors
    /// [`OpenError::AlreadyThere`] if there is one; else see [`OpenError`].
    pub fn create(
        disk: Arc<dyn Disk>,
        identity: &LogIdentity,
        options: LogOptions,
    ) -> Result<Self, OpenError> {
        let folder = Folder::new(disk);
        let lock = take_lock(&folder)?;
        let segments = folder.segments()?;
        if !segments.is_empty() {
            let found = Box::new(folder.identity(&segments)?);
            return Err(OpenError::AlreadyThere { path: folder.disk.path(""), found });
        }
        Self::begin(folder, lock, identity.clone(), options)
    }

    /// Opens a log, recovers it and takes it over: an empty block of a higher epoch is durable
    /// when this returns.
    /// # Errors
    /// [`ReadError::NoLog`] if there is none, [`ReadError::Corrupt`] if it is damaged; else see
    /// [`OpenError`].
    pub fn open(
        disk: Arc<dyn Disk>,
        options: LogOptions,
    ) -> Result<(Self, RecoveryReport), OpenError> {
        let folder = Folder::new(disk);
        let segments = folder.some_segments()?;
        let identity = folder.identity(&segments)?;
        let lock = take_lock(&folder)?;
        Self::take_over(folder, lock, identity, options)
    }

    /// Opens the log of that identity, or makes it if the folder holds none.
    /// # Errors
    /// [`OpenError::AlreadyThere`] if the folder holds another log; else see [`OpenError`].
    pub fn open_or_create(
        disk: Arc<dyn Disk>,
        identity: &LogIdentity,
        options: LogOptions,
    ) -> Result<(Self, Option<RecoveryReport>), OpenError> {
        let folder = Folder::new(disk);
        let lock = take_lock(&folder)?;
        let segments = folder.segments()?;
        if segments.is_empty() {
            return Ok((Self::begin(folder, lock, identity.clone(), options)?, None));
        }
        let found = folder.identity(&segments)?;
        if found != *identity {
            let found = Box::new(found);
            return Err(OpenError::AlreadyThere { path: folder.disk.path(""), found });
        }
        let (log, report) = Self::take_over(folder, lock, found, options)?;
        Ok((log, Some(report)))
    }

    /// A reader that is woken by this writer.
    /// # Errors
    /// As [`LogReader::open`].
    pub fn reader(&self) -> Result<LogReader, ReadError> {
        LogReader::start(self.folder.clone(), Some(self.signal.clone()))
    }

    fn begin(
        folder: Folder,
        lock: Box<dyn DiskLock>,
        identity: LogIdentity,
        options: LogOptions,
    ) -> Result<Self, OpenError> {
        let found = match folder.watermark_file()? {
            Some(file) => folder.read_watermark(file.as_ref())?.newest,
            None => None,
        };
        if let Some(mark) = found.filter(|mark| mark.segment > 0) {
            // There was a log here, and its files are gone: making a new one would hide that.
            let file = folder.disk.path(WATERMARK_FILE);
            let fault = Fault::SegmentMissing { expected: mark.segment };
            return Err(ReadError::Corrupt(Damage { file, offset: 0, fault }).into());
        }
        // Above what an attempt that was cut short may have left.
        let sequence = found.map_or(0, |mark| mark.sequence);
        let mark = Watermark { sequence, ..Watermark::empty(identity.log()) };
        let watermark = start_watermark(&folder, mark)?;
        let log = Self::with_parts(folder, identity, options, lock, watermark, None, Head::EMPTY);
        log.taken_over()
    }

    fn take_over(
        folder: Folder,
        lock: Box<dyn DiskLock>,
        identity: LogIdentity,
        options: LogOptions,
    ) -> Result<(Self, RecoveryReport), OpenError> {
        let segments = folder.some_segments()?;
        let recovered = recover(&folder, &identity, &segments, options.check)?;
        let watermark = start_watermark(&folder, recovered.watermark)?;
        let place = recovered.place;
        let segment = WritableSegment {
            file: recovered.file,
            header_number: place.segment.number,
            first_position: place.segment.first_position,
            offset: place.offset,
            length: recovered.segment_length,
            path: folder.disk.path(&place.segment.file_name()),
        };
        let log =
            Self::with_parts(folder, identity, options, lock, watermark, Some(segment), place.head);
        Ok((log.taken_over()?, recovered.report))
    }

    fn with_parts(
        folder: Folder,
        identity: LogIdentity,
        options: LogOptions,
        lock: Box<dyn DiskLock>,
        watermark: WatermarkWriter,
        segment: Option<WritableSegment>,
        head: Head,
    ) -> Self {
        let signal = DurableSignal::new(watermark.current());
        let spare = Spare::new(Arc::clone(&folder.disk));
        let state = State::Open;
        Self { folder, identity, options, lock, segment, head, watermark, signal, spare, state }
    }

    fn taken_over(mut self) -> Result<Self, OpenError> {
        spare::remove_if_there(self.folder.disk.as_ref())
            .map_err(|error| OpenError::from_io(self.folder.disk.path(SPARE_FILE), error))?;
        let mut block = Block::of_kind(BlockKind::Takeover, self.options.time);
        match self.append_durably(&mut block) {
            Ok(_) => {}
            Err(AppendError::DiskFull { path, .. }) => return Err(OpenError::DiskFull { path }),
            Err(AppendError::NoSegment { path, source }) => {
                return Err(OpenError::from_io(path, source));
            }
            Err(
                error @ (AppendError::PositionConflict { .. }
                | AppendError::LockLost { .. }
                | AppendError::UnknownOutcome { .. }
                | AppendError::Poisoned
                | AppendError::Closed),
            ) => return Err(OpenError::Takeover(error)),
        }
        self.watermark
            .anchor()
            .map_err(|error| OpenError::from_io(self.folder.disk.path(WATERMARK_FILE), error))?;
        Ok(self)
    }

    fn append_durably(&mut self, block: &mut Block) -> Result<Appended, AppendError> {
        match self.state {
            State::Open => {}
            State::Poisoned => return Err(AppendError::Poisoned),
            State::Closed => return Err(AppendError::Closed),
        }
        let frame_bytes = file_length(block.frame_bytes());
        let fits = |segment: &WritableSegment| segment.offset + frame_bytes <= segment.length;
        let before = self.head;
        let written = if self.segment.as_ref().is_some_and(fits) {
            self.write_here(block)
        } else {
            self.write_into_new_segment(block, frame_bytes)?
        };
        let durable = written.and_then(|after| self.publish(after));
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

    /// Writes the block behind the last one and syncs. An error leaves the outcome unknown.
    fn write_here(&mut self, block: &mut Block) -> Result<Head, (PathBuf, io::Error)> {
        let Some(segment) = &mut self.segment else { return Ok(self.head) };
        let body_bytes = block.body_bytes();
        let (frame, after) = block.seal(&self.identity, &self.head);
        let outcome =
            segment.file.write_at(frame, segment.offset).and_then(|()| segment.file.sync_data());
        segment.offset += file_length(frame.len());
        block.unseal(body_bytes);
        outcome.map(|()| after).map_err(|error| (segment.path.clone(), error))
    }

    /// Writes the block as the first of a new segment. The outer error refuses the block whole,
    /// the inner one leaves the outcome unknown.
    fn write_into_new_segment(
        &mut self,
        block: &mut Block,
        frame_bytes: u64,
    ) -> Result<Result<Head, (PathBuf, io::Error)>, AppendError> {
        let in_place = self.lock.is_in_place().unwrap_or(false);
        if !in_place {
            self.state = State::Poisoned;
            return Err(AppendError::LockLost { path: self.folder.disk.path(LOCK_FILE) });
        }
        let number = self.segment.as_ref().map_or(0, |segment| segment.header_number) + 1;
        let length = self.segment_length(number, frame_bytes);
        let path = self.folder.disk.path(SPARE_FILE);
        let file = match self.spare.take(length) {
            Ok(file) => file,
            Err(error) if is_full(&error) => {
                return Err(AppendError::DiskFull { path, bytes: length });
            }
            Err(source) => return Err(AppendError::NoSegment { path, source }),
        };
        let header =
            SegmentHeader { identity: self.identity.clone(), number, start: self.head, length };
        let body_bytes = block.body_bytes();
        let (frame, after) = block.seal(&self.identity, &self.head);
        let mut bytes = Vec::with_capacity(SEGMENT_HEADER_BYTES + frame.len());
        bytes.extend_from_slice(&header.encode());
        bytes.extend_from_slice(frame);
        block.unseal(body_bytes);
        Ok(self.name_segment(file, &header, &bytes).map(|()| after).map_err(|error| (path, error)))
    }

    /// Makes the spare, with its first bytes, the log's last segment.
    fn name_segment(
        &mut self,
        file: Box<dyn DiskFile>,
        header: &SegmentHeader,
        bytes: &[u8],
    ) -> io::Result<()> {
        let name = header.name();
        let file_name = name.file_name();
        file.write_at(bytes, 0)?;
        file.sync_data()?;
        self.folder.disk.rename(SPARE_FILE, &file_name)?;
        self.folder.disk.sync_folder()?;
        self.segment = Some(WritableSegment {
            file,
            header_number: name.number,
            first_position: name.first_position,
            offset: file_length(bytes.len()),
            length: header.length,
            path: self.folder.disk.path(&file_name),
        });
        Ok(())
    }

    /// The length of a segment that can hold a block of `frame_bytes`.
    fn segment_length(&self, number: u64, frame_bytes: u64) -> u64 {
        let doublings = u32::try_from(number - 1).unwrap_or(u32::MAX).min(16);
        let grown = FIRST_SEGMENT_BYTES << doublings;
        let length = grown.min(self.options.segment_bytes).max(FIRST_BLOCK_AT + frame_bytes);
        length.next_multiple_of(SECTOR_BYTES)
    }

    /// Tells readers what is durable.
    fn publish(&mut self, after: Head) -> Result<(), (PathBuf, io::Error)> {
        let Some(segment) = &self.segment else { return Ok(()) };
        let path = || self.folder.disk.path(WATERMARK_FILE);
        let rolled = self.watermark.current().segment != segment.header_number;
        let mark = self.watermark.publish(Watermark {
            sequence: 0,
            log: self.identity.log(),
            segment: segment.header_number,
            segment_first_position: segment.first_position,
            end: segment.offset,
            head: after,
        });
        let mark = mark.map_err(|error| (path(), error))?;
        if rolled {
            self.watermark.anchor().map_err(|error| (path(), error))?;
        }
        self.head = after;
        self.signal.publish(mark);
        Ok(())
    }

    /// Has the next segment made while the second half of this one is filled.
    fn prepare_ahead(&mut self) {
        if let Some(segment) = &self.segment
            && self.options.prepare_ahead
            && segment.offset >= segment.length / 2
        {
            self.spare.prepare_ahead(self.segment_length(segment.header_number + 1, 0));
        }
    }
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

fn take_lock(folder: &Folder) -> Result<Box<dyn DiskLock>, OpenError> {
    let path = folder.disk.path(LOCK_FILE);
    folder.disk.lock(LOCK_FILE).map_err(|error| match error {
        LockError::Held { pid } => OpenError::InUse { path, pid },
        LockError::Io(source) => OpenError::from_io(path, source),
    })
}

/// Makes sure that there is a watermark file, and that it durably says `mark`.
fn start_watermark(folder: &Folder, mark: Watermark) -> Result<WatermarkWriter, OpenError> {
    let start = || {
        let file = match folder.disk.open(WATERMARK_FILE) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                folder.disk.create(WATERMARK_FILE)?
            }
            Err(error) => return Err(error),
        };
        file.preallocate(FILE_BYTES)?;
        folder.disk.sync_folder()?;
        let mut writer = WatermarkWriter::new(file, mark);
        writer.publish(mark)?;
        writer.anchor()?;
        Ok(writer)
    };
    start().map_err(|error| OpenError::from_io(folder.disk.path(WATERMARK_FILE), error))
}
