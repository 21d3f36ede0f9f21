//! The door of one read model: questions in, answers or problems out.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use schemas::problem::{Fault, FieldProblem};
use schemas::status::{QueueStatus, RebuildStatus, ViewHash, ViewState, ViewStatus};
use schemas::view::Answer;
use schemas::wire::LogPosition;
use schemas::{Problem, Timestamp};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::answer::json;
use crate::checkpoint::Checkpoint;
use crate::commits::Commits;
use crate::heads::{Heads, LogHead};
use crate::live::{Live, Served, Serving};
use crate::projection::{Answered, Projection, QueryError, View};
use crate::store::{ContentHash, Store, StoreError, content_hash};

/// How long a query waits for the position it asks for, unless told otherwise.
pub const DEFAULT_PATIENCE: Duration = Duration::from_secs(5);
/// After so many milliseconds it is worth asking again.
const RETRY_AFTER_MS: u64 = 100;

type AnswerFn = fn(&View<'_>, &str, &[u8]) -> Result<Answered, QueryError>;

/// The log behind a read model, as its door sees it.
#[derive(Clone)]
pub(crate) struct Behind {
    pub(crate) log: [u8; 16],
    pub(crate) heads: Arc<Heads>,
    pub(crate) commits: Arc<dyn Commits>,
}

/// The door of one read model. Clones lead to the same one.
#[derive(Clone)]
pub struct QueryService {
    name: &'static str,
    behind: Behind,
    pub(crate) live: Arc<Live>,
    version: u32,
    answer: AnswerFn,
}

impl fmt::Debug for QueryService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryService").field("name", &self.name).finish_non_exhaustive()
    }
}

impl QueryService {
    pub(crate) fn new<P: Projection>(behind: Behind, live: Arc<Live>, version: u32) -> Self {
        Self { name: P::NAME, behind, live, version, answer: P::answer }
    }

