//! Schemas of the catalogue as components that refer to each other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::catalogue::catalogue;

/// The name of a published schema among the components, such as `answer-invoices.list`.
pub(super) fn key(group: &str, name: &str) -> String {
    format!("{group}-{name}")
}

/// Every published schema, and every definition that they share.
///
/// A type that is stored and answered has two schemas: what is left out of a stored one is null
/// in an answer. Where they differ the answer's has a name of its own.
pub(super) fn schemas() -> Map<String, Value> {
    let documents: Vec<(bool, String, Value)> = catalogue()
        .into_iter()
        .map(|one| (one.group == "answer", key(one.group, &one.name), one.schema.to_value()))
        .collect();
    let renamed = told_apart(&documents);
    let mut all = BTreeMap::new();
    for (is_answer, key, mut schema) in documents {
        let renamed = if is_answer { &renamed } else { &BTreeSet::new() };
        if let Value::Object(fields) = &mut schema {
            fields.remove("$schema");
            if let Some(Value::Object(definitions)) = fields.remove("$defs") {
                for (name, definition) in definitions {
                    let definition = pointed_at_components(definition, renamed);
                    merge(&mut all, name_of(&name, renamed), definition);
                }
            }
        }
        merge(&mut all, key, pointed_at_components(schema, renamed));
    }
    all.into_iter().collect()
}

/// The names that mean something else in answers: those whose schema differs, and all that lead
/// to one of them.
fn told_apart(documents: &[(bool, String, Value)]) -> BTreeSet<String> {
    let definitions = |answers: bool| -> BTreeMap<&String, &Value> {
        let chosen = documents.iter().filter(|(is_answer, ..)| *is_answer == answers);
        chosen.filter_map(|(.., schema)| schema.get("$defs")?.as_object()).flatten().collect()
    };
    let (stored, answered) = (definitions(false), definitions(true));
    let shared = answered.into_iter().filter(|(name, _)| stored.contains_key(name));
    let shared: Vec<(&String, &Value)> = shared.collect();
    let differs = |name: &String, schema: &Value| stored.get(name).is_some_and(|&s| s != schema);
    let mut found: BTreeSet<String> = shared
        .iter()
        .filter(|(name, schema)| differs(name, schema))
        .map(|(name, _)| (*name).clone())
        .collect();
    loop {
        let before = found.len();
        for (name, schema) in &shared {
            if leads_to(schema, &found) {
                found.insert((*name).clone());
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

/// Whether a schema refers to one of these.
fn leads_to(schema: &Value, names: &BTreeSet<String>) -> bool {
    match schema {
        Value::Object(fields) => fields.iter().any(|(key, value)| match (key.as_str(), value) {
            ("$ref", Value::String(to)) => {
                to.strip_prefix("#/$defs/").is_some_and(|name| names.contains(name))
            }
            (_, value) => leads_to(value, names),
        }),
        Value::Array(items) => items.iter().any(|item| leads_to(item, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn name_of(name: &str, renamed: &BTreeSet<String>) -> String {
    if renamed.contains(name) { format!("{name}-answered") } else { name.to_owned() }
}

/// Adds a schema. One name has one meaning in the whole language.
///
/// # Panics
/// When two schemas of one name differ; the test of the document finds it.
pub(super) fn merge(all: &mut BTreeMap<String, Value>, name: String, schema: Value) {
    if let Some(known) = all.get(&name) {
        assert!(*known == schema, "two types are called {name} and differ; rename one of them");
    }
    all.insert(name, schema);
}

/// The same schema with its references to definitions leading to components.
fn pointed_at_components(schema: Value, renamed: &BTreeSet<String>) -> Value {
    match schema {
        Value::Object(fields) => {
            let moved = fields.into_iter().map(|(key, value)| match (key.as_str(), value) {
                ("$ref", Value::String(to)) => {
                    let to = to.strip_prefix("#/$defs/").map_or_else(
                        || to.clone(),
                        |name| format!("#/components/schemas/{}", name_of(name, renamed)),
                    );
                    (key, Value::String(to))
                }
                (_, value) => (key, pointed_at_components(value, renamed)),
            });
            Value::Object(moved.collect())
        }
        Value::Array(items) => {
            let items = items.into_iter().map(|item| pointed_at_components(item, renamed));
            Value::Array(items.collect())
        }
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => plain,
    }
}
