//! Schemas of the catalogue as components that refer to each other.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::catalogue::catalogue;

/// The name of a published schema among the components, such as `answer-invoices.list`.
pub(super) fn key(group: &str, name: &str) -> String {
    format!("{group}-{name}")
}

/// Every published schema, and every definition that they share.
pub(super) fn schemas() -> Map<String, Value> {
    let mut all = BTreeMap::new();
    for one in catalogue() {
        let mut schema = one.schema.to_value();
        if let Value::Object(fields) = &mut schema {
            fields.remove("$schema");
            if let Some(Value::Object(definitions)) = fields.remove("$defs") {
                for (name, definition) in definitions {
                    merge(&mut all, name, pointed_at_components(definition));
                }
            }
        }
        merge(&mut all, key(one.group, &one.name), pointed_at_components(schema));
    }
    all.into_iter().collect()
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
fn pointed_at_components(schema: Value) -> Value {
    match schema {
        Value::Object(fields) => {
            let moved = fields.into_iter().map(|(key, value)| match (key.as_str(), value) {
                ("$ref", Value::String(to)) => {
                    let to = to.replace("#/$defs/", "#/components/schemas/");
                    (key, Value::String(to))
                }
                (_, value) => (key, pointed_at_components(value)),
            });
            Value::Object(moved.collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(pointed_at_components).collect()),
        plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => plain,
    }
}
