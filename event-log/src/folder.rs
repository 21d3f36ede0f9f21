//! The files of a log folder: which segments there are, what their headers say, the watermark.

use std::io;
use std::sync::Arc;

use crate::damage::{Damage, Fault, FileFault, ReadError};
use crate::disk::{Disk, DiskFile};
use crate::identity::LogIdentity;
use crate::segment::{SEGMENT_HEADER_BYTES, SegmentHeader, SegmentName};
use crate::watermark::{Slots, WATERMARK_FILE, Watermark, read_slots};

/// A log's folder.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    pub(crate) disk: Arc<dyn Disk>,
}

impl Folder {
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Self {
        Self { disk }
    }

    pub(crate) fn io(&self, name: &str, source: io::Error) -> ReadError {
        ReadError::Io { path: self.disk.path(name), source }
    }

    pub(crate) fn damage(&self, name: &str, offset: u64, fault: Fault) -> ReadError {
        ReadError::Corrupt(Damage { file: self.disk.path(name), offset, fault })
    }

    /// The segments in order. Their numbers must start at 1 and have no gap.
    pub(crate) fn segments(&self) -> Result<Vec<SegmentName>, ReadError> {
        let names = self.disk.list().map_err(|error| self.io("", error))?;
        let mut found: Vec<_> = names.iter().filter_map(|name| SegmentName::parse(name)).collect();
        found.sort_unstable();
        for (expected, name) in (1..).zip(&found) {
            if name.number != expected {
                let fault = Fault::SegmentMissing { expected };
                return Err(self.damage(&name.file_name(), 0, fault));
            }
        }
        Ok(found)
    }

    /// Like [`Folder::segments`], but a folder without any is an error: damage if the watermark
    /// says that there were some.
    pub(crate) fn some_segments(&self) -> Result<Vec<SegmentName>, ReadError> {
        let segments = self.segments()?;
        if !segments.is_empty() {
            return Ok(segments);
        }
        let marked = self.newest_watermark()?.is_some_and(|mark| mark.segment > 0);
        if !marked {
            return Err(ReadError::NoLog { path: self.disk.path("") });
        }
        // A segment has its name before the watermark speaks of it: one that was made meanwhile
        // is found now.
        let segments = self.segments()?;
        if segments.is_empty() { Err(self.segments_lost()) } else { Ok(segments) }
    }

    /// The watermark speaks of segments, and there are none.
    pub(crate) fn segments_lost(&self) -> ReadError {
        self.damage(WATERMARK_FILE, 0, Fault::SegmentMissing { expected: 1 })
    }

    /// A segment's file and header.
    pub(crate) fn open_segment(
        &self,
        name: SegmentName,
        expected: Option<&LogIdentity>,
    ) -> Result<(Box<dyn DiskFile>, SegmentHeader), ReadError> {
        let file_name = name.file_name();
        let file = self.disk.open_read(&file_name).map_err(|error| self.io(&file_name, error))?;
        let header = self.read_header(file.as_ref(), name, expected)?;
        Ok((file, header))
    }

    /// The header of a segment's open file.
    pub(crate) fn read_header(
        &self,
        file: &dyn DiskFile,
        name: SegmentName,
        expected: Option<&LogIdentity>,
    ) -> Result<SegmentHeader, ReadError> {
        let file_name = name.file_name();
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        let read = file.read_at(&mut bytes, 0).map_err(|error| self.io(&file_name, error))?;
        let header = SegmentHeader::decode(&bytes[..read], expected)
            .map_err(|fault| self.damage(&file_name, 0, fault))?;
        if header.name() != name {
            return Err(self.damage(&file_name, 0, Fault::SegmentName));
        }
        Ok(header)
    }

    /// The identity that the first segment has.
    pub(crate) fn identity(&self, segments: &[SegmentName]) -> Result<LogIdentity, ReadError> {
        let Some(first) = segments.first() else {
            return Err(ReadError::NoLog { path: self.disk.path("") });
        };
        Ok(self.open_segment(*first, None)?.1.identity)
    }

    /// The watermark file; `None` if there is none.
    pub(crate) fn watermark_file(&self) -> Result<Option<Box<dyn DiskFile>>, ReadError> {
        match self.disk.open_read(WATERMARK_FILE) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.io(WATERMARK_FILE, error)),
        }
    }

    /// The newest watermark; `None` if there is none that can be read.
    pub(crate) fn newest_watermark(&self) -> Result<Option<Watermark>, ReadError> {
        match self.watermark_file()? {
            Some(file) => Ok(self.read_watermark(file.as_ref())?.newest),
            None => Ok(None),
        }
    }

    /// What the watermark file holds.
    pub(crate) fn read_watermark(&self, file: &dyn DiskFile) -> Result<Slots, ReadError> {
        read_slots(file).map_err(|error| self.io(WATERMARK_FILE, error))
    }

    /// The error, now with the segment's name.
    pub(crate) fn in_segment(&self, name: SegmentName, fault: FileFault) -> ReadError {
        fault.in_file(self.disk.path(&name.file_name()))
    }
}
