//! Any document in lines: its fields one below the other, its lists as tables.

use client::Node;

use crate::table::{Rows, show};

/// The names of events, each once with how often it comes, in the order in which they come.
pub fn counted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for name in names {
        match counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, count)) => *count += 1,
            None => counts.push((name, 1)),
        }
    }
    if counts.is_empty() {
        return "nothing changed".to_owned();
    }
    let show = |(name, count): &(&str, usize)| match count {
        1 => (*name).to_owned(),
        _ => format!("{name} ×{count}"),
    };
    counts.iter().map(show).collect::<Vec<_>>().join(", ")
}

/// What an answer holds, whatever it is.
pub(super) fn body(data: &Node) -> String {
    let rows = data.items();
    let is_deep = rows.iter().any(|row| row.fields().iter().any(|(_, value)| is_list(value)));
    match data {
        Node::List(_) if is_deep => {
            rows.iter().map(|row| block("", row)).collect::<Vec<_>>().join("\n\n")
        }
        Node::List(_) => listed(rows),
        Node::Object(_) => block("", data),
        Node::Null | Node::Bool(_) | Node::Number(_) | Node::Text(_) => show(data),
    }
}

/// A list with a document in it.
fn is_list(value: &Node) -> bool {
    value.items().iter().any(|item| !item.fields().is_empty() && !item.is_money())
}

/// Plain fields first, then each list of documents as a table of its own.
pub(super) fn block(prefix: &str, document: &Node) -> String {
    let (mut plain, mut tables) = (Vec::new(), Vec::new());
    collect(prefix, document, &mut plain, &mut tables);
    let mut parts = vec![facts(&plain)];
    parts.extend(tables.iter().map(|(name, rows)| format!("{name}\n{}", listed(rows))));
    parts.retain(|part| !part.is_empty());
    parts.join("\n")
}

fn collect<'a>(
    prefix: &str,
    document: &'a Node,
    plain: &mut Vec<(String, String)>,
    tables: &mut Vec<(String, &'a [Node])>,
) {
    for (name, value) in document.fields() {
        let name = format!("{prefix}{name}");
        match value {
            Node::Null => {}
            Node::List(items) if items.is_empty() => {}
            Node::List(items) if is_list(value) => tables.push((name, items)),
            Node::Object(_) if !value.is_money() => {
                collect(&format!("{name}."), value, plain, tables);
            }
            Node::Object(_) | Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::List(_) => {
                plain.push((name, show(value)));
            }
        }
    }
}

/// Rows as a table.
pub(super) fn listed(rows: &[Node]) -> String {
    if rows.is_empty() { "Nothing.".to_owned() } else { Rows::of(rows).text() }
}

/// Names and values in two columns.
pub(super) fn facts(fields: &[(String, String)]) -> String {
    let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines = fields.iter().map(|(name, value)| format!("{name:<width$}  {value}"));
    lines.collect::<Vec<_>>().join("\n")
}
