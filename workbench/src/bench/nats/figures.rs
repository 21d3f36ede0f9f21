//! The figures of `bench nats`, and how they are printed.

use std::time::Duration;

use event_log::probe::ProbeReport;
use serde::Serialize;
use terminal::{Rows, grouped};

use super::overload::Overload;
use super::prober::Asked;
use super::session::Seen;
use crate::bench::report::{decimal, median, nanos, rate, share};

/// Latencies of one kind of request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Latency {
    /// Half took no longer.
    #[serde(rename = "p50_ns")]
    pub p50: u64,
    /// 99 of 100 took no longer.
    #[serde(rename = "p99_ns")]
    pub p99: u64,
    /// 999 of 1,000 took no longer.
    #[serde(rename = "p999_ns")]
    pub p999: u64,
}

impl Latency {
    /// Of a sorted list.
    pub(super) fn of(sorted: &[Duration]) -> Self {
        let at = |per_mille: usize| {
            let last = sorted.len().saturating_sub(1);
            sorted.get(last * per_mille / 1_000).copied().map_or(0, nanos)
        };
        Self { p50: at(500), p99: at(990), p999: at(999) }
    }
}

/// One load, once.
#[derive(Debug, Clone)]
pub(super) struct Round {
    /// What the load saw.
    pub(super) seen: Seen,
    /// What queries saw meanwhile.
    pub(super) asked: Asked,
    /// Processor time of each process.
    pub(super) cpu: Vec<(String, Duration)>,
    /// How far the read model `balances` was behind when the load ended, in commits.
    pub(super) behind: u64,
    /// The disk's own figures right before and right after.
    pub(super) disk: Vec<ProbeReport>,
    /// Memory of the gateway at the end, in bytes.
    pub(super) resident: u64,
}

/// One load: medians over its rounds.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Figure {
    /// What was sent.
    #[serde(rename = "figure")]
    pub(super) name: String,
    /// Requests under way.
    pub(super) outstanding: u64,
    /// Commands in a request.
    pub(super) commands_per_request: u64,
    /// Commands acknowledged a second.
    pub(super) per_second: u64,
    /// From a request to its answer.
    pub(super) latency: Latency,
    /// Requests refused as busy, in all rounds.
    pub(super) busy: u64,
    /// From a query to its answer, while the load ran.
    pub(super) query: Latency,
    /// Queries without an answer, in all rounds.
    pub(super) queries_failed: u64,
    /// Processor time a command, by process.
    pub(super) cpu_ns_per_command: Vec<(String, u64)>,
    /// How far `balances` was behind at the end, in commits.
    pub(super) balances_behind: u64,
    /// Memory of the gateway, in bytes.
    pub(super) gateway_resident_bytes: u64,
    /// The disk's own sync in the same minutes.
    pub(super) sync_p50_ns: u64,
    /// 99 of 100 took no longer.
    pub(super) sync_p99_ns: u64,
}

impl Figure {
    /// Medians of some rounds.
    pub(super) fn of(name: &str, outstanding: u64, size: u64, rounds: &[Round]) -> Self {
        let of = |value: &dyn Fn(&Round) -> u64| median(rounds.iter().map(value));
        let latency = |value: &dyn Fn(&Round) -> Latency| Latency {
            p50: of(&|round| value(round).p50),
            p99: of(&|round| value(round).p99),
            p999: of(&|round| value(round).p999),
        };
        let disk = |value: &dyn Fn(&ProbeReport) -> Duration| {
            median(rounds.iter().flat_map(|round| &round.disk).map(|disk| nanos(value(disk))))
        };
        let names = rounds.first().map(|round| round.cpu.clone()).unwrap_or_default();
        let cpu = names.into_iter().enumerate().map(|(at, (name, _))| {
            let each = of(&|round| {
                share(round.cpu.get(at).map_or(0, |(_, cpu)| nanos(*cpu)), round.seen.commands)
            });
            (name, each)
        });
        Self {
            name: name.to_owned(),
            outstanding,
            commands_per_request: size,
            per_second: of(&|round| rate(round.seen.commands, round.seen.elapsed)),
            latency: latency(&|round| Latency::of(&round.seen.latencies)),
            busy: rounds.iter().map(|round| round.seen.refused).sum(),
            query: latency(&|round| Latency::of(&round.asked.latencies)),
            queries_failed: rounds.iter().map(|round| round.asked.failed).sum(),
            cpu_ns_per_command: cpu.collect(),
            balances_behind: of(&|round| round.behind),
            gateway_resident_bytes: of(&|round| round.resident),
            sync_p50_ns: disk(&|disk| disk.sync_p50),
            sync_p99_ns: disk(&|disk| disk.sync_p99),
        }
    }
}

