//! One projector: a thread that folds the log into one read model, at its own pace.
//!
//! *Correctness.* On any doubt about the store it is built anew in another folder and swapped in.
//! A commit that cannot be understood stops the fold and is tried again later; it is never
//! skipped. *Ordering.* A new store takes the old one's place in three steps: it is durable, the
//! folder names it, queries read it. Only then is the old one removed.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use event_log::{LogReader, ReadError};
use tracing::{error, info, warn};

use crate::checkpoint::{Checkpoint, Doubt, Verdict};
use crate::edition::Edition;
use crate::fold::{BATCH_ROWS, Fold};
use crate::home::{Files, Home, HomeError};
use crate::live::{Live, Served, Serving};
use crate::projection::{FoldError, Projection};
use crate::step::{StepError, step};
use crate::store::{Direction, SledStore, Store, StoreError};

/// How long a thread looks for new blocks before it looks whether it should stop.
const LOOK: Duration = Duration::from_millis(100);
/// How often the store's files are looked at.
const LOOK_AT_FILES: Duration = Duration::from_secs(1);
/// How long after a failure it is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// Rows in a batch while queries come: they wait for each batch that is written.
const BATCH_ROWS_QUERIED: usize = 200;

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

impl<P> Open<P> {
    fn served(&self) -> Served {
        Served {
            store: Arc::clone(&self.store),
            checkpoint: self.checkpoint.clone(),
            generation: self.generation,
        }
    }
}

/// A store that was looked at.
enum Found<P> {
    /// It goes on from its checkpoint.
    Sound(Open<P>),
    /// It is to be built anew; rows that answer meanwhile, if they can.
    Doubtful(Doubt, Option<Served>),
}

pub(crate) struct Projector<P> {
    reader: LogReader,
    home: Home,
    live: Arc<Live>,
    edition: Edition,
    /// The doubt that was spoken of last.
    told: Option<Doubt>,
    projection: PhantomData<fn() -> P>,
}

impl<P: Projection> Projector<P> {
    pub(crate) fn new(reader: LogReader, home: Home, live: Arc<Live>, edition: Edition) -> Self {
        Self { reader, home, live, edition, told: None, projection: PhantomData }
    }

