//! Folding commits into a store, batch by batch.
//!
//! *Ordering.* A batch ends at a block's end where the rows of the block fit. Several small
//! blocks share a batch. A block with more rows than [`BATCH_ROWS`] is cut between two commits:
//! the checkpoint then names the block that holds its position, and folding goes on inside it.
//! *Correctness.* A batch holds whole commits and the checkpoint behind the last of them. Which
//! batches were cut where leaves no trace in the rows.
//! *Limits.* One commit is never split, so a batch has at most [`BATCH_ROWS`] rows and those of
//! one commit more.

use std::collections::BTreeMap;

use schemas::parts::{StoredRole, stored_role, together};
use schemas::{CommitView, Event, StreamId, Timestamp};

use crate::checkpoint::Checkpoint;
use crate::projection::{FoldError, Projection};
use crate::store::{Batch, CHECKPOINT_KEY, Store};

/// About how many rows a batch holds. Larger ones make sled keep far more memory.
pub const BATCH_ROWS: usize = 1_000;

/// A part of a decision, as it is stored, by its position.
type Part = (u64, Vec<u8>);

/// One projection being folded.
pub struct Fold<P> {
    projection: P,
    checkpoint: Checkpoint,
    /// Parts of decisions that are not complete, by stream.
    drafted: BTreeMap<StreamId, Vec<Part>>,
    pending: bool,
    limit: usize,
}

impl<P: Projection> Fold<P> {
    /// Goes on behind a checkpoint.
    pub fn from(checkpoint: Checkpoint) -> Self {
        let (projection, drafted) = (P::default(), BTreeMap::new());
        Self { projection, checkpoint, drafted, pending: false, limit: BATCH_ROWS }
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
        match stored_role(&commit).map_err(decode)? {
            StoredRole::Whole => {
                self.drafted.remove(&commit.stream);
                for (index, record) in (0..).zip(commit.events()) {
                    let event = record.and_then(Event::decode).map_err(decode)?;
                    self.projection.apply(store, &commit, index, &event)?;
                }
            }
            StoredRole::Part { number } => self.keep(&commit, number, bytes),
            StoredRole::Last => self.complete(store, &commit)?,
        }
        self.advance(position, block_hash, commit.recorded_at);
        Ok(())
    }

    /// Looks at a commit that was folded in before: it may be a part of a decision that is not
    /// complete.
    ///
    /// # Errors
    /// [`FoldError`].
    pub fn recall(&mut self, position: u64, bytes: &[u8]) -> Result<(), FoldError> {
        let decode = |source| FoldError::Decode { position, source };
        let commit = CommitView::parse(bytes).map_err(decode)?;
        match stored_role(&commit).map_err(decode)? {
            StoredRole::Whole | StoredRole::Last => {
                self.drafted.remove(&commit.stream);
            }
            StoredRole::Part { number } => self.keep(&commit, number, bytes),
        }
        Ok(())
    }

    /// Keeps a part until the decision is complete.
    fn keep(&mut self, commit: &CommitView<'_>, number: u32, bytes: &[u8]) {
        let parts = self.drafted.entry(commit.stream).or_default();
        if number == 0 {
            parts.clear();
        }
        parts.push((commit.position, bytes.to_vec()));
    }

    /// Folds a decision in that came in parts.
    fn complete(&mut self, store: &dyn Store, last: &CommitView<'_>) -> Result<(), FoldError> {
        let position = last.position;
        let decode = |source| FoldError::Decode { position, source };
        let parts = self.drafted.remove(&last.stream).unwrap_or_default();
        let mut commits = BTreeMap::new();
        for part in &parts {
            let commit = CommitView::parse(&part.1).map_err(decode)?;
            commits.insert(part.0, commit);
        }
        let events = |commit: &CommitView<'_>| {
            let events = commit.events().map(|record| record.and_then(Event::decode));
            events.collect::<Result<Vec<Event>, _>>().map_err(decode)
        };
        let drafted = commits.iter().map(|(at, commit)| Ok((*at, events(commit)?)));
        let drafted = drafted.collect::<Result<Vec<_>, FoldError>>()?;
        let all = together(drafted, (position, events(last)?));
        let all = all.map_err(|source| FoldError::Parts { position, source })?;
        for (at, event) in all {
            let commit = commits.get(&at.position(position)).unwrap_or(last);
            self.projection.apply(store, commit, at.index, &event)?;
        }
        Ok(())
    }

    fn advance(&mut self, position: u64, block_hash: &[u8; 32], recorded_at: Timestamp) {
        self.checkpoint.position = position;
        self.checkpoint.block_hash = *block_hash;
        self.checkpoint.recorded_at = Some(recorded_at);
        let parts = self.drafted.values().filter_map(|parts| parts.first());
        self.checkpoint.drafted_from = parts.map(|(position, _)| *position).min();
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
