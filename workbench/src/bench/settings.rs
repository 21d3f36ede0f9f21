//! What is asked of the bench, as whoever starts it says it.

use std::path::PathBuf;

/// The engine and the log, in this process.
#[derive(Debug, Clone)]
pub struct EngineSettings {
    /// Where to measure; a fresh folder beside the data folder if left out.
    pub dir: Option<PathBuf>,
    /// Customers that pay.
    pub customers: u64,
    /// Invoices that each customer has open at first.
    pub invoices: u64,
    /// Payments kept outstanding, level by level.
    pub outstanding: Vec<u32>,
    /// A level ends after so many payments …
    pub commands: u64,
    /// … or so many seconds.
    pub seconds: u64,
    /// How often everything is measured; medians are reported.
    pub rounds: u32,
    /// Read models are rebuilt from the first so many commits.
    pub view_commits: u64,
    /// Tiny numbers, to see that it works.
    pub quick: bool,
}

/// One billing run over many customers.
#[derive(Debug, Clone)]
pub struct BillingSettings {
    /// Where to measure; must be empty. A fresh folder beside the data folder if left out.
    pub dir: Option<PathBuf>,
    /// Customers that are due, book by book.
    pub customers: Vec<u64>,
}

/// How long a book takes to open.
#[derive(Debug, Clone)]
pub struct RestartSettings {
    /// Where to measure; must be empty. A fresh folder beside the data folder if left out.
    pub dir: Option<PathBuf>,
    /// Sizes of the log.
    pub commits: Vec<u64>,
    /// Commits behind the snapshot, as after a kill; half the log at most.
    pub tail: u64,
    /// Customers; each has four invoices at first.
    pub customers: u64,
    /// How often everything is measured; medians are reported.
    pub rounds: u32,
}

/// Everything over NATS, each part a process.
#[derive(Debug, Clone)]
pub struct NatsSettings {
    /// Where to measure; must be empty. A fresh folder beside the data folder if left out.
    pub dir: Option<PathBuf>,
    /// The NATS server to start.
    pub server: PathBuf,
    /// Customers that pay.
    pub customers: u64,
    /// Single requests kept outstanding, level by level.
    pub outstanding: Vec<u32>,
    /// Commands in a batch.
    pub batch: u32,
    /// Batches kept outstanding, level by level.
    pub batches: Vec<u32>,
    /// How long each level takes, in seconds.
    pub seconds: u64,
    /// How often everything is measured; medians are reported.
    pub rounds: u32,
    /// For how many seconds twice the load that can be taken is sent; 0 leaves it out.
    pub overload: u64,
    /// Tiny numbers, to see that it works.
    pub quick: bool,
}
