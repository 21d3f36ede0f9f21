//! A read model: a name, a version, how it folds a commit, and how it answers.

use schemas::event::LineRef;
use schemas::parts::NotTogether;
use schemas::record::DecodeError;
use schemas::wire::LogPosition;
use schemas::{CommitView, Event, Problem, Timestamp};

use ledger_core::accounting::PostError;

use crate::commits::Commits;
use crate::store::{Batch, Store, StoreError};

/// A read model. It sees events only: nothing here decides or prices anything.
pub trait Projection: Tables + Send + 'static {
    /// Its name: part of subjects and folder names.
    const NAME: &'static str;
    /// Raised for every change of its rows; a store of another version is rebuilt.
    const VERSION: u32;
    /// The oldest version whose rows [`Projection::answer`] can still read. While rows of a later
    /// version are built beside them, such a store answers queries from where it stands.
    const ANSWERS_FROM: u32 = Self::VERSION;

    /// Folds one event in: the one at `index`, from 0, of its commit. Rows are changed in memory;
    /// [`Tables::drain`] writes them.
    ///
    /// # Errors
    /// [`FoldError`]: the log cannot be understood, or the store is in doubt.
    fn apply(
        &mut self,
        store: &dyn Store,
        commit: &CommitView<'_>,
        index: u32,
        event: &Event,
    ) -> Result<(), FoldError>;

    /// Answers a query from what is written.
    ///
    /// # Errors
    /// [`QueryError`]: a problem for the one who asked, or a store in doubt.
    fn answer(view: &View<'_>, name: &str, body: &[u8]) -> Result<Answered, QueryError>;
}

/// The tables of a read model: rows that are changed in memory. [`crate::table::tables`] derives
/// it from the list of them.
pub trait Tables: Default {
    /// How many rows are changed and not yet drained.
    fn pending(&self) -> usize;

    /// Moves every changed row into the batch.
    fn drain(&mut self, batch: &mut Batch);
}

/// What a query comes to while batches are held off.
pub enum Answered {
    /// The answer.
    Written(Vec<u8>),
    /// All that rows say; the answer also takes commits, which are read while folding goes on.
    ByCommits(Finish),
}

/// Reads commits and writes the answer.
pub type Finish = Box<dyn FnOnce(&dyn Commits) -> Result<Vec<u8>, Problem>>;

impl Answered {
    /// The answer, with what it takes of the log.
    ///
    /// # Errors
    /// The [`Problem`] for the one who asked.
    pub fn finish(self, commits: &dyn Commits) -> Result<Vec<u8>, Problem> {
        match self {
            Self::Written(bytes) => Ok(bytes),
            Self::ByCommits(finish) => finish(commits),
        }
    }
}

/// What a query reads: the rows of one consistent moment.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    /// The rows.
    pub store: &'a dyn Store,
    /// The last commit that they reflect.
    pub position: LogPosition,
    /// When that commit was recorded.
    pub time: Option<Timestamp>,
    /// Changes when the read model is rebuilt; cursors hold it.
    pub generation: u64,
}

/// Why a commit cannot be folded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// The store is in doubt: rebuild.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A record cannot be read, or is of a later release: stop, never skip.
    #[error("commit {position} cannot be read: {source}")]
    Decode {
        /// Which commit.
        position: u64,
        /// Why.
        source: DecodeError,
    },
    /// A decision is complete and its parts are not those it names: stop.
    #[error("commit {position} completes a decision: {source}")]
    Parts {
        /// Which commit.
        position: u64,
        /// Why.
        source: NotTogether,
    },
    /// An event's amounts contradict each other: stop.
    #[error("commit {position} cannot be booked: {source}")]
    Post {
        /// Which commit.
        position: u64,
        /// Why.
        source: PostError,
    },
    /// An event names what no event before it made: stop.
    #[error("commit {position} names {what}, which no commit before it made; verify the log")]
    Unknown {
        /// Which commit.
        position: u64,
        /// What it names.
        what: String,
    },
}

impl FoldError {
    /// The commit at `position` names what no commit before it made.
    pub(crate) fn unknown(position: u64, what: impl std::fmt::Display) -> Self {
        Self::Unknown { position, what: what.to_string() }
    }

    /// Lines of a document stand where no decision in parts is.
    pub(crate) fn astray(position: u64) -> Self {
        Self::unknown(position, "lines of what is not issued")
    }

    /// The same of a line.
    pub(crate) fn unknown_line(position: u64, LineRef { invoice, line }: LineRef) -> Self {
        Self::unknown(position, format_args!("line {line} of {invoice}"))
    }
}

/// Why a query has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueryError {
    /// For the one who asked.
    Problem(Box<Problem>),
    /// The store is in doubt: rebuild.
    Store(StoreError),
}

impl From<StoreError> for QueryError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<Problem> for QueryError {
    fn from(problem: Problem) -> Self {
        Self::Problem(Box::new(problem))
    }
}
