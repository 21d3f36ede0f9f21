//! What a command would become, as a page for people.

use client::Node;
use schemas::{Currency, Minor};

use super::changed::changed;
use super::invoice::page;
use super::plain::{block, counted, facts};
use crate::table::show;

/// The answers of `preview.command`, `preview.invoice` and `preview.run`.
pub(super) fn preview(data: &Node) -> String {
    let command = match data.get("command") {
        Some(command @ Node::Object(_)) => command,
        Some(_) | None => data,
    };
    let events = data.items_at("events");
    let becomes = match events {
        [] => "nothing".to_owned(),
        events => counted(events.iter().map(|event| event.text_at("type"))),
    };
    let fields = [
        ("Command", command.text_at("command").to_owned()),
        ("At", text(data, "effective_at").or_else(|| text(data, "at")).unwrap_or_default()),
        ("Becomes", becomes),
        ("Id", command.text_at("command_id").to_owned()),
        ("Token", command.text_at("token").to_owned()),
    ];
    let given = fields.into_iter().filter(|(_, value)| !value.is_empty());
    let fields: Vec<_> = given.map(|(name, value)| (name.to_owned(), value)).collect();
    let mut parts = vec![facts(&fields), changed(data).join("\n")];
    parts.extend(events.iter().map(event));
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

fn text(data: &Node, name: &str) -> Option<String> {
    data.get(name).filter(|value| **value != Node::Null).map(show)
}

/// What an event says, as a page or in lines.
pub(super) fn event(event: &Node) -> String {
    let empty = Node::Null;
    let body = event.get("body").unwrap_or(&empty);
    match event.text_at("type") {
        "invoice.finalized" => page(&invoice(body)),
        name => format!("{name}\n{}", block("  ", body)),
    }
}

/// An invoice in an event as the answer of `invoices.get`, as far as a page shows it.
fn invoice(body: &Node) -> Node {
    let currency = body.text_at("currency").parse::<Currency>().ok();
    let totals = |name: &str| body.get("totals").and_then(|totals| totals.get(name));
    let money = |amount: Option<&Node>| money(amount, currency);
    let applied = minor(body.get("credit_applied"));
    let generated = minor(body.get("credit_generated"));
    let due = Node::of(&(minor(totals("total")) - applied + generated));
    let name = body.get("bill_to").map_or("", |to| to.text_at("name"));
    let copied = |name: &str| body.get(name).cloned().unwrap_or(Node::Null);
    let head = Node::object([
        ("number", copied("number")),
        ("customer_name", Node::Text(name.to_owned())),
        ("document_date", copied("document_date")),
        ("due_date", copied("due_date")),
        ("currency", copied("currency")),
        ("gross", money(totals("gross"))),
        ("discount", money(totals("discount"))),
        ("tax", money(totals("tax"))),
        ("total", money(totals("total"))),
        ("credit_applied", money(body.get("credit_applied"))),
        ("credit_generated", money(body.get("credit_generated"))),
        ("balance_due", money(Some(&due))),
    ]);
    let line = |line: &Node| {
        let mut line = line.clone();
        for name in ["gross", "net"] {
            let amount = money(line.get(name));
            line.set(name, amount);
        }
        let discounts = line.items_at("discounts").iter().map(|part| {
            let mut part = part.clone();
            let amount = money(part.get("amount"));
            part.set("amount", amount);
            part
        });
        let discounts = Node::List(discounts.collect());
        line.set("discounts", discounts);
        line
    };
    let lines = body.items_at("lines").iter().map(line).collect();
    Node::object([("invoice", head), ("lines", Node::List(lines))])
}

fn minor(amount: Option<&Node>) -> i64 {
    amount.and_then(Node::integer).unwrap_or(0)
}

/// Minor units, as answers of queries show money.
fn money(amount: Option<&Node>, currency: Option<Currency>) -> Node {
    match (amount.and_then(Node::integer), currency) {
        (Some(amount), Some(currency)) => Node::of(&Minor(amount).of(currency)),
        (None, _) | (_, None) => Node::Null,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_preview_shows_events_and_the_invoice_they_make() {
        let line = json!({
            "line": 1, "kind": "proration_credit", "description": "Pro", "gross": -5_000,
            "net": -4_500, "service": "2026-02-01/2026-03-01", "quantity": "1",
            "unit_price": "50", "ratio": "-1", "discounts": [{"amount": -500}],
        });
        let invoice = json!({
            "number": "INV-3", "bill_to": {"name": "Ada"}, "currency": "EUR",
            "document_date": "2026-02-01", "due_date": "2026-02-15", "credit_applied": 0,
            "credit_generated": 4_500, "lines": [line],
            "totals": {"gross": -5_000, "discount": -500, "tax": 0, "total": -4_500},
        });
        let data = json!({
            "command": "subscription.cancel", "command_id": "cmd_1", "token": "pv1_1",
            "effective_at": "2026-02-01T09:00:00Z", "recorded_at": "2026-02-01T09:00:00Z",
            "events": [
                {"type": "subscription.canceled", "body": {"credit": "prorated"}},
                {"type": "invoice.finalized", "body": invoice},
            ],
        });
        let expected = "\
Command  subscription.cancel
At       2026-02-01T09:00:00Z
Becomes  subscription.canceled, invoice.finalized
Id       cmd_1
Token    pv1_1

subscription.canceled
  credit  prorated

Invoice  INV-3
To       Ada
Date     2026-02-01
Due      2026-02-15
";
        let shown = preview(&Node::of(&data));
        assert!(shown.starts_with(expected), "{shown}");
        assert!(shown.contains("Pro (proration credit)"), "{shown}");
        assert!(shown.contains("-50.00     -5.00  -45.00"), "{shown}");
        assert!(shown.ends_with("Due        0.00 EUR"), "{shown}");
    }

    #[test]
    fn where_nothing_would_happen_it_says_so() {
        let data = json!({"customer": "cus_1", "at": null, "invoice": null, "events": [],
            "command": null});
        assert_eq!(preview(&Node::of(&data)), "Becomes  nothing");
        let data = json!({"customer": "cus_1", "at": "2026-02-01T00:00:00Z", "invoice": null,
            "events": [], "command": null});
        let expected = "At       2026-02-01T00:00:00Z\nBecomes  nothing";
        assert_eq!(preview(&Node::of(&data)), expected);
    }
}
