//! A read model: a name, a version, how it folds a commit, and how it answers.

use schemas::record::DecodeError;
use schemas::wire::LogPosition;
use schemas::{CommitView, Event, Problem, Timestamp};

use ledger_core::accounting::PostError;

use crate::store::{Batch, Store, StoreError};

/// A read model. It sees events only: nothing here decides or prices anything.
pub trait Projection: Default + Send + 'static {
    /// Its name: part of subjects and folder names.
    const NAME: &'static str;
    /// Raised for every change of its rows; a store of another version is rebuilt.
    const VERSION: u32;
    /// The oldest version whose rows [`Projection::answer`] can still read. While rows of a later
    /// version are built beside them, such a store answers queries from where it stands.
    const ANSWERS_FROM: u32 = Self::VERSION;

    /// Folds one event in. Rows are changed in memory; [`Projection::drain`] writes them.
    ///
    /// # Errors
    /// [`FoldError`]: the log cannot be understood, or the store is in doubt.
    fn apply(
        &mut self,
        store: &dyn Store,
        commit: &CommitView<'_>,
        event: &Event,
    ) -> Result<(), FoldError>;

    /// How many rows are changed and not yet drained.
    fn pending(&self) -> usize;

    /// Moves every changed row into the batch.
    fn drain(&mut self, batch: &mut Batch);

    /// Answers a query from what is written.
    ///
    /// # Errors
    /// [`QueryError`]: a problem for the one who asked, or a store in doubt.
    fn answer(view: &View<'_>, name: &str, body: &[u8]) -> Result<Vec<u8>, QueryError>;
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
