//! `import purchases`: reads the file, sends the commands, says what became of the lines.

use schemas::command::CustomerCommand;
use std::collections::BTreeMap;
use std::path::Path;

use client::{Ask, AskError, Node, Order, submit};
use schemas::text::Code;
use schemas::wire::BatchAnswer;
use schemas::{Command, Currency};
use serde::Serialize;
use serde_json::json;
use terminal::{Output, Progress, View, say};

use super::commands::Deriver;
use super::rows::{BadLine, read};
use crate::error::WorkError;

/// What became of a file.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Lines that are purchases.
    pub rows: u64,
    /// Commands that were accepted now.
    pub accepted: u64,
    /// Commands that had been accepted before.
    pub duplicates: u64,
    /// Commands that were refused.
    pub refused: u64,
    /// Lines that could not be read, or of which a command was refused.
    pub bad_lines: u64,
}

/// Imports the purchases of a file and says what became of its lines.
///
/// # Errors
/// [`WorkError::BadLines`] when any line was bad; else what kept the rest from being imported.
pub fn run(
    file: &[u8],
    source: Code,
    currency: Currency,
    door: &impl Ask,
    output: &Output,
) -> Result<(), WorkError> {
    let (summary, bad) = import(file, source, currency, door)?;
    for line in &bad {
        say(&format!("billfold: {line}"));
    }
    output.document(View::Any, &Node::of(&json!(summary)))?;
    if bad.is_empty() {
        return Ok(());
    }
    Err(WorkError::BadLines { count: bad.len() })
}

/// The source that a file's name says.
///
/// # Errors
/// [`WorkError::NoSource`] for a name that is none of a source.
pub fn source_of(file: &Path) -> Result<Code, WorkError> {
    let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    stem.parse().map_err(|_| WorkError::NoSource { stem: stem.to_owned() })
}

/// Sends the purchases of a file. Bad lines are in the order of the file.
///
/// # Errors
/// [`WorkError`] when the door stops answering; what was accepted stays so.
pub fn import(
    file: &[u8],
    source: Code,
    currency: Currency,
    door: &impl Ask,
) -> Result<(Summary, Vec<BadLine>), WorkError> {
    let (rows, mut bad) = read(file, currency);
    let mut deriver = Deriver::new(source, currency);
    // A file without one good line leaves nothing behind, no seller either.
    let mut orders: Vec<Order> = rows.first().map(|_| deriver.entity()).into_iter().collect();
    orders.extend(rows.iter().flat_map(|row| deriver.orders(row)));
    let bar = Progress::start("import", Some(orders.len() as u64));
    let answers = submit(door, &orders, |more| bar.more(more as u64))?;
    bar.finish();
    let mut summary = Summary { rows: rows.len() as u64, ..Summary::default() };
    let mut refused: BTreeMap<u64, String> = BTreeMap::new();
    for (order, answer) in orders.iter().zip(&answers) {
        match answer {
            BatchAnswer::Accepted(accepted) if accepted.duplicate => summary.duplicates += 1,
            BatchAnswer::Accepted(_) => summary.accepted += 1,
            BatchAnswer::Problem(problem) if is_known_customer(order, &problem.code) => {
                summary.duplicates += 1;
            }
            BatchAnswer::Problem(problem) => {
                summary.refused += 1;
                let Some(line) = order.line else {
                    return Err(AskError::from(problem.clone()).into());
                };
                refused.entry(line).or_insert_with(|| why(order, &problem.detail));
            }
        }
    }
    bad.extend(refused.into_iter().map(|(line, why)| BadLine { line, why }));
    bad.sort_by_key(|bad| bad.line);
    summary.bad_lines = bad.len() as u64;
    Ok((summary, bad))
}

/// The customer was registered by an earlier file, whose first purchase had another date.
fn is_known_customer(order: &Order, code: &str) -> bool {
    matches!(order.command, Command::Customer(CustomerCommand::RegisterCustomer(_)))
        && code == "idempotency_key_reused"
}

fn why(order: &Order, detail: &str) -> String {
    format!("{} was refused: {detail}", order.command.kind().name)
}
