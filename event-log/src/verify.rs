//! Checking a whole log at the level of bytes, in one pass that callers can join.

use std::sync::Arc;

use crate::block_header::{BlockKind, Hash};
use crate::damage::ReadError;
use crate::disk::Disk;
use crate::head::Head;
use crate::identity::LogIdentity;
use crate::merkle::MerkleTree;
use crate::reader::LogReader;

/// What a log was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// Which log it is.
    pub identity: LogIdentity,
    /// Its durable head: the next position, and the number, hash and epoch of the last block.
    pub head: Head,
    /// The root of the Merkle tree over all commits.
    pub merkle_root: Hash,
    /// How many commits there are.
    pub commits: u64,
    /// The sum of the commits' lengths.
    pub commit_bytes: u64,
    /// How many blocks there are, empty ones included.
    pub blocks: u64,
    /// How many segment files they lie in.
    pub segments: u64,
    /// Whether the last block closes the log, so that no writer is at work.
    pub closed: bool,
    /// What the watermark file said.
    pub watermark: WatermarkState,
    /// Bytes behind the head that are not zero: a block on its way, or one torn by a crash that
    /// the next opening settles.
    pub unsettled_bytes: u64,
    /// The position of the last commit in a whole block. It is above the head's where a block is
    /// there that is not known to be durable, as without a watermark the last one is not.
    pub whole_position: u64,
    /// Those of the unsettled bytes that are no whole block.
    pub torn_bytes: u64,
}

/// What a watermark file says about the log it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatermarkState {
    /// It names the head.
    AtHead,
    /// It names an earlier block. It was lost in a power cut, or a slot of it is damaged.
    Behind {
        /// The number of the block that it names.
        block: u64,
    },
    /// No slot can be read.
    Lost,
}

/// Reads the whole log: checksums, chain, positions without a gap, the watermark, the zeros behind
/// each segment's last block; and gives each commit with its position to `on_commit`.
///
/// It takes no lock, so it can run beside a writer; it then ends where it catches up.
/// # Errors
/// [`ReadError::Corrupt`] names the file and the offset of the first damage.
pub fn verify(
    disk: Arc<dyn Disk>,
    mut on_commit: impl FnMut(u64, &[u8]),
) -> Result<VerifyReport, ReadError> {
    let mut reader = LogReader::open_on(disk)?;
    reader.check_slack();
    let mut tree = MerkleTree::new();
    let (mut commit_bytes, mut blocks, mut closed) = (0, 0, false);
    loop {
        while let Some(block) = reader.next_block()? {
            for (position, commit) in block.commits() {
                tree.push(commit);
                commit_bytes += commit.len() as u64;
                on_commit(position, commit);
            }
            blocks += 1;
            closed = block.header().kind == BlockKind::Closing;
        }
        let Some(unsettled_bytes) = reader.check_tail()? else { continue };
        let head = reader.head();
        let marked = reader.watermark_block()?;
        let (whole_position, torn_bytes) = reader.whole_end()?;
        return Ok(VerifyReport {
            identity: reader.identity().clone(),
            head,
            merkle_root: tree.root(),
            commits: tree.length(),
            commit_bytes,
            blocks,
            segments: reader.segment_number(),
            closed,
            watermark: match marked {
                None => WatermarkState::Lost,
                Some(block) if block < head.block_number => WatermarkState::Behind { block },
                Some(_) => WatermarkState::AtHead,
            },
            unsettled_bytes,
            whole_position,
            torn_bytes,
        });
    }
}
