//! `bench nats`: what clients see over NATS, with everything on this machine's cores.
//!
//! # Shape
//!
//! A NATS server, the gateway and a projector for each read model are started as processes of
//! their own over a fresh book. [`session`] keeps payments outstanding, one a request or in
//! batches, while [`prober`] asks queries; [`overload`] sends twice what can be taken. The books
//! are then checked as after the other bench: every acknowledged payment is in the log once.
//!
//! # Limits
//!
//! The load shares the cores with what it measures; its part of the processor time is printed.

mod figures;
mod overload;
mod prober;
mod processes;
mod session;
mod wire;

use std::path::Path;
use std::time::Duration;

use client::{Node, edge};
use event_log::probe::{self, ProbeReport};
use host::Folder;
use serde_json::json;
use terminal::{Output, PrintError, Progress, View, text};

use super::books::{self, Books};
use super::machine::{self, Machine};
use super::plan::{Plan, Script};
use super::report::books_line;
use super::settings::NatsSettings;
use super::{Place, conclude};
use crate::error::WorkError;

use figures::{Figure, Flood, Round, cpu_table, load_table};
use prober::Prober;
use processes::Processes;
use session::{Seen, Session};
use wire::Wire;

/// Customers that queries ask about.
const ASKED_ABOUT: u64 = 500;
/// Invoices that each customer has open at first.
const INVOICES: u64 = 4;
/// Payments that a run can make at most in a second; what invoices must suffice for.
const MOST_A_SECOND: u64 = 150_000;

/// Runs `bench nats`.
///
/// # Errors
/// [`WorkError::Wrong`] when the books are wrong afterwards; [`WorkError`] names the process
/// that does not come up.
pub fn run(settings: &NatsSettings, data: &Folder, output: &Output) -> Result<(), WorkError> {
    let place = Place::make(settings.dir.as_deref(), data)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| WorkError::io("no thread for the load", source))?;
    let mut machine = Machine::look();
    let levels = Levels::of(settings);
    let measured = runtime.block_on(measure(&levels, &place.path, &settings.server))?;
    machine.load_after = machine::load_average();
    print(&machine, &measured, output)?;
    conclude(&measured.books)
}

/// What is measured.
#[derive(Debug, Clone)]
struct Levels {
    customers: u64,
    outstanding: Vec<u32>,
    batch: usize,
    batches: Vec<u32>,
    time: Duration,
    rounds: u32,
    overload: Duration,
    syncs: u32,
}

impl Levels {
    fn of(settings: &NatsSettings) -> Self {
        let asked = Self {
            customers: settings.customers,
            outstanding: settings.outstanding.clone(),
            batch: settings.batch as usize,
            batches: settings.batches.clone(),
            time: Duration::from_secs(settings.seconds),
            rounds: settings.rounds,
            overload: Duration::from_secs(settings.overload),
            syncs: 100,
        };
        if !settings.quick {
            return asked;
        }
        Self {
            customers: asked.customers.min(50),
            time: Duration::from_millis(300),
            rounds: 1,
            overload: asked.overload.min(Duration::from_secs(1)),
            syncs: 5,
            ..asked
        }
    }

    /// The book: invoices for more than can be paid in the time.
    fn plan(&self) -> Plan {
        let loads = self.outstanding.len() + self.batches.len();
        let seconds = (self.time * self.rounds).as_secs().max(1) * loads as u64;
        Plan {
            customers: self.customers,
            invoices: INVOICES,
            outstanding: vec![1],
            commands: (seconds + self.overload.as_secs() + 10) * MOST_A_SECOND,
            seconds: self.time.as_secs(),
            rounds: 1,
            syncs: self.syncs,
            view_commits: 0,
        }
    }
}

/// Everything that was measured.
struct Measured {
    figures: Vec<Figure>,
    flood: Option<Flood>,
    books: Books,
}

async fn measure(levels: &Levels, data: &Path, server: &Path) -> Result<Measured, WorkError> {
    let processes = Processes::start(data, server)?;
    let script = Script::new(levels.plan(), edge::now()?.micros());
    let session = Session::new(Wire::connect(&processes.url).await?, script);
    let mut bench = Bench { levels, data, processes, session };
    let bar = Progress::start("setting up", None);
    bench.session.set_up().await?;
    bar.finish();
    let figures = bench.figures().await?;
    let flood = bench.flood(&figures).await?;
    let Bench { processes, session, .. } = bench;
    drop(processes);
    let (script, acknowledged) = session.into_parts();
    let books = books::check(&Folder::at(data), &script, &acknowledged)?;
    Ok(Measured { figures, flood, books })
}

