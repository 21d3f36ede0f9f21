//! The door of one read model: questions in, answers or problems out.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use schemas::Problem;
use schemas::problem::{Fault, FieldProblem};
use schemas::wire::LogPosition;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::checkpoint::Checkpoint;
use crate::live::{Live, Serving};
use crate::projection::{Projection, QueryError, View};
use crate::store::{Store, StoreError};

/// How long a query waits for the position it asks for, unless told otherwise.
pub const DEFAULT_PATIENCE: Duration = Duration::from_secs(5);
/// After so many milliseconds it is worth asking again.
const RETRY_AFTER_MS: u64 = 100;

type AnswerFn = fn(&View<'_>, &str, &[u8]) -> Result<Vec<u8>, QueryError>;

/// The door of one read model. Clones lead to the same one.
#[derive(Clone)]
pub struct QueryService {
    name: &'static str,
    version: u32,
    log: [u8; 16],
    pub(crate) live: Arc<Live>,
    answer: AnswerFn,
}

impl fmt::Debug for QueryService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryService").field("name", &self.name).finish_non_exhaustive()
    }
}

impl QueryService {
    pub(crate) fn new<P: Projection>(log: [u8; 16], live: Arc<Live>) -> Self {
        Self { name: P::NAME, version: P::VERSION, log, live, answer: P::answer }
    }

    /// The read model.
    pub fn view(&self) -> &'static str {
        self.name
    }

    /// The last commit that answers reflect.
    pub fn position(&self) -> LogPosition {
        self.at(self.live.position())
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
            self.reach(wanted, patience)?;
        }
        let answered = self.with_store(|store, checkpoint, generation| {
            let view = View {
                store,
                position: self.at(checkpoint.position),
                time: checkpoint.recorded_at,
                generation: self.generation(generation),
            };
            match (self.answer)(&view, name, body) {
                Ok(bytes) => Ok(Ok(bytes)),
                Err(QueryError::Problem(problem)) => Ok(Err(*problem)),
                Err(QueryError::Store(error)) => Err(error),
            }
        });
        answered?
    }

    fn reach(&self, wanted: LogPosition, patience: Duration) -> Result<(), Problem> {
        if wanted.log != Uuid::from_bytes(self.log) {
            let detail = format!("{wanted} is a position of another log; use one of this book");
            let mut problem = Problem::fault(Fault::Malformed, detail.clone());
            let (pointer, code) = ("/at_least".to_owned(), "invalid".to_owned());
            problem.errors.push(FieldProblem { pointer, code, detail });
            return Err(problem);
        }
        let reached = self.live.wait_for(wanted.position, patience);
        if reached >= wanted.position {
            return Ok(());
        }
        let reached = self.at(reached);
        let detail = format!(
            "the read model {} stands at {reached}, before {wanted}; ask again shortly",
            self.name
        );
        let mut problem = Problem::fault(Fault::ProjectionBehind, detail);
        problem.position = Some(reached.to_string());
        Err(problem.retry_after(RETRY_AFTER_MS))
    }

    /// Reads the store while no batch is applied. A store in doubt is rebuilt.
    pub(crate) fn with_store<T>(
        &self,
        read: impl FnOnce(&dyn Store, &Checkpoint, u64) -> Result<T, StoreError>,
    ) -> Result<T, Problem> {
        let outcome = match &*self.live.read() {
            Serving::Store { store, checkpoint, generation } => {
                read(&**store, checkpoint, *generation)
            }
            Serving::Rebuilding => return Err(self.rebuilding()),
            Serving::Failed(reason) => {
                let detail = format!("the read model {} stands still: {reason}", self.name);
                return Err(Problem::fault(Fault::Unavailable, detail));
            }
        };
        outcome.map_err(|error| {
            self.live.doubt(error.into());
            self.rebuilding()
        })
    }

    fn rebuilding(&self) -> Problem {
        let detail =
            format!("the read model {} is being built from the log; ask again later", self.name);
        Problem::fault(Fault::ProjectionRebuilding, detail).retry_after(RETRY_AFTER_MS)
    }

    fn at(&self, position: u64) -> LogPosition {
        LogPosition { log: Uuid::from_bytes(self.log), position }
    }

    /// What cursors hold: another number after every rebuild and every change of version.
    fn generation(&self, generation: u64) -> u64 {
        let mut hasher = Sha256::new();
        hasher.update(self.log);
        hasher.update(self.version.to_be_bytes());
        hasher.update(generation.to_be_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hasher.finalize()[..8]);
        u64::from_be_bytes(first)
    }
}
