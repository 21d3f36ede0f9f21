//! Documents as tables: any answer, and the few that deserve columns of their own.

use client::Node;

use super::changed::changed;
use super::explanation::explanation;
use super::invoice::invoice;
use super::plain::{block, body, counted, listed};
use super::preview::preview;
use super::subscription::{subscription, subscriptions};
use super::undo::undo;
use crate::chart::bars;
use crate::table::{Rows, show};

/// How an answer looks as a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// Fields one below the other; lists of documents as tables.
    Any,
    /// A list with only these columns.
    Columns(&'static [&'static str]),
    /// Revenue by month, with bars.
    Waterfall,
    /// One invoice.
    Invoice,
    /// Why an invoice is what it is.
    Explanation,
    /// What a command would become.
    Preview,
    /// One subscription.
    Subscription,
    /// Subscriptions of a customer.
    Subscriptions,
    /// What became of a command.
    Accepted,
    /// What would be taken back, or was.
    Undo,
}

impl View {
    /// The rendering of an answer to a query.
    pub fn of(view: &str, name: &str) -> Self {
        match (view, name) {
            ("revenue", "waterfall") => Self::Waterfall,
            ("invoices", "get") => Self::Invoice,
            ("invoices", "explain") => Self::Explanation,
            ("preview", _) => Self::Preview,
            ("subscriptions", "get") => Self::Subscription,
            ("subscriptions", "list") => Self::Subscriptions,
            ("invoices", "list") => Self::Columns(&[
                "number",
                "document_date",
                "due_date",
                "customer_name",
                "status",
                "overdue",
                "total",
                "paid",
                "credit_applied",
                "credited",
                "balance_due",
                "invoice",
            ]),
            ("balances", "list") => Self::Columns(&[
                "name",
                "external_id",
                "open",
                "credit",
                "balance",
                "open_count",
                "oldest_due",
                "is_overdue",
                "customer",
            ]),
            ("balances", "statement") => {
                Self::Columns(&["posting_date", "kind", "number", "amount", "balance"])
            }
            _ => Self::Any,
        }
    }
}

/// The document as lines for people.
pub fn render(view: View, document: &Node) -> String {
    if view == View::Accepted {
        return accepted(document);
    }
    if view == View::Undo {
        return undo(&told(document));
    }
    let document = &told(document);
    let Some(data) = document.get("data") else { return block("", document) };
    let mut parts = vec![match view {
        View::Any | View::Accepted | View::Undo => body(data),
        View::Columns(columns) => listed(&pick(data.items(), columns)),
        View::Waterfall => waterfalls(data),
        View::Invoice => invoice(data),
        View::Preview => preview(data),
        // What another release answers is shown as it is.
        View::Explanation => explanation(data).unwrap_or_else(|| body(data)),
        View::Subscription => subscription(data).unwrap_or_else(|| body(data)),
        View::Subscriptions => subscriptions(data).unwrap_or_else(|| body(data)),
    }];
    if let Some(Node::Bool(true)) = document.get("has_more") {
        parts.push("There is more: ask with --all.".to_owned());
    }
    if let Some(position) = document.get("position") {
        parts.push(format!("position {}", show(position)));
    }
    parts.join("\n")
}

/// The same with a word where a personal text was erased, or has no key here.
fn told(node: &Node) -> Node {
    match node {
        Node::Object(fields) => match fields.as_slice() {
            [(key, Node::Bool(true))] if key == "erased" => Node::Text("(erased)".to_owned()),
            [(key, Node::Text(_))] if key == "sealed" => Node::Text("(sealed)".to_owned()),
            fields => {
                Node::Object(fields.iter().map(|(key, value)| (key.clone(), told(value))).collect())
            }
        },
        Node::List(items) => Node::List(items.iter().map(told).collect()),
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) => node.clone(),
    }
}

/// Two lines: where it is, and what it became.
fn accepted(document: &Node) -> String {
    let duplicate = document.get("duplicate") == Some(&Node::Bool(true));
    let events = document.items_at("events").iter().map(|event| event.text_at("type"));
    let mut lines = vec![format!(
        "accepted{} at {}",
        if duplicate { " before," } else { "" },
        document.text_at("position")
    )];
    lines.push(format!("  {}", counted(events)));
    lines.extend(changed(document).into_iter().map(|line| format!("  {line}")));
    if let Some(run) = document.get("run") {
        let count = |name: &str| run.get(name).map(show).unwrap_or_default();
        lines.push(format!("  {} of {} customers billed", count("billed"), count("due")));
        let failed = run.get("failed").and_then(Node::integer).unwrap_or(0);
        if failed > 0 {
            let were = if failed == 1 { "was" } else { "were" };
            lines.push(format!(
                "  {failed} {were} not billed; those that are parked: `billfold query customers \
                 parked`"
            ));
        }
    }
    lines.join("\n")
}

