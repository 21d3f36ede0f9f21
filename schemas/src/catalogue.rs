//! Every published document with its JSON Schema, by group and name.
//!
//! # Shape
//!
//! One [`Published`] for each command, event, query and answer, and for the documents around
//! them. `schema.get` serves it, `schemas/json-schema` holds it, and the interface document is
//! made from it.
//!
//! # Correctness
//!
//! A group and a name are unique together; a name alone is not: a query and its answer share it.
//! What clients send forbids unknown fields. What they get does not, because answers may gain
//! fields.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::feed::{FeedPage, FeedRead};
use crate::problem::Problem;
use crate::runs::{RunStatus, RunStatusAnswer};
use crate::status::{GatewayStatus, ViewHash, ViewStatus};
use crate::view::Answer;
use crate::wire::{Accepted, Batch, BatchReply};
use crate::{Command, Event, query};

/// One document.
#[derive(Debug, Clone)]
pub struct Published {
    /// `command`, `event`, `query`, `answer`, `feed`, `admin`, `status` or `wire`.
    pub group: &'static str,
    /// Such as `payment.record` or `invoices.list`.
    pub name: String,
    /// Its schema (draft 2020-12).
    pub schema: Schema,
}

impl Published {
    /// Which one: `answer/invoices.list`.
    pub fn path(&self) -> String {
        format!("{}/{}", self.group, self.name)
    }

    /// A name alone, or group and name with a slash between them, means this one.
    pub fn is_called(&self, name: &str) -> bool {
        match name.split_once('/') {
            Some((group, name)) => self.group == group && self.name == name,
            None => self.name == name,
        }
    }
}

/// The request of `schema.get`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SchemaGet {
    /// Such as `payment.record` or `answer/invoices.list`; the names of all if left out.
    pub name: Option<String>,
}

/// The answer of `schema.get` without a name. With one, the answer is the schema itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SchemaNames {
    /// Every schema.
    pub data: Vec<NamedSchema>,
}

impl SchemaNames {
    /// The names of all.
    pub fn all() -> Self {
        let named = |one: Published| NamedSchema { group: one.group.to_owned(), name: one.name };
        Self { data: catalogue().into_iter().map(named).collect() }
    }
}

/// The name of a schema.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NamedSchema {
    /// Its group.
    pub group: String,
    /// Its name in the group.
    pub name: String,
}

/// Every published document.
pub fn catalogue() -> Vec<Published> {
    let mut all = Vec::new();
    let mut add = |group, name: &str, schema| {
        all.push(Published { group, name: name.to_owned(), schema });
    };
    for (name, mut schema) in Command::json_schemas() {
        if !Command::INTERNAL.contains(&name) {
            with_envelope(&mut schema);
        }
        add("command", name, schema);
    }
    for (name, schema) in Event::json_schemas() {
        add("event", name, schema);
    }
    for query in query::json_schemas() {
        let name = format!("{}.{}", query.kind.view, query.kind.name);
        add("query", &name, query.request);
        add("answer", &name, query.answer);
    }
    add("feed", "feed.read", sent::<FeedRead>());
    add("feed", "feed.page", got::<FeedPage>());
    add("admin", "run_status", sent::<RunStatus>());
    add("status", "run", got::<RunStatusAnswer>());
    add("status", "gateway", got::<GatewayStatus>());
    add("status", "view.hash", got::<Answer<ViewHash>>());
    add("status", "view.status", got::<Answer<ViewStatus>>());
    add("wire", "accepted", got::<Accepted>());
    add("wire", "batch", sent::<Batch>());
    add("wire", "batch_reply", got::<BatchReply>());
    add("wire", "problem", got::<Problem>());
    add("wire", "schema_get", sent::<SchemaGet>());
    add("wire", "schema_names", got::<SchemaNames>());
    all
}

/// The document of this name; see [`Published::is_called`].
pub fn find(name: &str) -> Option<Published> {
    catalogue().into_iter().find(|one| one.is_called(name))
}

/// What may stand in the body of every command besides its own fields ([`crate::json`]).
fn with_envelope(schema: &mut Schema) {
    let Some(Value::Object(properties)) = schema.get_mut("properties") else { return };
    let revision = json!({
        "description": "Decide only if the stream is at this revision; as the header \
            Billfold-Expected-Revision.",
        "type": ["integer", "null"],
        "minimum": 0,
    });
    let effective_at = json!({
        "description": "When it takes effect; as the header Billfold-Effective-At.",
        "type": ["string", "null"],
        "format": "date-time",
    });
    let preview = json!({
        "description": "Commit what the preview with this token showed, or nothing; as the header \
            Billfold-Preview.",
        "type": ["string", "null"],
    });
    properties.insert("preview".to_owned(), preview);
    properties.insert("expected_revision".to_owned(), revision);
    properties.insert("effective_at".to_owned(), effective_at);
}

/// The schema of a document that clients send.
pub(crate) fn sent<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_deserialize().into_generator().into_root_schema_for::<T>()
}

/// The schema of a document that clients get.
pub(crate) fn got<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::subjects::registry;

    #[test]
    fn every_document_is_found_by_its_path_and_by_nothing_else() {
        let mut paths = BTreeSet::new();
        for one in catalogue() {
            assert!(paths.insert(one.path()), "{} twice", one.path());
            let found = find(&one.path()).expect("by group and name");
            assert_eq!((found.group, found.name), (one.group, one.name));
        }
        assert!(find("command/invoices.list").is_none());
    }

    #[test]
    fn every_document_that_the_registry_names_is_published() {
        for endpoint in registry() {
            for name in endpoint.request.iter().chain(&endpoint.answer) {
                let path = format!("{}/{}", name.group, name.name);
                assert!(find(&path).is_some(), "{}: {path}", endpoint.name);
            }
        }
    }

    #[test]
    fn what_clients_send_forbids_unknown_fields() {
        for one in catalogue() {
            let is_sent = matches!(one.group, "command" | "query" | "admin")
                || matches!(one.name.as_str(), "feed.read" | "batch" | "schema_get");
            let forbids = one.schema.get("additionalProperties") == Some(&false.into());
            assert_eq!(forbids, is_sent, "{}", one.path());
        }
    }
}
