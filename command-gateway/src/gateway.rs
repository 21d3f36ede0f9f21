//! A book's gateway: its log is opened, folded in, and served by an engine on its own thread.
//!
//! *Shape.* [`Gateway`] owns the engine; dropping or closing it stops the engine. Any number of
//! [`GatewayHandle`]s submit commands.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::bounded;
use event_log::{Disk, EventLog, FileLog, LogId, LogIdentity, LogReader, OpenError, ReadError};
use ledger_core::Ledger;
use schemas::command::OpenBook;
use schemas::ids::{CommandId, derive};
use uuid::Uuid;
use vault::{Absent, Vault};

use crate::admission::Admission;
use crate::ahead::Ahead;
use crate::archive::{Archive, ReadBack};
use crate::completion::ReplyTo;
use crate::config::{GatewayConfig, GatewayError};
use crate::decider::Decider;
use crate::engine::EngineCore;
use crate::engine::driver::Driver;
use crate::engine::intake::Intake;
use crate::engine::large::Large;
use crate::engine::reading::Reading;
use crate::engine::writer::Writer;
use crate::feed::Feed;
use crate::handle::{ASKING, GatewayHandle, Shared};
use crate::history::{History, Lookups};
use crate::ids::IdFiles;
use crate::measures::Measures;
use crate::opening::{self, Opened};
use crate::progress::{Progress, Stopped};
use crate::queue::Places;
use crate::reckoning::Reckoner;
use crate::shared_log::SharedLog;
use crate::snapshot::{Chain, Follower, Shelf, Snapshots, Start};

/// The engine of one book, running.
#[derive(Debug)]
pub struct Gateway {
    handle: GatewayHandle,
    engine: Option<JoinHandle<()>>,
    follower: Option<Follower>,
    disk: Arc<dyn Disk>,
}

impl Gateway {
    /// Opens the book whose log is there: recovers and takes the log over, and folds it in, from
    /// the snapshot on if there is one that can be used.
    ///
    /// # Errors
    /// [`GatewayError`]; nothing but the takeover was written.
    pub fn open(config: &GatewayConfig) -> Result<Self, GatewayError> {
        let Some(snapshots) = &config.snapshots else {
            return Self::open_with(config, Ledger::default());
        };
        let Opened { log, core, chain, ids, report } = opening::open(config, snapshots)?;
        if core.next_position() == 1 {
            return Err(GatewayError::NoBook);
        }
        let (mut gateway, log) = Self::serve(config, log, core)?;
        gateway.handle.0.shelf.update(|status| status.opening = report);
        gateway.follow(config, snapshots, log, (chain, ids))?;
        Ok(gateway)
    }

    /// Makes a log, opens a book in it, and serves it. A log that was made but got no book (the
    /// machine stopped in between) is completed.
    ///
    /// # Errors
    /// [`GatewayError`]; [`OpenError::AlreadyThere`] inside if there is a book already.
    pub fn create(config: &GatewayConfig, log: Uuid, open: OpenBook) -> Result<Self, GatewayError> {
        let (mut gateway, log) = Self::make(config, log, open, Ledger::default())?;
        if let Some(snapshots) = &config.snapshots {
            let ids = Arc::new(IdFiles::none(Arc::clone(&config.disk)));
            gateway.follow(config, snapshots, log, (Chain::default(), ids))?;
        }
        Ok(gateway)
    }

    /// As [`Gateway::open`], with a ledger of the caller's, from the whole log: snapshots are of
    /// the ledger of `ledger-core`.
    ///
    /// # Errors
    /// As [`Gateway::open`].
    pub fn open_with(config: &GatewayConfig, ledger: impl Decider) -> Result<Self, GatewayError> {
        let (log, report) = FileLog::open(Arc::clone(&config.disk), config.log_options())?;
        tracing::info!(identity = %log.identity(), ?report, "log opened");
        let mut core = EngineCore::new(ledger, Arc::clone(&config.clock));
        let archive = Arc::new(Archive::new(Arc::clone(&config.disk)));
        core.archive_with(archive, config);
        replay(&mut core, log.reader()?)?;
        if core.next_position() == 1 {
            return Err(GatewayError::NoBook);
        }
        Self::serve(config, log, core).map(|(gateway, _)| gateway)
    }

