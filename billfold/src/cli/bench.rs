//! Flags of `bench` and what it can measure.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use workbench::bench::{
    AgeGroup, AgeSettings, BillingSettings, EngineSettings, NatsSettings, RestartSettings,
};

/// Flags of `bench`.
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct BenchArgs {
    /// Something else than the engine and the log in this process.
    #[command(subcommand)]
    pub what: Option<BenchWhat>,
    /// Where to measure [default: a fresh folder beside the data folder].
    #[arg(long, env = "BILLFOLD_BENCH_DIR", value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Customers that pay.
    #[arg(long, env = "BILLFOLD_BENCH_CUSTOMERS", value_name = "N", default_value_t = 10_000,
          value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub customers: u64,
    /// Invoices that each customer has open at first.
    #[arg(long, env = "BILLFOLD_BENCH_INVOICES", value_name = "N", default_value_t = 4,
          value_parser = clap::value_parser!(u64).range(1..=100))]
    pub invoices: u64,
    /// Payments kept outstanding, level by level.
    #[arg(long, env = "BILLFOLD_BENCH_OUTSTANDING", value_name = "N,N…", value_delimiter = ',',
          default_values_t = [1, 64, 256, 1_024, 4_096],
          value_parser = clap::value_parser!(u32).range(1..=8_000))]
    pub outstanding: Vec<u32>,
    /// A level ends after so many payments …
    #[arg(long, env = "BILLFOLD_BENCH_COMMANDS", value_name = "N", default_value_t = 100_000,
          value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    pub commands: u64,
    /// … or so many seconds.
    #[arg(long, env = "BILLFOLD_BENCH_SECONDS", value_name = "N", default_value_t = 2,
          value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub seconds: u64,
    /// How often everything is measured; medians are reported.
    #[arg(long, env = "BILLFOLD_BENCH_ROUNDS", value_name = "N", default_value_t = 3,
          value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,
    /// Read models are rebuilt from the first so many commits.
    #[arg(long, env = "BILLFOLD_BENCH_VIEW_COMMITS", value_name = "N", default_value_t = 200_000)]
    pub view_commits: u64,
    /// Tiny numbers, to see that it works; they tell nothing about speed.
    #[arg(long, env = "BILLFOLD_BENCH_QUICK")]
    pub quick: bool,
}

/// What else can be measured.
#[derive(Debug, Clone, Subcommand)]
pub enum BenchWhat {
    /// Requests, batches and queries over NATS: server, gateway, three projectors and the load,
    /// each a process, on this machine's cores.
    Nats(NatsBenchArgs),
    /// How long a book takes to open, against the size of its log: with and without a snapshot.
    Restart(RestartBenchArgs),
    /// One billing run over many customers, and what other commands notice of it.
    Billing(BillingBenchArgs),
    /// What a customer that is old, or large, costs beside one that is young: each command, its
    /// memory, its part of a snapshot.
    Age(AgeBenchArgs),
}

