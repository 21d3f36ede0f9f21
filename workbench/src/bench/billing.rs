//! `bench billing`: one billing run over many customers, and what other commands notice of it.
//!
//! # Shape
//!
//! For each size a fresh book gets so many customers, each with one subscription that is due.
//! Then one run bills them all, while eight clients send a thousand payments a second of another
//! customer. Their latency is taken before the run, one at a time, and during it, there from when
//! a payment was to be sent: one that waits makes the next one late. A second run must find
//! nothing to do.
//!
//! # Limits
//!
//! The log's folder decides what a sync costs; it is measured in the same minute and printed.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use client::{Node, edge};
use command_gateway::{CommandRequest, Gateway, GatewayConfig, GatewayHandle};
use event_log::probe;
use host::Folder;
use schemas::ids::{BillingRunId, CommandId, derive};
use schemas::runs::RunState;
use schemas::text::Actor;
use schemas::{Command, Date};
use serde::Serialize;
use serde_json::{Value, json};
use terminal::{Output, Progress, View};
use uuid::Uuid;

use super::load::{Until, at, drive};
use super::plan::Script;
use super::settings::BillingSettings;
use super::{Place, SETTING_UP, machine};
use crate::error::WorkError;

/// Payments that are sent before the run, one at a time.
const QUIET_PAYMENTS: usize = 2_000;
/// How many clients pay during a run, and how often each.
const PAYERS: u32 = 8;
const PAY_EVERY: Duration = Duration::from_millis(8);
/// How often a run is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// How long a run may take.
const PATIENCE: Duration = Duration::from_hours(1);

/// What one size gave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Row {
    customers: u64,
    seconds_to_bill: String,
    customers_per_second: u64,
    /// The time of a customer against that of the size before, in percent.
    percent_of_previous: u64,
    peak_mib: u64,
    quiet_p50_us: u64,
    quiet_p99_us: u64,
    other_p50_us: u64,
    other_p99_us: u64,
    sync_p50_us: u64,
}

/// Runs `bench billing`.
///
/// # Errors
/// [`WorkError`] when the book cannot be made, or a run does not bill every customer once.
pub fn run(settings: &BillingSettings, data: &Folder, output: &Output) -> Result<(), WorkError> {
    let place = Place::make(settings.dir.as_deref(), data)?;
    let mut sizes = settings.customers.clone();
    sizes.sort_unstable();
    let bar = Progress::start("books", Some(sizes.len() as u64));
    let mut rows: Vec<Row> = Vec::new();
    let mut before: Option<(u64, Duration)> = None;
    for size in sizes {
        let folder = Folder::at(place.path.join(size.to_string()));
        let (mut row, elapsed) = measure(size, &folder)?;
        if let Some((customers, took)) = before {
            let each = |time: Duration, of: u64| time.as_nanos() / u128::from(of.max(1));
            let percent = each(elapsed, size) * 100 / each(took, customers).max(1);
            row.percent_of_previous = u64::try_from(percent).unwrap_or(u64::MAX);
        }
        before = Some((size, elapsed));
        rows.push(row);
        bar.more(1);
    }
    bar.finish();
    let columns = View::Columns(&[
        "customers",
        "seconds_to_bill",
        "customers_per_second",
        "percent_of_previous",
        "peak_mib",
        "quiet_p50_us",
        "quiet_p99_us",
        "other_p50_us",
        "other_p99_us",
        "sync_p50_us",
    ]);
    Ok(output.document(columns, &Node::of(&json!({"data": rows})))?)
}

/// A book with customers that are due.
struct Book {
    handle: GatewayHandle,
    actor: Actor,
    base: Uuid,
    sent: AtomicU64,
}

