//! The figures of `status` as Prometheus text.

use std::fmt;

use nats_connection::HealthReport;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;
use schemas::status::{Buckets, GatewayStatus, QueueStatus, ViewState, ViewStatus};

use crate::reports::Reports;

/// Upper ends of the histogram's buckets, in microseconds.
const SYNC_BUCKETS: [u64; 14] = [
    64, 128, 256, 512, 1_024, 2_048, 4_096, 8_192, 16_384, 32_768, 65_536, 131_072, 262_144,
    1_048_576,
];

type Labels = Vec<(&'static str, String)>;

#[derive(Debug)]
enum Sample {
    Count(u64),
    Gauge(f64),
    Micros(Box<Buckets>),
}

#[derive(Debug)]
struct Metric {
    name: &'static str,
    help: &'static str,
    rows: Vec<(Labels, Sample)>,
}

/// All figures of one moment, by name.
#[derive(Debug, Default)]
struct Samples(Vec<Metric>);

/// All figures as text.
pub(super) fn text(reports: &Reports) -> Result<String, fmt::Error> {
    let mut samples = Samples::default();
    for (status, syncs) in reports.gateways() {
        samples.gateway(&status, syncs);
    }
    for (book, view) in reports.views() {
        samples.view(book.as_str(), &view);
    }
    for queue in reports.queues() {
        samples.queue(&vec![("queue", queue.name.clone())], &queue);
    }
    if let Some(health) = reports.nats() {
        samples.nats(&health);
    }
    encoded(samples)
}

fn encoded(samples: Samples) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(samples));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

impl Samples {
    fn add(&mut self, name: &'static str, help: &'static str, labels: Labels, sample: Sample) {
        if let Some(metric) = self.0.iter_mut().find(|metric| metric.name == name) {
            metric.rows.push((labels, sample));
        } else {
            self.0.push(Metric { name, help, rows: vec![(labels, sample)] });
        }
    }

    fn nats(&mut self, health: &HealthReport) {
        let connected = Sample::Gauge(f64::from(u8::from(health.connected)));
        self.add("billfold_nats_connected", "The connection is up", Vec::new(), connected);
        for (name, help, count) in [
            ("billfold_nats_connects", "Connections made", health.connects),
            ("billfold_nats_disconnects", "Connections lost", health.disconnects),
            (
                "billfold_nats_slow_consumers",
                "Messages dropped because they were not read in time, at least",
                health.slow_consumers,
            ),
            ("billfold_nats_server_errors", "Errors the server told", health.server_errors),
        ] {
            self.add(name, help, Vec::new(), Sample::Count(count));
        }
    }

    fn gateway(&mut self, status: &GatewayStatus, syncs: Buckets) {
        let book = || vec![("book", status.book.clone())];
        let outcome =
            |outcome: &str| vec![("book", status.book.clone()), ("outcome", outcome.to_owned())];
        let whole = |value: u64| Sample::Gauge(whole(value));
        self.add("billfold_durable_position", "Last durable commit", book(), whole(status.commits));
        self.add("billfold_epoch", "Epoch of the log", book(), whole(status.epoch));
        let running = Sample::Gauge(f64::from(u8::from(status.running)));
        self.add("billfold_engine_running", "Whether commands are taken", book(), running);
        let uptime = Sample::Gauge(seconds(status.uptime_ms.saturating_mul(1_000)));
        self.add("billfold_uptime_seconds", "How long the gateway has served", book(), uptime);
        let counts = &status.commands;
        for (name, count) in [
            ("accepted", counts.accepted),
            ("rejected", counts.rejected),
            ("duplicate", counts.duplicates),
            ("busy", counts.busy),
            ("undecided", counts.undecided),
        ] {
            let help = "Commands by what became of them";
            self.add("billfold_commands", help, outcome(name), Sample::Count(count));
        }
        let help = "Writing and syncing a block";
        self.add("billfold_sync_seconds", help, book(), Sample::Micros(Box::new(syncs)));
        let help = "Billing runs that have customers left";
        self.add("billfold_billing_runs", help, book(), whole(status.billing_runs.len() as u64));
        let help = "Customers that are parked until they are released";
        self.add("billfold_customers_parked", help, book(), whole(status.parked));
        let help = "Customers that a process could neither serve nor park";
        self.add("billfold_customers_stuck", help, book(), Sample::Count(status.stuck));
        for queue in &status.queues {
            let labels = vec![("book", status.book.clone()), ("queue", queue.name.clone())];
            self.queue(&labels, queue);
        }
    }

    fn queue(&mut self, labels: &Labels, queue: &QueueStatus) {
        let depth = Sample::Gauge(whole(queue.depth));
        self.add("billfold_queue_depth", "How many are in a queue", labels.clone(), depth);
        let capacity = Sample::Gauge(whole(queue.capacity));
        self.add("billfold_queue_capacity", "How many a queue takes", labels.clone(), capacity);
        let help = "Refused because a queue was full";
        self.add("billfold_queue_refused", help, labels.clone(), Sample::Count(queue.refused));
    }

