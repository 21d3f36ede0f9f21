//! JSON Schemas are generated, checked in, and compared: `json-schema/<kind>/<name>.json`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::Schema;
use schemas::catalogue;
use serde_json::Value;

use crate::files::{blessing, crate_folder, read, write};

/// The folder of a group.
fn folder_of(group: &'static str) -> &'static str {
    match group {
        "command" => "commands",
        "event" => "events",
        "query" => "queries",
        "answer" => "views",
        same => same,
    }
}

/// Every published document by folder and name.
fn documents() -> Vec<(&'static str, String, Schema)> {
    let all = catalogue::catalogue().into_iter();
    all.map(|one| (folder_of(one.group), one.name, one.schema)).collect()
}

/// The same JSON with keys in order, whatever features other crates of a build turn on.
pub(crate) fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<String, Value> =
                fields.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(fields.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
    }
}

fn folder() -> PathBuf {
    crate_folder().join("json-schema")
}

#[test]
fn checked_in_schemas_are_the_generated_ones() {
    for (kind, name, schema) in documents() {
        let path = folder().join(kind).join(format!("{name}.json"));
        let value = sorted(schema.to_value());
        if blessing() {
            let text = serde_json::to_string_pretty(&value).expect("a schema is JSON");
            write(&path, &format!("{text}\n"));
        }
        let checked_in: Value = serde_json::from_str(&read(&path)).unwrap_or(Value::Null);
        assert_eq!(
            checked_in,
            value,
            "{} differs; run `BLESS=1 cargo test -p schemas` and review",
            path.display()
        );
    }
}

#[test]
fn no_schema_is_left_over() {
    let made: Vec<PathBuf> = documents()
        .iter()
        .map(|(kind, name, _)| folder().join(kind).join(format!("{name}.json")))
        .collect();
    let mut left_over = Vec::new();
    for kind in std::fs::read_dir(folder()).expect("schemas are checked in") {
        for file in std::fs::read_dir(kind.expect("an entry").path()).expect("a folder") {
            let path = file.expect("an entry").path();
            if !made.contains(&path) {
                left_over.push(path);
            }
        }
    }
    assert!(left_over.is_empty(), "remove {left_over:?}");
}

#[test]
fn every_schema_says_what_it_is_for() {
    for (kind, name, schema) in documents() {
        assert!(schema.get("description").is_some(), "{kind} {name} has no description");
        assert!(schema.get("title").is_some(), "{kind} {name} has no title");
    }
}
