//! What a command costs on customers that have something behind them.
//!
//! *Shape.* Each command is timed one by one, which the disk's sync rules, and with many on their
//! way, which the engine rules. A customer is asked again only when all others were. Books that
//! are compared are open together and take turns, so that all see the machine's better minutes.
//! *Limits.* What is left behind by a command (a paid invoice, a credit note, two changes of a
//! plan) is there for the next one; that is why few customers are never one alone.

use std::time::Duration;

use client::edge;
use event_log::probe;
use schemas::command::{ChangeSubscription, CreditLine, IssueCreditNote, WithdrawCharge};
use schemas::ids::CreditNoteId;
use schemas::terms::{ChangeTime, NoteTarget, Settle};
use schemas::{Command, Minor};

use super::book::{Book, CHARGE, place, with_snapshots};
use crate::bench::load::{Run, at};
use crate::bench::machine;
use crate::bench::report::{median, nanos, share};
use crate::bench::settings::AgeSettings;
use crate::error::WorkError;

/// Commands on their way, where many are.
const OUTSTANDING: u32 = 256;
/// Of many customers, so many are asked then.
const ASKED: u64 = 20_000;
/// Runs bill so many customers in all, or few more.
const BILLED: u64 = 1_000_000;
/// The most changes of one subscription that are timed one by one, and together: the next would
/// cost what these have left behind.
const CHANGES: u64 = 5;
/// The most charges before the first that is timed: caches are warm then.
const WARM_UP: u64 = 20;
/// The most syncs that are measured before each command.
const SYNCS: u64 = 50;

/// What a command cost, in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Figures {
    /// Half of the commands were answered within this time, one at a time, in the best round.
    pub(super) p50: u64,
    /// 99 of 100 were.
    pub(super) p99: u64,
    /// A command's share of the time, with many on their way, in the best round.
    pub(super) each: u64,
    /// Processor time of the engine's thread, in the best round.
    pub(super) engine: u64,
}

impl Figures {
    /// Each of them, changed in the same way.
    pub(super) fn map(self, change: impl Fn(u64) -> u64) -> Self {
        let Self { p50, p99, each, engine } = self;
        Self { p50: change(p50), p99: change(p99), each: change(each), engine: change(engine) }
    }
}

/// What became of one kind of command.
#[derive(Debug)]
pub(super) struct Measured {
    /// The command.
    pub(super) command: &'static str,
    /// What it cost, or why it was refused.
    pub(super) figures: Result<Figures, String>,
    /// The disk's own sync before: half took no longer.
    pub(super) sync_p50: Duration,
    /// 99 of 100 took no longer.
    pub(super) sync_p99: Duration,
}

/// Every command on books that are compared; for each of them what became of each command. They
/// are opened from their snapshots, and closed at the end.
///
/// # Errors
/// [`WorkError`], but for a refusal: that is a figure, too.
pub(super) fn all(
    books: Vec<Book>,
    settings: &AgeSettings,
) -> Result<Vec<Vec<Measured>>, WorkError> {
    let mut measured: Vec<Vec<Measured>> = books.iter().map(|_| Vec::new()).collect();
    let samples = books.into_iter().map(|book| Samples::of(book, settings));
    let mut samples = samples.collect::<Result<Vec<_>, _>>()?;
    let Some(root) = samples.first().map(|first| first.book.folder().root().to_path_buf()) else {
        return Ok(measured);
    };
    let syncs = u32::try_from(settings.samples.min(SYNCS)).unwrap_or(1);
    for (command, measure) in COMMANDS {
        let disk = probe::measure(&root, syncs)
            .map_err(|source| WorkError::io("the disk cannot be measured", source))?;
        let mut passes: Vec<Result<Vec<Pass>, String>> =
            samples.iter().map(|_| Ok(Vec::new())).collect();
        for _ in 0..settings.rounds {
            for (samples, passes) in samples.iter_mut().zip(&mut passes) {
                let Ok(before) = passes else { continue };
                match figures_or_refusal(measure(samples))? {
                    Ok(pass) => before.push(pass),
                    Err(why) => *passes = Err(why),
                }
            }
        }
        for (measured, passes) in measured.iter_mut().zip(passes) {
            let (sync_p50, sync_p99) = (disk.sync_p50, disk.sync_p99);
            let figures = passes.map(figures);
            measured.push(Measured { command, figures, sync_p50, sync_p99 });
        }
    }
    for samples in &mut samples {
        samples.book.close();
    }
    Ok(measured)
}