/// The rows with only these columns, in this order; without those that say nothing.
fn pick(rows: &[Node], columns: &[&str]) -> Vec<Node> {
    let says = |name: &&&str| rows.iter().any(|row| row.get(name).is_some_and(says_something));
    let columns: Vec<&&str> = columns.iter().filter(says).collect();
    let cell = |row: &Node, name: &&str| Some(((*name).to_owned(), row.get(name)?.clone()));
    let picked = |row: &Node| columns.iter().filter_map(|name| cell(row, name)).collect();
    rows.iter().map(|row| Node::Object(picked(row))).collect()
}

/// Neither nothing, nor no, nor an amount of zero.
fn says_something(value: &Node) -> bool {
    let is_empty = matches!(value, Node::List(items) if items.is_empty());
    !matches!(value, Node::Null | Node::Bool(false)) && !is_empty && value.minor() != Some(0)
}

/// One table for each currency; what is earned in a month gets a bar.
fn waterfalls(data: &Node) -> String {
    let one = |waterfall: &Node| {
        let months = waterfall.items_at("months");
        let earned = |month: &Node| month.get("recognised").and_then(Node::minor).unwrap_or(0);
        let amounts: Vec<i64> = months.iter().map(earned).collect();
        let columns = ["month", "billed", "recognised", "contra", "released", "deferred"];
        let mut table = Rows::of(&pick(months, &columns));
        table.headings.push(String::new());
        for (row, bar) in table.rows.iter_mut().zip(bars(&amounts, 30)) {
            if let Some(month) = row.first_mut() {
                month.truncate("2024-01".len());
            }
            row.push(bar);
        }
        format!("{}\n{}", waterfall.text_at("currency"), table.text())
    };
    data.items().iter().map(one).collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(view: View, json: &str) -> String {
        render(view, &Node::parse(json.as_bytes()).expect("reads"))
    }

    fn eur(minor: i64) -> String {
        let money = schemas::Minor(minor).of("EUR".parse().expect("a currency"));
        serde_json::to_string(&money).expect("writes")
    }

    #[test]
    fn an_answer_is_facts_and_tables() {
        let json = format!(
            r#"{{"data":{{"customer":{{"name":"Ada","open":{}}},"refunds":null,
                "open_invoices":[{{"number":"I-1","open":{}}}]}},
                "position":"ab:7","time":"2026-01-01T00:00:00Z"}}"#,
            eur(123_456),
            eur(5)
        );
        let expected = "\
customer.name  Ada
customer.open  1,234.56 EUR
open_invoices
 number      open
──────────────────
 I-1     0.05 EUR
──────────────────
position ab:7";
        assert_eq!(rendered(View::Any, &json), expected);
    }

    #[test]
    fn what_became_of_a_command_is_counted() {
        let accepted = |events: &str, run: &str| {
            let json = format!(r#"{{"position":"ab:7","events":[{events}]{run}}}"#);
            rendered(View::Accepted, &json)
        };
        assert_eq!(accepted("", ""), "accepted at ab:7\n  nothing changed");
        let events = r#"{"type":"a"},{"type":"b"},{"type":"a"}"#;
        assert_eq!(accepted(events, ""), "accepted at ab:7\n  a ×2, b");
        let run = r#","run":{"due":26,"billed":24,"failed":2}"#;
        let expected = "accepted at ab:7\n  a ×2, b\n  24 of 26 customers billed\n  \
            2 were not billed; those that are parked: `billfold query customers parked`";
        assert_eq!(accepted(events, run), expected);
    }

    #[test]
    fn a_waterfall_has_a_bar_for_each_month() {
        let month =
            |month: &str, minor| format!(r#"{{"month":"{month}","recognised":{}}}"#, eur(minor));
        let json = format!(
            r#"{{"data":[{{"currency":"EUR","months":[{},{}]}}],"position":"ab:7"}}"#,
            month("2024-01-01", 3_000),
            month("2024-02-01", 1_500)
        );
        let expected = "\
EUR
 month    recognised
─────────────────────────────────────────────────────
 2024-01   30.00 EUR  ██████████████████████████████
 2024-02   15.00 EUR  ███████████████
─────────────────────────────────────────────────────
position ab:7";
        assert_eq!(rendered(View::Waterfall, &json), expected);
    }

    #[test]
    fn a_page_has_the_columns_that_matter_and_says_that_there_is_more() {
        let json = format!(
            r#"{{"data":[{{"number":"I-1","overdue":false,"total":{},"series":"x"}}],
                "has_more":true,"next":"c","position":"ab:7","time":null}}"#,
            eur(100)
        );
        let expected = " number     total
──────────────────
 I-1     1.00 EUR
──────────────────
There is more: ask with --all.
position ab:7";
        assert_eq!(rendered(View::of("invoices", "list"), &json), expected);
        let empty = r#"{"data":[],"has_more":false,"position":"ab:7"}"#;
        assert_eq!(rendered(View::of("invoices", "list"), empty), "Nothing.\nposition ab:7");
    }
}
