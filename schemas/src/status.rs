//! What gateways and read models say about themselves.
//!
//! # Shape
//!
//! `admin.status` gives a [`GatewayStatus`]; each read model gives an answer around a
//! [`ViewStatus`] (`query.<view>.status`) and a [`ViewHash`] (`query.<view>.hash`). Counts are
//! since the process started. Times in figures are microseconds, lags milliseconds.
//!
//! # Lag
//!
//! A read model's lag in commits is the log's durable head less its own position. Its lag in
//! time is the recorded time of the head less the recorded time of its position: how much of
//! the book's history is not in its answers yet. On a test book that is the book's clock.

mod window;

pub use window::{Buckets, Window};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::runs::RunProgress;
use crate::time::Timestamp;

/// A bounded queue: what is beyond its capacity is refused as *busy*, at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QueueStatus {
    /// Its name.
    pub name: String,
    /// How many are in it now.
    pub depth: u64,
    /// How many it takes.
    pub capacity: u64,
    /// How many were refused because it was full.
    pub refused: u64,
}

/// How a figure was distributed over the last minute. Figures are exact to an eighth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Figures {
    /// How often it was measured.
    pub count: u64,
    /// Half of them were at most this.
    pub p50: u64,
    /// 99 of 100 were at most this.
    pub p99: u64,
    /// The largest was at most this.
    pub max: u64,
}

/// What became of commands since the process started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommandCounts {
    /// Accepted, commands of billing runs included.
    pub accepted: u64,
    /// Refused by the ledger's rules.
    pub rejected: u64,
    /// Repeated: the first outcome was looked up.
    pub duplicates: u64,
    /// Refused because a queue was full.
    pub busy: u64,
    /// Refused undecided for another reason: a deadline, a full disk, a stop.
    pub undecided: u64,
}

/// How a book's gateway stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GatewayStatus {
    /// The book.
    pub book: String,
    /// The log's id.
    pub log: String,
    /// The last durable commit, as an opaque token.
    pub position: String,
    /// How many commits are durable.
    pub commits: u64,
    /// The log's epoch: it rises with every start of a gateway.
    pub epoch: u64,
    /// Whether commands are taken.
    pub running: bool,
    /// How long this gateway has served, in milliseconds.
    pub uptime_ms: u64,
    /// Queues of this book and of the doors of the process.
    pub queues: Vec<QueueStatus>,
    /// What became of commands.
    pub commands: CommandCounts,
    /// Commits made durable in a second, over the last minute.
    pub commits_per_second: u64,
    /// Writing and syncing a block, in microseconds.
    pub sync_us: Figures,
    /// Commits in a block.
    pub block_commits: Figures,
    /// Bytes of commits in a block.
    pub block_bytes: Figures,
    /// Billing runs that have customers left.
    pub billing_runs: Vec<RunProgress>,
    /// Customers that are parked: processes leave them out until they are released.
    pub parked: u64,
    /// Customers since the start that a process could neither serve nor park. The log of the
    /// gateway names them.
    pub stuck: u64,
    /// Snapshots and ids of old commands, and how the book was opened.
    pub snapshots: SnapshotStatus,
}

/// How a book was opened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpeningReport {
    /// The last commit that came from a snapshot; 0 if the whole log was replayed.
    pub snapshot_position: u64,
    /// Commits that were replayed.
    pub tail_commits: u64,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
}

/// Snapshots and ids of a book.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SnapshotStatus {
    /// Whether snapshots are made.
    pub enabled: bool,
    /// The last commit that the snapshot holds; 0 without one.
    pub position: u64,
    /// When its last layer was made.
    pub made_at: Option<Timestamp>,
    /// Its layers.
    pub layers: u64,
    /// Bytes of its layers.
    pub bytes: u64,
    /// Ids of commands in memory.
    pub ids_in_memory: u64,
    /// Ids of commands in files.
    pub ids_on_disk: u64,
    /// Files of ids.
    pub id_files: u64,
    /// Bytes in memory for the filters of those files.
    pub filter_bytes: u64,
    /// How the book was opened.
    pub opening: OpeningReport,
    /// Why the last layer could not be made, if so.
    pub failure: Option<String>,
}

/// What a read model does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ViewState {
    /// It answers queries.
    Serving,
    /// It is being built and answers no query before it has caught up.
    Rebuilding,
    /// It cannot go on and tries again.
    Failed,
}

/// A read model that is being built anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RebuildStatus {
    /// Why.
    pub reason: String,
    /// The version of the rows that it will have.
    pub version: u32,
    /// How many commits are folded in.
    pub position: u64,
    /// How many there are.
    pub target: u64,
    /// The share of them, in whole percent.
    pub percent: u64,
    /// How long it has taken so far, in milliseconds.
    pub elapsed_ms: u64,
}

/// Something that a person must look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Alarm {
    /// Stable code: `checkpoint_above_head` or `history_differs`.
    pub code: String,
    /// What is, with its values; then the way out.
    pub detail: String,
}

/// What a read model wrote since its process started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FoldFigures {
    /// Commits folded in.
    pub commits: u64,
    /// Rows written.
    pub rows: u64,
    /// Batches of rows written.
    pub batches: u64,
    /// Rows in a batch.
    pub batch_rows: Figures,
    /// Writing a batch, during which queries wait, in microseconds.
    pub batch_us: Figures,
}

/// How a read model stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ViewStatus {
    /// Which read model.
    pub view: String,
    /// What it does.
    pub state: ViewState,
    /// Why it cannot go on, where it cannot.
    pub reason: Option<String>,
    /// The version of the rows that answer.
    pub version: u32,
    /// Changes with every rebuild; cursors of an older one have expired.
    pub generation: u64,
    /// How many commits its answers reflect.
    pub position: u64,
    /// How many are durable.
    pub head: u64,
    /// How many of them are not in its answers.
    pub lag_commits: u64,
    /// How much of the book's time is not in its answers, in milliseconds; none before the first
    /// commit.
    pub lag_ms: Option<u64>,
    /// The rebuild under way; queries are answered from the old rows if `state` says so.
    pub rebuild: Option<RebuildStatus>,
    /// Rebuilds that were begun since the process started.
    pub rebuilds: u64,
    /// What a person must look at. Alarms stay until the process is started again.
    pub alarms: Vec<Alarm>,
    /// What it wrote.
    pub folded: FoldFigures,
    /// Bounded queues in front of it.
    pub queues: Vec<QueueStatus>,
}

/// What a read model holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ViewHash {
    /// Which read model.
    pub view: String,
    /// The version of its rows.
    pub version: u32,
    /// How many commits are folded in.
    pub position: u64,
    /// SHA-256 over all its rows in the order of their keys.
    pub hash: String,
}