/// Flags of `bench age`.
#[derive(Debug, Clone, Args)]
pub struct AgeBenchArgs {
    /// Where to measure; must be empty [default: a fresh folder beside the data folder].
    #[arg(long, env = "BILLFOLD_BENCH_AGE_DIR", value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Only this group [default: all of them].
    #[arg(long, env = "BILLFOLD_BENCH_AGE_ONLY", value_name = "GROUP")]
    pub only: Option<BenchGroup>,
    /// What the bench asks of a fresh process: opens the book in this folder and measures that.
    #[arg(long, hide = true, env = "BILLFOLD_BENCH_AGE_OPENED", value_name = "DIR")]
    pub opened: Option<PathBuf>,
    /// Weeks that customers with 100 weekly subscriptions have behind them, book by book.
    #[arg(long, env = "BILLFOLD_BENCH_AGE_WEEKS", value_name = "N,N…", value_delimiter = ',',
          default_values_t = [1, 52, 260],
          value_parser = clap::value_parser!(u64).range(1..=2_000))]
    pub weeks: Vec<u64>,
    /// Paid invoices of customers with one subscription, book by book.
    #[arg(long, env = "BILLFOLD_BENCH_AGE_INVOICES", value_name = "N,N…", value_delimiter = ',',
          default_values_t = [1, 60_000],
          value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub invoices: Vec<u64>,
    /// Customers in the books with many.
    #[arg(long, env = "BILLFOLD_BENCH_AGE_CUSTOMERS", value_name = "N", default_value_t = 100_000,
          value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub customers: u64,
    /// Paid invoices that each of these many has, book by book.
    #[arg(long, env = "BILLFOLD_BENCH_AGE_PAID", value_name = "N,N…", value_delimiter = ',',
          default_values_t = [1, 120],
          value_parser = clap::value_parser!(u64).range(1..=1_000))]
    pub paid: Vec<u64>,
    /// Subscriptions of resellers, book by book.
    #[arg(long, env = "BILLFOLD_BENCH_AGE_RESELLER", value_name = "N,N…", value_delimiter = ',',
          default_values_t = [100, 5_000],
          value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub reseller: Vec<u64>,
    /// Customers that share the samples, in books that are not about many: each command leaves
    /// something behind.
    #[arg(long, env = "BILLFOLD_BENCH_AGE_COPIES", value_name = "N", default_value_t = 20,
          value_parser = clap::value_parser!(u64).range(1..=1_000))]
    pub copies: u64,
    /// Commands that are timed one by one.
    #[arg(long, env = "BILLFOLD_BENCH_AGE_SAMPLES", value_name = "N", default_value_t = 300,
          value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub samples: u64,
    /// Commands that are timed with many on their way.
    #[arg(long, env = "BILLFOLD_BENCH_AGE_MANY", value_name = "N", default_value_t = 2_000,
          value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub many: u64,
    /// Billing runs that are timed; fewer where there are many customers.
    #[arg(long, env = "BILLFOLD_BENCH_AGE_RUNS", value_name = "N", default_value_t = 50,
          value_parser = clap::value_parser!(u64).range(1..=1_000))]
    pub runs: u64,
    /// All of these are spread over so many rounds, in which the books of a group take turns; the
    /// best round is reported.
    #[arg(long, env = "BILLFOLD_BENCH_AGE_ROUNDS", value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(u64).range(1..=100))]
    pub rounds: u64,
}

/// Groups of `bench age`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BenchGroup {
    /// Customers with 100 weekly subscriptions, by weeks.
    Weekly,
    /// Customers with one subscription, by paid invoices.
    Paid,
    /// Many customers, by paid invoices of each.
    Customers,
    /// Resellers, by subscriptions.
    Reseller,
}

/// Flags of `bench billing`.
#[derive(Debug, Clone, Args)]
pub struct BillingBenchArgs {
    /// Where to measure; must be empty [default: a fresh folder beside the data folder].
    #[arg(long, env = "BILLFOLD_BENCH_BILLING_DIR", value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Customers that are due, book by book.
    #[arg(long, env = "BILLFOLD_BENCH_BILLING_CUSTOMERS", value_name = "N,N…",
          value_delimiter = ',', default_values_t = [10_000, 100_000],
          value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub customers: Vec<u64>,
}

/// Flags of `bench restart`.
#[derive(Debug, Clone, Args)]
pub struct RestartBenchArgs {
    /// Where to measure; must be empty [default: a fresh folder beside the data folder].
    #[arg(long, env = "BILLFOLD_BENCH_RESTART_DIR", value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Sizes of the log, smallest first.
    #[arg(long, env = "BILLFOLD_BENCH_RESTART_COMMITS", value_name = "N,N…",
          value_delimiter = ',', default_values_t = [100_000, 300_000, 1_000_000],
          value_parser = clap::value_parser!(u64).range(100..=100_000_000))]
    pub commits: Vec<u64>,
    /// Commits behind the snapshot, as after a kill; half the log at most.
    #[arg(long, env = "BILLFOLD_BENCH_RESTART_TAIL", value_name = "N", default_value_t = 50_000)]
    pub tail: u64,
    /// Customers; each has four invoices at first.
    #[arg(long, env = "BILLFOLD_BENCH_RESTART_CUSTOMERS", value_name = "N",
          default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub customers: u64,
    /// How often everything is measured; medians are reported.
    #[arg(long, env = "BILLFOLD_BENCH_RESTART_ROUNDS", value_name = "N", default_value_t = 3,
          value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,
}

