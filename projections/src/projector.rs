//! One projector: a thread that folds the log into one read model, at its own pace.
//!
//! *Correctness.* On any doubt about the store it is built anew in another folder and swapped in.
//! A commit that cannot be understood stops the fold and is tried again later; it is never
//! skipped.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use event_log::{LogReader, ReadError};
use tracing::{error, info, warn};

use crate::checkpoint::{Checkpoint, Doubt, Verdict};
use crate::fold::Fold;
use crate::home::{Home, HomeError};
use crate::live::{Live, Serving};
use crate::projection::{FoldError, Projection};
use crate::store::{Direction, SledStore, Store, StoreError};

/// How long a thread looks for new blocks before it looks whether it should stop.
const LOOK: Duration = Duration::from_millis(100);
/// While blocks keep coming, rows are written at least this often.
const LONGEST_DELAY: Duration = Duration::from_millis(20);
/// How long after a failure it is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Why folding ended.
enum End {
    Stopped,
    Doubt(Doubt),
}

/// Why folding cannot go on for now.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Log(#[from] ReadError),
    #[error(transparent)]
    Fold(FoldError),
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error("the store for a rebuild fails: {0}")]
    Rebuild(StoreError),
    #[error("the projector panicked; its last log lines say where")]
    Panicked,
}

/// A store that is being folded into.
struct Open<P> {
    store: Arc<dyn Store>,
    generation: u64,
    fold: Fold<P>,
    checkpoint: Checkpoint,
}

pub(crate) struct Projector<P> {
    reader: LogReader,
    home: Home,
    live: Arc<Live>,
    projection: PhantomData<fn() -> P>,
}

impl<P: Projection> Projector<P> {
    pub(crate) fn new(reader: LogReader, home: Home, live: Arc<Live>) -> Self {
        Self { reader, home, live, projection: PhantomData }
    }

