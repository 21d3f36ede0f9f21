//! A block that was read: its commits and their positions.

use crate::block_header::{
    BLOCK_HEADER_BYTES, BlockHeader, COMMIT_PREFIX_BYTES, Hash, MAX_COMMIT_BYTES,
};
use crate::head::Head;

/// The commits of a block with their positions, in order.
#[derive(Debug, Clone)]
pub struct Commits<'a> {
    body: &'a [u8],
    position: u64,
}

impl<'a> Commits<'a> {
    pub(crate) fn new(body: &'a [u8], position: u64) -> Self {
        Self { body, position }
    }

    /// How many commits there are; `None` if they do not fill the body exactly.
    pub(crate) fn count_whole(body: &'a [u8]) -> Option<usize> {
        let mut commits = Self::new(body, 0);
        let count = commits.by_ref().count();
        commits.body.is_empty().then_some(count)
    }
}

impl<'a> Iterator for Commits<'a> {
    type Item = (u64, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (prefix, rest) = self.body.split_first_chunk::<COMMIT_PREFIX_BYTES>()?;
        let length = u32::from_le_bytes(*prefix) as usize;
        if length == 0 || length > MAX_COMMIT_BYTES {
            return None;
        }
        let (commit, rest) = rest.split_at_checked(length)?;
        self.body = rest;
        let position = self.position;
        self.position += 1;
        Some((position, commit))
    }
}

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