/// Flags of `bench nats`.
#[derive(Debug, Clone, Args)]
pub struct NatsBenchArgs {
    /// Where to measure; must be empty [default: a fresh folder beside the data folder].
    #[arg(long, env = "BILLFOLD_BENCH_NATS_DIR", value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// The NATS server to start.
    #[arg(
        long,
        env = "BILLFOLD_BENCH_NATS_SERVER",
        value_name = "FILE",
        default_value = "nats-server"
    )]
    pub server: PathBuf,
    /// Customers that pay.
    #[arg(long, env = "BILLFOLD_BENCH_NATS_CUSTOMERS", value_name = "N", default_value_t = 10_000,
          value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub customers: u64,
    /// Single requests kept outstanding, level by level.
    #[arg(long, env = "BILLFOLD_BENCH_NATS_OUTSTANDING", value_name = "N,N…",
          value_delimiter = ',', default_values_t = [1, 64, 256, 1_024],
          value_parser = clap::value_parser!(u32).range(1..=8_000))]
    pub outstanding: Vec<u32>,
    /// Commands in a batch.
    #[arg(long, env = "BILLFOLD_BENCH_NATS_BATCH", value_name = "N", default_value_t = 256,
          value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub batch: u32,
    /// Batches kept outstanding, level by level.
    #[arg(long, env = "BILLFOLD_BENCH_NATS_BATCHES", value_name = "N,N…",
          value_delimiter = ',', default_values_t = [1, 8],
          value_parser = clap::value_parser!(u32).range(1..=64))]
    pub batches: Vec<u32>,
    /// How long each level takes.
    #[arg(long, env = "BILLFOLD_BENCH_NATS_SECONDS", value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub seconds: u64,
    /// How often everything is measured; medians are reported.
    #[arg(long, env = "BILLFOLD_BENCH_NATS_ROUNDS", value_name = "N", default_value_t = 3,
          value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,
    /// For how long twice the load that can be taken is sent; 0 leaves it out.
    #[arg(long, env = "BILLFOLD_BENCH_NATS_OVERLOAD", value_name = "SECONDS",
          default_value_t = 60, value_parser = clap::value_parser!(u64).range(0..=3_600))]
    pub overload: u64,
    /// Tiny numbers, to see that it works; they tell nothing about speed.
    #[arg(long, env = "BILLFOLD_BENCH_NATS_QUICK")]
    pub quick: bool,
}

impl BenchArgs {
    /// What is asked of the engine.
    pub fn settings(&self) -> EngineSettings {
        let Self {
            what: _,
            dir,
            customers,
            invoices,
            outstanding,
            commands,
            seconds,
            rounds,
            view_commits,
            quick,
        } = self.clone();
        EngineSettings {
            dir,
            customers,
            invoices,
            outstanding,
            commands,
            seconds,
            rounds,
            view_commits,
            quick,
        }
    }
}

impl AgeBenchArgs {
    /// What is asked of old customers.
    pub fn settings(&self) -> AgeSettings {
        let Self {
            dir,
            only,
            opened,
            weeks,
            invoices,
            customers,
            paid,
            reseller,
            copies,
            samples,
            many,
            runs,
            rounds,
        } = self.clone();
        let only = only.map(|group| match group {
            BenchGroup::Weekly => AgeGroup::Weekly,
            BenchGroup::Paid => AgeGroup::Paid,
            BenchGroup::Customers => AgeGroup::Customers,
            BenchGroup::Reseller => AgeGroup::Reseller,
        });
        AgeSettings {
            dir,
            opened,
            only,
            weeks,
            invoices,
            customers,
            paid,
            reseller,
            copies,
            samples,
            many,
            runs,
            rounds,
        }
    }
}

impl BillingBenchArgs {
    /// What is asked of the run.
    pub fn settings(&self) -> BillingSettings {
        let Self { dir, customers } = self.clone();
        BillingSettings { dir, customers }
    }
}

impl RestartBenchArgs {
    /// What is asked of the starts.
    pub fn settings(&self) -> RestartSettings {
        let Self { dir, commits, tail, customers, rounds } = self.clone();
        RestartSettings { dir, commits, tail, customers, rounds }
    }
}

impl NatsBenchArgs {
    /// What is asked of everything over NATS.
    pub fn settings(&self) -> NatsSettings {
        let Self {
            dir,
            server,
            customers,
            outstanding,
            batch,
            batches,
            seconds,
            rounds,
            overload,
            quick,
        } = self.clone();
        NatsSettings {
            dir,
            server,
            customers,
            outstanding,
            batch,
            batches,
            seconds,
            rounds,
            overload,
            quick,
        }
    }
}
