//! Flags of the processes that serve: `up`, `serve`, `project`.

use std::net::SocketAddr;

use clap::Args;
use projections::ViewName;
use schemas::Timestamp;

/// Flags of `up` and `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// In a fresh folder: make the book a test book whose clock starts here.
    #[arg(long, env = "BILLFOLD_TEST_CLOCK", value_name = "INSTANT")]
    pub test_clock: Option<Timestamp>,
    /// What is watched.
    #[command(flatten)]
    pub watch: WatchArgs,
}

/// Flags of every process that serves.
#[derive(Debug, Clone, Args)]
pub struct WatchArgs {
    /// Serve `/metrics`, `/healthz` and `/readyz` on this loopback address; port 0 takes a free
    /// one.
    #[arg(long, env = "BILLFOLD_METRICS", value_name = "ADDRESS",
          value_parser = crate::metrics::loopback)]
    pub metrics: Option<SocketAddr>,
}

/// Flags of `project`.
#[derive(Debug, Args)]
pub struct ProjectArgs {
    /// Which read models: invoices, revenue, balances.
    #[arg(required = true, value_name = "VIEW")]
    pub views: Vec<ViewName>,
    /// How far to stand back for other processes: 0 not at all, 19 as far as can be.
    #[arg(long, env = "BILLFOLD_NICE", value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(i32).range(0..=19))]
    pub nice: i32,
    /// What is watched.
    #[command(flatten)]
    pub watch: WatchArgs,
}