fn measure(customers: u64, folder: &Folder) -> Result<(Row, Duration), WorkError> {
    let name = Script::book();
    folder.make(&name)?;
    let log = command_gateway::fresh_log_id()
        .map_err(|source| WorkError::io("no randomness for the log's id", source))?;
    let config = GatewayConfig::at(folder.log(&name))?;
    let gateway = Gateway::create(&config, log, Script::open())?;
    let book = Book {
        handle: gateway.handle(),
        actor: "bench".parse().expect("a token of ASCII letters is an actor"),
        base: edge::fresh(),
        sent: AtomicU64::new(0),
    };
    book.set_up(customers)?;
    let disk = probe::measure(folder.root(), 100)
        .map_err(|source| WorkError::io("the disk cannot be measured", source))?;
    let mut quiet = Vec::new();
    for _ in 0..QUIET_PAYMENTS {
        quiet.push(book.pay(Instant::now())?);
    }
    machine::forget_peak();
    let (elapsed, mut others) = book.bill("first", customers)?;
    let peak = machine::peak_memory();
    let (_, _) = book.bill("second", 0)?;
    gateway.close();
    quiet.sort_unstable();
    others.sort_unstable();
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let row = Row {
        customers,
        seconds_to_bill: format!("{:.2}", elapsed.as_secs_f64()),
        customers_per_second: u64::try_from(
            u128::from(customers) * 1_000_000_000 / elapsed.as_nanos().max(1),
        )
        .unwrap_or(u64::MAX),
        percent_of_previous: 100,
        peak_mib: peak >> 20,
        quiet_p50_us: micros(at(&quiet, 50)),
        quiet_p99_us: micros(at(&quiet, 99)),
        other_p50_us: micros(at(&others, 50)),
        other_p99_us: micros(at(&others, 99)),
        sync_p50_us: micros(disk.sync_p50),
    };
    Ok((row, elapsed))
}

impl Book {
    fn id(&self, prefix: &str, name: &str) -> String {
        format!("{prefix}_{}", derive(self.base, name).simple())
    }

    fn command_id(&self, name: &str) -> CommandId {
        CommandId::new(derive(self.base, name))
    }

    fn set_up(&self, customers: u64) -> Result<(), WorkError> {
        let until = |commands| Until { commands, time: Duration::MAX };
        let catalog = [self.entity(), self.plan(), self.register(u64::MAX)];
        for (n, command) in (0..).zip(catalog) {
            let one = |_| (self.command_id(&format!("catalog {n}")), command.clone());
            drive(&self.handle, &self.actor, 1, until(1), one, |_, _| {})?;
        }
        let register = |n| (self.command_id(&format!("register {n}")), self.register(n));
        drive(&self.handle, &self.actor, SETTING_UP, until(customers), register, |_, _| {})?;
        let subscribe = |n| (self.command_id(&format!("subscribe {n}")), self.subscribe(n));
        drive(&self.handle, &self.actor, SETTING_UP, until(customers), subscribe, |_, _| {})?;
        Ok(())
    }

    fn entity(&self) -> Command {
        made(
            "entity.define",
            &json!({
                "entity": self.id("ent", "entity"), "name": "Bench", "zone": "UTC",
                "payment_terms_days": 30,
                "series": [{"code": "main", "kind": "invoice", "prefix": "B", "digits": 8}],
            }),
        )
    }

    fn plan(&self) -> Command {
        let amount = json!({"currency": "EUR", "rate": {"per_unit": "12.50"}});
        made(
            "plan.define",
            &json!({
                "plan": self.id("pln", "plan"), "name": "Team",
                "every": {"count": 1, "unit": "month"}, "timing": "in_advance",
                "prices": [{"price": "seat", "amounts": [amount]}],
            }),
        )
    }

    fn register(&self, n: u64) -> Command {
        made(
            "customer.register",
            &json!({
                "customer": self.id("cus", &format!("c{n}")), "entity": self.id("ent", "entity"),
                "name": format!("Customer {n}"), "currency": "EUR",
            }),
        )
    }

    fn subscribe(&self, n: u64) -> Command {
        made(
            "subscription.create",
            &json!({
                "customer": self.id("cus", &format!("c{n}")),
                "subscription": self.id("sub", &format!("s{n}")),
                "plan": self.id("pln", "plan"), "quantity": (n % 40 + 1).to_string(),
            }),
        )
    }