    /// As [`Gateway::create`], with a ledger of the caller's.
    ///
    /// # Errors
    /// As [`Gateway::create`].
    pub fn create_with(
        config: &GatewayConfig,
        log: Uuid,
        open: OpenBook,
        ledger: impl Decider,
    ) -> Result<Self, GatewayError> {
        Self::make(config, log, open, ledger).map(|(gateway, _)| gateway)
    }

    fn make(
        config: &GatewayConfig,
        log: Uuid,
        open: OpenBook,
        ledger: impl Decider,
    ) -> Result<(Self, SharedLog), GatewayError> {
        let identity = LogIdentity::new(LogId(log.into_bytes()), open.book.as_str(), 0)?;
        let made = FileLog::create(Arc::clone(&config.disk), &identity, config.log_options());
        let mut log = match made {
            Ok(log) => log,
            Err(there @ OpenError::AlreadyThere { .. }) => {
                let (log, _) = FileLog::open(Arc::clone(&config.disk), config.log_options())?;
                if log.head().next_position > 1 || log.identity().book() != open.book.as_str() {
                    return Err(there.into());
                }
                log
            }
            Err(error) => return Err(error.into()),
        };
        let mut core = EngineCore::new(ledger, Arc::clone(&config.clock));
        open_book(&mut core, &mut log, open)?;
        Self::serve(config, log, core)
    }

    fn serve<D: Decider>(
        config: &GatewayConfig,
        log: FileLog,
        mut core: EngineCore<D, ReplyTo>,
    ) -> Result<(Self, SharedLog), GatewayError> {
        let identity = log.identity().clone();
        let vault = vault(config, &identity, &core)?;
        let progress = Progress::at(core.next_position() - 1, core.ledger().parked());
        if let Some(decided) = core.seal() {
            progress.publish(core.next_position() - 1, 0, &decided.jobs);
            core.recycle(decided.block, decided.answers);
        }
        let ring = vault.as_ref().map(|vault| vault.ring());
        let history = History::new(log.reader()?).with_keys(ring);
        let lookups = Lookups::start(history).map_err(GatewayError::Threads)?;
        let archive = Arc::new(Archive::new(Arc::clone(&config.disk)));
        core.archive_with(Arc::clone(&archive), config);
        let read_back = ReadBack::start(&archive).map_err(GatewayError::Threads)?;
        let reading = Reading::new(read_back);
        core.reckon_elsewhere();
        let large = Large::new(Reckoner::start().map_err(GatewayError::Threads)?);
        let ahead = Ahead::start().map_err(GatewayError::Threads)?;
        let (repeats, measures, epoch) = (lookups.waiting(), Measures::default(), log.head().epoch);
        let writer = Writer::start(Box::new(log), vault.clone()).map_err(GatewayError::Threads)?;
        let shared_log = writer.log();
        let (intake, queue) = bounded(config.queue_capacity.max(1));
        let admission = Arc::new(Admission::default());
        let shelf = Arc::new(Shelf::default());
        shelf.set_ids_in_memory(core.ids_in_memory());
        let doors = (queue, Arc::clone(&admission));
        let driver = Driver::new(
            core,
            doors,
            writer,
            (lookups, reading, large, ahead),
            (progress.clone(), Arc::clone(&shelf), measures.clone()),
        );
        let thread = std::thread::Builder::new().name(format!("engine-{}", identity.book()));
        let engine = thread.spawn(move || driver.run()).map_err(GatewayError::Threads)?;
        let handle = GatewayHandle(Arc::new(Shared {
            log: Uuid::from_bytes(identity.log().0),
            book: identity.book().parse().map_err(|_| GatewayError::NoBook)?,
            intake,
            admission,
            progress,
            shelf,
            measures,
            repeats,
            epoch,
            archive,
            asking: Places::new("questions", ASKING),
            vault,
        }));
        let disk = Arc::clone(&config.disk);
        Ok((Self { handle, engine: Some(engine), follower: None, disk }, shared_log))
    }

