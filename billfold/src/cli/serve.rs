//! Flags of the processes that serve: `up`, `serve`, `project`.

use std::net::SocketAddr;

use clap::Args;
use projections::ViewName;
use schemas::Timestamp;
use schemas::terms::Profile;

use super::policy::{self, Opening, Replaced};

/// Flags of `up` and `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// In a fresh folder: make the book a test book whose clock starts here.
    #[arg(long, env = "BILLFOLD_TEST_CLOCK", value_name = "INSTANT")]
    pub test_clock: Option<Timestamp>,
    /// In a fresh folder: what the book bills by; `billfold@1` if left out.
    #[arg(long, env = "BILLFOLD_PROFILE", value_name = "NAME", value_parser = policy::profile())]
    pub profile: Option<Profile>,
    /// In a fresh folder: replace a policy of the profile, as in `proration=by_second`; may be
    /// repeated.
    #[arg(long = "policy", env = "BILLFOLD_POLICY", value_name = "NAME=RULE",
          value_delimiter = ',', value_parser = policy::policy)]
    pub policies: Vec<Replaced>,
    /// What is watched.
    #[command(flatten)]
    pub watch: WatchArgs,
}

impl ServeArgs {
    /// How the book of a fresh folder is opened.
    pub fn opening(&self) -> Opening {
        let (profile, test_clock) = (self.profile, self.test_clock);
        Opening { profile, policies: self.policies.clone(), test_clock }
    }
}

/// Flags of every process that serves.
#[derive(Debug, Clone, Args)]
pub struct WatchArgs {
    /// Serve `/metrics`, `/healthz` and `/readyz` on this loopback address; port 0 takes a free
    /// one.
    #[arg(long, env = "BILLFOLD_METRICS", value_name = "ADDRESS",
          value_parser = host::metrics::loopback)]
    pub metrics: Option<SocketAddr>,
}

/// Flags of `project`.
#[derive(Debug, Args)]
pub struct ProjectArgs {
    /// Which read models.
    #[arg(required = true, value_name = "VIEW",
          help = format!("Which read models: {}", ViewName::names()))]
    pub views: Vec<ViewName>,
    /// How far to stand back for other processes: 0 not at all, 19 as far as can be.
    #[arg(long, env = "BILLFOLD_NICE", value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(i32).range(0..=19))]
    pub nice: i32,
    /// What is watched.
    #[command(flatten)]
    pub watch: WatchArgs,
}
