//! What the demo prints: chapters, and answers of queries as tables.

use std::time::Duration;

use client::{Ask, Node};
use host::Folder;
use host::audit::Audit;
use host::rebuild::Compared;
use schemas::Date;
use schemas::text::BookName;
use schemas::wire::Headers;
use serde_json::{Value, json};
use terminal::{Output, PrintError, Rows, View, bars, grouped, render, show, text};

use crate::error::WorkError;

/// How many invoices are looked through for one with proration.
const LOOKED_THROUGH: usize = 300;

/// Prints to stdout.
#[derive(Debug)]
pub(super) struct Report {
    output: Output,
}

impl Report {
    pub(super) fn new(output: Output) -> Self {
        Self { output }
    }

    /// A title with a line below.
    pub(super) fn chapter(&self, title: &str) -> Result<(), PrintError> {
        let document = Node::of(&json!({"chapter": title}));
        self.output.item(&document, || format!("\n{title}\n{}", "━".repeat(78)))
    }

    /// A sentence about something.
    pub(super) fn fact(&self, about: &str, sentence: &str) -> Result<(), PrintError> {
        let document = Node::of(&json!({"about": about, "fact": sentence}));
        self.output.item(&document, || format!("{about}: {sentence}"))
    }

    /// An answer under a heading, with the question that gave it.
    fn answer(
        &self,
        door: &impl Ask,
        heading: &str,
        (view, name): (&str, &str),
        question: &Value,
        people: impl FnOnce(&Node) -> String,
    ) -> Result<Node, WorkError> {
        let answer = door.query(view, name, Headers::new(), question)?;
        let document = Node::object([
            ("heading", Node::of(&heading)),
            ("view", Node::of(&view)),
            ("name", Node::of(&name)),
            ("question", Node::of(question)),
            ("answer", answer.clone()),
        ]);
        self.output.item(&document, || {
            format!("\n{heading}  (query {view} {name}{})\n{}", typed(question), people(&answer))
        })?;
        Ok(answer)
    }

    /// The imported book.
    pub(super) fn shop(&self, door: &impl Ask) -> Result<(), WorkError> {
        self.chapter("cdnow: real purchases")?;
        self.answer(door, "The whole", ("invoices", "summary"), &json!({}), figures)?;
        self.answer(door, "Customers and cash", ("balances", "summary"), &json!({}), plain)?;
        let by_month = json!({"group_by": "month"});
        self.answer(door, "Month by month", ("invoices", "summary"), &by_month, months)?;
        self.answer(door, "Trial balance", ("balances", "trial_balance"), &json!({}), plain)?;
        Ok(())
    }

    /// The book of the subscription business.
    pub(super) fn business(
        &self,
        door: &impl Ask,
        start: Date,
        end: Date,
    ) -> Result<(), WorkError> {
        self.chapter("saas: a subscription business")?;
        let by_status = json!({"group_by": "status"});
        self.answer(door, "Invoices by status", ("invoices", "summary"), &by_status, figures)?;
        let last = end.plus_days(-1).unwrap_or(end);
        let range = json!({"from": start, "to": last});
        let waterfall = |answer: &Node| body(View::Waterfall, answer);
        self.answer(door, "Revenue waterfall", ("revenue", "waterfall"), &range, waterfall)?;
        self.answer(door, "Receivables by age", ("balances", "ageing"), &json!({}), ageing)?;
        self.answer(door, "Trial balance", ("balances", "trial_balance"), &json!({}), plain)?;
        let top = json!({"having": "open", "limit": 5});
        let listed = |answer: &Node| body(View::of("balances", "list"), answer);
        let owing = self.answer(door, "Who owes most", ("balances", "list"), &top, listed)?;
        if let Some(first) = owing.items_at("data").first() {
            let one = json!({"customer": first.text_at("customer"), "limit": 20});
            let listed = |answer: &Node| body(View::of("balances", "statement"), answer);
            self.answer(door, "Its statement", ("balances", "statement"), &one, listed)?;
        }
        if let Some(invoice) = prorated(door)? {
            let one = json!({"invoice": invoice});
            let page = |answer: &Node| body(View::Invoice, answer);
            self.answer(door, "A change in mid-cycle", ("invoices", "get"), &one, page)?;
        }
        Ok(())
    }

    /// What the audit found of one book.
    pub(super) fn audited(
        &self,
        book: &BookName,
        audit: &Audit,
        compared: &[Compared],
    ) -> Result<(), PrintError> {
        let document = Node::object([
            ("book", Node::of(book)),
            ("verify", audit.document(false)),
            ("replay", Node::List(compared.iter().map(Compared::row).collect())),
        ]);
        self.output.item(&document, || {
            let mut lines = vec![
                format!(
                    "\n{book}: {} commits in {} blocks, {} bytes; checksums, chain and positions \
                     are whole, the laws are {}",
                    grouped(&audit.report.commits.to_string()),
                    grouped(&audit.report.blocks.to_string()),
                    grouped(&audit.report.commit_bytes.to_string()),
                    if audit.broken == 0 { "kept" } else { "BROKEN" },
                ),
                format!("  head hash    {}", audit.head_hash()),
                format!("  Merkle root  {}", audit.merkle_root()),
            ];
            lines.extend(compared.iter().map(|one| {
                let verdict = if one.is_equal() { "rebuilt, equal" } else { "rebuilt, DIFFERENT" };
                format!("  {:<11}  {} {verdict}", one.view.as_str(), one.rebuilt)
            }));
            lines.join("\n")
        })
    }

