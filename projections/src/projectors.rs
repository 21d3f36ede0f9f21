//! All projectors of one book: started together, each on its own thread, asked through one door.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use event_log::{LogReader, ReadError};
use schemas::Problem;
use schemas::problem::Fault;
use schemas::status::ViewStatus;
use schemas::wire::LogPosition;

use crate::checkpoint::Doubt;
use crate::commits::Commits;
use crate::edition::{Edition, Editions};
use crate::heads::Heads;
use crate::home::{Home, HomeError};
use crate::live::Live;
use crate::models::ViewName;
use crate::projection::Projection;
use crate::projector::Projector;
use crate::replay::ViewHash;
use crate::service::{Behind, QueryService};

/// Why projectors cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// A folder of a read model cannot be used.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// There is no thread to be had.
    #[error("no thread for the projector {view}: {source}; free some and start again")]
    Thread {
        /// Which projector.
        view: &'static str,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
}

/// How long stores may take to be opened before queries are let in.
const SETTLE_TIME: Duration = Duration::from_secs(5);

/// One projector and the door to it.
#[derive(Debug)]
pub(crate) struct Running {
    view: ViewName,
    service: QueryService,
    thread: Option<JoinHandle<()>>,
}

/// Running projectors. They stop when this is dropped.
#[derive(Debug)]
pub struct Projectors {
    running: Vec<Running>,
}

impl Projectors {
    /// Starts a projector for each of `which`, with stores in `views`.
    ///
    /// `log` opens the log once for each: `LogReader::open` from any process, or the writer's
    /// own reader, which wakes at once.
    ///
    /// # Errors
    /// [`StartError`]: nothing runs then.
    pub fn start(
        log: impl Fn() -> Result<LogReader, ReadError>,
        views: &Path,
        which: &[ViewName],
    ) -> Result<Self, StartError> {
        Self::start_editions(log, views, which, &Editions::default())
    }

    /// As [`Projectors::start`], with other editions than those of the build.
    ///
    /// # Errors
    /// As [`Projectors::start`].
    pub fn start_editions(
        log: impl Fn() -> Result<LogReader, ReadError>,
        views: &Path,
        which: &[ViewName],
        editions: &Editions,
    ) -> Result<Self, StartError> {
        let heads = Arc::new(Heads::new(log()?));
        let commits: Arc<dyn Commits> = Arc::new(Mutex::new(log()?));
        let mut started = Self { running: Vec::new() };
        for view in which {
            let parts = Parts {
                view: *view,
                edition: editions.of(*view),
                heads: Arc::clone(&heads),
                commits: Arc::clone(&commits),
                views,
            };
            started.running.push((view.model().start)(&parts, log()?)?);
        }
        started.settle();
        Ok(started)
    }

    /// Waits a while for every projector to have looked at its store, so that nobody is told of a
    /// rebuild that does not happen.
    fn settle(&self) {
        let began = std::time::Instant::now();
        while began.elapsed() < SETTLE_TIME
            && !self.running.iter().all(|one| one.service.live.is_settled())
        {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Answers the query `name` of the read model `view`, at `at_least` or a later position; for
    /// that it waits as long as `patience`.
    ///
    /// # Errors
    /// The [`Problem`] for the one who asked.
    pub fn answer(
        &self,
        view: &str,
        name: &str,
        body: &[u8],
        at_least: Option<LogPosition>,
        patience: Duration,
    ) -> Result<Vec<u8>, Problem> {
        match self.service(view) {
            Some(service) => service.answer(name, body, at_least, patience),
            None => Err(self.unknown_view(view)),
        }
    }

    /// The door of one read model.
    pub fn service(&self, view: &str) -> Option<&QueryService> {
        self.running.iter().find(|one| one.view.as_str() == view).map(|one| &one.service)
    }

    fn unknown_view(&self, view: &str) -> Problem {
        let known: Vec<&str> = self.running.iter().map(|one| one.view.as_str()).collect();
        let view: String = view.chars().take(64).collect();
        let detail = format!("no read model {view:?} runs here; there is {}", known.join(", "));
        Problem::fault(Fault::UnknownSubject, detail)
    }

    /// How each projector stands.
    pub fn statuses(&self) -> Vec<ViewStatus> {
        self.running.iter().map(|one| one.service.status(Vec::new())).collect()
    }

    /// The log's durable head, as the projectors last saw it.
    pub fn head(&self) -> u64 {
        self.running.iter().map(|one| one.service.live.head()).max().unwrap_or(0)
    }

    /// Waits until every projector reflects `position`, or one stands still; whether they do.
    pub fn wait_for(&self, position: u64, patience: Duration) -> bool {
        let until = std::time::Instant::now() + patience;
        self.running.iter().all(|one| {
            let left = until.saturating_duration_since(std::time::Instant::now());
            one.service.live.wait_for(position, left) >= position
        })
    }

    /// Builds a read model anew; the old one answers until the new one takes its place. `false`
    /// if it does not run here.
    pub fn rebuild(&self, view: ViewName) -> bool {
        let found = self.running.iter().find(|one| one.view == view);
        found.inspect(|one| one.service.live.doubt(None, Doubt::Asked)).is_some()
    }

    /// The hash of what a read model holds, and at which position.
    ///
    /// # Errors
    /// A [`Problem`] when it does not answer at the moment.
    pub fn content_hash(&self, view: ViewName) -> Result<ViewHash, Problem> {
        let Some(one) = self.running.iter().find(|one| one.view == view) else {
            return Err(self.unknown_view(view.as_str()));
        };
        let (checkpoint, hash) = one.service.content_hash()?;
        Ok(ViewHash { view, position: checkpoint.position, hash })
    }

    /// Stops every projector and makes its store durable.
    pub fn stop(mut self) {
        self.join();
    }

    fn join(&mut self) {
        for one in &self.running {
            one.service.live.stop();
        }
        for one in &mut self.running {
            if let Some(Err(_)) = one.thread.take().map(JoinHandle::join) {
                tracing::error!(view = one.view.as_str(), "the projector's thread panicked");
            }
        }
    }
}

impl Drop for Projectors {
    fn drop(&mut self) {
        self.join();
    }
}

/// What a projector is made of.
pub(crate) struct Parts<'a> {
    view: ViewName,
    edition: Edition,
    heads: Arc<Heads>,
    commits: Arc<dyn Commits>,
    views: &'a Path,
}

/// How far a projector gives way to the engine, where both run in one process.
const NICE: i32 = 5;

/// Starts the projector of one read model on a thread of its own.
pub(crate) fn start<P: Projection>(
    parts: &Parts<'_>,
    reader: LogReader,
) -> Result<Running, StartError> {
    let Parts { view, edition, ref heads, ref commits, views } = *parts;
    let home = Home::take(views.join(P::NAME))?;
    let live = Arc::new(Live::new());
    let log = reader.identity().log().0;
    let behind = Behind { log, heads: Arc::clone(heads), commits: Arc::clone(commits) };
    let service = QueryService::new::<P>(behind, Arc::clone(&live), edition.version);
    let thread = std::thread::Builder::new()
        .name(format!("project-{view}"))
        .spawn(move || {
            event_log::give_way(NICE);
            Projector::<P>::new(reader, home, live, edition).run();
        })
        .map_err(|source| StartError::Thread { view: P::NAME, source })?;
    Ok(Running { view, service, thread: Some(thread) })
}