/// A book under load.
struct Bench<'a> {
    levels: &'a Levels,
    data: &'a Path,
    processes: Processes,
    session: Session,
}

/// One kind of load.
#[derive(Clone, Copy)]
enum Kind {
    Singles(u32),
    Batches(u32),
}

impl Bench<'_> {
    async fn figures(&mut self) -> Result<Vec<Figure>, WorkError> {
        let singles = self.levels.outstanding.iter().map(|n| Kind::Singles(*n));
        let kinds: Vec<Kind> =
            singles.chain(self.levels.batches.iter().map(|n| Kind::Batches(*n))).collect();
        let mut rounds: Vec<Vec<Round>> = vec![Vec::new(); kinds.len()];
        let bar =
            Progress::start("payments", Some(u64::from(self.levels.rounds) * kinds.len() as u64));
        for _ in 0..self.levels.rounds {
            for (kind, rounds) in kinds.iter().zip(&mut rounds) {
                rounds.push(self.round(*kind).await?);
                bar.more(1);
            }
        }
        bar.finish();
        let figures = kinds.iter().zip(&rounds).map(|(kind, rounds)| match kind {
            Kind::Singles(n) => Figure::of("payment.record", u64::from(*n), 1, rounds),
            Kind::Batches(n) => {
                let size = self.levels.batch as u64;
                Figure::of(&format!("batches of {size}"), u64::from(*n), size, rounds)
            }
        });
        Ok(figures.collect())
    }

    async fn round(&mut self, kind: Kind) -> Result<Round, WorkError> {
        let before = self.disk()?;
        let customers = (0..ASKED_ABOUT.min(self.levels.customers))
            .map(|n| self.session.script().customer(n).to_string());
        let prober = Prober::start(&self.processes.url, customers.collect()).await?;
        let spent = self.processes.cpu();
        let seen = self.load(kind).await?;
        let cpu = self.processes.cpu().into_iter().zip(spent);
        let cpu = cpu.map(|((name, after), (_, before))| (name, after.saturating_sub(before)));
        let cpu = cpu.collect();
        let asked = prober.stop().await?;
        let behind = self.session.last_position().saturating_sub(asked.position);
        let disk = vec![before, self.disk()?];
        let resident = self.processes.gateway.resident();
        Ok(Round { seen, asked, cpu, behind, disk, resident })
    }

    async fn load(&mut self, kind: Kind) -> Result<Seen, WorkError> {
        let (size, time) = (self.levels.batch, self.levels.time);
        match kind {
            Kind::Singles(outstanding) => self.session.singles(outstanding, time).await,
            Kind::Batches(outstanding) => {
                self.session.batches(size, outstanding as usize, time).await
            }
        }
    }

    /// Twice the load of the busiest level of single requests.
    async fn flood(&mut self, figures: &[Figure]) -> Result<Option<Flood>, WorkError> {
        let singles = figures.iter().filter(|figure| figure.commands_per_request == 1);
        let Some(full) = singles.max_by_key(|figure| figure.per_second) else { return Ok(None) };
        if self.levels.overload.is_zero() {
            return Ok(None);
        }
        let bar = Progress::start("twice the load", None);
        let (session, gateway) = (&mut self.session, &self.processes.gateway);
        let rate = full.per_second * 2;
        let seen = overload::overload(session, gateway, rate, self.levels.overload).await?;
        bar.finish();
        Ok(Some(Flood::of(&seen, full)))
    }

    fn disk(&self) -> Result<ProbeReport, WorkError> {
        probe::measure(self.data, self.levels.syncs).map_err(|source| {
            WorkError::io(format!("{} cannot be measured", self.data.display()), source)
        })
    }
}

fn print(machine: &Machine, measured: &Measured, output: &Output) -> Result<(), PrintError> {
    let Measured { figures, flood, books } = measured;
    if !output.is_table() {
        let document =
            json!({"machine": machine, "data": figures, "overload": flood, "books": books});
        return output.document(View::Any, &Node::of(&document));
    }
    let mut parts = vec![machine.line(), load_table(figures).text(), cpu_table(figures).text()];
    parts.extend(flood.as_ref().map(Flood::text));
    parts.push(books_line(books));
    text(&parts.join("\n\n"))
}
