//! The thread that makes snapshots.
//!
//! *Shape.* It sleeps, looks how much is durable, and makes a layer when enough is. For that it
//! reads the log behind the last layer, folds it into the customers that it is about, and writes
//! these. It has no part in deciding and keeps nobody waiting.
//! *Correctness.* Whatever goes wrong is said once and tried again later; a layer that turns out
//! damaged means that it starts over from the log.
//! One process at a time makes them: the log's lock is held until the follower has stopped.
//! *Limits.* It runs at a low priority, which leaves it a tenth of a core that others want, and
//! rests as long as it worked. One layer takes at most [`AT_ONCE`] commits, or one interval if
//! that is more. At a clean stop it works on for at most [`LONGEST_STOP`].

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use event_log::{Disk, Hash, LogId, LogReader, ReadError};
use ledger_core::snapshot::{STATE_VERSION, StateError};
use schemas::{CommitView, Timestamp};

use super::Snapshots;
use super::chain::{Chain, ChainError};
use super::footer::{Ends, Footer, Sums};
use super::layer::{Layer, LayerError};
use super::manifest::{Manifest, next_number};
use super::merging::to_merge;
use super::part::{AWAKE, Part};
use super::status::Shelf;
use super::write::{Changed, write_layer};
use crate::archive::{Archive, Cooling};
use crate::clock::Clock;
use crate::fold::{Fold, ReplayError};
use crate::ids::{IdFile, IdFileError, IdFiles, Ids, each_id, write_ids};
use crate::progress::Progress;
use crate::shared_log::SharedLog;

/// Commits in one layer, unless the interval is longer.
const AT_ONCE: u64 = 250_000;
/// The most ids in one file: positions in it take four bytes.
const MOST_IDS: u64 = 1 << 28;
/// How long a clean stop is held up.
const LONGEST_STOP: Duration = Duration::from_secs(5);
/// How long to wait after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(30);
/// How far its thread gives way to the engine and to read models.
const NICE: i32 = 10;
/// For so many commits a customer stays in memory as it is.
const WARM: u64 = 4_096;

/// What the follower starts with.
pub(crate) struct Start {
    pub(crate) snapshots: Snapshots,
    pub(crate) log: Arc<dyn Disk>,
    pub(crate) log_id: LogId,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) chain: Chain,
    pub(crate) ids: Arc<IdFiles>,
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) archive: Arc<Archive>,
    pub(crate) progress: Progress,
}

/// How it should stop.
enum Stop {
    /// The log is closed: make a last layer if it is worth it.
    AfterLastLayer,
    AtOnce,
}

/// The running thread.
#[derive(Debug)]
pub(crate) struct Follower {
    stop: Option<Sender<Stop>>,
    thread: Option<JoinHandle<()>>,
    /// Dropped last: with it the log's lock goes.
    _log: SharedLog,
}

impl std::fmt::Debug for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::AfterLastLayer => "after the last layer",
            Self::AtOnce => "at once",
        })
    }
}

impl Follower {
    /// Starts it; without an interval there is nothing to start.
    pub(crate) fn start(start: Start, log: SharedLog) -> io::Result<Self> {
        let work = Work::new(start);
        work.report();
        if work.start.snapshots.is_off() {
            return Ok(Self { stop: None, thread: None, _log: log });
        }
        let (stop, asked) = bounded(1);
        let thread = std::thread::Builder::new().name("snapshots".to_owned());
        let thread = thread.spawn(move || work.run(&asked))?;
        Ok(Self { stop: Some(stop), thread: Some(thread), _log: log })
    }

    /// Stops it; `closed` says that the log got its closing block.
    pub(crate) fn stop(&mut self, closed: bool) {
        if let Some(stop) = self.stop.take() {
            let how = if closed { Stop::AfterLastLayer } else { Stop::AtOnce };
            // If it is gone it needs no telling.
            let _gone = stop.send(how);
        }
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("making snapshots panicked; the next start replays more of the log");
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.stop(false);
    }
}

