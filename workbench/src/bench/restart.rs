//! `bench restart`: how long a book takes to open, against the size of its log.
//!
//! # Shape
//!
//! A book grows by real payments. At each size its log is read raw, then it is opened three ways:
//! from the whole log, from a snapshot with a tail behind it (as after a kill), and from a
//! snapshot that a clean stop made. The time is that of `Gateway::open`: from nothing to a book
//! that takes commands.
//!
//! # Limits
//!
//! What is read is in the page cache: a cold start adds the time the disk takes to deliver log or
//! snapshot.

use std::path::Path;
use std::time::{Duration, Instant};

use client::{Node, edge};
use command_gateway::{Gateway, GatewayConfig, OpeningReport, Snapshots};
use host::Folder;
use serde::Serialize;
use serde_json::json;
use terminal::{Output, Progress, View};

use super::load::{Until, drive};
use super::plan::{Plan, Script};
use super::report::{median, nanos};
use super::settings::RestartSettings;
use super::{Place, SETTING_UP, folds, machine};
use crate::error::WorkError;

/// Invoices of each customer.
const INVOICES: u64 = 4;

/// What one size of the log gave; times are medians.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Row {
    commits: u64,
    log_mib: u64,
    raw_read_ms: u64,
    whole_log_ms: u64,
    tail_commits: u64,
    snapshot_and_tail_ms: u64,
    snapshot_ms: u64,
    snapshot_mib: u64,
    layers: u64,
    ids_in_memory: u64,
    filter_kib: u64,
    peak_mib: u64,
}

/// Runs `bench restart`.
///
/// # Errors
/// [`WorkError`] when the book cannot be made or opened.
pub fn run(settings: &RestartSettings, data: &Folder, output: &Output) -> Result<(), WorkError> {
    let place = Place::make(settings.dir.as_deref(), data)?;
    let rows = measure(settings, &Folder::at(&place.path))?;
    let columns = View::Columns(&[
        "commits",
        "log_mib",
        "raw_read_ms",
        "whole_log_ms",
        "tail_commits",
        "snapshot_and_tail_ms",
        "snapshot_ms",
        "snapshot_mib",
        "layers",
        "ids_in_memory",
        "filter_kib",
        "peak_mib",
    ]);
    Ok(output.document(columns, &Node::of(&json!({"data": rows})))?)
}

fn measure(settings: &RestartSettings, folder: &Folder) -> Result<Vec<Row>, WorkError> {
    let largest = settings.commits.iter().copied().max().unwrap_or(0);
    let plan = Plan {
        customers: settings.customers,
        invoices: INVOICES,
        outstanding: vec![SETTING_UP],
        commands: largest,
        seconds: u64::MAX,
        rounds: 1,
        syncs: 0,
        view_commits: 0,
    };
    let mut book = Book::make(plan, folder)?;
    let mut sizes = settings.commits.clone();
    sizes.sort_unstable();
    let bar = Progress::start("sizes of the log", Some(sizes.len() as u64));
    let mut rows = Vec::new();
    for size in sizes {
        rows.push(book.measure(size, settings.tail.min(size / 2), settings.rounds)?);
        bar.more(1);
    }
    bar.finish();
    Ok(rows)
}

/// A book that grows.
struct Book<'a> {
    script: Script,
    folder: &'a Folder,
    paid: u64,
}

impl<'a> Book<'a> {
    /// Makes the book, its customers and their invoices.
    fn make(plan: Plan, folder: &'a Folder) -> Result<Self, WorkError> {
        let name = Script::book();
        folder.make(&name)?;
        let log = command_gateway::fresh_log_id()
            .map_err(|source| WorkError::io("no randomness for the log's id", source))?;
        let config = GatewayConfig::at(folder.log(&name))?;
        let gateway = Gateway::create(&config, log, Script::open())?;
        let (customers, charges) = (plan.customers, plan.customers * plan.invoices);
        let script = Script::new(plan, edge::now()?.micros());
        let (handle, actor) = (gateway.handle(), script.actor());
        let until = |commands| Until { commands, time: Duration::MAX };
        drive(&handle, &actor, 1, until(1), |_| script.define(), |_, _| {})?;
        let register = |n| script.register(n);
        drive(&handle, &actor, SETTING_UP, until(customers), register, |_, _| {})?;
        let charge = |n| script.charge(n);
        drive(&handle, &actor, SETTING_UP, until(charges), charge, |_, _| {})?;
        gateway.close();
        Ok(Self { script, folder, paid: 0 })
    }