/// A refusal is told, not raised.
///
/// # Errors
/// All others.
pub(super) fn figures_or_refusal<T>(
    done: Result<T, WorkError>,
) -> Result<Result<T, String>, WorkError> {
    match done {
        Ok(done) => Ok(Ok(done)),
        Err(WorkError::Refused(why) | WorkError::Unplanned(why)) => Ok(Err(why)),
        Err(other) => Err(other),
    }
}

/// One round of one command on one book.
struct Pass {
    /// One at a time.
    singles: Vec<Duration>,
    /// Together.
    many: Run,
}

type Measure = fn(&mut Samples) -> Result<Pass, WorkError>;

/// In this order: a run changes what is behind a customer most, so it comes last.
const COMMANDS: [(&str, Measure); 5] = [
    ("charge", Samples::charge),
    ("payment", Samples::payment),
    ("credit_note", Samples::credit_note),
    ("change", Samples::change),
    ("run", Samples::run),
];

/// A book that is measured, and how much of it in each round.
struct Samples {
    book: Book,
    /// Commands that are timed one by one …
    singles: u64,
    /// … and together.
    many: u64,
    runs: u64,
    /// The most changes of a plan.
    most_changes: u64,
    /// Credit notes so far.
    notes: u64,
    /// Changes so far, and those of each subscription.
    changes: u64,
    changes_of: Vec<u8>,
    /// A run has taken up what other commands had left.
    is_settled: bool,
}

impl Samples {
    fn of(mut book: Book, settings: &AgeSettings) -> Result<Self, WorkError> {
        book.reopen(&with_snapshots(book.folder(), 0)?)?;
        let each = |all: u64| share(all, settings.rounds).max(1);
        let subscriptions = book.subscriptions.len();
        Ok(Self {
            singles: each(settings.samples),
            many: each(settings.many.max(book.shape.customers.min(ASKED))),
            runs: each(settings.runs.min(share(BILLED, book.shape.customers))),
            most_changes: each(CHANGES * subscriptions as u64),
            notes: 0,
            changes: 0,
            changes_of: vec![0; subscriptions],
            is_settled: false,
            book,
        })
    }

    /// A charge that waits for an invoice; it is withdrawn again.
    fn charge(&mut self) -> Result<Pass, WorkError> {
        let warm_up = self.singles.min(WARM_UP);
        let mut singles = Vec::new();
        for n in 0..warm_up + self.singles {
            let (charge, command) = self.book.charge(spread(n), false);
            let customer = self.book.customer(spread(n));
            let elapsed = self.book.send(command)?;
            self.book.send(WithdrawCharge { customer, charge }.into())?;
            if n >= warm_up {
                singles.push(elapsed);
            }
        }
        let mut added = Vec::new();
        let many = self.book.drive(OUTSTANDING, self.many, |n| {
            let (charge, command) = self.book.charge(spread(n), false);
            added.push(WithdrawCharge { customer: self.book.customer(spread(n)), charge });
            command
        })?;
        let withdraw = |n| added[place(n, added.len())].clone().into();
        self.book.drive(OUTSTANDING, added.len() as u64, withdraw)?;
        Ok(Pass { singles, many })
    }

    /// A payment of what is open: one invoice, or with many on their way the oldest of some.
    fn payment(&mut self) -> Result<Pass, WorkError> {
        let mut singles = Vec::new();
        for n in 0..self.singles {
            self.book.send(self.book.charge(spread(n), true).1)?;
            singles.push(self.book.send(self.book.payment(spread(n), CHARGE))?);
        }
        let invoice = |n| self.book.charge(spread(n), true).1;
        self.book.drive(OUTSTANDING, self.many, invoice)?;
        let pay = |n| self.book.payment(spread(n), CHARGE);
        let many = self.book.drive(OUTSTANDING, self.many, pay)?;
        Ok(Pass { singles, many })
    }