/// Twice the load that can be taken.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Flood {
    /// Requests a second that were sent.
    pub(super) offered_per_second: u64,
    /// For how long.
    pub(super) seconds: u64,
    /// Of them accepted a second.
    pub(super) accepted_per_second: u64,
    /// From a request to its acceptance.
    pub(super) accepted: Latency,
    /// The same at full load, for comparison.
    pub(super) accepted_at_full_load: Latency,
    /// Requests refused as busy.
    pub(super) refused: u64,
    /// From a request to its refusal.
    pub(super) refusal: Latency,
    /// Requests that no answer came to within ten seconds.
    pub(super) unanswered: u64,
    /// Memory of the gateway: least and most of the looks once a second, in bytes.
    pub(super) gateway_resident_bytes: (u64, u64),
    /// From the last request of the flood until answers were normal again, in nanoseconds.
    pub(super) recovered_ns: Option<u64>,
}

impl Flood {
    /// What was seen, beside the figure at full load.
    pub(super) fn of(seen: &Overload, full: &Figure) -> Self {
        let count = |list: &[Duration]| list.len() as u64;
        Self {
            offered_per_second: rate(seen.offered, seen.elapsed),
            seconds: seen.elapsed.as_secs(),
            accepted_per_second: rate(count(&seen.accepted), seen.elapsed),
            accepted: Latency::of(&seen.accepted),
            accepted_at_full_load: full.latency,
            refused: count(&seen.refused),
            refusal: Latency::of(&seen.refused),
            unanswered: seen.unanswered,
            gateway_resident_bytes: (
                seen.resident.iter().min().copied().unwrap_or(0),
                seen.resident.iter().max().copied().unwrap_or(0),
            ),
            recovered_ns: seen.recovered.map(nanos),
        }
    }

    /// The same as sentences.
    pub(super) fn text(&self) -> String {
        let ms = |value: u64| decimal(Some(value), 1_000_000);
        let (least, most) = self.gateway_resident_bytes;
        format!(
            "twice the load: {} requests/s offered for {} s, {} accepted/s\n  accepted p50 {} ms, \
             p99 {} ms (at full load {} ms), {} refused, p50 {} ms, p99 {} ms, {} unanswered\n  \
             gateway {} to {} MiB, normal again after {} ms",
            grouped(&self.offered_per_second.to_string()),
            self.seconds,
            grouped(&self.accepted_per_second.to_string()),
            ms(self.accepted.p50),
            ms(self.accepted.p99),
            ms(self.accepted_at_full_load.p99),
            grouped(&self.refused.to_string()),
            ms(self.refusal.p50),
            ms(self.refusal.p99),
            self.unanswered,
            least >> 20,
            most >> 20,
            self.recovered_ns.map_or_else(|| "more than 10,000".to_owned(), ms),
        )
    }
}

/// The loads as a table.
pub(super) fn load_table(figures: &[Figure]) -> Rows {
    let mut rows = Rows::new([
        "requests",
        ">outstanding",
        ">commands/s",
        ">p50 ms",
        ">p99 ms",
        ">p99.9 ms",
        ">busy",
        ">query p50 ms",
        ">query p99 ms",
        ">balances behind",
        ">sync p50 ms",
        ">sync p99 ms",
        ">gateway MiB",
    ]);
    let ms = |value: u64| decimal(Some(value), 1_000_000);
    for figure in figures {
        rows.push([
            figure.name.clone(),
            grouped(&figure.outstanding.to_string()),
            grouped(&figure.per_second.to_string()),
            ms(figure.latency.p50),
            ms(figure.latency.p99),
            ms(figure.latency.p999),
            figure.busy.to_string(),
            ms(figure.query.p50),
            ms(figure.query.p99),
            grouped(&figure.balances_behind.to_string()),
            ms(figure.sync_p50_ns),
            ms(figure.sync_p99_ns),
            (figure.gateway_resident_bytes >> 20).to_string(),
        ]);
    }
    rows
}

/// Where the processor time went.
pub(super) fn cpu_table(figures: &[Figure]) -> Rows {
    let mut rows = Rows::new([
        "CPU µs a command",
        ">outstanding",
        ">nats-server",
        ">gateway",
        ">invoices",
        ">revenue",
        ">balances",
        ">load",
        ">all",
    ]);
    for figure in figures {
        let each = |name: &str| {
            let found = figure.cpu_ns_per_command.iter().find(|(process, _)| process == name);
            decimal(found.map(|(_, ns)| *ns), 1_000)
        };
        let all = figure.cpu_ns_per_command.iter().map(|(_, ns)| ns).sum();
        rows.push([
            figure.name.clone(),
            grouped(&figure.outstanding.to_string()),
            each("nats-server"),
            each("gateway"),
            each("project invoices"),
            each("project revenue"),
            each("project balances"),
            each("load"),
            decimal(Some(all), 1_000),
        ]);
    }
    rows
}
