//! A book's gateway: its log is opened, folded in, and served by an engine on its own thread.
//!
//! *Shape.* [`Gateway`] owns the engine; dropping or closing it stops the engine. Any number of
//! [`GatewayHandle`]s submit commands. *Limits.* The queue is bounded; when it is full the answer
//! is *busy* at once.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Sender, TrySendError, bounded};
use event_log::{
    AppendError, Disk, EventLog, FileDisk, FileLog, IdentityError, LogId, LogIdentity, LogOptions,
    LogReader, OpenError, ReadError,
};
use ledger_core::Ledger;
use schemas::command::OpenBook;
use schemas::ids::{CommandId, derive};
use schemas::text::BookName;
use uuid::Uuid;

use crate::admission::Admission;
use crate::clock::{Clock, SystemClock};
use crate::completion::{BatchTicket, Completion, ReplyTo, Ticket};
use crate::decider::Decider;
use crate::engine::driver::{Driver, Intake};
use crate::engine::writer::Writer;
use crate::engine::{EngineCore, Offer, ReplayError};
use crate::history::{History, Lookups};
use crate::outcome::{Outcome, Refusal};
use crate::progress::{Progress, Stopped};
use crate::request::CommandRequest;

/// How long someone who met a full queue should wait, in milliseconds: what a full queue takes.
pub(crate) const BUSY_RETRY_MS: u64 = 20;

/// How a gateway is opened.
#[derive(Debug, Clone)]
pub struct GatewayConfig {
    /// Where the log is.
    pub disk: Arc<dyn Disk>,
    /// How many commands may wait undecided.
    pub queue_capacity: usize,
    /// What the machine takes for the present.
    pub clock: Arc<dyn Clock>,
    /// A segment's full length in bytes; the log's own default if left out.
    pub segment_bytes: Option<u64>,
}

impl GatewayConfig {
    /// The usual settings for a log on `disk`.
    pub fn on(disk: Arc<dyn Disk>) -> Self {
        Self { disk, queue_capacity: 8_192, clock: Arc::new(SystemClock), segment_bytes: None }
    }

    /// The usual settings for a log in a folder, which must be there.
    ///
    /// # Errors
    /// [`GatewayError::Folder`] if it cannot be used.
    pub fn at(folder: impl AsRef<Path>) -> Result<Self, GatewayError> {
        let folder = folder.as_ref();
        let disk = FileDisk::open(folder)
            .map_err(|source| GatewayError::Folder { path: folder.to_path_buf(), source })?;
        Ok(Self::on(Arc::new(disk)))
    }

    /// The same with another clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The same with another queue.
    #[must_use]
    pub fn with_queue(mut self, capacity: usize) -> Self {
        self.queue_capacity = capacity;
        self
    }

    fn log_options(&self) -> LogOptions {
        let mut options = LogOptions::at(self.clock.now().micros());
        if let Some(bytes) = self.segment_bytes {
            options.segment_bytes = bytes;
        }
        options
    }
}

