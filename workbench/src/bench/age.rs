//! `bench age`: what a customer that is old, or large, costs beside one that is young.
//!
//! # Shape
//!
//! Each book has customers that are all alike; in the books of a group they differ in one thing:
//! weeks of 100 weekly subscriptions, paid invoices of few or of many customers, subscriptions.
//! [`book`] builds it by real commands on a test clock, [`kept`] measures its memory, its snapshot
//! and its start, and on the group's books [`mod@measure`] times a charge, a payment, a credit
//! note on the oldest invoice, a change of plan and a run.
//!
//! # Limits
//!
//! A run's invoice has a line for each subscription, so runs are compared by the line. One at a
//! time, a command waits for the disk: its sync is measured beside it. Memory of few customers is
//! mostly that of a process, so it says little; their part of a snapshot does. Nobody seals here:
//! books have no keys.

mod book;
mod kept;
mod measure;
mod shape;

use std::path::Path;
use std::time::Instant;

use client::Node;
use host::Folder;
use serde::Serialize;
use serde_json::json;
use terminal::{Output, PrintError, Progress, Rows, View, text};

use super::Place;
use super::machine::{self, Machine};
use super::report::{nanos, share};
use super::settings::AgeSettings;
use crate::error::WorkError;

use book::Book;
use kept::Kept;
use measure::{Figures, Measured, figures_or_refusal};
use shape::Shape;

/// What one command cost in one book; what does not apply is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
struct Row {
    group: &'static str,
    state: String,
    command: &'static str,
    /// One at a time; of a run, for all customers of the book together.
    p50_us: Option<u64>,
    p99_us: Option<u64>,
    /// With many on their way; of a run, its time for each customer.
    each_us: Option<u64>,
    /// Of it, processor time of the engine's thread.
    engine_us: Option<u64>,
    /// `each_us` against that of the group's smallest book; of a run, for each line.
    percent_of_youngest: Option<u64>,
    /// The same of `p50_us`.
    percent_p50: Option<u64>,
    /// The same of `engine_us`.
    percent_engine: Option<u64>,
    sync_p50_us: Option<u64>,
    sync_p99_us: Option<u64>,
    refused: Option<String>,
    #[serde(skip)]
    figures: Figures,
}

/// Everything that is printed.
#[derive(Debug)]
struct Report {
    machine: Machine,
    rows: Vec<Row>,
    books: Vec<Kept>,
}

/// Runs `bench age`.
///
/// # Errors
/// [`WorkError`] when a book cannot be made, or opened again. What the ledger refuses is a row.
pub fn run(settings: &AgeSettings, data: &Folder, output: &Output) -> Result<(), WorkError> {
    if let Some(opened) = &settings.opened {
        return kept::open_and_print(&Folder::at(opened), output);
    }
    let place = Place::make(settings.dir.as_deref(), data)?;
    let report = measure(settings, &place.path)?;
    Ok(report.print(output)?)
}

fn measure(settings: &AgeSettings, place: &Path) -> Result<Report, WorkError> {
    let mut machine = Machine::look();
    let shapes = Shape::all(settings);
    let bar = Progress::start("books", Some(shapes.len() as u64));
    let (mut rows, mut books): (Vec<Row>, Vec<Kept>) = (Vec::new(), Vec::new());
    let mut empty = 0;
    if let Some(first) = shapes.first() {
        let none = Shape { customers: 0, ..*first };
        empty = kept::empty(none, &Folder::at(place.join("empty")))?;
    }
    for group in shapes.chunk_by(|one, other| one.group == other.group) {
        let mut open = Vec::new();
        for shape in group {
            let folder = Folder::at(place.join(format!("{}-{}", shape.group(), shape.size)));
            match figures_or_refusal(built(*shape, &folder, empty))? {
                Ok((book, kept)) => {
                    open.push(book);
                    books.push(kept);
                }
                Err(why) => rows.push(Row::refused(*shape, "history", &why)),
            }
            bar.more(1);
        }
        let of: Vec<Shape> = open.iter().map(|book| book.shape).collect();
        for (shape, measured) in of.into_iter().zip(measure::all(open, settings)?) {
            for measured in measured {
                let row = Row::of(shape, measured, &rows);
                rows.push(row);
            }
        }
    }
    bar.finish();
    compare(&mut books);
    machine.load_after = machine::load_average();
    Ok(Report { machine, rows, books })
}

