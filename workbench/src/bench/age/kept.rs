//! What a book takes in memory and in snapshots, and how long it takes to open.
//!
//! *Shape.* Memory is what a fresh process has resident with the book open, less what it has with
//! an empty one: here, what the allocator keeps of an earlier book would be in the figures.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use client::Node;
use command_gateway::Gateway;
use host::Folder;
use serde::{Deserialize, Serialize};
use terminal::{Output, View};

use super::book::{Book, plain, with_snapshots};
use super::shape::Shape;
use crate::bench::machine;
use crate::bench::report::{median, nanos, share};
use crate::error::WorkError;

/// How often a book is opened from its snapshot.
const ROUNDS: u32 = 3;
/// How long snapshots may take.
const PATIENCE: Duration = Duration::from_hours(1);
/// How often it is looked whether they are there.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What one book takes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Kept {
    pub(super) group: &'static str,
    pub(super) state: String,
    customers: u64,
    commits: u64,
    /// How long it took to come by what the customers have behind them.
    build_ms: u64,
    /// Memory of the open book, without ids of old commands.
    pub(super) bytes_a_customer: u64,
    pub(super) percent_of_youngest: u64,
    snapshot_bytes: u64,
    snapshot_bytes_a_customer: u64,
    /// From a book without snapshots to one whose whole log is in them. Their thread rests as
    /// long as it works.
    snapshot_ms: u64,
    /// Of it, processor time.
    snapshot_cpu_ms: u64,
    /// The book opens from its snapshot; the median.
    restart_ms: u64,
    /// The book opens from its log alone.
    replay_ms: u64,
}

impl Kept {
    /// Measures a book that was built in this time, and leaves it closed.
    ///
    /// # Errors
    /// [`WorkError`] when it cannot be opened or no snapshot is made.
    pub(super) fn of(book: &mut Book, built: Duration, empty: u64) -> Result<Self, WorkError> {
        let folder = book.folder().clone();
        let commits = book.handle()?.progress().durable();
        let replay = book.reopen(&plain(&folder)?)?;
        let (snapshot_bytes, snapshot, cpu) = snapshot(book, commits)?;
        book.close();
        let openings = (0..ROUNDS).map(|_| elsewhere(&folder));
        let openings = openings.collect::<Result<Vec<_>, _>>()?;
        let bytes = median(openings.iter().map(|opening| opening.bytes)).saturating_sub(empty);
        let customers = book.shape.customers;
        Ok(Self {
            group: book.shape.group(),
            state: book.shape.state(),
            customers,
            commits,
            build_ms: millis(built),
            bytes_a_customer: share(bytes, customers),
            percent_of_youngest: 100,
            snapshot_bytes,
            snapshot_bytes_a_customer: share(snapshot_bytes, customers),
            snapshot_ms: millis(snapshot),
            snapshot_cpu_ms: millis(cpu),
            restart_ms: median(openings.iter().map(|opening| opening.restart_ns)) / 1_000_000,
            replay_ms: millis(replay),
        })
    }
}

/// The memory of a book without customers.
///
/// # Errors
/// As [`Kept::of`].
pub(super) fn empty(shape: Shape, folder: &Folder) -> Result<u64, WorkError> {
    let mut book = Book::make(shape, folder)?;
    book.define()?;
    let commits = book.handle()?.progress().durable();
    snapshot(&mut book, commits)?;
    book.close();
    Ok(elsewhere(folder)?.bytes)
}

/// A book was opened in a process of its own.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Opening {
    /// What is resident more with the book than before.
    bytes: u64,
    restart_ns: u64,
}

/// Opens the book of a folder from its snapshot and prints what that took: what the bench asks of
/// a fresh process.
///
/// # Errors
/// [`WorkError`] when it cannot be opened, or opens without its snapshot.
pub(super) fn open_and_print(folder: &Folder, output: &Output) -> Result<(), WorkError> {
    Ok(output.document(View::Any, &Node::of(&opening(folder)?))?)
}

fn opening(folder: &Folder) -> Result<Opening, WorkError> {
    let config = with_snapshots(folder, 0)?;
    let before = machine::resident_memory();
    let started = Instant::now();
    let gateway = Gateway::open(&config)?;
    let restart_ns = nanos(started.elapsed());
    let bytes = machine::resident_memory().saturating_sub(before);
    let opening = gateway.handle().snapshots().opening;
    gateway.close();
    if opening.tail_commits != 0 || opening.snapshot_position == 0 {
        return Err(WorkError::Wrong("the book opened without its snapshot".to_owned()));
    }
    Ok(Opening { bytes, restart_ns })
}

/// Opens the book in a fresh process of this program; a test is another program, and has none.
fn elsewhere(folder: &Folder) -> Result<Opening, WorkError> {
    if cfg!(test) {
        return opening(folder);
    }
    let program = std::env::current_exe()
        .map_err(|source| WorkError::io("this program does not find itself", source))?;
    in_process(&program, folder.root())
}

fn in_process(program: &Path, folder: &Path) -> Result<Opening, WorkError> {
    let mut command = Command::new(program);
    command.args(["bench", "age", "--output", "json", "--opened"]).arg(folder);
    let done = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let done = done.map_err(|source| {
        WorkError::io(format!("{} cannot be started", program.display()), source)
    })?;
    let opening = Node::parse(&done.stdout).ok().and_then(|answer| answer.read());
    let no_answer = || WorkError::Wrong("a book could not be opened in its own process".to_owned());
    opening.ok_or_else(no_answer)
}

/// Makes a snapshot of all there is: its bytes, the time, and the processor's part of it.
fn snapshot(book: &mut Book, commits: u64) -> Result<(u64, Duration, Duration), WorkError> {
    let config = with_snapshots(book.folder(), 1)?;
    book.reopen(&config)?;
    let handle = book.handle()?;
    let started = Instant::now();
    loop {
        let cpu = machine::thread_time("snapshots");
        let status = handle.snapshots();
        if let Some(failure) = status.failure {
            return Err(WorkError::Wrong(format!("no snapshot was made: {failure}")));
        }
        if status.position >= commits {
            return Ok((status.bytes, started.elapsed(), cpu));
        }
        if started.elapsed() > PATIENCE {
            return Err(WorkError::Wrong("no snapshot was made".to_owned()));
        }
        thread::sleep(LOOK_EVERY);
    }
}

fn millis(time: Duration) -> u64 {
    nanos(time) / 1_000_000
}