/// Why a gateway could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// The folder cannot be used.
    #[error("{} cannot be used as a log's folder", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the disk said.
        #[source]
        source: io::Error,
    },
    /// The log could not be opened to be written.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// The log could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The log's commits do not make a history.
    #[error(transparent)]
    Replay(#[from] ReplayError),
    /// The log has no book in it.
    #[error("the log holds no book; create the book first")]
    NoBook,
    /// The log cannot have this name.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The ledger refused to open the book.
    #[error("the book cannot be opened: {0}")]
    Refused(Refusal),
    /// The first commit could not be written.
    #[error("the book's first commit could not be written")]
    FirstCommit(#[source] AppendError),
    /// The machine has no more threads.
    #[error("the engine's threads could not be started")]
    Threads(#[source] io::Error),
}

/// The engine of one book, running.
#[derive(Debug)]
pub struct Gateway {
    handle: GatewayHandle,
    engine: Option<JoinHandle<()>>,
    disk: Arc<dyn Disk>,
}

impl Gateway {
    /// Opens the book whose log is there: recovers and takes the log over, folds all of it in.
    ///
    /// # Errors
    /// [`GatewayError`]; nothing but the takeover was written.
    pub fn open(config: &GatewayConfig) -> Result<Self, GatewayError> {
        Self::open_with(config, Ledger::default())
    }

    /// Makes a log, opens a book in it, and serves it. A log that was made but got no book (the
    /// machine stopped in between) is completed.
    ///
    /// # Errors
    /// [`GatewayError`]; [`OpenError::AlreadyThere`] inside if there is a book already.
    pub fn create(config: &GatewayConfig, log: Uuid, open: OpenBook) -> Result<Self, GatewayError> {
        Self::create_with(config, log, open, Ledger::default())
    }

    /// As [`Gateway::open`], with a ledger of the caller's.
    ///
    /// # Errors
    /// As [`Gateway::open`].
    pub fn open_with(config: &GatewayConfig, ledger: impl Decider) -> Result<Self, GatewayError> {
        let (log, report) = FileLog::open(Arc::clone(&config.disk), config.log_options())?;
        tracing::info!(identity = %log.identity(), ?report, "log opened");
        let mut core = EngineCore::new(ledger, Arc::clone(&config.clock));
        replay(&mut core, log.reader()?)?;
        if core.next_position() == 1 {
            return Err(GatewayError::NoBook);
        }
        Self::serve(config, log, core)
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
    ) -> Result<Self, GatewayError> {
        let identity = log.identity().clone();
        let progress = Progress::at(core.next_position() - 1);
        if let Some(decided) = core.seal() {
            progress.publish(core.next_position() - 1, &decided.runs);
            core.recycle(decided.block, decided.answers);
        }
        let lookups = Lookups::start(History::new(log.reader()?)).map_err(GatewayError::Threads)?;
        let writer = Writer::start(Box::new(log)).map_err(GatewayError::Threads)?;
        let (intake, queue) = bounded(config.queue_capacity.max(1));
        let admission = Arc::new(Admission::default());
        let doors = (queue, Arc::clone(&admission));
        let driver = Driver::new(core, doors, writer, lookups, progress.clone());
        let thread = std::thread::Builder::new().name(format!("engine-{}", identity.book()));
        let engine = thread.spawn(move || driver.run()).map_err(GatewayError::Threads)?;
        let handle = GatewayHandle(Arc::new(Shared {
            log: Uuid::from_bytes(identity.log().0),
            book: identity.book().parse().map_err(|_| GatewayError::NoBook)?,
            intake,
            admission,
            progress,
        }));
        Ok(Self { handle, engine: Some(engine), disk: Arc::clone(&config.disk) })
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
        shared.progress.stopped().unwrap_or(Stopped::Broken)
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if self.engine.is_some() {
            self.stop();
        }
    }
}

fn replay<D: Decider>(
    core: &mut EngineCore<D, ReplyTo>,
    mut reader: LogReader,
) -> Result<(), GatewayError> {
    while let Some(block) = reader.next_block()? {
        for (position, bytes) in block.commits() {
            core.replay(position, bytes)?;
        }
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
    core.open_book(id, open).map_err(GatewayError::Refused)?;
    if let Some(mut decided) = core.seal() {
        log.append(decided.first_position, &mut decided.block)
            .map_err(GatewayError::FirstCommit)?;
        core.recycle(decided.block, decided.answers);
    }
    Ok(())
}

/// Submits commands to one book. Cheap to clone.
#[derive(Debug, Clone)]
pub struct GatewayHandle(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    log: Uuid,
    book: BookName,
    intake: Sender<Intake>,
    admission: Arc<Admission>,
    progress: Progress,
}

impl GatewayHandle {
    /// The log's id.
    pub fn log(&self) -> Uuid {
        self.0.log
    }

    /// The book.
    pub fn book(&self) -> &BookName {
        &self.0.book
    }

    /// What is durable, how far billing runs are, and whether the engine stopped.
    pub fn progress(&self) -> &Progress {
        &self.0.progress
    }

    /// How many commands wait undecided.
    pub fn queued(&self) -> usize {
        self.0.intake.len()
    }

    /// Submits a command; its outcome goes to `to` under `tag`. The cheapest way for one thread
    /// with many commands outstanding; see [`completions`](crate::completion::completions).
    ///
    /// # Errors
    /// [`Refusal::Busy`] or [`Refusal::Unavailable`] at once; `to` then hears nothing.
    pub fn submit_to(
        &self,
        request: CommandRequest,
        to: &Arc<dyn Completion>,
        tag: u64,
    ) -> Result<(), Refusal> {
        self.enqueue(request, ReplyTo::new(Arc::clone(to), tag))
    }

    /// Submits a command. The ticket is a future of its outcome and can be waited for.
    ///
    /// # Errors
    /// [`Refusal::Busy`] or [`Refusal::Unavailable`] at once.
    pub fn submit(&self, request: CommandRequest) -> Result<Ticket, Refusal> {
        let (ticket, reply_to) = Ticket::pair();
        self.enqueue(request, reply_to)?;
        Ok(ticket)
    }

    /// Submits a command and waits for its outcome. Not for async code.
    ///
    /// # Errors
    /// The [`Refusal`].
    pub fn submit_blocking(&self, request: CommandRequest) -> Outcome {
        self.submit(request)?.wait()
    }

    /// Submits several commands, in their order. Once the queue is full the rest is *busy*, so
    /// that none overtakes another.
    pub fn submit_batch(&self, requests: Vec<CommandRequest>) -> BatchTicket {
        let (ticket, gather) = BatchTicket::of(requests.len());
        let mut refused = None;
        for (tag, request) in (0..).zip(requests) {
            if refused.is_none() {
                refused = self.submit_to(request, &gather, tag).err();
            }
            if let Some(refusal) = &refused {
                gather.complete(tag, Err(refusal.clone()));
            }
        }
        ticket
    }

    fn enqueue(&self, request: CommandRequest, waiter: ReplyTo) -> Result<(), Refusal> {
        let Some(_entering) = self.0.admission.enter() else {
            waiter.disarm();
            return Err(Refusal::Unavailable);
        };
        let offer = Intake::Command(Box::new(Offer { request, waiter }));
        match self.0.intake.try_send(offer) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(intake)) => {
                disarm(intake);
                Err(Refusal::Busy { retry_after_ms: BUSY_RETRY_MS })
            }
            Err(TrySendError::Disconnected(intake)) => {
                disarm(intake);
                Err(Refusal::Unavailable)
            }
        }
    }
}

fn disarm(intake: Intake) {
    match intake {
        Intake::Command(offer) => offer.waiter.disarm(),
        Intake::Stop => {}
    }
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
