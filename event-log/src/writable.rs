//! What a writer appends to, and whether it still does.

use std::path::PathBuf;

use crate::disk::DiskFile;
use crate::head::Head;
use crate::identity::LogIdentity;
use crate::watermark::Watermark;

/// The segment that blocks are appended to.
#[derive(Debug)]
pub(crate) struct WritableSegment {
    pub(crate) file: Box<dyn DiskFile>,
    pub(crate) number: u64,
    pub(crate) first_position: u64,
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) path: PathBuf,
}

impl WritableSegment {
    /// The watermark once all that was written here is durable.
    pub(crate) fn durable_to(&self, identity: &LogIdentity, head: Head) -> Watermark {
        Watermark {
            sequence: 0,
            log: identity.log(),
            segment: self.number,
            segment_first_position: self.first_position,
            end: self.offset,
            head,
        }
    }
}

/// Whether blocks are appended at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Open,
    Poisoned,
    Closed,
}
