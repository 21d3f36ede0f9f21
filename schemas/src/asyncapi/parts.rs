//! Parts of the document that are the same for every endpoint.

use serde_json::{Map, Value, json};

use super::components;
use crate::subjects::views;
use crate::wire::header;

pub(super) fn info() -> Value {
    json!({
        "title": "billfold",
        "version": env!("CARGO_PKG_VERSION"),
        "description": "An event-sourced billing ledger. Commands are decided against a \
            customer's history and become immutable events; read models answer queries. Every \
            request is answered on its reply subject. docs/integrate.md tells how to retry, to \
            page, and to read what was written.",
        "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        "tags": tags(),
    })
}

/// What operations are listed under.
fn tags() -> Vec<Value> {
    let tag = |name: &str, about: &str| json!({"name": name, "description": about});
    let of_view = |view: &str| tag(view, &format!("Queries of the read model of {view}"));
    let mut tags = vec![tag("commands", "What changes the book")];
    tags.extend(views().into_iter().map(of_view));
    tags.extend([
        tag("feed", "Commits in order"),
        tag("schemas", "JSON Schemas of all messages"),
        tag("admin", "What operators ask"),
    ]);
    tags
}

pub(super) fn servers() -> Value {
    json!({
        "nats": {
            "host": "127.0.0.1:4222",
            "protocol": "nats",
            "description": "The NATS server that billfold is connected to",
        },
    })
}

pub(super) fn parameters() -> Value {
    json!({
        "book": {
            "description": "Which book: 1 to 64 characters of A-Z a-z 0-9 _ -",
            "examples": ["main"],
        },
        "actor": {
            "description": "Who asks: 1 to 64 characters of A-Z a-z 0-9 _ -. The server's \
                permissions pin it.",
            "examples": ["ada"],
        },
    })
}

/// A schema of headers.
pub(super) fn headers(required: &[&str], optional: &[&str]) -> Value {
    let properties: Map<String, Value> = required
        .iter()
        .chain(optional)
        .map(|name| ((*name).to_owned(), one_header(name)))
        .collect();
    let mut schema = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// What stands in a header. Headers are text on NATS.
fn one_header(name: &str) -> Value {
    let (description, pattern) = match name {
        header::COMMAND_ID => {
            ("The command's id, a UUID that the client makes: the key of idempotency", None)
        }
        header::EFFECTIVE_AT => ("When the command takes effect (RFC 3339); now if left out", None),
        header::EXPECTED_REVISION => {
            ("Decide only if the stream is at this revision", Some("^[0-9]+$"))
        }
        header::DEADLINE => ("Drop the command undecided after this instant (RFC 3339)", None),
        header::REASON => ("The sender's reason, kept with the commit", None),
        header::BATCH => ("The batch that the command belongs to, a UUID", None),
        header::SESSION => ("The client's session, a UUID, kept with the commit", None),
        header::AT_LEAST => {
            ("Answer only at this position or later", Some("^[0-9a-f]{32}:[0-9]+$"))
        }
        header::TRACEPARENT => ("W3C trace context", None),
        header::SERVICE_ERROR_CODE => ("The status; there on failures only", Some("^[0-9]{3}$")),
        header::SERVICE_ERROR => ("The stable code of the problem; there on failures only", None),
        other => (other, None),
    };
    let mut schema = json!({"type": "string", "description": description});
    if let Some(pattern) = pattern {
        schema["pattern"] = json!(pattern);
    }
    schema
}

/// The message of every failure.
pub(super) fn problem() -> Value {
    json!({
        "name": "problem",
        "title": "Problem",
        "summary": "A failure (RFC 9457): a stable code, and a sentence with the way out",
        "contentType": "application/json",
        "headers": headers(&[header::SERVICE_ERROR_CODE, header::SERVICE_ERROR], &[]),
        "payload": {"$ref": format!("#/components/schemas/{}", components::key("wire", "problem"))},
    })
}
