//! A block that was read: its commits and their positions.

use crate::block_body::Commits;
use crate::block_header::{BLOCK_HEADER_BYTES, BlockHeader, Hash};
use crate::head::Head;

/// A block that was read and checked. It borrows from the reader until the next one is read.
#[derive(Debug, Clone, Copy)]
pub struct BlockView<'a> {
    header: &'a BlockHeader,
    hash: &'a Hash,
    body: &'a [u8],
}

impl<'a> BlockView<'a> {
    pub(crate) fn new(header: &'a BlockHeader, hash: &'a Hash, frame: &'a [u8]) -> Self {
        Self { header, hash, body: &frame[BLOCK_HEADER_BYTES..header.hashed_bytes()] }
    }

    /// The header's fields.
    pub fn header(&self) -> &'a BlockHeader {
        self.header
    }

    /// The block's hash, which the next header carries.
    pub fn hash(&self) -> &'a Hash {
        self.hash
    }

    /// The position of the first commit, or of the next one if the block is empty.
    pub fn first_position(&self) -> u64 {
        self.header.first_position
    }

    /// The position after the last commit.
    pub fn next_position(&self) -> u64 {
        self.header.next_position()
    }

    /// The commits with their positions.
    pub fn commits(&self) -> Commits<'a> {
        Commits::new(self.body, self.header.first_position)
    }

    /// The log's head when this was its last block.
    pub fn head(&self) -> Head {
        Head::after(self.header, *self.hash)
    }
}
