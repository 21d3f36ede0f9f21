//! `import purchases`: reads the file, sends the commands, says what became of the lines.

use schemas::command::CustomerCommand;
use std::collections::BTreeMap;

use schemas::text::Code;
use schemas::wire::BatchAnswer;
use schemas::{Command, Currency};
use serde::Serialize;
use serde_json::json;

use super::commands::Deriver;
use super::rows::{BadLine, read};
use crate::cli::ImportArgs;
use crate::door::Ask;
use crate::exit::Failure;
use crate::output::{Node, Output, View};
use crate::submit;
use crate::submitter::{self, Order};
use crate::talk;

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

/// Runs `import purchases`.
///
/// # Errors
/// [`Failure::Refused`] when any line was bad; else what kept the rest from being imported.
pub fn run(args: &ImportArgs, door: &impl Ask, output: &Output) -> Result<(), Failure> {
    let source = source(args)?;
    let file = submit::read(&args.file)?;
    let (summary, bad) = import(&file, source, args.currency, door)?;
    for line in &bad {
        talk::say(&format!("billfold: {line}"));
    }
    output.document(View::Any, &Node::of(&json!(summary)))?;
    if bad.is_empty() {
        return Ok(());
    }
    Err(Failure::Refused(format!("{} lines were bad; the others are imported", bad.len())))
}

fn source(args: &ImportArgs) -> Result<Code, Failure> {
    if let Some(source) = &args.source {
        return Ok(source.clone());
    }
    let stem = args.file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    stem.parse().map_err(|_| {
        Failure::Usage(format!("{stem:?} cannot name the source of the rows; give it as --source"))
    })
}

/// Sends the purchases of a file. Bad lines are in the order of the file.
///
/// # Errors
/// [`Failure`] when the door stops answering; what was accepted stays so.
pub fn import(
    file: &[u8],
    source: Code,
    currency: Currency,
    door: &impl Ask,
) -> Result<(Summary, Vec<BadLine>), Failure> {
    let (rows, mut bad) = read(file, currency);
    let mut deriver = Deriver::new(source, currency);
    let mut orders = vec![deriver.entity()];
    orders.extend(rows.iter().flat_map(|row| deriver.orders(row)));
    let bar = talk::progress("import", Some(orders.len() as u64));
    let answers = submitter::submit(door, &orders, |more| bar.inc(more as u64))?;
    bar.finish_and_clear();
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
                    return Err(Failure::from(problem.clone()));
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