    /// What to try next.
    pub(super) fn end(&self, folder: &Folder, took: Duration) -> Result<(), PrintError> {
        if !self.output.is_table() {
            return Ok(());
        }
        let data = folder.root().display();
        text(&format!(
            "\nDone in {}.{} s. The books are in {data}. Try next:\n
  billfold --data {data} up &
  billfold --data {data} --book saas query invoices list status=overdue
  billfold --data {data} --book saas query balances ageing as_of=2025-06-30
  billfold --data {data} --book cdnow query invoices summary from=1997-03-01 to=1997-03-31
  billfold --data {data} --book saas tail --after 5000 --limit 5
  billfold --data {data} --book saas inspect 2000
  billfold --data {data} --book saas verify",
            took.as_secs(),
            took.subsec_millis() / 100
        ))
    }
}

/// The question as it would be typed.
fn typed(question: &Value) -> String {
    let fields = question.as_object().into_iter().flatten();
    let word = |(key, value): (&String, &Value)| {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!(" {key}={value}")
    };
    fields.map(word).collect()
}

/// The rendering without the position at its end.
fn body(view: View, answer: &Node) -> String {
    let rendered = render(view, answer);
    let mut lines: Vec<&str> = rendered.lines().collect();
    lines.retain(|line| !line.starts_with("position ") && !line.starts_with("There is more"));
    lines.join("\n")
}

fn plain(answer: &Node) -> String {
    body(View::Any, answer)
}

/// Counts and sums, the columns that matter here.
fn figures(answer: &Node) -> String {
    let mut table = Rows::new([
        "currency",
        "status",
        ">invoices",
        ">units",
        ">of 0.00",
        ">total",
        ">paid",
        ">credited",
        ">open",
    ]);
    for row in answer.items_at("data") {
        let cell = |name: &str| row.get(name).map(show).unwrap_or_default();
        let count = |name: &str| grouped(&cell(name));
        table.push([
            cell("currency"),
            cell("status").replace('_', " "),
            count("invoices"),
            count("units"),
            count("zero_value"),
            cell("total"),
            cell("paid"),
            cell("credited"),
            cell("open"),
        ]);
    }
    table.text()
}

/// One row a month, with a bar for its total.
fn months(answer: &Node) -> String {
    let rows = answer.items_at("data");
    let total = |row: &Node| row.get("total").and_then(Node::minor).unwrap_or(0);
    let amounts: Vec<i64> = rows.iter().map(total).collect();
    let mut table = Rows::new(["month", ">invoices", ">units", ">total", ""]);
    for (row, bar) in rows.iter().zip(bars(&amounts, 36)) {
        let cell = |name: &str| row.get(name).map(show).unwrap_or_default();
        let month: String = cell("month").chars().take(7).collect();
        let (invoices, units) = (grouped(&cell("invoices")), grouped(&cell("units")));
        table.push([month, invoices, units, cell("total"), bar]);
    }
    table.text()
}

/// One row a currency.
fn ageing(answer: &Node) -> String {
    let rows: Vec<Node> = answer
        .items_at("data")
        .iter()
        .map(|row| {
            let mut fields =
                vec![("as_of".to_owned(), row.get("as_of").cloned().unwrap_or(Node::Null))];
            let buckets = row.get("buckets").map(Node::fields).unwrap_or_default();
            fields.extend(buckets.iter().cloned());
            Node::Object(fields)
        })
        .collect();
    Rows::of(&rows).text()
}

/// The first invoice with a charge and a credit for a change in mid-cycle.
fn prorated(door: &impl Ask) -> Result<Option<String>, WorkError> {
    let question = json!({"order": "newest_first", "limit": 500});
    let page = door.query("invoices", "list", Headers::new(), &question)?;
    let several = |row: &&Node| row.get("line_count").and_then(Node::integer) >= Some(2);
    for row in page.items_at("data").iter().filter(several).take(LOOKED_THROUGH) {
        let invoice = row.text_at("invoice");
        let one = door.query("invoices", "get", Headers::new(), &json!({"invoice": invoice}))?;
        let lines = one.get("data").map(|data| data.items_at("lines")).unwrap_or_default();
        let has = |kind: &str| lines.iter().any(|line| line.text_at("kind") == kind);
        if has("proration_charge") && has("proration_credit") {
            return Ok(Some(invoice.to_owned()));
        }
    }
    Ok(None)
}
