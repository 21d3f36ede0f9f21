//! Folding the log into scratch stores, and looking at stores that no projector runs on.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use event_log::{LogReader, ReadError};

use crate::checkpoint::{Checkpoint, Verdict};
use crate::fold::Fold;
use crate::home::{Home, HomeError};
use crate::models::ViewName;
use crate::projection::{FoldError, Projection};
use crate::store::{ContentHash, MemoryStore, SledStore, Store, StoreError, content_hash};

/// What a read model holds at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ViewHash {
    /// Which read model.
    pub view: ViewName,
    /// The last commit that is folded in.
    pub position: u64,
    /// The hash of its rows.
    pub hash: ContentHash,
}

/// Where a replay keeps its rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scratch {
    /// In memory: fast, and gone afterwards.
    Memory,
    /// In sled, in folders of their own below this one; they are left there.
    Folder(PathBuf),
}

/// Why a replay ended early.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// A commit cannot be folded.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// The scratch store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A projector runs on the store.
    #[error(transparent)]
    Home(#[from] HomeError),
}

/// How far a replay has come.
pub type Progress<'a> = dyn FnMut(ViewName, u64) + 'a;

/// Folds the log from its start through `through` (its durable head unless given) into a scratch
/// store for each of `which`, and hashes them.
///
/// # Errors
/// [`ReplayError`].
pub fn replay(
    log: impl Fn() -> Result<LogReader, ReadError>,
    scratch: &Scratch,
    which: &[ViewName],
    through: Option<u64>,
    progress: &mut Progress<'_>,
) -> Result<Vec<ViewHash>, ReplayError> {
    let mut hashes = Vec::new();
    for view in which {
        let store: Arc<dyn Store> = match scratch {
            Scratch::Memory => Arc::new(MemoryStore::default()),
            Scratch::Folder(path) => Arc::new(SledStore::open(&path.join(view.as_str()))?),
        };
        let mut tell = |position| progress(*view, position);
        let position = (view.model().fold_all)(log()?, &*store, through, &mut tell)?;
        hashes.push(ViewHash { view: *view, position, hash: content_hash(&*store)? });
    }
    Ok(hashes)
}

/// Folds the log into a store; gives the last position that is folded in.
pub(crate) fn fold_all<P: Projection>(
    mut reader: LogReader,
    store: &dyn Store,
    through: Option<u64>,
    tell: &mut dyn FnMut(u64),
) -> Result<u64, ReplayError> {
    let start = Checkpoint::start(reader.identity().log().0, P::VERSION);
    let mut fold = Fold::<P>::from(start);
    'log: while let Some(block) = reader.next_block()? {
        for (position, bytes) in block.commits() {
            if through.is_some_and(|through| position > through) {
                break 'log;
            }
            fold.apply(store, bytes, block.hash())?;
            if fold.is_full() {
                store.apply(fold.take().0)?;
            }
        }
        tell(fold.position());
    }
    store.apply(fold.take().0)?;
    store.flush()?;
    Ok(fold.position())
}

/// A store that no projector runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Which read model.
    pub view: ViewName,
    /// How far it has come; none: it was never built.
    pub checkpoint: Option<Checkpoint>,
    /// Whether that fits the log.
    pub verdict: Verdict,
    /// The hash of its rows.
    pub hash: ContentHash,
}

/// Looks at a read model's store in `views` and compares its checkpoint with the log; nothing if
/// there is no store.
///
/// # Errors
/// [`ReplayError::Home`] while a projector runs on it: ask that one instead.
pub fn look(
    reader: &mut LogReader,
    views: &Path,
    view: ViewName,
) -> Result<Option<Stored>, ReplayError> {
    let folder = views.join(view.as_str());
    if !folder.is_dir() {
        return Ok(None);
    }
    let home = Home::take(folder)?;
    let Some(generation) = home.current() else { return Ok(None) };
    let path = home.store(generation);
    if !path.is_dir() {
        return Ok(None);
    }
    let store = SledStore::open(&path)?;
    let checkpoint = Checkpoint::read(&store)?;
    let verdict = match &checkpoint {
        Some(checkpoint) => checkpoint.check(checkpoint.version, reader)?,
        None => Verdict::Sound,
    };
    Ok(Some(Stored { view, checkpoint, verdict, hash: content_hash(&store)? }))
}
