//! `bench`: what this machine does with real commands, and whether the books are right after it.
//!
//! # Shape
//!
//! A book is made in a folder of its own: customers are registered and invoiced by real commands.
//! Then [`load`] keeps 1, 64 … 4,096 payments outstanding against the engine, in process; [`folds`]
//! reads the log back; [`views`] rebuilds the read models. The disk's own sync is measured before
//! and after each level, so that its drift shows. [`books`] then checks every acknowledged payment
//! and what is owed.
//!
//! # Limits
//!
//! The load's thread takes its share of the same cores: processor time a commit holds engine, log
//! and load. Figures of a machine that others use are worth little; the load averages are printed.

pub mod age;
pub mod billing;
mod books;
mod folds;
mod load;
mod machine;
pub mod nats;
mod plan;
mod report;
pub mod restart;
mod settings;
mod views;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use client::edge;
use command_gateway::{Gateway, GatewayConfig, GatewayError, GatewayHandle};
use event_log::probe::{self, ProbeReport};
use event_log::{BlockKind, LogReader};
use host::Folder;
use projections::ViewName;
use terminal::{Output, Progress};

use crate::error::WorkError;

use load::{Run, Until, drive};
use machine::Machine;
use plan::{Plan, Script};
use report::{Figure, Level, Report};

pub use settings::{
    AgeGroup, AgeSettings, BillingSettings, EngineSettings, NatsSettings, RestartSettings,
};

/// Commands outstanding while the book is made.
const SETTING_UP: u32 = 1_024;
/// The engine takes as many as the largest level keeps outstanding.
const QUEUE: usize = 8_192;

/// Measures the engine and the log in this process.
///
/// # Errors
/// [`WorkError::Wrong`] when the books are wrong afterwards.
pub fn run(settings: &EngineSettings, data: &Folder, output: &Output) -> Result<(), WorkError> {
    let place = Place::make(settings.dir.as_deref(), data)?;
    let report = measure(&Plan::of(settings), &Folder::at(&place.path))?;
    report.print(output)?;
    conclude(&report.books)
}

/// The books must be right after any load.
fn conclude(books: &books::Books) -> Result<(), WorkError> {
    match books.findings.first() {
        None => Ok(()),
        Some(first) => Err(WorkError::Wrong(format!(
            "the books are wrong after the load, {} findings; the first: {first}",
            books.findings.len()
        ))),
    }
}

/// Measures everything on a fresh book in `folder`.
fn measure(plan: &Plan, folder: &Folder) -> Result<Report, WorkError> {
    let mut machine = Machine::look();
    let mut bench = Bench::set_up(plan, folder.clone())?;
    let steps = u64::from(plan.rounds) * plan.outstanding.len() as u64;
    let bar = Progress::start("payments", Some(steps));
    for _ in 0..plan.rounds {
        for index in 0..plan.outstanding.len() {
            bench.level(index)?;
            bar.more(1);
        }
    }
    bar.finish();
    let Bench { gateway, script, mut loads, acknowledged, .. } = bench;
    gateway.close();
    count_blocks(&folder.log(&Script::book()), &mut loads)?;
    let mut figures: Vec<Figure> = loads
        .iter()
        .map(|load| Figure::of_levels(load.name, load.outstanding, &load.levels))
        .collect();
    figures.extend(read_back(plan, folder)?);
    figures.extend(rebuild_views(plan, folder)?);
    let books = books::check(folder, &script, &acknowledged)?;
    machine.load_after = machine::load_average();
    Ok(Report { machine, plan: plan.clone(), figures, books })
}

/// A folder that is removed afterwards, unless it was asked for.
struct Place {
    path: PathBuf,
    is_ours: bool,
}

