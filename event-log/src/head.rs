//! Where a log stands, and what may follow.

use crate::block_header::{BlockHeader, BlockKind, Hash};
use crate::damage::Fault;

/// Where a log stands: its last block, and the position that comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The position that the next commit gets. The first commit of a log has position 1.
    pub next_position: u64,
    /// The number of the last block; 0 before the first.
    pub block_number: u64,
    /// The hash of the last block; zeros before the first.
    pub block_hash: Hash,
    /// The epoch of the last block; 0 before the first.
    pub epoch: u64,
}

impl Head {
    /// Before the first block.
    pub const EMPTY: Self =
        Self { next_position: 1, block_number: 0, block_hash: [0; 32], epoch: 0 };

    /// The position of the last commit, or `None` if there is none.
    pub fn last_position(&self) -> Option<u64> {
        self.next_position.checked_sub(1).filter(|position| *position > 0)
    }

    pub(crate) fn after(header: &BlockHeader, hash: Hash) -> Self {
        Self {
            next_position: header.next_position(),
            block_number: header.number,
            block_hash: hash,
            epoch: header.epoch,
        }
    }

    /// Whether a block may follow this head.
    pub(crate) fn check_next(&self, header: &BlockHeader) -> Result<(), Fault> {
        if header.number != self.block_number + 1 {
            let expected = self.block_number + 1;
            return Err(Fault::BlockNumber { expected, found: header.number });
        }
        if header.first_position != self.next_position {
            let expected = self.next_position;
            return Err(Fault::Position { expected, found: header.first_position });
        }
        if header.previous != self.block_hash {
            return Err(Fault::Chain);
        }
        let follows = match header.kind {
            BlockKind::Takeover => header.epoch > self.epoch,
            BlockKind::Commits | BlockKind::Closing => header.epoch == self.epoch,
        };
        if follows {
            Ok(())
        } else {
            Err(Fault::Epoch { previous: self.epoch, found: header.epoch })
        }
    }
}