    /// Without snapshots: what is there is not used, and none is made.
    fn plain(&self) -> Result<GatewayConfig, WorkError> {
        Ok(GatewayConfig::at(self.folder.log(&Script::book()))?)
    }

    /// With the snapshots that are there; one is made every so many commits, 0 for never.
    fn with_snapshots(&self, every: u64) -> Result<GatewayConfig, WorkError> {
        let path = self.folder.snapshots(&Script::book());
        let snapshots = Snapshots::at(&path).map_err(|source| {
            WorkError::io(format!("{} cannot be used", path.display()), source)
        })?;
        Ok(self.plain()?.with_snapshots(snapshots.every(every)))
    }

    /// Grows the log to so many commits.
    fn grow(&mut self, size: u64) -> Result<(), WorkError> {
        let gateway = Gateway::open(&self.plain()?)?;
        let handle = gateway.handle();
        let commands = size.saturating_sub(handle.progress().durable());
        let (script, from) = (&self.script, self.paid);
        let until = Until { commands, time: Duration::MAX };
        let pay = |n| script.pay(from + n);
        if commands > 0 {
            drive(&handle, &script.actor(), SETTING_UP, until, pay, |_, _| {})?;
        }
        self.paid += commands;
        gateway.close();
        Ok(())
    }

    /// Makes a snapshot of all there is: clean stops do.
    fn snapshot(&self) -> Result<(), WorkError> {
        for _ in 0..1_000 {
            let gateway = Gateway::open(&self.with_snapshots(1)?)?;
            let opening = gateway.handle().snapshots().opening;
            gateway.close();
            if opening.tail_commits == 0 && opening.snapshot_position > 0 {
                return Ok(());
            }
        }
        Err(WorkError::Unplanned("no snapshot was made; BILLFOLD_LOG=debug says why".to_owned()))
    }

    fn measure(&mut self, size: u64, tail: u64, rounds: u32) -> Result<Row, WorkError> {
        self.grow(size - tail)?;
        self.snapshot()?;
        self.grow(size)?;
        let log = self.folder.log(&Script::book());
        let passes = (0..rounds).map(|_| folds::measured(|| folds::read(&log)));
        let passes = passes.collect::<Result<Vec<_>, _>>()?;
        let raw_read_ms = median(passes.iter().map(|pass| nanos(pass.elapsed))) / 1_000_000;
        let (whole_log_ms, _) = openings(&self.plain()?, rounds)?;
        let (snapshot_and_tail_ms, behind) = openings(&self.with_snapshots(0)?, rounds)?;
        self.snapshot()?;
        machine::forget_peak();
        let (snapshot_ms, _) = openings(&self.with_snapshots(0)?, rounds)?;
        let gateway = Gateway::open(&self.with_snapshots(0)?)?;
        let status = gateway.handle().snapshots();
        let commits = gateway.handle().progress().durable();
        gateway.close();
        Ok(Row {
            commits,
            log_mib: bytes_in(&log) >> 20,
            raw_read_ms,
            whole_log_ms,
            tail_commits: behind.tail_commits,
            snapshot_and_tail_ms,
            snapshot_ms,
            snapshot_mib: status.bytes >> 20,
            layers: status.layers,
            ids_in_memory: status.ids_in_memory,
            filter_kib: status.filter_bytes >> 10,
            peak_mib: machine::peak_memory() >> 20,
        })
    }
}

/// Opens the book several times: the median in milliseconds, and how it was opened.
fn openings(config: &GatewayConfig, rounds: u32) -> Result<(u64, OpeningReport), WorkError> {
    let mut times = Vec::new();
    let mut report = OpeningReport::default();
    for _ in 0..rounds {
        let started = Instant::now();
        let gateway = Gateway::open(config)?;
        times.push(nanos(started.elapsed()));
        report = gateway.handle().snapshots().opening;
        gateway.close();
    }
    Ok((median(times.into_iter()) / 1_000_000, report))
}

/// Bytes of the files in a folder.
fn bytes_in(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_book_opens_from_its_snapshot_at_every_size() {
        let scratch = tempfile::tempdir().expect("a folder");
        let args = RestartSettings {
            dir: None,
            commits: vec![300, 200],
            tail: 50,
            customers: 10,
            rounds: 1,
        };
        let rows = measure(&args, &Folder::at(scratch.path())).expect("measured");
        let sizes: Vec<_> = rows.iter().map(|row| (row.commits, row.tail_commits)).collect();
        assert_eq!(sizes, [(200, 50), (300, 50)]);
        assert!(rows.iter().all(|row| row.layers > 0 && row.ids_in_memory == 0), "{rows:?}");
    }
}
