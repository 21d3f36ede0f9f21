//! Figures, and how they are printed.

use std::time::Duration;

use client::Node;
use event_log::probe::ProbeReport;
use serde::Serialize;
use serde_json::json;
use terminal::{Output, PrintError, Rows, View, grouped, text};

use super::books::Books;
use super::folds::Pass;
use super::load::{Run, at};
use super::machine::Machine;
use super::plan::Plan;
use super::views::Rebuild;

/// One figure: medians over all rounds. What does not apply is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Figure {
    /// What was measured.
    #[serde(rename = "figure")]
    pub(super) name: String,
    /// Commands outstanding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) outstanding: Option<u32>,
    /// Commits in all rounds.
    pub(super) commits: u64,
    /// Commits a second.
    pub(super) per_second: u64,
    /// Half of the commands were answered within this time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50_ns: Option<u64>,
    /// 99 of 100 were.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99_ns: Option<u64>,
    /// Processor time of the whole process a commit.
    pub(super) cpu_ns_per_commit: u64,
    /// Of it, on the engine's thread.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) engine_ns_per_commit: Option<u64>,
    /// Of it, on the thread that writes the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) writer_ns_per_commit: Option<u64>,
    /// Bytes of a commit, without its share of the block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bytes_per_commit: Option<u64>,
    /// Commits in a block: how many shared a sync.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) commits_per_block: Option<u64>,
    /// Rows of a read model written a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rows_per_second: Option<u64>,
    /// Most memory resident, in bytes.
    pub(super) peak_memory_bytes: u64,
    /// The disk's own sync in the same minutes: half took no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync_p50_ns: Option<u64>,
    /// 99 of 100 took no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync_p99_ns: Option<u64>,
    /// Bytes a second, written and synced block after block.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) raw_append_bytes_per_second: Option<u64>,
    /// How much of the time such syncs would take for the blocks that were written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sync_share_percent: Option<u64>,
}

/// One measurement of a level, with the disk's own figures around it.
#[derive(Debug, Clone)]
pub(super) struct Level {
    /// What the load saw.
    pub(super) run: Run,
    /// The disk before and after.
    pub(super) disk: Vec<ProbeReport>,
    /// Blocks that were written, and bytes of the commits in them.
    pub(super) blocks: u64,
    /// Bytes of the commits.
    pub(super) bytes: u64,
}

impl Figure {
    /// Medians of some loads of the same kind.
    pub(super) fn of_levels(name: &str, outstanding: u32, levels: &[Level]) -> Self {
        let of = |value: &dyn Fn(&Level) -> u64| median(levels.iter().map(value));
        let disk = |value: &dyn Fn(&ProbeReport) -> u64| {
            Some(median(levels.iter().flat_map(|level| &level.disk).map(value)))
        };
        Self {
            name: name.to_owned(),
            outstanding: Some(outstanding),
            commits: levels.iter().map(|level| level.run.commands).sum(),
            per_second: of(&|level| rate(level.run.commands, level.run.elapsed)),
            p50_ns: Some(of(&|level| nanos(level.run.p50))),
            p99_ns: Some(of(&|level| nanos(level.run.p99))),
            cpu_ns_per_commit: of(&|level| share(nanos(level.run.cpu), level.run.commands)),
            engine_ns_per_commit: Some(of(&|level| {
                share(nanos(level.run.engine), level.run.commands)
            })),
            writer_ns_per_commit: Some(of(&|level| {
                share(nanos(level.run.writer), level.run.commands)
            })),
            bytes_per_commit: Some(of(&|level| share(level.bytes, level.run.commands))),
            commits_per_block: Some(of(&|level| share(level.run.commands, level.blocks))),
            rows_per_second: None,
            peak_memory_bytes: levels.iter().map(|level| level.run.peak).max().unwrap_or(0),
            sync_p50_ns: disk(&|disk| nanos(disk.sync_p50)),
            sync_p99_ns: disk(&|disk| nanos(disk.sync_p99)),
            raw_append_bytes_per_second: disk(&|disk| disk.raw_append_bytes_per_second),
            sync_share_percent: Some(of(&sync_share)),
        }
    }

    /// Medians of some passes of the same kind.
    pub(super) fn of_passes(name: &str, passes: &[Pass]) -> Self {
        let of = |value: &dyn Fn(&Pass) -> u64| median(passes.iter().map(value));
        Self {
            name: name.to_owned(),
            commits: passes.iter().map(|pass| pass.commits).sum(),
            per_second: of(&|pass| rate(pass.commits, pass.elapsed)),
            cpu_ns_per_commit: of(&|pass| share(nanos(pass.cpu), pass.commits)),
            peak_memory_bytes: passes.iter().map(|pass| pass.peak).max().unwrap_or(0),
            ..Self::default()
        }
    }
}

impl Figure {
    /// Medians of some rebuilds of the same read model.
    pub(super) fn of_rebuilds(name: &str, rebuilds: &[Rebuild]) -> Self {
        let passes: Vec<Pass> = rebuilds.iter().map(|rebuild| rebuild.pass).collect();
        let rows = rebuilds.iter().map(|rebuild| rate(rebuild.rows, rebuild.pass.elapsed));
        Self { rows_per_second: Some(median(rows)), ..Self::of_passes(name, &passes) }
    }
}

fn sync_share(level: &Level) -> u64 {
    let sync = median(level.disk.iter().map(|disk| nanos(disk.sync_p50)));
    share(level.blocks * sync * 100, nanos(level.run.elapsed))
}

/// A time in nanoseconds.
pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A part of something, each.
pub(super) fn share(of: u64, among: u64) -> u64 {
    of / among.max(1)
}