impl Place {
    fn make(asked: Option<&Path>, data: &Folder) -> Result<Self, WorkError> {
        let place = if let Some(path) = asked {
            Self { path: path.to_path_buf(), is_ours: false }
        } else {
            let beside = data.root().parent().unwrap_or_else(|| Path::new("."));
            let name = format!("billfold-bench-{}", edge::fresh().simple());
            Self { path: beside.join(name), is_ours: true }
        };
        let shown = place.path.display();
        let io = |source| WorkError::io(format!("{shown} cannot be used"), source);
        fs::create_dir_all(&place.path).map_err(io)?;
        if fs::read_dir(&place.path).map_err(io)?.next().is_some() {
            return Err(WorkError::NotEmpty { path: place.path.clone() });
        }
        Ok(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.is_ours {
            // What is left is a folder that says what it is.
            let _left = fs::remove_dir_all(&self.path);
        }
    }
}

/// All rounds of one kind of load.
struct Load {
    name: &'static str,
    outstanding: u32,
    levels: Vec<Level>,
}

/// A book under load.
struct Bench {
    script: Script,
    folder: Folder,
    gateway: Gateway,
    handle: GatewayHandle,
    loads: Vec<Load>,
    /// The position of each payment's receipt.
    acknowledged: Vec<u64>,
}

impl Bench {
    /// Makes the book, its customers and their open invoices.
    fn set_up(plan: &Plan, folder: Folder) -> Result<Self, WorkError> {
        let book = Script::book();
        folder.make(&book)?;
        let id = command_gateway::fresh_log_id()
            .map_err(|source| WorkError::io("no randomness for the log's id", source))?;
        let gateway = GatewayConfig::at(folder.log(&book))
            .and_then(|config| Gateway::create(&config.with_queue(QUEUE), id, Script::open()))
            .map_err(|error: GatewayError| WorkError::Unplanned(error.to_string()))?;
        let handle = gateway.handle();
        let script = Script::new(plan.clone(), edge::now()?.micros());
        let payments = plan.outstanding.iter().map(|n| ("payment.record", *n)).collect::<Vec<_>>();
        let first = [("customer.register", SETTING_UP), ("charge.add, invoiced", SETTING_UP)];
        let loads = first.into_iter().chain(payments);
        let loads = loads.map(|(name, outstanding)| Load { name, outstanding, levels: Vec::new() });
        let mut bench = Self {
            script,
            folder,
            gateway,
            handle,
            loads: loads.collect(),
            acknowledged: Vec::new(),
        };
        bench.drive(1, Until::count(1), |script, _| script.define())?;
        let registered = Until::count(plan.customers);
        let level =
            bench.measured(|bench| bench.drive(SETTING_UP, registered, Script::register))?;
        bench.loads[0].levels.push(level);
        let invoiced = Until::count(plan.customers * plan.invoices);
        let level = bench.measured(|bench| bench.drive(SETTING_UP, invoiced, Script::charge))?;
        bench.loads[1].levels.push(level);
        Ok(bench)
    }

    /// One round of one level of payments.
    fn level(&mut self, index: usize) -> Result<(), WorkError> {
        let plan = self.script.plan();
        let until = Until { commands: plan.commands, time: Duration::from_secs(plan.seconds) };
        let outstanding = plan.outstanding[index];
        let level = self.measured(|bench| bench.pay(outstanding, until))?;
        self.loads[index + 2].levels.push(level);
        Ok(())
    }

    fn pay(&mut self, outstanding: u32, until: Until) -> Result<Run, WorkError> {
        let base = self.acknowledged.len();
        let (script, acknowledged) = (&self.script, &mut self.acknowledged);
        let from = base as u64;
        drive(&self.handle, &script.actor(), outstanding, until, |n| script.pay(from + n), {
            |n, receipt| {
                let place = base + usize::try_from(n).unwrap_or(usize::MAX - base);
                if acknowledged.len() <= place {
                    acknowledged.resize(place + 1, 0);
                }
                acknowledged[place] = receipt.position;
            }
        })
    }

    fn drive(
        &mut self,
        outstanding: u32,
        until: Until,
        make: fn(&Script, u64) -> (schemas::ids::CommandId, schemas::Command),
    ) -> Result<Run, WorkError> {
        let script = &self.script;
        let actor = script.actor();
        drive(&self.handle, &actor, outstanding, until, |n| make(script, n), |_, _| {})
    }

    /// A load with the disk's own figures from right before and right after it.
    fn measured(
        &mut self,
        load: impl FnOnce(&mut Self) -> Result<Run, WorkError>,
    ) -> Result<Level, WorkError> {
        let before = self.disk()?;
        let run = load(self)?;
        let disk = vec![before, self.disk()?];
        Ok(Level { run, disk, blocks: 0, bytes: 0 })
    }