    /// Runs until it is told to stop.
    pub(crate) fn run(mut self) {
        let mut last = String::new();
        while !self.live.is_stopping() {
            let outcome = catch_unwind(AssertUnwindSafe(|| self.serve()));
            let failure = match outcome.unwrap_or(Err(Failure::Panicked)) {
                Ok(()) => return,
                Err(failure) => failure.to_string(),
            };
            if failure != last {
                error!(view = P::NAME, "the projector stops and tries again: {failure}");
                last.clone_from(&failure);
            }
            self.live.serve(Serving::Failed(failure));
            let until = Instant::now() + RETRY;
            while Instant::now() < until && !self.live.is_stopping() {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }

    /// Opens or rebuilds the store and folds into it, as often as it takes.
    fn serve(&mut self) -> Result<(), Failure> {
        let mut next = self.open()?;
        loop {
            let open = match next {
                Ok(open) => open,
                Err(doubt) => match self.rebuild(&doubt)? {
                    Some(open) => open,
                    None => return Ok(()),
                },
            };
            self.live.serve(Serving::Store {
                store: Arc::clone(&open.store),
                checkpoint: open.checkpoint.clone(),
                generation: open.generation,
            });
            match self.follow(open)? {
                End::Stopped => return Ok(()),
                End::Doubt(doubt) => next = Err(doubt),
            }
        }
    }

    /// Opens the current store, or the first one, and compares it with the log.
    fn open(&mut self) -> Result<Result<Open<P>, Doubt>, Failure> {
        let Some(generation) = self.home.current() else {
            if !self.home.is_new()? {
                return Ok(Err(Doubt::NoCurrent));
            }
            let generation = self.home.next()?;
            self.home.switch(generation)?;
            return Ok(self.open_generation(generation)?);
        };
        self.home.remove_all_but(generation)?;
        Ok(self.open_generation(generation)?)
    }

    fn open_generation(&mut self, generation: u64) -> Result<Result<Open<P>, Doubt>, ReadError> {
        let opened = SledStore::open(&self.home.store(generation))
            .and_then(|store| Ok((Checkpoint::read(&store)?, is_empty(&store)?, store)));
        let (found, empty, store) = match opened {
            Ok(opened) => opened,
            Err(error) => return Ok(Err(error.into())),
        };
        let checkpoint = match (found, empty) {
            (Some(checkpoint), _) => checkpoint,
            (None, true) => Checkpoint::start(self.reader.identity().log().0, P::VERSION),
            (None, false) => return Ok(Err(Doubt::NoCheckpoint)),
        };
        if let Verdict::Doubt(doubt) = checkpoint.check(P::VERSION, &mut self.reader)? {
            return Ok(Err(doubt));
        }
        let fold = Fold::from(checkpoint.clone());
        Ok(Ok(Open { store: Arc::new(store), generation, fold, checkpoint }))
    }

    /// Folds the whole log into a new store and makes it the current one; nothing if stopped.
    fn rebuild(&mut self, doubt: &Doubt) -> Result<Option<Open<P>>, Failure> {
        let generation = self.home.next()?;
        let view = P::NAME;
        warn!(view, generation, "{doubt}; the read model is built anew from the log");
        if *doubt != Doubt::Asked {
            self.live.serve(Serving::Rebuilding);
        }
        let started = Instant::now();
        let store = SledStore::open(&self.home.store(generation)).map_err(Failure::Rebuild)?;
        let checkpoint = Checkpoint::start(self.reader.identity().log().0, P::VERSION);
        let fold = Fold::from(checkpoint.clone());
        let mut open = Open { store: Arc::new(store), generation, fold, checkpoint };
        self.reader.seek(1)?;
        while !self.live.is_stopping() {
            let (store, reached) = (Arc::clone(&open.store), &mut open.checkpoint);
            let found = step(&mut self.reader, &store, &mut open.fold, |batch, checkpoint| {
                *reached = checkpoint;
                store.apply(batch)
            });
            match found {
                Ok(true) => {}
                Ok(false) => {
                    open.store.flush().map_err(Failure::Rebuild)?;
                    self.live.serve(Serving::Rebuilding);
                    self.home.switch(generation)?;
                    let position = open.checkpoint.position;
                    let seconds = started.elapsed().as_secs();
                    info!(view, generation, position, seconds, "the read model is built");
                    return Ok(Some(open));
                }
                Err(StepError::Log(error)) => return Err(error.into()),
                Err(StepError::Fold(FoldError::Store(error)) | StepError::Store(error)) => {
                    return Err(Failure::Rebuild(error));
                }
                Err(StepError::Fold(error)) => return Err(Failure::Fold(error)),
            }
        }
        Ok(None)
    }

    /// Folds what is there and what comes.
    fn follow(&mut self, mut open: Open<P>) -> Result<End, Failure> {
        loop {
            if self.live.is_stopping() {
                // What is not durable yet would be folded again at the next start.
                return Ok(open.store.flush().map_or_else(End::of, |()| End::Stopped));
            }
            if let Some(doubt) = self.live.take_doubt() {
                return Ok(End::Doubt(doubt));
            }
            let (live, store) = (&self.live, Arc::clone(&open.store));
            let found = step(&mut self.reader, &store, &mut open.fold, |batch, checkpoint| {
                live.apply(&*store, batch, checkpoint)
            });
            match found {
                Ok(true) => {}
                Ok(false) => {
                    let head = self.reader.durable_head()?.last_position().unwrap_or(0);
                    self.live.set_head(head);
                    self.reader.wait(LOOK)?;
                }
                Err(StepError::Log(error)) => return Err(error.into()),
                Err(StepError::Fold(FoldError::Store(error)) | StepError::Store(error)) => {
                    return Ok(End::of(error));
                }
                Err(StepError::Fold(error)) => return Err(Failure::Fold(error)),
            }
        }
    }
}

impl End {
    fn of(error: StoreError) -> Self {
        Self::Doubt(error.into())
    }
}

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
    mut write: impl FnMut(crate::store::Batch, Checkpoint) -> Result<(), StoreError>,
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

fn is_empty(store: &dyn Store) -> Result<bool, StoreError> {
    let mut empty = true;
    store.scan(&[], &[0xff; 64], Direction::Forward, &mut |_, _| {
        empty = false;
        false
    })?;
    Ok(empty)
}