    /// Starts making snapshots.
    fn follow(
        &mut self,
        config: &GatewayConfig,
        snapshots: &Snapshots,
        log: SharedLog,
        (chain, ids): (Chain, Arc<IdFiles>),
    ) -> Result<(), GatewayError> {
        let shared = &self.handle.0;
        let start = Start {
            snapshots: snapshots.clone(),
            log: Arc::clone(&config.disk),
            log_id: LogId(shared.log.into_bytes()),
            clock: Arc::clone(&config.clock),
            chain,
            ids,
            shelf: Arc::clone(&shared.shelf),
            archive: Arc::clone(&shared.archive),
            progress: shared.progress.clone(),
        };
        let follower = Follower::start(start, log);
        self.follower = Some(follower.map_err(GatewayError::Threads)?);
        Ok(())
    }

    /// A handle to submit commands with.
    pub fn handle(&self) -> GatewayHandle {
        self.handle.clone()
    }

    /// A reader of the log, at its start.
    ///
    /// # Errors
    /// [`ReadError`] when the log cannot be read.
    pub fn reader(&self) -> Result<LogReader, ReadError> {
        LogReader::open_on(Arc::clone(&self.disk))
    }

    /// The log's commits as JSON.
    pub fn feed(&self) -> Feed {
        let handle = &self.handle;
        Feed::new(Arc::clone(&self.disk), handle.log(), handle.progress().clone())
    }

    /// Stops: what was decided is made durable and answered, what waits is refused, the log gets
    /// its closing block.
    pub fn close(mut self) -> Stopped {
        self.stop()
    }

    fn stop(&mut self) -> Stopped {
        let shared = &self.handle.0;
        shared.admission.close();
        // An engine that is gone needs no telling.
        let _gone = shared.intake.send(Intake::Stop);
        if let Some(engine) = self.engine.take() {
            let _panicked = engine.join();
        }
        let stopped = shared.progress.stopped().unwrap_or(Stopped::Broken);
        if let Some(follower) = &mut self.follower {
            follower.stop(stopped == Stopped::Closed);
        }
        stopped
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if self.engine.is_some() {
            self.stop();
        }
    }
}

/// The book's keys. Those of erased customers are destroyed, if a crash or a restored copy of the
/// keys left them.
fn vault<D: Decider>(
    config: &GatewayConfig,
    log: &LogIdentity,
    core: &EngineCore<D, ReplyTo>,
) -> Result<Option<Arc<Vault>>, GatewayError> {
    let Some(place) = &config.keys else { return Ok(None) };
    let ledger = core.ledger();
    // Keys are made before the first command is taken: a log that has more than the commit that
    // opened the book had some.
    let absent = if core.next_position() > 2 { Absent::Refuse } else { Absent::Make };
    let vault = Vault::open(place, log.log().0, absent, |stream| ledger.revision(stream) > 0)?;
    vault.erase(ledger.erased())?;
    Ok(Some(Arc::new(vault)))
}

fn replay<D: Decider>(
    core: &mut EngineCore<D, ReplyTo>,
    mut reader: LogReader,
) -> Result<(), GatewayError> {
    while let Some(block) = reader.next_block()? {
        for (position, bytes) in block.commits() {
            core.replay(position, bytes)?;
        }
        core.cool(core.next_position() - 1);
    }
    Ok(())
}

fn open_book<D: Decider>(
    core: &mut EngineCore<D, ReplyTo>,
    log: &mut FileLog,
    open: OpenBook,
) -> Result<(), GatewayError> {
    let id = Uuid::from_bytes(log.identity().log().0);
    let id = CommandId::new(derive(id, "book.open"));
    core.decide_first(id, open).map_err(GatewayError::Refused)?;
    if let Some(mut decided) = core.seal() {
        log.append(decided.first_position, &mut decided.block)
            .map_err(GatewayError::FirstCommit)?;
        core.recycle(decided.block, decided.answers);
    }
    Ok(())
}

/// A fresh id for a new log: 128 bits of the operating system's randomness as a UUID.
///
/// # Errors
/// What the operating system says.
pub fn fresh_log_id() -> io::Result<Uuid> {
    use std::io::Read as _;
    let mut bytes = [0; 16];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid())
}
