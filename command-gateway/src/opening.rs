//! Opening a book: from its snapshot and the log behind it, or from the whole log.
//!
//! *Shape.* Two things happen at the same time: the log is checked and taken over, and what is in
//! it is folded in. With a snapshot the log is checked from the segment on that holds the
//! snapshot's position, and only what is behind that is replayed; what is older is checked when it
//! is read. Without one every commit is read and checked.
//! *Correctness.* Nothing is decided before both are done. If the log cannot be taken over, that is
//! the answer, whatever was folded. Any doubt about a snapshot is said in one line, and then less
//! of it is used, or nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use event_log::{CheckOnOpen, EventLog, FileLog, LogReader, ReadError};
use ledger_core::Ledger;

use crate::archive::Archive;
use crate::completion::ReplyTo;
use crate::config::{GatewayConfig, GatewayError};
use crate::engine::EngineCore;
use crate::fold::Fold;
use crate::ids::{IdFile, IdFiles, each_id};
use crate::known::KnownCommands;
use crate::snapshot::{Chain, Manifest, OpeningReport, Snapshots, is_in};

/// A book, opened.
pub(crate) struct Opened {
    pub(crate) log: FileLog,
    pub(crate) core: EngineCore<Ledger, ReplyTo>,
    pub(crate) chain: Chain,
    pub(crate) ids: Arc<IdFiles>,
    pub(crate) report: OpeningReport,
}

/// What was folded in, and where its reader stands.
struct Folded<W> {
    core: EngineCore<Ledger, W>,
    reader: LogReader,
    chain: Chain,
    ids: Arc<IdFiles>,
}

/// Opens the book whose log is there.
pub(crate) fn open(config: &GatewayConfig, snapshots: &Snapshots) -> Result<Opened, GatewayError> {
    let started = Instant::now();
    let manifest = manifest(snapshots);
    let position = manifest.as_ref().and_then(|found| found.position(snapshots.disk.as_ref()));
    let mut options = config.log_options();
    if let Some(position) = position {
        options.check = CheckOnOpen::From { position };
    }
    let cancelled = AtomicBool::new(false);
    let (log, folded) = std::thread::scope(|scope| {
        let take_over = || {
            let opened = FileLog::open(Arc::clone(&config.disk), options);
            if opened.is_err() {
                cancelled.store(true, Ordering::Relaxed);
            }
            opened
        };
        let thread = std::thread::Builder::new().name("log-opener".to_owned());
        let opening = thread.spawn_scoped(scope, take_over).map_err(GatewayError::Threads)?;
        let found = manifest.as_ref().map(|manifest| (snapshots, manifest));
        let folded = fold(config, found, &cancelled);
        let opened = opening.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        Ok::<_, GatewayError>((opened, folded))
    })?;
    let (log, report) = log?;
    tracing::info!(identity = %log.identity(), ?report, "log opened");
    let Folded { mut core, mut reader, chain, ids } = folded?;
    // What the takeover kept beyond the watermark is durable now.
    replay(&mut core, &mut reader, &AtomicBool::new(false))?;
    let report = report_of(&chain, core.next_position(), started);
    tracing::info!(?report, "book opened");
    Ok(Opened { log, core, chain, ids, report })
}

/// The state that opening a book would give, without taking its log over: for audits and tests.
/// Without snapshots in `config` it comes from the whole log.
///
/// # Errors
/// [`GatewayError`] when the log cannot be read or makes no history.
pub fn read_back<W>(
    config: &GatewayConfig,
) -> Result<(EngineCore<Ledger, W>, OpeningReport), GatewayError> {
    let started = Instant::now();
    let snapshots = config.snapshots.as_ref();
    let manifest = snapshots.and_then(manifest);
    let found = snapshots.zip(manifest.as_ref());
    let Folded { core, chain, .. } = fold(config, found, &AtomicBool::new(false))?;
    let report = report_of(&chain, core.next_position(), started);
    Ok((core, report))
}

fn report_of(chain: &Chain, next_position: u64, started: Instant) -> OpeningReport {
    OpeningReport {
        snapshot_position: chain.position(),
        tail_commits: next_position - 1 - chain.position(),
        milliseconds: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}

fn manifest(snapshots: &Snapshots) -> Option<Manifest> {
    Manifest::read(snapshots.disk.as_ref()).unwrap_or_else(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        tracing::warn!(%error, cause, "the whole log is replayed");
        None
    })
}