    /// The version of the rows that its projector builds.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The read model.
    pub fn view(&self) -> &'static str {
        self.name
    }

    /// The last commit that answers reflect.
    pub fn position(&self) -> LogPosition {
        self.at(self.live.position())
    }

    /// From now on `listener` hears the position whenever it moves. It must not take long.
    pub fn listen(&self, listener: impl Fn(u64) + Send + Sync + 'static) {
        self.live.listen(Box::new(listener));
    }

    /// Answers a query at `at_least` or a later position; for that it waits as long as
    /// `patience`.
    ///
    /// # Errors
    /// The [`Problem`] for the one who asked.
    pub fn answer(
        &self,
        name: &str,
        body: &[u8],
        at_least: Option<LogPosition>,
        patience: Duration,
    ) -> Result<Vec<u8>, Problem> {
        if let Some(wanted) = at_least {
            self.check_log(wanted)?;
            self.live.wait_for(wanted.position, patience);
            self.check_reached(wanted)?;
        }
        match name {
            "status" => self.answer_status(Vec::new()),
            "hash" => self.answer_hash(),
            of_the_view => self.answer_query(of_the_view, body),
        }
    }

    fn answer_query(&self, name: &str, body: &[u8]) -> Result<Vec<u8>, Problem> {
        let answered = self.with_store(|store, checkpoint, generation| {
            let view = View {
                store,
                position: self.at(checkpoint.position),
                time: checkpoint.recorded_at,
                generation: self.generation(generation, checkpoint.version),
            };
            match (self.answer)(&view, name, body) {
                Ok(answered) => Ok(Ok(answered)),
                Err(QueryError::Problem(problem)) => Ok(Err(*problem)),
                Err(QueryError::Store(error)) => Err(error),
            }
        });
        answered??.finish(&*self.behind.commits)
    }

    /// A position to wait for must be one of this log.
    ///
    /// # Errors
    /// The [`Problem`] for the one who asked.
    pub fn check_log(&self, wanted: LogPosition) -> Result<(), Problem> {
        if wanted.log == Uuid::from_bytes(self.behind.log) {
            return Ok(());
        }
        let detail = format!("{wanted} is a position of another log; use one of this book");
        let mut problem = Problem::fault(Fault::Malformed, detail.clone());
        let (pointer, code) = ("/at_least".to_owned(), "invalid".to_owned());
        problem.errors.push(FieldProblem { pointer, code, detail });
        Err(problem)
    }

    /// Whether the read model has come so far.
    ///
    /// # Errors
    /// The [`Problem`] for the one who waited in vain.
    pub fn check_reached(&self, wanted: LogPosition) -> Result<(), Problem> {
        let reached = self.position();
        if reached.position >= wanted.position {
            return Ok(());
        }
        if let Serving::Nothing = &*self.live.read() {
            return Err(self.rebuilding());
        }
        let detail = format!(
            "the read model {} stands at {reached}, before {wanted}; ask again shortly",
            self.name
        );
        let mut problem = Problem::fault(Fault::ProjectionBehind, detail);
        problem.position = Some(reached.to_string());
        Err(problem.retry_after(RETRY_AFTER_MS))
    }

    /// How the read model stands; `queues` are those in front of it.
    pub fn status(&self, queues: Vec<QueueStatus>) -> ViewStatus {
        let rebuild = self.live.rebuild();
        let (state, reason, served) = match &*self.live.read() {
            Serving::Store(served) => (ViewState::Serving, None, Some(served.clone())),
            Serving::Nothing => (ViewState::Rebuilding, None, None),
            Serving::Failed(reason) => (ViewState::Failed, Some(reason.clone()), None),
        };
        let position = self.live.position();
        let checkpoint = served.as_ref().map(|served| &served.checkpoint);
        let (head, lag_ms) = self.lag(position, checkpoint.and_then(|at| at.recorded_at));
        ViewStatus {
            view: self.name.to_owned(),
            state,
            reason,
            version: checkpoint.map_or(0, |checkpoint| checkpoint.version),
            generation: served.as_ref().map_or(0, |served| served.generation),
            position,
            head,
            lag_commits: head.saturating_sub(position),
            lag_ms,
            rebuild,
            rebuilds: self.live.rebuilds(),
            alarms: self.live.alarms(),
            folded: self.live.figures(),
            queues,
        }
    }

    /// The head, and how much of the book's time lies between it and what is reflected. A log
    /// that cannot be read shows in the projector's state.
    fn lag(&self, position: u64, at: Option<Timestamp>) -> (u64, Option<u64>) {
        let seen = self.live.head().max(position);
        let head = self.behind.heads.position().unwrap_or(0).max(seen);
        if head == position {
            return (head, at.map(|_| 0));
        }
        let time = match self.behind.heads.head() {
            Ok(LogHead { time, .. }) => time,
            Err(_) => None,
        };
        let lag = time.zip(at).map(|(head, at)| (head - at.micros()).max(0) / 1_000);
        (head, lag.and_then(|lag| u64::try_from(lag).ok()))
    }

    /// The answer of `status`; `queues` are those in front of the read model.
    ///
    /// # Errors
    /// A [`Problem`] when it has no JSON form.
    pub fn answer_status(&self, queues: Vec<QueueStatus>) -> Result<Vec<u8>, Problem> {
        let status = self.status(queues);
        let position = self.at(status.position).to_string();
        let time = match &*self.live.read() {
            Serving::Store(served) => served.checkpoint.recorded_at,
            Serving::Nothing | Serving::Failed(_) => None,
        };
        json(&Answer { data: status, position, time })
    }

    fn answer_hash(&self) -> Result<Vec<u8>, Problem> {
        let (checkpoint, hash) = self.content_hash()?;
        let data = ViewHash {
            view: self.name.to_owned(),
            version: checkpoint.version,
            position: checkpoint.position,
            hash: hash.to_string(),
        };
        let position = self.at(checkpoint.position).to_string();
        json(&Answer { data, position, time: checkpoint.recorded_at })
    }

    /// The hash of all rows, and how far they have come. Queries go on meanwhile, folding waits.
    ///
    /// # Errors
    /// A [`Problem`] when nothing is served at the moment.
    pub(crate) fn content_hash(&self) -> Result<(Checkpoint, ContentHash), Problem> {
        let hash = |served: &Served| match content_hash(&*served.store) {
            Ok(hash) => Ok((served.checkpoint.clone(), hash)),
            Err(error) => Err(self.in_doubt(served.generation, error)),
        };
        let held = self.live.holding_still(hash);
        held.unwrap_or_else(|| Err(self.nothing(&self.live.read())))
    }

    /// Reads the store while no batch is applied. A store in doubt is rebuilt.
    pub(crate) fn with_store<T>(
        &self,
        read: impl FnOnce(&dyn Store, &Checkpoint, u64) -> Result<T, StoreError>,
    ) -> Result<T, Problem> {
        match &*self.live.query() {
            Serving::Store(Served { store, checkpoint, generation }) => {
                let outcome = read(&**store, checkpoint, *generation);
                outcome.map_err(|error| self.in_doubt(*generation, error))
            }
            none @ (Serving::Nothing | Serving::Failed(_)) => Err(self.nothing(none)),
        }
    }

    fn in_doubt(&self, generation: u64, error: StoreError) -> Problem {
        self.live.doubt(Some(generation), error.into());
        self.rebuilding()
    }

    fn nothing(&self, serving: &Serving) -> Problem {
        match serving {
            Serving::Store(_) | Serving::Nothing => self.rebuilding(),
            Serving::Failed(reason) => {
                let detail = format!("the read model {} stands still: {reason}", self.name);
                Problem::fault(Fault::Unavailable, detail)
            }
        }
    }

    fn rebuilding(&self) -> Problem {
        let progress = match self.live.rebuild() {
            Some(RebuildStatus { percent, position, target, .. }) => {
                format!(", {percent} % done ({position} of {target} commits)")
            }
            None => String::new(),
        };
        let name = self.name;
        let detail =
            format!("the read model {name} is being built from the log{progress}; ask again later");
        Problem::fault(Fault::ProjectionRebuilding, detail).retry_after(RETRY_AFTER_MS)
    }

    fn at(&self, position: u64) -> LogPosition {
        LogPosition { log: Uuid::from_bytes(self.behind.log), position }
    }

    /// What cursors hold: another number after every rebuild and every change of version.
    fn generation(&self, generation: u64, version: u32) -> u64 {
        let mut hasher = Sha256::new();
        hasher.update(self.behind.log);
        hasher.update(version.to_be_bytes());
        hasher.update(generation.to_be_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hasher.finalize()[..8]);
        u64::from_be_bytes(first)
    }
}
