//! `explain`: why an invoice, or one line of it, is what it is; as a tree for people, as JSON for
//! programs such as `tests/evaluator/explain.py`.

use client::{Ask, Node, pages};
use schemas::ids::InvoiceId;
use schemas::text::Code;
use schemas::wire::Headers;
use serde_json::{Map, Value, json};
use terminal::{Format, Output, View, render, text};

use crate::cli::ExplainArgs;
use crate::exit::Failure;

/// The most lines of a page.
const LINES: u32 = schemas::query::MAX_LIMIT;

/// Runs `explain`.
///
/// # Errors
/// [`Failure::Problem`] when there is no such invoice or line.
pub fn run(args: &ExplainArgs, door: &impl Ask, output: &Output) -> Result<(), Failure> {
    let Some(invoice) = &args.invoice else { return every(door) };
    let explained = whole(invoice, args.line, door)?;
    if args.json && output.is_table() {
        return Ok(Output::new(Some(Format::Json)).document(View::Any, &explained)?);
    }
    if !output.is_table() {
        return Ok(output.document(View::Any, &explained)?);
    }
    Ok(text(&render(View::Explanation, &Node::object([("data", explained)])))?)
}

/// Every invoice of the book.
fn every(door: &impl Ask) -> Result<(), Failure> {
    let lines = Output::new(Some(Format::Jsonl));
    let question = [("order", json!("oldest_first")), ("limit", json!(LINES))];
    let question = question.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
    pages(door, "invoices", "list", &Headers::new(), question, |page| {
        page.items_at("data").iter().try_for_each(|invoice| {
            let explained = whole(invoice.text_at("invoice"), None, door)?;
            Ok::<(), Failure>(lines.item(&explained, String::new)?)
        })
    })
    .map(drop)
}

/// The explanation with all its pages.
fn whole(invoice: &str, line: Option<u32>, door: &impl Ask) -> Result<Node, Failure> {
    let mut question = Map::new();
    let (field, named) = named(invoice)?;
    question.insert(field.to_owned(), Value::String(named));
    if let Some(line) = line {
        question.insert("line".to_owned(), json!(line));
    }
    question.insert("line_limit".to_owned(), json!(LINES));
    let ask = |question: &Map<String, Value>| {
        let asked = Value::Object(question.clone());
        let answer = door.query("invoices", "explain", Headers::new(), &asked)?;
        let missing = || Failure::Internal("the answer has no data".to_owned());
        answer.get("data").cloned().ok_or_else(missing)
    };
    let mut explained = ask(&question)?;
    let mut lines = explained.items_at("lines").to_vec();
    let mut next = explained.get("next_line").cloned();
    while let Some(Node::Number(after)) = next {
        question.insert("after_line".to_owned(), Value::Number(after));
        let page = ask(&question)?;
        lines.extend(page.items_at("lines").iter().cloned());
        next = page.get("next_line").cloned();
    }
    explained.set("lines", Node::List(lines));
    explained.set("next_line", Node::Null);
    Ok(explained)
}

/// How the invoice is named.
fn named(invoice: &str) -> Result<(&'static str, String), Failure> {
    if let Ok(id) = invoice.parse::<InvoiceId>() {
        return Ok(("invoice", id.to_string()));
    }
    match invoice.parse::<Code>() {
        Ok(number) => Ok(("number", number.as_str().to_owned())),
        Err(_) => Err(Failure::Usage(format!(
            "{invoice:?} names no invoice; give its number, such as INV-0001, or its id (inv_…), \
             as `billfold query invoices list` shows them"
        ))),
    }
}
