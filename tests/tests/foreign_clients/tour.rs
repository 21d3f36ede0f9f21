//! The README's tour with fixed ids, on the command line, and what it prints.

use std::path::Path;

use serde_json::{Deserializer, Value, json};
use tempfile::NamedTempFile;
use tests::acme;
use tests::process::command;

use super::book::Book;
use super::programs::output_of;

/// What is printed: answers, four queries, and the commits of the feed, of which the first
/// opened the book and one was made by the billing run.
pub(crate) const DOCUMENTS: usize = 11 + 4 + 13;

/// The ids of the tour, as a file.
pub(crate) struct Ids(NamedTempFile);

impl Ids {
    /// Writes them.
    pub(crate) fn new() -> Self {
        let file = NamedTempFile::new().expect("a temporary file");
        let commands: Vec<String> = (1..=11).map(|n| acme::command_id(n).to_string()).collect();
        let ids = json!({
            "seller": acme::id("ent", 1), "starter": acme::id("pln", 1), "pro": acme::id("pln", 2),
            "customer": acme::id("cus", 1), "subscription": acme::id("sub", 1),
            "discount": acme::id("dsc", 1), "run": acme::id("run", 1),
            "payment": acme::id("pay", 1), "commands": commands,
        });
        std::fs::write(file.path(), ids.to_string()).expect("the file can be written");
        Self(file)
    }

    /// Where they are.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }
}

/// The commands of the tour: name, body, reason.
fn commands() -> Vec<(&'static str, Value, Option<&'static str>)> {
    let (seller, customer) = (acme::id("ent", 1), acme::id("cus", 1));
    let (starter, pro) = (acme::id("pln", 1), acme::id("pln", 2));
    let (subscription, discount) = (acme::id("sub", 1), acme::id("dsc", 1));
    let series = json!([{"code": "inv", "kind": "invoice", "prefix": "INV", "digits": 4}]);
    let plan = |id: &str, name: &str, amount: &str| {
        json!({
            "plan": id, "name": name, "every": {"count": 1, "unit": "month"},
            "timing": "in_advance", "prices": [acme::price("flat", amount)],
        })
    };
    let entity = json!({
        "entity": seller, "name": "Example Software", "zone": "Europe/Berlin",
        "payment_terms_days": 14, "series": series,
    });
    let customer_of_seller = json!({
        "customer": customer, "entity": seller, "name": "First Customer",
        "external_id": "crm-1", "currency": "EUR",
    });
    let subscribed = json!({
        "customer": customer, "subscription": subscription, "plan": starter, "invoice": "now",
    });
    let upgraded = json!({
        "customer": customer, "subscription": subscription, "plan": pro, "when": "now",
    });
    let discounted = json!({
        "customer": customer, "discount": discount, "on": {"subscription": subscription},
        "value": {"percent": "10"}, "duration": {"cycles": 3},
    });
    let paid = json!({
        "customer": customer, "payment": acme::id("pay", 1), "amount": acme::eur("60.00"),
        "method": "transfer",
    });
    let run = json!({"run": acme::id("run", 1), "through": "2026-02-01"});
    vec![
        ("entity.define", entity, None),
        ("plan.define", plan(&starter, "Starter", "20"), None),
        ("plan.define", plan(&pro, "Pro", "50"), None),
        ("customer.register", customer_of_seller, None),
        ("subscription.create", subscribed, None),
        ("book.advance_clock", json!({"to": "2026-01-11T09:00:00Z"}), None),
        ("subscription.change_plan", upgraded, Some("asked for by phone")),
        ("discount.apply", discounted, None),
        ("book.advance_clock", json!({"to": "2026-02-01T09:00:00Z"}), None),
        ("billing.run", run, None),
        ("payment.record", paid, None),
    ]
}

/// Does the tour on the command line, over NATS, and gives what it printed.
pub(crate) fn by_command_line(book: &Book) -> String {
    let (url, data) = (book.url(), book.data());
    let run = |arguments: &[&str]| {
        let all: Vec<&str> =
            ["--nats", &url, "--actor", "ada"].iter().chain(arguments).copied().collect();
        output_of(command(&data, &all))
    };
    let mut printed = String::new();
    let mut last = String::new();
    for (n, (name, body, reason)) in (1..).zip(commands()) {
        let (id, body) = (acme::command_id(n).to_string(), body.to_string());
        let mut arguments = vec!["submit", name, "--id", &id, "--json", &body];
        arguments.extend(reason.iter().flat_map(|reason| ["--reason", *reason]));
        last = run(&arguments);
        printed.push_str(&last);
    }
    let position = documents(&last).remove(0)["position"].clone();
    let position = position.as_str().expect("an answer has a position");
    let customer = format!("customer={}", acme::id("cus", 1));
    for question in [
        &["invoices", "list", &customer, "order=oldest_first"][..],
        &["invoices", "get", "number=INV-0002"],
        &["revenue", "waterfall"],
        &["balances", "statement", &customer],
    ] {
        let arguments = [&["query"], question, &["--at-least", position]].concat();
        printed.push_str(&run(&arguments));
    }
    printed.push_str(&run(&["feed"]));
    printed
}

/// The documents of an output.
pub(crate) fn documents(printed: &str) -> Vec<Value> {
    let documents = Deserializer::from_str(printed).into_iter();
    documents.map(|document| document.expect("programs print JSON")).collect()
}

/// The first line that differs, with what is around it.
pub(crate) fn difference(expected: &str, printed: &str) -> String {
    let lines = expected.lines().zip(printed.lines());
    let same = lines.take_while(|(one, other)| one == other).count();
    let around = |text: &str| {
        let lines = text.lines().skip(same.saturating_sub(5)).take(10);
        lines.collect::<Vec<_>>().join("\n")
    };
    format!(
        "line {}; the command line printed\n{}\nthe client printed\n{}",
        same + 1,
        around(expected),
        around(printed)
    )
}
