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

/// What a customer that is old costs beside one that is young.
#[derive(Debug, Clone)]
pub struct AgeSettings {
    /// Where to measure; must be empty. A fresh folder beside the data folder if left out.
    pub dir: Option<PathBuf>,
    /// Opens the book of this folder and prints what that takes; nothing else is done then. It is
    /// what the bench asks of a fresh process.
    pub opened: Option<PathBuf>,
    /// Only this group; all of them if left out.
    pub only: Option<AgeGroup>,
    /// Weeks that customers with 100 weekly subscriptions have behind them, book by book.
    pub weeks: Vec<u64>,
    /// Paid invoices of customers with one subscription, book by book.
    pub invoices: Vec<u64>,
    /// Customers in the books with many.
    pub customers: u64,
    /// Paid invoices that each of these many has, book by book.
    pub paid: Vec<u64>,
    /// Subscriptions of resellers, book by book.
    pub reseller: Vec<u64>,
    /// Customers that share the samples, in books that are not about many.
    pub copies: u64,
    /// Commands that are timed one by one.
    pub samples: u64,
    /// Commands that are timed with many on their way.
    pub many: u64,
    /// Billing runs that are timed.
    pub runs: u64,
    /// All of these are spread over so many rounds; the books of a group take turns.
    pub rounds: u64,
}

/// What grows from book to book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgeGroup {
    /// Cycles of 100 weekly subscriptions.
    Weekly,
    /// Paid invoices of few customers.
    Paid,
    /// Paid invoices of many customers.
    Customers,
    /// Subscriptions.
    Reseller,
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
