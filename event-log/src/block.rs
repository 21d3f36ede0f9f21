//! A block that is being gathered, to be appended.

use sha2::{Digest, Sha256};

use crate::block_body::{COMMIT_PREFIX_BYTES, Commits, MAX_BODY_BYTES, MAX_COMMIT_BYTES};
use crate::block_header::{BLOCK_HEADER_BYTES, BlockHeader, BlockKind};
use crate::head::Head;
use crate::identity::LogIdentity;
use crate::layout::padded;

/// Why a commit does not go into a block.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// A commit has no bytes.
    #[error("a commit of no bytes can't be stored; leave it out")]
    EmptyCommit,
    /// The commit is too long for any block.
    #[error("the commit has {bytes} bytes, the most is {MAX_COMMIT_BYTES}; split what it does")]
    CommitTooLarge {
        /// Its length.
        bytes: usize,
    },
    /// The block has no room left for it.
    #[error("{bytes} bytes do not fit into the {free} bytes left; append the block first")]
    Full {
        /// The commit's length.
        bytes: usize,
        /// What is left.
        free: usize,
    },
}

/// A block that is being gathered. Its buffer keeps its size, so reuse it: [`Block::clear`].
///
/// The header's place is reserved in front of the body, so that a block is written with one call
/// and without a copy.
#[derive(Debug, Clone)]
pub struct Block {
    frame: Vec<u8>,
    count: u32,
    time: i64,
    kind: BlockKind,
}

impl Block {
    /// An empty block. `time` is in microseconds since 1970 UTC.
    pub fn new(time: i64) -> Self {
        Self::of_kind(BlockKind::Commits, time)
    }

    pub(crate) fn of_kind(kind: BlockKind, time: i64) -> Self {
        Self { frame: vec![0; BLOCK_HEADER_BYTES], count: 0, time, kind }
    }

    /// Empties the block and keeps its buffer.
    pub fn clear(&mut self, time: i64) {
        self.frame.truncate(BLOCK_HEADER_BYTES);
        self.count = 0;
        self.time = time;
    }

    /// Sets the time, in microseconds since 1970 UTC.
    pub fn set_time(&mut self, time: i64) {
        self.time = time;
    }

    /// Adds a commit.
    /// # Errors
    /// See [`BlockError`]. The block is then as it was.
    pub fn push(&mut self, commit: &[u8]) -> Result<(), BlockError> {
        if commit.is_empty() {
            return Err(BlockError::EmptyCommit);
        }
        let length = u32::try_from(commit.len()).unwrap_or(u32::MAX);
        if commit.len() > MAX_COMMIT_BYTES {
            return Err(BlockError::CommitTooLarge { bytes: commit.len() });
        }
        if !self.fits(commit.len()) {
            let free = MAX_BODY_BYTES - self.body_bytes();
            return Err(BlockError::Full { bytes: commit.len(), free });
        }
        self.frame.extend_from_slice(&length.to_le_bytes());
        self.frame.extend_from_slice(commit);
        self.count += 1;
        Ok(())
    }

    /// Whether a commit of so many bytes still fits.
    pub fn fits(&self, commit_bytes: usize) -> bool {
        commit_bytes <= MAX_COMMIT_BYTES
            && self.body_bytes() + COMMIT_PREFIX_BYTES + commit_bytes <= MAX_BODY_BYTES
    }

    /// How many commits it holds.
    pub fn len(&self) -> u32 {
        self.count
    }

    /// Whether it holds no commit.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The body's length in bytes, each commit's length prefix included.
    pub fn body_bytes(&self) -> usize {
        self.frame.len() - BLOCK_HEADER_BYTES
    }

    /// The commits, with the positions they get if the first gets `first_position`.
    pub fn commits(&self, first_position: u64) -> Commits<'_> {
        Commits::new(&self.frame[BLOCK_HEADER_BYTES..], first_position)
    }

    /// Header, body and padding.
    pub(crate) fn frame_bytes(&self) -> usize {
        padded(self.frame.len())
    }

    /// Fills the header for a place right behind `head`. Gives the frame with its padding, and
    /// what the head is once it is durable.
    pub(crate) fn seal(&mut self, identity: &LogIdentity, head: &Head) -> (&[u8], Head) {
        let epoch = match self.kind {
            BlockKind::Commits | BlockKind::Closing => head.epoch,
            BlockKind::Takeover => head.epoch + 1,
        };
        let (place, body) = self.frame.split_at_mut(BLOCK_HEADER_BYTES);
        let header = BlockHeader {
            kind: self.kind,
            epoch,
            number: head.block_number + 1,
            first_position: head.next_position,
            count: self.count,
            time: self.time,
            previous: head.block_hash,
            body_bytes: u32::try_from(body.len()).unwrap_or(u32::MAX),
            body_crc: crc32c::crc32c(body),
        };
        header.encode(identity, place);
        let after = Head::after(&header, Sha256::digest(&self.frame).into());
        self.frame.resize(padded(self.frame.len()), 0);
        (&self.frame, after)
    }

    /// Takes the padding off again, so that the block can still be read or added to.
    pub(crate) fn unseal(&mut self, body_bytes: usize) {
        self.frame.truncate(BLOCK_HEADER_BYTES + body_bytes);
    }
}
