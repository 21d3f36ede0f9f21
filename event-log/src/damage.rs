//! What can be wrong with bytes that should be a log, and where.

use std::io;
use std::path::{Path, PathBuf};

use crate::identity::LogIdentity;

/// Damage, and where it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", said(file, *offset, fault))]
pub struct Damage {
    /// The file; of a segment that is missing, the one that tells of it.
    pub file: PathBuf,
    /// The byte at which the damaged record starts.
    pub offset: u64,
    /// What is wrong.
    pub fault: Fault,
}

/// What is, and the way out.
fn said(file: &Path, offset: u64, fault: &Fault) -> String {
    if let Fault::SegmentMissing { .. } = fault {
        // Nothing is wrong with the file that tells of it.
        let name = file.file_name().unwrap_or_default().display();
        let folder = file.parent().unwrap_or(file).display();
        return format!(
            "{folder} is damaged: {fault}, which {name} tells of; restore the log from a backup"
        );
    }
    format!("{} is damaged at byte {offset}: {fault}; restore it from a copy", file.display())
}

/// What is wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The bytes don't start as a record does.
    #[error("no {expected} starts here")]
    Magic {
        /// The record that should start here.
        expected: Record,
    },
    /// The header's CRC32C does not match.
    #[error("the {record} header's checksum does not match")]
    HeaderChecksum {
        /// Whose header.
        record: Record,
    },
    /// The block body's CRC32C does not match.
    #[error("the block body's checksum does not match")]
    BodyChecksum,
    /// Written by a later version, or with a codec or hash this version does not know.
    #[error("{field} {value} is not known to this version; read it with a newer one")]
    Unknown {
        /// The header field.
        field: &'static str,
        /// Its value.
        value: u64,
    },
    /// A header whose checksum is right says what can't be.
    #[error("{field} {value} can't be")]
    Impossible {
        /// The header field.
        field: &'static str,
        /// Its value.
        value: u64,
    },
    /// The commits do not fill the body exactly.
    #[error("the body does not hold the {count} commits that its header says")]
    Commits {
        /// The header's count.
        count: u32,
    },
    /// The bytes between a block and the next sector are not zero.
    #[error("the padding after the block is not zero")]
    Padding,
    /// The file ends inside the record.
    #[error("the file ends here, inside a {record}")]
    Truncated {
        /// The record that is cut.
        record: Record,
    },
    /// The record is of another log.
    #[error("this belongs to {found}, not to {expected}")]
    Identity {
        /// The log that is read.
        expected: Box<LogIdentity>,
        /// The log the record is of; its words if it is no identity at all.
        found: String,
    },
    /// A position is missing or repeated.
    #[error("position {expected} should follow, {found} does")]
    Position {
        /// The position that should follow.
        expected: u64,
        /// The position in the header.
        found: u64,
    },
    /// A block is missing or repeated.
    #[error("block {expected} should follow, {found} does")]
    BlockNumber {
        /// The number that should follow.
        expected: u64,
        /// The number in the header.
        found: u64,
    },
    /// The hash of the block before does not match.
    #[error("the hash chain is broken: this does not name the block before it")]
    Chain,
    /// An epoch went back, or changed without a takeover block.
    #[error("epoch {found} can't follow epoch {previous} in this kind of block")]
    Epoch {
        /// The epoch before.
        previous: u64,
        /// The epoch in the header.
        found: u64,
    },
    /// A segment file is missing.
    #[error("segment {expected} is missing")]
    SegmentMissing {
        /// The segment's number.
        expected: u64,
    },
    /// A segment's name and its header don't agree.
    #[error("the segment's header does not agree with its name")]
    SegmentName,
    /// The watermark says that more than this is durable.
    #[error("the log ends here, but {durable_to} bytes of this file were durable")]
    BelowWatermark {
        /// The end of what was durable in this file.
        durable_to: u64,
    },
    /// The watermark names a block that is not in the log.
    #[error("the watermark names block {block}, which the log has otherwise")]
    WatermarkDisagrees {
        /// The block's number.
        block: u64,
    },
    /// The watermark can't be read, and neither can the end of the log, so nothing tells a torn
    /// write from damage.
    #[error("the log's end is unreadable and so is the watermark that would tell if it matters")]
    WatermarkLost,
    /// Blocks that chain follow behind the damage, so it is no torn write.
    #[error("{fault}, and block {successor} follows behind it at byte {at}")]
    BeforeSuccessor {
        /// What is wrong.
        fault: Box<Fault>,
        /// The number of the valid block behind it.
        successor: u64,
        /// Where that block is.
        at: u64,
    },
}

/// The records of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Record {
    /// A segment file's header.
    Segment,
    /// A block.
    Block,
    /// The watermark.
    Watermark,
}

impl std::fmt::Display for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Segment => "segment",
            Self::Block => "block",
            Self::Watermark => "watermark",
        })
    }
}

/// Why a log can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no log in the folder.
    #[error("{} holds no log; create one first", path.display())]
    NoLog {
        /// The folder.
        path: PathBuf,
    },
    /// The log is damaged.
    #[error(transparent)]
    Corrupt(#[from] Damage),
    /// The disk said no.
    #[error("{} can't be read", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the disk said.
        #[source]
        source: io::Error,
    },
}

impl ReadError {
    /// Whether the bytes are wrong: asking again does not help.
    pub const fn is_damage(&self) -> bool {
        match self {
            Self::Corrupt(_) => true,
            Self::NoLog { .. } | Self::Io { .. } => false,
        }
    }
}

/// What goes wrong while reading one file whose name the caller knows.
#[derive(Debug)]
pub(crate) enum FileFault {
    Fault { offset: u64, fault: Fault },
    Io(io::Error),
}

impl From<io::Error> for FileFault {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl FileFault {
    pub(crate) fn at(offset: u64, fault: Fault) -> Self {
        Self::Fault { offset, fault }
    }

    /// The error, now with the name.
    pub(crate) fn in_file(self, path: PathBuf) -> ReadError {
        match self {
            Self::Fault { offset, fault } => {
                ReadError::Corrupt(Damage { file: path, offset, fault })
            }
            Self::Io(source) => ReadError::Io { path, source },
        }
    }
}