    /// Runs until it is told to stop.
    pub(crate) fn run(mut self) {
        let mut last = String::new();
        while !self.live.is_stopping() {
            let outcome = catch_unwind(AssertUnwindSafe(|| self.serve()));
            self.live.rebuild_ends();
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
                Found::Sound(open) => {
                    self.live.serve(Serving::Store(open.served()));
                    open
                }
                Found::Doubtful(doubt, old) => match self.rebuild(&doubt, old)? {
                    Some(open) => open,
                    None => return Ok(()),
                },
            };
            self.told = None;
            match self.follow(open)? {
                End::Stopped => return Ok(()),
                // A rebuild that was asked for casts no doubt on the rows that are there.
                End::Doubt(Doubt::Asked) => {
                    next = Found::Doubtful(Doubt::Asked, self.live.served());
                }
                End::Doubt(doubt) => next = Found::Doubtful(doubt, None),
            }
        }
    }

    /// Opens the current store, or the first one, and compares it with the log.
    fn open(&mut self) -> Result<Found<P>, Failure> {
        self.home.hold()?;
        let Some(generation) = self.home.current() else {
            if !self.home.is_new()? {
                return Ok(Found::Doubtful(Doubt::NoCurrent, None));
            }
            let generation = self.home.next()?;
            let open = self.make(generation)?;
            self.home.switch(generation)?;
            self.reader.seek(1)?;
            return Ok(Found::Sound(open));
        };
        self.home.remove_all_but(generation)?;
        if !self.home.store(generation).is_dir() {
            return Ok(Found::Doubtful(Doubt::Gone, None));
        }
        Ok(self.open_generation(generation)?)
    }

    /// Makes a new store whose first row is a checkpoint, durably.
    fn make(&self, generation: u64) -> Result<Open<P>, Failure> {
        let store = SledStore::open(&self.home.store(generation)).map_err(Failure::Rebuild)?;
        let checkpoint = Checkpoint::start(self.reader.identity().log().0, self.edition.version);
        let mut fold = Fold::from(checkpoint.clone());
        store.apply(fold.take().0).and_then(|()| store.flush()).map_err(Failure::Rebuild)?;
        Ok(Open { store: Arc::new(store), generation, fold, checkpoint })
    }

    fn open_generation(&mut self, generation: u64) -> Result<Found<P>, ReadError> {
        let opened = SledStore::open(&self.home.store(generation))
            .and_then(|store| Ok((Checkpoint::read(&store)?, is_empty(&store)?, store)));
        let (checkpoint, store) = match opened {
            Ok((Some(checkpoint), _, store)) => (checkpoint, store),
            Ok((None, true, _)) => return Ok(Found::Doubtful(Doubt::Gone, None)),
            Ok((None, false, _)) => return Ok(Found::Doubtful(Doubt::NoCheckpoint, None)),
            Err(error) => return Ok(Found::Doubtful(error.into(), None)),
        };
        let store: Arc<dyn Store> = Arc::new(store);
        let fold = Fold::from(checkpoint.clone());
        let open = Open { store, generation, fold, checkpoint };
        let (found, expected) = (open.checkpoint.version, self.edition.version);
        // Rows of another version fit the log or not like any others.
        if let Some(doubt) = self.doubt_of(&open)? {
            return Ok(Found::Doubtful(doubt, None));
        }
        if found != expected {
            let old = self.edition.answers(found).then(|| open.served());
            return Ok(Found::Doubtful(Doubt::Version { found, expected }, old));
        }
        Ok(Found::Sound(open))
    }

    /// Compares a store with the log. One that stands above the durable head while its block is
    /// there, whole, waits until a writer has opened the log and says that it counts.
    fn doubt_of(&mut self, open: &Open<P>) -> Result<Option<Doubt>, ReadError> {
        let checkpoint = &open.checkpoint;
        loop {
            let doubt = match checkpoint.check(checkpoint.version, &mut self.reader)? {
                Verdict::Sound => return Ok(None),
                Verdict::Doubt(doubt) => doubt,
            };
            let waits = matches!(doubt, Doubt::AboveHead { .. })
                && self.reader.holds(checkpoint.position, &checkpoint.block_hash)?
                && !self.live.is_stopping();
            if !waits {
                return Ok(Some(doubt));
            }
            self.live.serve(Serving::Store(open.served()));
            self.reader.wait(LOOK)?;
        }
    }

    /// Says once that the read model is built anew, and why.
    fn tell(&mut self, doubt: &Doubt, generation: u64) {
        if self.told.as_ref() == Some(doubt) {
            return;
        }
        self.told = Some(doubt.clone());
        let view = P::NAME;
        if let Some(alarm) = doubt.alarm() {
            error!(view, generation, "alarm: {}; the read model is built anew", alarm.detail);
            self.live.alarm(alarm);
        } else {
            warn!(view, generation, "{doubt}; the read model is built anew from the log");
        }
    }

    /// Folds the whole log into a new store and makes it the current one; nothing if stopped.
    fn rebuild(&mut self, doubt: &Doubt, old: Option<Served>) -> Result<Option<Open<P>>, Failure> {
        self.home.hold()?;
        let generation = self.home.next()?;
        self.tell(doubt, generation);
        self.live.serve(old.map_or(Serving::Nothing, Serving::Store));
        let head = self.reader.durable_head()?.last_position().unwrap_or(0);
        self.live.rebuild_begins(doubt.to_string(), self.edition.version, head);
        let built = self.build(generation);
        self.live.rebuild_ends();
        match built {
            Ok(Some(open)) => Ok(Some(open)),
            unfinished => {
                self.home.discard(generation);
                unfinished
            }
        }
    }

    fn build(&mut self, generation: u64) -> Result<Option<Open<P>>, Failure> {
        let started = Instant::now();
        let mut open = self.make(generation)?;
        self.reader.seek(1)?;
        while !self.live.is_stopping() {
            let (store, reached) = (Arc::clone(&open.store), &mut open.checkpoint);
            let live = &self.live;
            let found = step(&mut self.reader, &store, &mut open.fold, |batch, checkpoint| {
                let (rows, began) = (batch.len() as u64, Instant::now());
                store.apply(batch)?;
                let commits = checkpoint.position - reached.position;
                live.count(commits, rows, began.elapsed());
                *reached = checkpoint;
                Ok(())
            });
            let head = self.reader.durable_head()?.last_position().unwrap_or(0);
            self.live.set_head(head);
            self.live.rebuild_at(open.checkpoint.position, head);
            match found {
                Ok(true) => {}
                Ok(false) => return self.swap(open, started).map(Some),
                Err(StepError::Log(error)) => return Err(error.into()),
                Err(StepError::Fold(FoldError::Store(error)) | StepError::Store(error)) => {
                    return Err(Failure::Rebuild(error));
                }
                Err(StepError::Fold(error)) => return Err(Failure::Fold(error)),
            }
        }
        Ok(None)
    }

    /// Puts the new store in the place of the old one.
    fn swap(&self, open: Open<P>, started: Instant) -> Result<Open<P>, Failure> {
        open.store.flush().map_err(Failure::Rebuild)?;
        self.home.switch(open.generation)?;
        self.live.serve(Serving::Store(open.served()));
        self.home.remove_all_but(open.generation)?;
        let (generation, position) = (open.generation, open.checkpoint.position);
        let seconds = started.elapsed().as_secs();
        info!(view = P::NAME, generation, position, seconds, "the read model is built");
        Ok(open)
    }

    /// Folds what is there and what comes.
    fn follow(&mut self, mut open: Open<P>) -> Result<End, Failure> {
        let (mut files, mut looked) = (Files::default(), None::<Instant>);
        let folder = self.home.store(open.generation);
        loop {
            if self.live.is_stopping() {
                // What is not durable yet would be folded again at the next start.
                return Ok(open.store.flush().map_or_else(End::of, |()| End::Stopped));
            }
            if let Some(doubt) = self.live.take_doubt(open.generation) {
                return Ok(End::Doubt(doubt));
            }
            if looked.is_none_or(|looked| looked.elapsed() >= LOOK_AT_FILES) {
                if let Err(doubt) = files.look(&folder) {
                    return Ok(End::Doubt(doubt));
                }
                looked = Some(Instant::now());
            }
            let queried = self.live.is_queried();
            open.fold.set_limit(if queried { BATCH_ROWS_QUERIED } else { BATCH_ROWS });
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

fn is_empty(store: &dyn Store) -> Result<bool, StoreError> {
    let mut empty = true;
    store.scan(&[], &[0xff; 64], Direction::Forward, &mut |_, _| {
        empty = false;
        false
    })?;
    Ok(empty)
}