    /// A cent off a line of the oldest invoice, which is paid.
    fn credit_note(&mut self) -> Result<Pass, WorkError> {
        let mut singles = Vec::new();
        for _ in 0..self.singles {
            let note = self.note()?;
            singles.push(self.book.send(note)?);
        }
        let notes = (0..self.many).map(|_| self.note()).collect::<Result<Vec<_>, _>>()?;
        let note = |n| notes[place(n, notes.len())].clone();
        let many = self.book.drive(OUTSTANDING, self.many, note)?;
        Ok(Pass { singles, many })
    }

    fn note(&mut self) -> Result<Command, WorkError> {
        let n = self.notes;
        self.notes += 1;
        let customer = self.book.customer(spread(n));
        let line = n / self.book.shape.customers % self.book.shape.subscriptions;
        let amount = Minor(1).of(self.book.currency);
        let command = IssueCreditNote {
            customer,
            note: CreditNoteId::new(edge::fresh()),
            invoice: self.book.oldest(customer)?,
            lines: vec![CreditLine { line: u32::try_from(line).unwrap_or(0) + 1, amount }],
            to: Some(NoteTarget::Credit),
        };
        Ok(command.into())
    }

    /// To the dearer plan and back, inside a cycle; the difference is invoiced or credited at once.
    fn change(&mut self) -> Result<Pass, WorkError> {
        let mut singles = Vec::new();
        for _ in 0..self.singles.min(self.most_changes) {
            let change = self.changed();
            singles.push(self.book.send(change)?);
        }
        let count = self.many.min(self.most_changes);
        let changes: Vec<Command> = (0..count).map(|_| self.changed()).collect();
        let change = |n| changes[place(n, changes.len())].clone();
        let many = self.book.drive(OUTSTANDING, count, change)?;
        Ok(Pass { singles, many })
    }

    fn changed(&mut self) -> Command {
        let n = self.changes;
        self.changes += 1;
        let (of, customers) = (self.book.shape.subscriptions, self.book.shape.customers);
        let customer = place(spread(n), self.book.customers.len()) as u64;
        let index = place(customer * of + n / customers % of, self.changes_of.len());
        self.changes_of[index] = self.changes_of[index].wrapping_add(1);
        let command = ChangeSubscription {
            customer: self.book.customer(customer),
            subscription: self.book.subscriptions[index],
            plan: Some(self.book.plans[usize::from(self.changes_of[index] % 2)]),
            version: None,
            quantity: None,
            items: None,
            anchor: None,
            map: None,
            keep_prices: None,
            keep_scheduled: None,
            when: ChangeTime::Now,
            proration: Some(Settle::Now),
        };
        command.into()
    }

    /// A run that bills every customer for the next cycle.
    fn run(&mut self) -> Result<Pass, WorkError> {
        if !self.is_settled {
            self.book.next_cycle()?;
            self.is_settled = true;
        }
        let engine = || machine::thread_time("engine-");
        let before = engine();
        let mut singles = Vec::new();
        for _ in 0..self.runs {
            singles.push(self.book.next_cycle()?.1);
        }
        let commands = self.runs * self.book.shape.customers;
        let (elapsed, engine) = (singles.iter().sum(), engine().saturating_sub(before));
        Ok(Pass { singles, many: Run { commands, elapsed, engine, ..Run::default() } })
    }
}

/// Spreads a count over all customers: this is a prime.
fn spread(n: u64) -> u64 {
    n.wrapping_mul(7_919)
}

/// Of all rounds the best: others use the machine, too. What is rare is looked for in all.
fn figures(passes: Vec<Pass>) -> Figures {
    let least = |of: &dyn Fn(&Pass) -> u64| passes.iter().map(of).min().unwrap_or(0);
    let each = least(&|pass| share(nanos(pass.many.elapsed), pass.many.commands));
    let engine = least(&|pass| share(nanos(pass.many.engine), pass.many.commands));
    let p50 = least(&|pass| median(pass.singles.iter().copied().map(nanos)));
    let mut singles: Vec<Duration> = passes.into_iter().flat_map(|pass| pass.singles).collect();
    singles.sort_unstable();
    Figures { p50, p99: nanos(at(&singles, 99)), each, engine }
}
