//! Folding commits into a store, batch by batch.
//!
//! *Ordering.* A batch ends at a block's end where the rows of the block fit. Several small
//! blocks share a batch. A block with more rows than [`BATCH_ROWS`] is cut between two commits:
//! the checkpoint then names the block that holds its position, and folding goes on inside it.
//! *Correctness.* A batch holds whole commits and the checkpoint behind the last of them. Which
//! batches were cut where leaves no trace in the rows.
//! *Limits.* One commit is never split, so a batch has at most [`BATCH_ROWS`] rows and those of
//! one commit more.

use schemas::{CommitView, Event, Timestamp};

use crate::checkpoint::Checkpoint;
use crate::projection::{FoldError, Projection};
use crate::store::{Batch, CHECKPOINT_KEY, Store};

/// About how many rows a batch holds. Larger ones make sled keep far more memory.
pub const BATCH_ROWS: usize = 1_000;

/// One projection being folded.
pub struct Fold<P> {
    projection: P,
    checkpoint: Checkpoint,
    pending: bool,
    limit: usize,
}

impl<P: Projection> Fold<P> {
    /// Goes on behind a checkpoint.
    pub fn from(checkpoint: Checkpoint) -> Self {
        Self { projection: P::default(), checkpoint, pending: false, limit: BATCH_ROWS }
    }

    /// From now on a batch holds about so many rows.
    pub fn set_limit(&mut self, rows: usize) {
        self.limit = rows;
    }

    /// How far commits are folded in, pending rows included.
    pub fn position(&self) -> u64 {
        self.checkpoint.position
    }

    /// Folds one commit in.
    ///
    /// # Errors
    /// [`FoldError`]. Afterwards the fold is of no more use: start anew from the store.
    pub fn apply(
        &mut self,
        store: &dyn Store,
        bytes: &[u8],
        block_hash: &[u8; 32],
    ) -> Result<(), FoldError> {
        let position = self.checkpoint.position + 1;
        let decode = |source| FoldError::Decode { position, source };
        let commit = CommitView::parse(bytes).map_err(decode)?;
        if commit.position != position {
            let what = format!("position {} where {position} follows", commit.position);
            return Err(FoldError::Unknown { position, what });
        }
        for (index, record) in (0..).zip(commit.events()) {
            let event = record.and_then(Event::decode).map_err(decode)?;
            self.projection.apply(store, &commit, index, &event)?;
        }
        self.advance(position, block_hash, commit.recorded_at);
        Ok(())
    }

    fn advance(&mut self, position: u64, block_hash: &[u8; 32], recorded_at: Timestamp) {
        self.checkpoint.position = position;
        self.checkpoint.block_hash = *block_hash;
        self.checkpoint.recorded_at = Some(recorded_at);
        self.pending = true;
    }

    /// The rows must be written now, also inside a block.
    pub fn is_full(&self) -> bool {
        self.projection.pending() >= self.limit
    }

    /// The rows should be written at the end of this block: the next may not fit with it.
    pub fn is_half_full(&self) -> bool {
        self.projection.pending() >= self.limit / 2
    }

    /// Something is folded in and not yet taken.
    pub fn is_pending(&self) -> bool {
        self.pending
    }

    /// Takes the rows changed so far with the checkpoint behind them.
    pub fn take(&mut self) -> (Batch, Checkpoint) {
        let mut batch = Batch::default();
        self.projection.drain(&mut batch);
        batch.put(CHECKPOINT_KEY.to_vec(), self.checkpoint.encode());
        self.pending = false;
        (batch, self.checkpoint.clone())
    }
}