/// Builds one book and measures what it takes.
fn built(shape: Shape, folder: &Folder, empty: u64) -> Result<(Book, Kept), WorkError> {
    let mut book = Book::make(shape, folder)?;
    let started = Instant::now();
    book.live()?;
    let kept = Kept::of(&mut book, started.elapsed(), empty)?;
    Ok((book, kept))
}

/// Compares memory with that of each group's first book.
fn compare(books: &mut [Kept]) {
    for group in books.chunk_by_mut(|one, other| one.group == other.group) {
        let youngest = group.first().map_or(0, |first| first.bytes_a_customer);
        for kept in group {
            kept.percent_of_youngest = share(kept.bytes_a_customer * 100, youngest);
        }
    }
}

impl Row {
    fn of(shape: Shape, measured: Measured, before: &[Self]) -> Self {
        let Measured { command, figures, sync_p50, sync_p99 } = measured;
        let figures = match figures {
            Ok(figures) => figures,
            Err(why) => return Self::refused(shape, command, &why),
        };
        let of_a_run = |cost: u64| share(cost, shape.subscriptions);
        let by_line = if command == "run" { figures.map(of_a_run) } else { figures };
        let youngest = before.iter().find(|row| {
            row.group == shape.group() && row.command == command && row.refused.is_none()
        });
        let youngest = youngest.map_or(by_line, |row| row.figures);
        let percent = |cost: u64, of: u64| Some(share(cost.saturating_mul(100), of));
        let micros = |nanos: u64| Some(nanos / 1_000);
        Self {
            group: shape.group(),
            state: shape.state(),
            command,
            p50_us: micros(figures.p50),
            p99_us: micros(figures.p99),
            each_us: micros(figures.each),
            engine_us: micros(figures.engine),
            percent_of_youngest: percent(by_line.each, youngest.each),
            percent_p50: percent(by_line.p50, youngest.p50),
            percent_engine: percent(by_line.engine, youngest.engine),
            sync_p50_us: micros(nanos(sync_p50)),
            sync_p99_us: micros(nanos(sync_p99)),
            refused: None,
            figures: by_line,
        }
    }

    fn refused(shape: Shape, command: &'static str, why: &str) -> Self {
        let refused = Some(format!("refused: {why}"));
        Self { group: shape.group(), state: shape.state(), command, refused, ..Self::default() }
    }
}

impl Report {
    fn print(&self, output: &Output) -> Result<(), PrintError> {
        if output.is_table() {
            let table = |rows: Vec<Node>| Rows::of(&rows).text();
            let rows = table(self.rows.iter().map(Node::of).collect());
            let books = table(self.books.iter().map(Node::of).collect());
            return text(&[self.machine.line(), rows, books].join("\n\n"));
        }
        let Self { machine, rows, books } = self;
        let document = json!({"machine": machine, "data": rows, "books": books});
        output.document(View::Any, &Node::of(&document))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::AgeGroup;

    fn settings() -> AgeSettings {
        AgeSettings {
            dir: None,
            opened: None,
            only: None,
            weeks: vec![3, 1],
            invoices: vec![1, 30],
            customers: 20,
            paid: vec![1, 3],
            reseller: vec![2, 5],
            copies: 2,
            samples: 8,
            many: 16,
            rounds: 2,
            runs: 2,
        }
    }

    #[test]
    fn every_group_has_every_command_in_every_state() {
        let scratch = tempfile::tempdir().expect("a folder");
        let report = measure(&settings(), scratch.path()).expect("measured");
        assert_eq!((report.rows.len(), report.books.len()), (8 * 5, 8));
        for row in &report.rows {
            assert_eq!(row.refused, None, "{row:?}");
            assert!(row.p99_us >= row.p50_us && row.each_us > Some(0), "{row:?}");
        }
        let young = report.rows.iter().filter(|row| row.state == "1 week");
        assert!(young.into_iter().all(|row| row.percent_of_youngest == Some(100)));
    }

    #[test]
    fn what_the_ledger_refuses_is_a_row() {
        let scratch = tempfile::tempdir().expect("a folder");
        let (only, invoices) = (Some(AgeGroup::Paid), vec![1]);
        // More charges of one customer would wait for an invoice than may.
        let settings =
            AgeSettings { only, invoices, copies: 1, many: 600, rounds: 1, ..settings() };
        let report = measure(&settings, scratch.path()).expect("measured");
        let row = report.rows.first().expect("a row");
        assert_eq!((row.state.as_str(), row.command), ("1 paid invoice", "charge"));
        assert!(row.refused.as_deref().is_some_and(|why| why.starts_with("refused: ")), "{row:?}");
        assert_eq!(report.rows.len(), 5, "the others are measured");
    }
}
