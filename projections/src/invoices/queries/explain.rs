//! `invoices.explain`: lines with everything that their amounts follow from.
//!
//! *Shape.* Lines say themselves what was decided and which events they come from. What rows say
//! ([`lines`]) is gathered first; then those events are read in the log ([`facts`]), while folding
//! goes on.
//! *Limits.* An answer reads no more than [`MOST_COMMITS`] commits: a page of lines that come from
//! more ends early, with the line to go on behind.

mod facts;
mod lines;

use std::collections::BTreeSet;
use std::rc::Rc;

use schemas::query::{DEFAULT_LINES, InvoicesExplain, InvoicesGet};
use schemas::view::{Answer, EventPlace, InvoiceExplanation, LineExplanation};

use super::super::rows::{InvoiceRow, LineRow};
use super::documents::find;
use crate::answer::{invalid, json, limit, not_found, request};
use crate::projection::{Finish, QueryError, View};
use facts::Facts;
use lines::{Draft, Lines};

/// The most commits of the log that one answer is made from.
const MOST_COMMITS: usize = 500;

/// The lines of one answer, and behind which line to go on.
struct Page {
    drafts: Vec<Draft>,
    next_line: Option<u32>,
}

pub(super) fn explain(view: &View<'_>, body: &[u8]) -> Result<Finish, QueryError> {
    let asked: InvoicesExplain = request(body)?;
    let lines = limit("/line_limit", asked.line_limit, DEFAULT_LINES)?;
    let named = InvoicesGet {
        invoice: asked.invoice,
        external_id: asked.external_id,
        number: asked.number,
        ..InvoicesGet::default()
    };
    if asked.line.is_some() && asked.after_line.is_some() {
        return Err(invalid(
            "/after_line",
            "one line has no page; leave `line` or `after_line` out",
        ));
    }
    let (_, row) = find(view, &named)?;
    let row = Rc::new(row);
    let after = asked.after_line.unwrap_or(0);
    let wanted = |found: &&LineRow| match asked.line {
        Some(line) => found.line.line == line,
        None => found.line.line > after,
    };
    let mut shown = row.lines.iter().filter(wanted).peekable();
    if let (Some(line), None) = (asked.line, shown.peek()) {
        return Err(not_found(format!("line {line} of {}", row.number.as_str()), view));
    }
    let page = page_of(Lines::of(view, &row), shown, lines)?;
    let (position, time) = (view.position, view.time);
    Ok(Box::new(move |commits| {
        let events = page.drafts.iter().flat_map(Draft::events).chain([row.issued()]).collect();
        let facts = Facts::read(commits, position.log, &events)?;
        let lines = page.drafts.into_iter().map(|draft| draft.with(&facts));
        let lines = lines.collect::<Result<_, _>>()?;
        let data = document(&row, facts.place(row.issued())?, lines, page.next_line);
        json(&Answer { data, position: position.to_string(), time })
    }))
}

/// As many of the lines as an answer takes: at least one.
fn page_of<'a>(
    mut lines: Lines<'_>,
    shown: impl Iterator<Item = &'a LineRow>,
    limit: usize,
) -> Result<Page, QueryError> {
    let mut page = Page { drafts: Vec::new(), next_line: None };
    let mut commits: BTreeSet<u64> = BTreeSet::new();
    for line in shown {
        let draft = lines.draft(line)?;
        let more = draft.events().map(|event| event.position(0));
        let more: BTreeSet<u64> = more.filter(|position| !commits.contains(position)).collect();
        let is_full = page.drafts.len() == limit || commits.len() + more.len() > MOST_COMMITS;
        if let (Some(last), true) = (page.drafts.last(), is_full) {
            page.next_line = Some(last.number());
            break;
        }
        commits.extend(more);
        page.drafts.push(draft);
    }
    Ok(page)
}

/// The answer for an invoice with these lines.
fn document(
    row: &InvoiceRow,
    issued_by: EventPlace,
    lines: Vec<LineExplanation>,
    next_line: Option<u32>,
) -> InvoiceExplanation {
    InvoiceExplanation {
        invoice: row.invoice,
        number: row.number.clone(),
        customer: row.customer,
        currency: row.currency,
        digits: row.currency.exponent(),
        document_date: row.document_date,
        due_date: row.due_date,
        profile: row.profile,
        policies: row.policies,
        engine_version: row.engine_version,
        input_revision: row.input_revision,
        run: row.run,
        issued_by,
        totals: row.totals,
        line_count: u32::try_from(row.lines.len()).unwrap_or(u32::MAX),
        lines,
        next_line,
    }
}