    fn disk(&self) -> Result<ProbeReport, WorkError> {
        probe::measure(self.folder.root(), self.script.plan().syncs).map_err(|source| {
            WorkError::io(format!("{} cannot be measured", self.folder.root().display()), source)
        })
    }
}

impl Until {
    fn count(commands: u64) -> Self {
        Self { commands, time: Duration::MAX }
    }
}

/// Finds out from the log how many blocks and bytes each load took.
fn count_blocks(log: &Path, loads: &mut [Load]) -> Result<(), WorkError> {
    let mut reader = LogReader::open(log)?;
    while let Some(block) = reader.next_block()? {
        if block.header().kind != BlockKind::Commits {
            continue;
        }
        let first = block.first_position();
        let within = |level: &&mut Level| {
            level.run.positions.is_some_and(|(from, to)| (from..=to).contains(&first))
        };
        let mut levels = loads.iter_mut().flat_map(|load| &mut load.levels);
        if let Some(level) = levels.find(within) {
            level.blocks += 1;
            level.bytes += block.commits().map(|(_, bytes)| bytes.len() as u64).sum::<u64>();
        }
    }
    Ok(())
}

/// Everything that reads the log, several times over.
fn read_back(plan: &Plan, folder: &Folder) -> Result<Vec<Figure>, WorkError> {
    let log = folder.log(&Script::book());
    let bar = Progress::start("reading the log", Some(u64::from(plan.rounds) * 4));
    let (mut read, mut decode, mut replay, mut start) = (vec![], vec![], vec![], vec![]);
    for _ in 0..plan.rounds {
        read.push(folds::measured(|| folds::read(&log))?);
        bar.more(1);
        decode.push(folds::measured(|| folds::decode(&log))?);
        bar.more(1);
        replay.push(folds::measured(|| folds::replay(&log).map(|(commits, _)| commits))?);
        bar.more(1);
        start.push(folds::measured(|| folds::start(&log))?);
        bar.more(1);
    }
    bar.finish();
    Ok(vec![
        Figure::of_passes("read, checked", &read),
        Figure::of_passes("read and decode", &decode),
        Figure::of_passes("replay to state", &replay),
        Figure::of_passes("start of an engine", &start),
    ])
}

/// Every read model, several times over.
fn rebuild_views(plan: &Plan, folder: &Folder) -> Result<Vec<Figure>, WorkError> {
    let all = u64::from(plan.rounds) * ViewName::ALL.len() as u64;
    let bar = Progress::start("read models", Some(all));
    let mut figures = Vec::new();
    for view in ViewName::ALL {
        let mut rebuilds = Vec::new();
        for _ in 0..plan.rounds {
            rebuilds.push(views::rebuild(folder, view, plan.view_commits)?);
            bar.more(1);
        }
        figures.push(Figure::of_rebuilds(&format!("rebuild of {view}"), &rebuilds));
    }
    bar.finish();
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_is_there_and_the_books_are_right() {
        let scratch = tempfile::tempdir().expect("a folder");
        let plan = Plan {
            customers: 7,
            invoices: 2,
            outstanding: vec![1, 64],
            commands: 40,
            seconds: 60,
            rounds: 2,
            syncs: 2,
            view_commits: 50,
        };

        let report = measure(&plan, &Folder::at(scratch.path())).expect("measured");

        assert_eq!(report.books.findings, Vec::<String>::new());
        assert_eq!(report.books.payments, 160);
        assert!(report.books.allocations >= 160);
        let names: Vec<_> = report
            .figures
            .iter()
            .map(|figure| (figure.name.as_str(), figure.outstanding.unwrap_or(0)))
            .collect();
        let expected = [
            ("customer.register", 1_024),
            ("charge.add, invoiced", 1_024),
            ("payment.record", 1),
            ("payment.record", 64),
            ("read, checked", 0),
            ("read and decode", 0),
            ("replay to state", 0),
            ("start of an engine", 0),
            ("rebuild of invoices", 0),
            ("rebuild of revenue", 0),
            ("rebuild of balances", 0),
        ];
        assert_eq!(names, expected);
        for figure in &report.figures {
            assert!(figure.per_second > 0 && figure.cpu_ns_per_commit > 0, "{figure:?}");
            assert!(figure.peak_memory_bytes > 0, "{figure:?}");
            if figure.name.starts_with("rebuild") {
                assert!(figure.rows_per_second > Some(0), "{figure:?}");
            }
            if figure.outstanding.is_some() {
                assert!(figure.p99_ns >= figure.p50_ns && figure.p50_ns > Some(0), "{figure:?}");
                assert!(figure.bytes_per_commit > Some(100), "{figure:?}");
                assert!(figure.sync_p50_ns > Some(0), "{figure:?}");
            }
        }
    }

    #[test]
    fn a_payment_that_is_not_where_it_was_acknowledged_is_found() {
        let scratch = tempfile::tempdir().expect("a folder");
        let folder = Folder::at(scratch.path());
        let plan = Plan {
            customers: 2,
            invoices: 1,
            outstanding: vec![4],
            commands: 10,
            seconds: 60,
            rounds: 1,
            syncs: 1,
            view_commits: 10,
        };
        let mut bench = Bench::set_up(&plan, folder.clone()).expect("set up");
        bench.level(0).expect("paid");
        let Bench { gateway, script, mut acknowledged, .. } = bench;
        gateway.close();
        acknowledged.swap(3, 4);

        let books = books::check(&folder, &script, &acknowledged).expect("checked");

        assert_eq!(books.findings.len(), 2, "{:?}", books.findings);
        assert!(books.findings[0].starts_with("payment 3 was acknowledged"));
    }
}