/// How many a second.
pub(super) fn rate(count: u64, time: Duration) -> u64 {
    let per_second = u128::from(count) * 1_000_000_000 / time.as_nanos().max(1);
    u64::try_from(per_second).unwrap_or(u64::MAX)
}

/// The value in the middle.
pub(super) fn median(values: impl Iterator<Item = u64>) -> u64 {
    let mut values: Vec<Duration> = values.map(Duration::from_nanos).collect();
    values.sort_unstable();
    nanos(at(&values, 50))
}

/// Everything that is printed.
#[derive(Debug)]
pub(super) struct Report {
    /// Where.
    pub(super) machine: Machine,
    /// How much.
    pub(super) plan: Plan,
    /// The figures.
    pub(super) figures: Vec<Figure>,
    /// The audit.
    pub(super) books: Books,
}

impl Report {
    /// Prints it.
    ///
    /// # Errors
    /// [`PrintError`] when stdout cannot be written.
    pub(super) fn print(&self, output: &Output) -> Result<(), PrintError> {
        if output.is_table() {
            return text(&self.tables());
        }
        let document = json!({
            "machine": self.machine,
            "plan": self.plan,
            "data": self.figures,
            "books": self.books,
        });
        output.document(View::Any, &Node::of(&document))
    }

    fn tables(&self) -> String {
        let loads = self.figures.iter().filter(|figure| figure.outstanding.is_some());
        let passes = self.figures.iter().filter(|figure| figure.outstanding.is_none());
        let mut parts = vec![
            self.machine.line(),
            load_table(loads.clone()).text(),
            disk_table(loads).text(),
            pass_table(passes).text(),
        ];
        parts.push(books_line(&self.books));
        parts.join("\n\n")
    }
}

fn load_table<'a>(figures: impl Iterator<Item = &'a Figure>) -> Rows {
    let mut rows = Rows::new([
        "commands",
        ">outstanding",
        ">per second",
        ">p50 ms",
        ">p99 ms",
        ">CPU µs each",
        ">engine µs",
        ">writer µs",
        ">bytes each",
        ">peak MiB",
    ]);
    for figure in figures {
        rows.push([
            figure.name.clone(),
            grouped(&figure.outstanding.unwrap_or(0).to_string()),
            grouped(&figure.per_second.to_string()),
            decimal(figure.p50_ns, 1_000_000),
            decimal(figure.p99_ns, 1_000_000),
            decimal(Some(figure.cpu_ns_per_commit), 1_000),
            decimal(figure.engine_ns_per_commit, 1_000),
            decimal(figure.writer_ns_per_commit, 1_000),
            plain(figure.bytes_per_commit),
            (figure.peak_memory_bytes >> 20).to_string(),
        ]);
    }
    rows
}

fn disk_table<'a>(figures: impl Iterator<Item = &'a Figure>) -> Rows {
    let mut rows = Rows::new([
        "disk in the same minutes",
        ">outstanding",
        ">sync p50 ms",
        ">sync p99 ms",
        ">raw append MB/s",
        ">commits a block",
        ">syncs' share of time %",
    ]);
    for figure in figures {
        rows.push([
            figure.name.clone(),
            grouped(&figure.outstanding.unwrap_or(0).to_string()),
            decimal(figure.sync_p50_ns, 1_000_000),
            decimal(figure.sync_p99_ns, 1_000_000),
            decimal(figure.raw_append_bytes_per_second, 1_000_000),
            plain(figure.commits_per_block),
            plain(figure.sync_share_percent),
        ]);
    }
    rows
}

fn pass_table<'a>(figures: impl Iterator<Item = &'a Figure>) -> Rows {
    let mut rows =
        Rows::new(["reading the log", ">commits/s", ">CPU µs each", ">rows/s", ">peak MiB"]);
    for figure in figures {
        rows.push([
            figure.name.clone(),
            grouped(&figure.per_second.to_string()),
            decimal(Some(figure.cpu_ns_per_commit), 1_000),
            figure.rows_per_second.map_or_else(String::new, |rows| grouped(&rows.to_string())),
            (figure.peak_memory_bytes >> 20).to_string(),
        ]);
    }
    rows
}

/// What the audit found, in a line.
pub(super) fn books_line(books: &Books) -> String {
    let verdict = match books.findings.as_slice() {
        [] => "The books are right".to_owned(),
        findings => format!("THE BOOKS ARE WRONG ({} findings)", findings.len()),
    };
    format!(
        "{verdict}: {} commits, {} payments acknowledged and in the log, {} allocations, head {}",
        grouped(&books.commits.to_string()),
        grouped(&books.payments.to_string()),
        grouped(&books.allocations.to_string()),
        &books.head_hash[..16.min(books.head_hash.len())],
    )
}

fn plain(value: Option<u64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// A count in larger units, with three digits behind the point, or two from 100 on.
pub(super) fn decimal(value: Option<u64>, unit: u64) -> String {
    let Some(value) = value else { return String::new() };
    let (whole, thousandths) = (value / unit, value % unit * 1_000 / unit);
    if whole >= 100 {
        format!("{whole}.{:02}", thousandths / 10)
    } else {
        format!("{whole}.{thousandths:03}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_rates_and_decimals() {
        assert_eq!(median([9, 1, 5].into_iter()), 5);
        assert_eq!(rate(500, Duration::from_millis(250)), 2_000);
        assert_eq!(decimal(Some(1_234_567), 1_000_000), "1.234");
        assert_eq!(decimal(Some(123_456), 1_000), "123.45");
        assert_eq!(decimal(None, 1_000), "");
    }
}
