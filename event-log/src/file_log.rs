//! The log's file home: the writer.
//!
//! Opening takes the lock, recovers what is there and takes the log over. How a block is appended
//! is in the append path.

use std::io;
use std::sync::Arc;

use crate::append::AppendError;
use crate::block::Block;
use crate::block_header::BlockKind;
use crate::damage::ReadError;
use crate::disk::{Disk, DiskLock, LockError};
use crate::folder::Folder;
use crate::head::Head;
use crate::identity::LogIdentity;
use crate::layout::LOCK_FILE;
use crate::options::{LogOptions, OpenError};
use crate::reader::{LogReader, Readers};
use crate::recover::{RecoveryReport, recover};
use crate::signal::DurableSignal;
use crate::spare::{self, SPARE_FILE, Spare};
use crate::watermark::{FILE_BYTES, WATERMARK_FILE, Watermark, WatermarkWriter};
use crate::writable::{State, WritableSegment};

/// The one writer of a log in files.
#[derive(Debug)]
pub struct FileLog {
    pub(crate) folder: Folder,
    pub(crate) identity: LogIdentity,
    pub(crate) options: LogOptions,
    pub(crate) lock: Box<dyn DiskLock>,
    pub(crate) segment: Option<WritableSegment>,
    pub(crate) head: Head,
    pub(crate) watermark: WatermarkWriter,
    pub(crate) signal: DurableSignal,
    pub(crate) spare: Spare,
    pub(crate) state: State,
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

    /// Opens readers that are woken by this writer, also after it has moved to its thread.
    pub fn readers(&self) -> Readers {
        Readers { folder: self.folder.clone(), signal: self.signal.clone() }
    }

    /// A reader that is woken by this writer.
    /// # Errors
    /// As [`LogReader::open`].
    pub fn reader(&self) -> Result<LogReader, ReadError> {
        self.readers().open()
    }

    fn begin(
        folder: Folder,
        lock: Box<dyn DiskLock>,
        identity: LogIdentity,
        options: LogOptions,
    ) -> Result<Self, OpenError> {
        let found = folder.newest_watermark()?;
        if found.is_some_and(|mark| mark.segment > 0) {
            // There was a log here, and its files are gone: making a new one would hide that.
            return Err(folder.segments_lost().into());
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
            number: place.segment.number,
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
