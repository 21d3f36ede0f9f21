//! Flags of those who read the log: `tail`, `feed`, `inspect`, `replay`, `verify`.

use std::path::PathBuf;

use clap::Args;
use schemas::ids::{BatchId, SessionId};
use schemas::text::Actor;

/// Flags of `tail`.
#[derive(Debug, Args)]
pub struct TailArgs {
    /// Start after this position.
    #[arg(long, env = "BILLFOLD_TAIL_AFTER", value_name = "N", default_value_t = 0)]
    pub after: u64,
    /// Stop after so many commits.
    #[arg(long, env = "BILLFOLD_TAIL_LIMIT", value_name = "N")]
    pub limit: Option<u64>,
    /// Wait for more at the end.
    #[arg(long, short = 'f', env = "BILLFOLD_TAIL_FOLLOW")]
    pub follow: bool,
}

/// Flags of `feed`.
#[derive(Debug, Args)]
pub struct FeedArgs {
    /// Start after this position, as answers have it [default: the first commit].
    #[arg(long, env = "BILLFOLD_FEED_AFTER", value_name = "POSITION")]
    pub after: Option<String>,
    /// Stop after so many commits.
    #[arg(long, env = "BILLFOLD_FEED_LIMIT", value_name = "N")]
    pub limit: Option<u64>,
    /// Only commits with an event of one of these names, such as `invoice.finalized`.
    #[arg(long, env = "BILLFOLD_FEED_TYPES", value_name = "NAME", value_delimiter = ',')]
    pub types: Vec<String>,
    /// Only commits of this stream: `book`, or a customer's id.
    #[arg(long, env = "BILLFOLD_FEED_STREAM", value_name = "STREAM")]
    pub stream: Option<String>,
    /// Only commits that came in with this batch.
    #[arg(long, env = "BILLFOLD_FEED_BATCH", value_name = "BATCH_ID")]
    pub batch: Option<BatchId>,
    /// Only commits that came in with this session.
    #[arg(long, env = "BILLFOLD_FEED_SESSION", value_name = "SESSION_ID")]
    pub session: Option<SessionId>,
    /// Only commits that this actor submitted.
    #[arg(long, env = "BILLFOLD_FEED_BY", value_name = "ACTOR")]
    pub by: Option<Actor>,
    /// Wait for more at the end.
    #[arg(long, short = 'f', env = "BILLFOLD_FEED_FOLLOW")]
    pub follow: bool,
}

/// Flags of `inspect`.
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// A position, a command id, or the id or printed number of a thing: customer, invoice,
    /// payment, subscription …
    pub what: String,
    /// Show at most so many commits.
    #[arg(long, env = "BILLFOLD_INSPECT_LIMIT", value_name = "N", default_value_t = 20)]
    pub limit: usize,
}

/// Flags of `replay`.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// Where to rebuild [default: a folder beside the views, removed afterwards].
    #[arg(long, env = "BILLFOLD_REPLAY_SCRATCH", value_name = "DIR")]
    pub scratch: Option<PathBuf>,
}

/// Flags of `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Check only bytes, chain and tree, not what the commits mean.
    #[arg(long, env = "BILLFOLD_VERIFY_BYTES_ONLY")]
    pub bytes_only: bool,
}