/// A snapshot as it is found, before anything of it is trusted.
type Found<'a> = Option<(&'a Snapshots, &'a Manifest)>;

fn fold<W>(
    config: &GatewayConfig,
    found: Found<'_>,
    cancelled: &AtomicBool,
) -> Result<Folded<W>, GatewayError> {
    let mut reader = LogReader::open_on(Arc::clone(&config.disk))?;
    let (chain, fold) = usable(found, &mut reader)?;
    let (ids, known) = ids(config, found, &chain)?;
    if chain.layers.is_empty() {
        reader = LogReader::open_on(Arc::clone(&config.disk))?;
    }
    let mut core = EngineCore::behind(fold, known, Arc::clone(&config.clock));
    let archive = Arc::new(Archive::new(Arc::clone(&config.disk)));
    core.archive_with(archive, config);
    replay(&mut core, &mut reader, cancelled)?;
    Ok(Folded { core, reader, chain, ids })
}

/// The layers that can be used and their state. The reader then stands behind them, unless there
/// are none.
fn usable(found: Found<'_>, reader: &mut LogReader) -> Result<(Chain, Fold<Ledger>), ReadError> {
    let nothing = || (Chain::default(), Fold::new(Ledger::default()));
    let Some((snapshots, manifest)) = found else { return Ok(nothing()) };
    if manifest.log != reader.identity().log() {
        tracing::warn!("the snapshot is of another log; the whole log is replayed");
        return Ok(nothing());
    }
    let (mut chain, doubt) = Chain::open(snapshots.disk.as_ref(), manifest);
    let dropped = chain.keep_what_is_in(reader)?;
    if let Some(error) = doubt {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        let from = chain.position();
        tracing::warn!(%error, cause, from, "the snapshot is not used whole, more is replayed");
    } else if dropped {
        let from = chain.position();
        tracing::warn!(from, "the snapshot holds what the log does not, more is replayed");
    }
    match chain.load() {
        Ok(fold) => Ok((chain, fold)),
        Err(error) => {
            tracing::warn!(%error, "the snapshot cannot be used, the whole log is replayed");
            Ok(nothing())
        }
    }
}

/// Files of old ids, and all ids up to the snapshot's position.
fn ids(
    config: &GatewayConfig,
    found: Found<'_>,
    chain: &Chain,
) -> Result<(Arc<IdFiles>, KnownCommands), ReadError> {
    let (Some((snapshots, manifest)), Some(top)) = (found, chain.top()) else {
        let none = Arc::new(IdFiles::none(Arc::clone(&config.disk)));
        return Ok((none, KnownCommands::default()));
    };
    let position = top.footer.position;
    let mut files = Vec::new();
    for number in &manifest.ids {
        match IdFile::open(snapshots.disk.as_ref(), *number) {
            Ok(file) if file.footer.log == manifest.log => files.push(Arc::new(file)),
            Ok(file) => {
                tracing::warn!(file = file.name, "ids of another log; they are read from the log");
                break;
            }
            Err(error) => {
                tracing::warn!(%error, "old command ids are read from the log");
                break;
            }
        }
    }
    let mut files = IdFiles::new(Arc::clone(&config.disk), files);
    let mut reader = LogReader::open_on(Arc::clone(&config.disk))?;
    while let Some(last) = files.files().last().map(|file| file.footer) {
        let fits = last.last == position && last.block_hash == top.footer.block_hash;
        if fits || is_in(&mut reader, last.last, &last.block_hash)? {
            break;
        }
        let kept = files.files().len() - 1;
        files = IdFiles::new(Arc::clone(&config.disk), files.files()[..kept].to_vec());
    }
    let files = Arc::new(files);
    let covered = files.covers();
    let mut known = KnownCommands::in_files(Arc::clone(&files), covered.min(position));
    if covered < position {
        each_id(&mut reader, covered + 1, position, |_, id| known.push(id))?;
    }
    Ok((files, known))
}

fn replay<W>(
    core: &mut EngineCore<Ledger, W>,
    reader: &mut LogReader,
    cancelled: &AtomicBool,
) -> Result<(), GatewayError> {
    while let Some(block) = reader.next_block()? {
        if cancelled.load(Ordering::Relaxed) {
            return Ok(());
        }
        for (position, bytes) in block.commits() {
            core.replay(position, bytes)?;
        }
        core.cool(core.next_position() - 1);
    }
    Ok(())
}
