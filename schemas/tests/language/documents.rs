//! Tables in `docs/integrate.md` are made from the registries, between two comments.

use std::fmt::Write as _;

use schemas::problem::Fault;
use schemas::query::QUERIES;
use schemas::{Command, Rejection};

use crate::files::{blessing, crate_folder, read, write};
use crate::samples;

/// A table with these column names.
fn table(columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let names: Vec<String> = columns.iter().map(|&name| name.to_owned()).collect();
    let mut text = line(&names);
    writeln!(text, "|{}", "---|".repeat(columns.len())).expect("a string takes everything");
    for row in rows {
        text.push_str(&line(&row));
    }
    text
}

fn commands() -> String {
    let samples = samples::commands();
    let rows = Command::json_schemas().into_iter().map(|(name, schema)| {
        let sample = samples.iter().find(|(_, command)| command.kind().name == name);
        let (_, command) = sample.expect("every command has a sample");
        let stream = match (command.stream(), command.is_internal()) {
            (_, true) => "made by the system",
            (schemas::StreamId::Book, false) => "book",
            (schemas::StreamId::Customer(_), false) => "customer",
        };
        let summary = schema.get("description").and_then(|text| text.as_str()).unwrap_or_default();
        let summary = summary.split("\n\n").next().unwrap_or_default().replace('\n', " ");
        vec![format!("`{name}`"), summary, stream.to_owned()]
    });
    table(&["command", "what it does", "stream"], rows)
}

fn queries() -> String {
    let rows = QUERIES
        .iter()
        .map(|query| vec![format!("`{}.{}`", query.view, query.name), query.summary.to_owned()]);
    table(&["query", "answer"], rows)
}

fn faults() -> String {
    let rows = Fault::ALL.iter().map(|fault| {
        let again = if fault.retryable() { "yes" } else { "no" };
        vec![
            format!("`{}`", fault.code()),
            fault.status().to_string(),
            again.to_owned(),
            fault.what_to_do().to_owned(),
        ]
    });
    table(&["code", "status", "again later", "what to do"], rows)
}

fn rejections() -> String {
    let rows = Rejection::CODES.iter().zip(Rejection::SENTENCES).map(
        |((code, status), (same_code, sentence))| {
            assert_eq!(code, same_code, "codes and sentences have one order");
            vec![format!("`{code}`"), status.to_string(), (*sentence).to_owned()]
        },
    );
    table(&["code", "status", "`detail`"], rows)
}

/// The document with the part between the comments of `name` replaced.
fn with_part(document: &str, name: &str, part: &str) -> String {
    let opening = format!("<!-- {name}: generated, BLESS=1 -->\n");
    let start = document.find(&opening).expect("the document has the comment") + opening.len();
    let end = start + document[start..].find("<!-- end -->").expect("the part has an end");
    format!("{}{part}{}", &document[..start], &document[end..])
}

#[test]
fn tables_of_the_integration_guide_are_the_registries() {
    let root = crate_folder().join("..");
    let path = root.join("docs/integrate.md");
    let parts = [
        ("commands", commands()),
        ("queries", queries()),
        ("faults", faults()),
        ("rejections", rejections()),
    ];
    let checked_in = read(&path);
    let made = parts
        .iter()
        .fold(checked_in.clone(), |document, (name, part)| with_part(&document, name, part));
    if blessing() {
        write(&path, &made);
    } else {
        assert_eq!(checked_in, made, "docs/integrate.md differs; run scripts/bless");
    }
}