    /// One payment of the customer that is not billed; how long after `started` its answer came.
    fn pay(&self, started: Instant) -> Result<Duration, WorkError> {
        let name = format!("payment {}", self.sent.fetch_add(1, Ordering::Relaxed));
        let command = made(
            "payment.record",
            &json!({
                "customer": self.id("cus", &format!("c{}", u64::MAX)),
                "payment": self.id("pay", &name),
                "amount": {"amount": "1.00", "currency": "EUR"},
            }),
        );
        let request = CommandRequest::new(self.command_id(&name), self.actor.clone(), command);
        let outcome = self.handle.submit_blocking(request);
        let elapsed = started.elapsed();
        outcome
            .map_err(|refusal| WorkError::Unplanned(format!("a payment was refused: {refusal}")))?;
        Ok(elapsed)
    }

    /// Bills everyone that is due, with payments in between.
    fn bill(&self, name: &str, subjects: u64) -> Result<(Duration, Vec<Duration>), WorkError> {
        let run = BillingRunId::new(derive(self.base, name));
        let today: Date = edge::now()?.utc_date();
        let command = made("billing.run", &json!({"run": run, "through": today}));
        let started = Instant::now();
        let request = CommandRequest::new(self.command_id(name), self.actor.clone(), command);
        let outcome = self.handle.submit_blocking(request);
        outcome
            .map_err(|refusal| WorkError::Unplanned(format!("the run was refused: {refusal}")))?;
        let is_over = &AtomicBool::new(false);
        std::thread::scope(|scope| {
            let payers = (0..PAYERS).map(|n| {
                let first = started + PAY_EVERY * n / PAYERS;
                scope.spawn(move || self.keep_paying(first, is_over))
            });
            let payers: Vec<_> = payers.collect();
            let elapsed = self.wait_for(run, subjects, started);
            is_over.store(true, Ordering::Relaxed);
            let mut others = Vec::new();
            for payer in payers {
                let paid = payer.join().map_err(|_| WorkError::Unplanned("a payer died".into()))?;
                others.append(&mut paid?);
            }
            Ok((elapsed?, others))
        })
    }

    /// Pays from an instant on; how long after its time each payment was answered. One that was
    /// not sent in time because the one before was not answered is late from its time on.
    fn keep_paying(
        &self,
        first: Instant,
        is_over: &AtomicBool,
    ) -> Result<Vec<Duration>, WorkError> {
        let (mut due, mut took) = (first, Vec::new());
        while !is_over.load(Ordering::Relaxed) {
            let early = due.saturating_duration_since(Instant::now());
            if early.is_zero() {
                took.push(self.pay(due)?);
            } else {
                std::thread::sleep(early);
                took.push(self.pay(Instant::now())?);
            }
            due += PAY_EVERY;
        }
        Ok(took)
    }

    /// Waits until a run is over; how long it took.
    fn wait_for(
        &self,
        run: BillingRunId,
        subjects: u64,
        started: Instant,
    ) -> Result<Duration, WorkError> {
        loop {
            let progress = self.handle.progress().run(run);
            if let Some(done) = progress.filter(|found| found.state == RunState::Done) {
                let elapsed = started.elapsed();
                if (done.due, done.billed, done.failed) != (subjects, subjects, 0) {
                    return Err(WorkError::Wrong(format!(
                        "{subjects} customers were due; the run found {}, billed {}, failed {}",
                        done.due, done.billed, done.failed
                    )));
                }
                return Ok(elapsed);
            }
            if started.elapsed() > PATIENCE {
                return Err(WorkError::Unplanned("the run does not end".to_owned()));
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }
}

/// A command whose JSON is written here.
pub(super) fn made(name: &str, body: &Value) -> Command {
    Command::from_json(name, body.to_string().as_bytes()).expect("the bench's commands are valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_bills_everyone_once_while_payments_go_on() {
        let scratch = tempfile::tempdir().expect("a folder");
        let (row, _) = measure(25, &Folder::at(scratch.path())).expect("measured");
        assert_eq!(row.customers, 25);
        assert!(row.customers_per_second > 0, "{row:?}");
    }
}
