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

use super::super::rows::{InvoiceRow, LineRow, SHEETS};
use super::documents::find;
use crate::answer::{invalid, json, limit, not_found, request};
use crate::projection::{Finish, QueryError, View};
use facts::Facts;
use lines::{Draft, Known, Lines};

/// The most commits of the log that one answer is made from.
const MOST_COMMITS: usize = 500;

/// The lines of one answer, and behind which line to go on.
#[derive(Default)]
struct Page {
    drafts: Vec<Draft>,
    next_line: Option<u32>,
    /// Of the log, that the lines come from.
    commits: BTreeSet<u64>,
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
    let (place, row) = find(view, &named)?;
    let known = Rc::new(Known { place, row });
    let row = &known.row;
    let page = match asked.line {
        Some(line) => {
            let found = known.line(view, line)?;
            let unknown = || not_found(format!("line {line} of {}", row.number.as_str()), view);
            let mut page = Page::default();
            page.take(&mut Lines::of(view, &known), &found.ok_or_else(unknown)?, 1)?;
            page
        }
        None => page_of(view, &known, asked.after_line.unwrap_or(0), lines)?,
    };
    let (position, time) = (view.position, view.time);
    Ok(Box::new(move |commits| {
        let row = &known.row;
        let events = page.drafts.iter().flat_map(Draft::events).chain([row.issued()]).collect();
        let facts = Facts::read(commits, position.log, &events)?;
        let lines = page.drafts.into_iter().map(|draft| draft.with(&facts));
        let lines = lines.collect::<Result<_, _>>()?;
        let data = document(row, facts.place(row.issued())?, lines, page.next_line);
        json(&Answer { data, position: position.to_string(), time })
    }))
}

/// As many of the lines behind one as an answer takes: at least one.
fn page_of(
    view: &View<'_>,
    known: &Rc<Known>,
    after: u32,
    limit: usize,
) -> Result<Page, QueryError> {
    let (mut page, mut lines) = (Page::default(), Lines::of(view, known));
    known.row.lines.scan((view.store, SHEETS, known.place), after, |line| {
        page.take(&mut lines, &line, limit)
    })?;
    Ok(page)
}

impl Page {
    /// Takes one more line, if it has room. Whether it had.
    fn take(
        &mut self,
        lines: &mut Lines<'_>,
        line: &LineRow,
        limit: usize,
    ) -> Result<bool, QueryError> {
        let draft = lines.draft(line)?;
        let more = draft.events().map(|event| event.position(0));
        let more: BTreeSet<u64> =
            more.filter(|position| !self.commits.contains(position)).collect();
        let is_full = self.drafts.len() == limit || self.commits.len() + more.len() > MOST_COMMITS;
        if let (Some(last), true) = (self.drafts.last(), is_full) {
            self.next_line = Some(last.number());
            return Ok(false);
        }
        self.commits.extend(more);
        self.drafts.push(draft);
        Ok(true)
    }
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
        line_count: row.lines.count(),
        lines,
        next_line,
    }
}
