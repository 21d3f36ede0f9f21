//! Copying a log while it is written.
//!
//! *Ordering.* The watermark is read first, then every segment up to where it points, so the copy
//! is a prefix of the log whatever is appended meanwhile. The copy's own watermark is written
//! last: without it the copy is not finished. *Correctness.* What lies beyond the watermark is not
//! copied, so nothing in the copy can be taken back by a power cut. No lock is taken.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use crate::damage::ReadError;
use crate::disk::Disk;
use crate::folder::Folder;
use crate::head::Head;
use crate::identity::LogIdentity;
use crate::layout::all_zero;
use crate::watermark::{FILE_BYTES, WATERMARK_FILE, Watermark, WatermarkWriter};

/// So many bytes are copied at once.
const CHUNK: usize = 1 << 20;

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Which log it is.
    pub identity: LogIdentity,
    /// Its last block in the copy.
    pub head: Head,
    /// Segment files.
    pub segments: u64,
    /// Bytes of blocks and headers.
    pub bytes: u64,
}

/// Why a log could not be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The log can't be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// There is no readable watermark, so nothing says how much is durable.
    #[error("{} says nothing of what is durable; start the log's writer once", path.display())]
    NoWatermark {
        /// The watermark's file.
        path: PathBuf,
    },
    /// The copy's folder is in use.
    #[error("{} is not empty; copy into a fresh folder", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// The copy can't be written.
    #[error("{} can't be written", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the disk said.
        #[source]
        source: io::Error,
    },
}

/// Copies what is durable of the log on `from` to the empty disk `to`, and makes it durable there.
/// # Errors
/// [`CopyError`]; what was copied by then is no log.
pub fn copy(from: Arc<dyn Disk>, to: &dyn Disk) -> Result<Copied, CopyError> {
    let folder = Folder::new(from);
    let first = folder.some_segments()?;
    let identity = folder.identity(&first)?;
    let found = folder.newest_watermark()?;
    let mark = found.filter(|mark| mark.log == identity.log() && mark.segment > 0);
    let Some(mark) = mark else {
        return Err(CopyError::NoWatermark { path: folder.disk.path(WATERMARK_FILE) });
    };
    let failed = |name: &str| {
        let path = to.path(name);
        move |source| CopyError::Write { path, source }
    };
    if !to.list().map_err(failed(""))?.is_empty() {
        return Err(CopyError::NotEmpty { path: to.path("") });
    }
    let mut bytes = 0;
    // Segments that the watermark knows of are there by now, with names that do not change.
    for segment in folder.segments()?.into_iter().take_while(|one| one.number <= mark.segment) {
        let name = segment.file_name();
        let (file, header) = folder.open_segment(segment, Some(&identity))?;
        let written = file.length().map_err(|error| folder.io(&name, error))?;
        let end = if segment.number == mark.segment { mark.end } else { written };
        let copy = to.create(&name).map_err(failed(&name))?;
        copy.set_length(header.length.max(end)).map_err(failed(&name))?;
        let mut chunk = vec![0; CHUNK];
        let mut at = 0;
        while at < end {
            let wanted = usize::try_from(end - at).unwrap_or(CHUNK).min(CHUNK);
            let read = file.read_at(&mut chunk[..wanted], at);
            let read = read.map_err(|error| folder.io(&name, error))?;
            if read == 0 {
                break;
            }
            if !all_zero(&chunk[..read]) {
                copy.write_at(&chunk[..read], at).map_err(failed(&name))?;
            }
            at += read as u64;
        }
        copy.sync_data().map_err(failed(&name))?;
        bytes += end;
    }
    to.sync_folder().map_err(failed(""))?;
    finish(to, mark).map_err(failed(WATERMARK_FILE))?;
    Ok(Copied { identity, head: mark.head, segments: mark.segment, bytes })
}

/// Writes the copy's watermark: from then on it is a log.
fn finish(to: &dyn Disk, mark: Watermark) -> io::Result<()> {
    let file = to.create(WATERMARK_FILE)?;
    file.preallocate(FILE_BYTES)?;
    let mut writer = WatermarkWriter::new(file, mark);
    writer.publish(mark)?;
    writer.anchor()?;
    to.sync_folder()
}