    fn view(&mut self, book: &str, status: &ViewStatus) {
        let labels = || vec![("book", book.to_owned()), ("view", status.view.clone())];
        let gauge = |value: u64| Sample::Gauge(whole(value));
        let help = "Last commit that a read model reflects";
        self.add("billfold_view_position", help, labels(), gauge(status.position));
        let help = "Commits that a read model does not reflect yet";
        self.add("billfold_view_lag_commits", help, labels(), gauge(status.lag_commits));
        if let Some(lag) = status.lag_ms {
            let help = "Time of the book that a read model does not reflect yet";
            let lag = Sample::Gauge(seconds(lag.saturating_mul(1_000)));
            self.add("billfold_view_lag_seconds", help, labels(), lag);
        }
        let serving = u64::from(status.state == ViewState::Serving);
        self.add("billfold_view_serving", "Whether it answers queries", labels(), gauge(serving));
        let help = "Share of a rebuild that is done; 1 without one";
        let share = status.rebuild.as_ref().map_or(1.0, |one| whole(one.percent) / 100.0);
        self.add("billfold_view_rebuild_ratio", help, labels(), Sample::Gauge(share));
        let help = "Rebuilds begun";
        self.add("billfold_view_rebuilds", help, labels(), Sample::Count(status.rebuilds));
        let help = "Alarms that a person must look at";
        self.add("billfold_view_alarms", help, labels(), gauge(status.alarms.len() as u64));
        let help = "Commits folded into a read model";
        self.add("billfold_view_commits", help, labels(), Sample::Count(status.folded.commits));
        let help = "Rows written to a read model";
        self.add("billfold_view_rows", help, labels(), Sample::Count(status.folded.rows));
        let help = "Writing a batch of rows, 99 of 100, over the last minute";
        let batch = Sample::Gauge(seconds(status.folded.batch_us.p99));
        self.add("billfold_view_batch_p99_seconds", help, labels(), batch);
        for queue in &status.queues {
            let mut labels = labels();
            labels.push(("queue", queue.name.clone()));
            self.queue(&labels, queue);
        }
    }
}

impl Collector for Samples {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for Metric { name, help, rows } in &self.0 {
            let kind = match rows.first() {
                Some((_, Sample::Count(_))) => MetricType::Counter,
                Some((_, Sample::Gauge(_))) | None => MetricType::Gauge,
                Some((_, Sample::Micros(_))) => MetricType::Histogram,
            };
            let mut metric = encoder.encode_descriptor(name, help, None, kind)?;
            for (labels, sample) in rows {
                let mut row = metric.encode_family(labels)?;
                match sample {
                    Sample::Count(count) => {
                        row.encode_counter::<NoLabelSet, _, u64>(count, None)?;
                    }
                    Sample::Gauge(value) => {
                        row.encode_gauge(value)?;
                    }
                    Sample::Micros(buckets) => {
                        let mut ends: Vec<_> = SYNC_BUCKETS
                            .iter()
                            .map(|end| (seconds(*end), buckets.at_most(*end)))
                            .collect();
                        // The encoder takes what is in each bucket and adds up by itself.
                        for at in (1..ends.len()).rev() {
                            ends[at].1 -= ends[at - 1].1;
                        }
                        let beyond = buckets.count() - ends.iter().map(|(_, n)| n).sum::<u64>();
                        ends.push((f64::INFINITY, beyond));
                        let (sum, count) = (seconds(buckets.sum()), buckets.count());
                        row.encode_histogram::<NoLabelSet>(sum, count, &ends, None)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Figures are for people and alarms; beyond 2^53 their last digits do not matter.
#[allow(clippy::cast_precision_loss, reason = "a figure, not money")]
fn whole(value: u64) -> f64 {
    value as f64
}

fn seconds(micros: u64) -> f64 {
    whole(micros) / 1e6
}

#[cfg(test)]
mod tests {
    use schemas::status::Window;

    use super::*;

    #[test]
    fn a_histogram_ends_with_a_bucket_that_holds_all() {
        let mut syncs = Window::default();
        syncs.record(0, 100);
        syncs.record(0, 2_000_000);
        let syncs = syncs.total().clone();
        let mut samples = Samples::default();
        samples.add("syncs", "Syncs", Vec::new(), Sample::Micros(Box::new(syncs)));
        let text = encoded(samples).expect("it is written");
        let counts: Vec<_> = text.lines().filter_map(|line| line.split_once("le=")).collect();
        assert_eq!(counts.len(), SYNC_BUCKETS.len() + 1);
        assert_eq!(counts[1].1, "\"0.000128\"} 1");
        assert_eq!(counts[SYNC_BUCKETS.len()].1, "\"+Inf\"} 2");
    }
}
