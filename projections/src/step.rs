//! One step of folding: blocks that are there, until a batch of rows is worth writing.

use std::sync::Arc;
use std::time::{Duration, Instant};

use event_log::{LogReader, ReadError};

use crate::checkpoint::Checkpoint;
use crate::fold::Fold;
use crate::projection::{FoldError, Projection};
use crate::store::{Batch, Store, StoreError};

/// While blocks keep coming, rows are written at least this often.
const LONGEST_DELAY: Duration = Duration::from_millis(20);

pub(crate) enum StepError {
    Log(ReadError),
    Fold(FoldError),
    Store(StoreError),
}

/// Folds the blocks that are there, until a batch is worth writing, and writes it; `false` when
/// there is no further block.
pub(crate) fn step<P: Projection>(
    reader: &mut LogReader,
    store: &Arc<dyn Store>,
    fold: &mut Fold<P>,
    mut write: impl FnMut(Batch, Checkpoint) -> Result<(), StoreError>,
) -> Result<bool, StepError> {
    let started = Instant::now();
    let mut flush = |fold: &mut Fold<P>| {
        let (batch, checkpoint) = fold.take();
        write(batch, checkpoint).map_err(StepError::Store)
    };
    loop {
        let Some(block) = reader.next_block().map_err(StepError::Log)? else {
            if fold.is_pending() {
                flush(fold)?;
            }
            return Ok(false);
        };
        for (position, bytes) in block.commits() {
            if position > fold.position() {
                fold.apply(&**store, bytes, block.hash()).map_err(StepError::Fold)?;
            } else {
                fold.recall(position, bytes).map_err(StepError::Fold)?;
            }
            if fold.is_full() {
                flush(fold)?;
            }
        }
        if fold.is_half_full() || started.elapsed() > LONGEST_DELAY {
            if fold.is_pending() {
                flush(fold)?;
            }
            return Ok(true);
        }
    }
}