/// Why a layer was not made.
#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error(transparent)]
    Layer(#[from] LayerError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Ids(#[from] IdFileError),
    #[error(transparent)]
    Log(#[from] ReadError),
    #[error(transparent)]
    Replay(#[from] ReplayError),
    #[error("the snapshots' folder cannot be written")]
    Folder(#[from] io::Error),
}

/// A part of the log, folded.
struct Folded {
    fold: Fold<Part>,
    block_hash: Hash,
    ids: Vec<(u128, u64)>,
}

struct Work {
    start: Start,
    chain: Chain,
    ids: Arc<IdFiles>,
    reader: Option<LogReader>,
    /// Bytes that were durable at the last layer.
    bytes: u64,
}

impl Work {
    fn new(start: Start) -> Self {
        let (chain, ids) = (start.chain.clone(), Arc::clone(&start.ids));
        Self { start, chain, ids, reader: None, bytes: 0 }
    }

    fn run(mut self, asked: &Receiver<Stop>) {
        event_log::give_way(NICE);
        let mut pause = self.start.snapshots.look_every;
        loop {
            match asked.recv_timeout(pause) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Stop::AfterLastLayer) => return self.finish(),
                Ok(Stop::AtOnce) | Err(RecvTimeoutError::Disconnected) => return,
            }
            pause = self.start.snapshots.look_every;
            let (commits, bytes) = self.behind();
            if self.start.snapshots.is_due(commits, bytes) {
                let started = Instant::now();
                let made = self.try_layer();
                pause = pause.max(if made { started.elapsed() } else { AFTER_FAILURE });
            }
        }
    }

    /// Commits and bytes behind the last layer.
    fn behind(&self) -> (u64, u64) {
        let (durable, bytes) = self.start.progress.durable_and_bytes();
        (durable.saturating_sub(self.chain.position()), bytes.saturating_sub(self.bytes))
    }

    fn finish(mut self) {
        let started = Instant::now();
        loop {
            let (commits, bytes) = self.behind();
            let worth = self.start.snapshots.is_due_at_stop(commits, bytes);
            let before = self.chain.position();
            if !worth || !self.try_layer() || started.elapsed() >= LONGEST_STOP {
                return;
            }
            if self.chain.position() == before {
                // What is behind cannot be read here; the next start sees why.
                return;
            }
        }
    }

    /// Makes a layer; whether that worked.
    fn try_layer(&mut self) -> bool {
        let started = Instant::now();
        let (_, bytes) = self.start.progress.durable_and_bytes();
        match self.layer() {
            Ok(()) => {
                self.bytes = bytes;
                self.report();
                let (position, layers) = (self.chain.position(), self.chain.layers.len());
                let (bytes, took) = (self.chain.bytes(), started.elapsed());
                tracing::debug!(position, layers, bytes, ?took, "snapshot made");
                true
            }
            Err(error) => {
                self.failed(&error);
                false
            }
        }
    }

    fn failed(&mut self, error: &FollowError) {
        let cause = std::error::Error::source(error).map(ToString::to_string);
        tracing::warn!(%error, cause, "no snapshot could be made; the log is not affected");
        self.start.shelf.update(|status| status.failure = Some(error.to_string()));
        self.reader = None;
        match error {
            FollowError::Chain(
                ChainError::Layer(LayerError::Damaged { .. })
                | ChainError::Foreign { .. }
                | ChainError::State(_),
            )
            | FollowError::Layer(LayerError::Damaged { .. })
            | FollowError::State(_)
            | FollowError::Replay(_) => {
                // Something in the layers is wrong; the log is not, or the engine had refused it.
                self.chain = Chain::default();
            }
            FollowError::Ids(IdFileError::Damaged { .. }) => {
                self.ids = Arc::new(IdFiles::none(Arc::clone(&self.start.log)));
            }
            FollowError::Chain(ChainError::Layer(LayerError::Io { .. }) | ChainError::Log(_))
            | FollowError::Layer(LayerError::Io { .. })
            | FollowError::Ids(IdFileError::Io { .. })
            | FollowError::Log(_)
            | FollowError::Folder(_) => {}
        }
    }

    fn report(&self) {
        self.start.shelf.update(|status| {
            let made_at = self.chain.top().map(|top| top.footer.made_at);
            status.enabled = !self.start.snapshots.is_off();
            status.position = self.chain.position();
            status.made_at = made_at.and_then(Timestamp::from_micros);
            status.layers = self.chain.layers.len() as u64;
            status.bytes = self.chain.bytes();
            status.ids_on_disk = self.ids.covers();
            status.id_files = self.ids.files().len() as u64;
            status.filter_bytes = self.ids.filter_bytes();
            status.failure = None;
        });
    }

    /// Makes one layer of what is durable behind the last one.
    fn layer(&mut self) -> Result<(), FollowError> {
        let Some(Folded { mut fold, block_hash, ids }) = self.fold()? else { return Ok(()) };
        let position = fold.next_position - 1;
        let changed = fold.state.changed(fold.jobs.to_piece())?;
        let footer = Footer {
            state_version: STATE_VERSION,
            log: self.start.log_id,
            position,
            block_hash,
            below: [0; 32],
            recorded_at: fold.recorded_at.map_or(0, Timestamp::micros),
            made_at: self.start.clock.now().micros(),
            registered: fold.state.registered(),
            customers: 0,
            taken: 0,
            ends: Ends::default(),
            sums: Sums::default(),
        };
        // What was folded is in the pieces now; the layers below take their place in memory.
        drop(fold);
        let disk = Arc::clone(&self.start.snapshots.disk);
        let number = next_number(disk.as_ref());
        let chain = self.write_layer(number, footer, &changed)?;
        let files = self.write_ids(number + 1, position, block_hash, ids)?;
        let numbers = files.files().iter().map(|file| file.number).collect();
        let log = self.start.log_id;
        let manifest = Manifest { log, layers: chain.named(), ids: numbers };
        manifest.publish(disk.as_ref())?;
        self.chain = chain;
        self.ids = Arc::new(files);
        self.start.shelf.offer(Arc::clone(&self.ids));
        manifest.sweep(disk.as_ref());
        Ok(())
    }

    /// Reads and folds what is durable behind the last layer; `None` if that is nothing.
    fn fold(&mut self) -> Result<Option<Folded>, FollowError> {
        let most = self.start.snapshots.every_commits.max(AT_ONCE);
        let Fold { state, jobs, next_position, recorded_at, .. } = self.chain.book()?;
        let part = Part::new(state, self.chain.clone());
        let mut fold = Fold { jobs, next_position, recorded_at, ..Fold::new(part) };
        fold.archive = Some(Arc::clone(&self.start.archive));
        fold.cooling = Some(Cooling::default());
        let first = fold.next_position;
        let reader = self.reader_at(first)?;
        let mut folded = (Vec::new(), [0; 32]);
        while let Some(block) = reader.next_block()? {
            for (position, bytes) in block.commits() {
                let commit = CommitView::parse(bytes)
                    .map_err(|source| ReplayError::Unreadable { position, source })?;
                fold.state.prepare(commit.stream)?;
                fold.replay(position, &commit)?;
                folded.0.push((commit.command_id.uuid().as_u128(), position));
                folded.1 = *block.hash();
            }
            let durable = fold.next_position - 1;
            fold.cool(durable, WARM, AWAKE);
            if fold.next_position - first >= most {
                break;
            }
        }
        fold.state.check()?;
        let (ids, block_hash) = folded;
        let is_something = fold.next_position > first;
        Ok(is_something.then_some(Folded { fold, block_hash, ids }))
    }

    /// The reader, where it gives the block that holds `position` next.
    fn reader_at(&mut self, position: u64) -> Result<&mut LogReader, ReadError> {
        let mut reader = match self.reader.take() {
            Some(reader) => reader,
            None => LogReader::open_on(Arc::clone(&self.start.log))?,
        };
        if reader.head().next_position != position {
            reader.seek(position)?;
        }
        Ok(self.reader.insert(reader))
    }

    /// Writes a layer, merged with the small ones on top; the chain with it.
    fn write_layer(
        &self,
        number: u64,
        footer: Footer,
        changed: &Changed,
    ) -> Result<Chain, FollowError> {
        let disk = self.start.snapshots.disk.as_ref();
        let sizes: Vec<u64> = self.chain.layers.iter().map(|layer| layer.length).collect();
        let kept = sizes.len() - to_merge(&sizes, changed.bytes(), u64::MAX);
        let (below, merged) = self.chain.layers.split_at(kept);
        let footer = Footer { below: below.last().map_or([0; 32], |layer| layer.sha), ..footer };
        let named = write_layer(disk, number, footer, merged, changed)?;
        let mut layer = Layer::open(disk, named.number, named.length, named.sha)?;
        layer.find_fences()?;
        let mut layers = below.to_vec();
        layers.push(Arc::new(layer));
        Ok(Chain { layers })
    }

    /// Writes the ids up to `position` that no file has, merged with small files; all files.
    fn write_ids(
        &self,
        number: u64,
        position: u64,
        block_hash: Hash,
        mut fresh: Vec<(u128, u64)>,
    ) -> Result<IdFiles, FollowError> {
        let disk = self.start.snapshots.disk.as_ref();
        let files = self.ids.files();
        let sound = files.iter().take_while(|file| !file.is_damaged()).count();
        let mut files = files[..sound].to_vec();
        let covered = files.last().map_or(0, |file| file.footer.last);
        let all = |files| IdFiles::new(Arc::clone(&self.start.log), files);
        if covered >= position {
            return Ok(all(files));
        }
        fresh.retain(|(_, position)| *position > covered);
        let first_fresh = fresh.iter().map(|(_, position)| *position).min();
        let missing = first_fresh.map_or(position, |first| first - 1);
        if missing > covered {
            let mut reader = LogReader::open_on(Arc::clone(&self.start.log))?;
            each_id(&mut reader, covered + 1, missing, |position, id| {
                fresh.push((id.uuid().as_u128(), position));
            })?;
        }
        fresh.sort_unstable();
        let sizes: Vec<u64> = files.iter().map(|file| file.ids()).collect();
        let kept = sizes.len() - to_merge(&sizes, fresh.len() as u64, MOST_IDS);
        let merged = files.split_off(kept);
        let first = merged.first().map_or(covered + 1, |file| file.footer.first);
        let log = self.start.log_id;
        let ids = Ids { log, block_hash, merged: &merged, fresh, first, last: position };
        write_ids(disk, number, ids)?;
        files.push(Arc::new(IdFile::open(disk, number)?));
        Ok(all(files))
    }
}
