//! Pages of the reference, from what was told.

use std::fmt::Write as _;

use client::Node;
use schemas::subjects::{Registered, registry};
use schemas::wire::Endpoint;

use super::story::Told;

/// The widest line of JSON that is not broken up.
const WIDTH: usize = 96;

/// Every page with its name.
pub(crate) fn all(told: &[Told]) -> [(&'static str, String); 4] {
    let of = |wanted: fn(&Endpoint) -> bool| {
        registry().into_iter().filter(|one| wanted(&one.endpoint)).collect::<Vec<_>>()
    };
    let commands = of(|e| matches!(e, Endpoint::Command(_)));
    let queries =
        of(|e| matches!(e, Endpoint::Query { name, .. } if name != "status" && name != "hash"));
    let others = of(|e| match e {
        Endpoint::Batch | Endpoint::Feed | Endpoint::Schema => true,
        Endpoint::Admin(verb) => verb != "status",
        Endpoint::Command(_) | Endpoint::Query { .. } => false,
    });
    [
        ("commands.md", endpoints("Commands", &commands, told)),
        ("queries.md", endpoints("Queries", &queries, told)),
        ("others.md", endpoints("Batches, feed, schemas, runs", &others, told)),
        ("problems.md", problems(told)),
    ]
}

fn heading(title: &str) -> String {
    format!(
        "# {title}\n\nEvery example was asked of the real process and is compared by a test; \
         `scripts/bless` makes the page anew. How to send requests is in \
         [the guide](../integrate.md).\n"
    )
}

fn endpoints(title: &str, endpoints: &[Registered], told: &[Told]) -> String {
    let mut page = heading(title);
    for one in endpoints {
        let path = one.path();
        let wanted = |told: &&Told| told.path == path && !told.is_problem && !told.quiet;
        let example = told.iter().find(wanted).unwrap_or_else(|| panic!("no example of {path}"));
        let short = path.strip_prefix("command.").or_else(|| path.strip_prefix("query."));
        let summary = one.summary.trim_end_matches('.');
        write!(page, "\n## `{}`\n\n{summary}.", short.unwrap_or(&path)).expect("text");
        page.push_str(&schemas_of(one));
        page.push_str("\n\n");
        page.push_str(&exchange(example));
    }
    page
}

/// Links to the schemas of an endpoint.
fn schemas_of(one: &Registered) -> String {
    let folder = |group: &str| match group {
        "command" => "commands".to_owned(),
        "query" => "queries".to_owned(),
        "answer" => "views".to_owned(),
        same => same.to_owned(),
    };
    let link = |what: &str, schema: &Option<schemas::subjects::SchemaName>| {
        schema.as_ref().map_or_else(String::new, |schema| {
            let (folder, name) = (folder(schema.group), &schema.name);
            format!(" [{what}](../../schemas/json-schema/{folder}/{name}.json)")
        })
    };
    format!(" Schemas:{}{}", link("request", &one.request), link("answer", &one.answer))
}

fn exchange(told: &Told) -> String {
    let mut text = format!("`billfold.main.as.ada.{}`\n\n", told.path);
    for (name, value) in &told.headers {
        writeln!(text, "`{name}: {value}`\n").expect("text");
    }
    let request = Node::parse(told.request.as_bytes()).expect("a request is JSON");
    write!(text, "```json\n{}\n```\n\n", pretty(&request, 0)).expect("text");
    write!(text, "```json\n{}\n```\n", pretty(&told.answer, 0)).expect("text");
    text
}

fn problems(told: &[Told]) -> String {
    let mut page = heading("Problems");
    for told in told.iter().filter(|told| told.is_problem) {
        let code = told.answer.text_at("code");
        let title = if page.contains(&format!("## `{code}`\n")) { "once more" } else { "" };
        let title = if title.is_empty() { String::new() } else { format!(", {title}") };
        write!(page, "\n## `{code}`{title}\n\n{}", exchange(told)).expect("text");
    }
    page
}

/// JSON with short objects and lists on one line.
fn pretty(node: &Node, depth: usize) -> String {
    let flat = flat(node);
    if flat.len() + 2 * depth <= WIDTH {
        return flat;
    }
    let (inner, outer) = ("  ".repeat(depth + 1), "  ".repeat(depth));
    match node {
        Node::List(items) => {
            let lines: Vec<String> =
                items.iter().map(|item| format!("{inner}{}", pretty(item, depth + 1))).collect();
            format!("[\n{}\n{outer}]", lines.join(",\n"))
        }
        Node::Object(fields) => {
            let line = |(name, value): &(String, Node)| {
                format!("{inner}\"{name}\": {}", pretty(value, depth + 1))
            };
            let lines: Vec<String> = fields.iter().map(line).collect();
            format!("{{\n{}\n{outer}}}", lines.join(",\n"))
        }
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) => flat,
    }
}

/// JSON on one line, with blanks after commas and colons.
fn flat(node: &Node) -> String {
    let list = |items: Vec<String>| items.join(", ");
    match node {
        Node::List(items) => format!("[{}]", list(items.iter().map(flat).collect())),
        Node::Object(fields) => {
            let field = |(name, value): &(String, Node)| format!("\"{name}\": {}", flat(value));
            format!("{{{}}}", list(fields.iter().map(field).collect()))
        }
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) => {
            serde_json::to_string(node).expect("a value is JSON")
        }
    }
}
