//! The interface as one document, for people and for tools that draw pages or write clients.
//!
//! # Shape
//!
//! An `AsyncAPI` 3.0 document made from the registry of endpoints ([`crate::subjects`]) and the
//! catalogue of schemas ([`crate::catalogue`]). It speaks from billfold's side: every operation
//! receives a request on a channel and replies on the request's own reply subject. A channel's
//! address is the subject, with the book and the actor as parameters.
//!
//! # Correctness
//!
//! What schemas have in common becomes one component; that two of them mean different things by
//! one name is refused ([`components::merge`]).

mod components;
mod parts;

use serde_json::{Map, Value, json};

use crate::subjects::{DEFAULT_PREFIX, Registered, Role, registry};
use crate::wire::{Endpoint, header};

/// Where a reply of any operation is: the reply subject of the request.
const REPLIES: &str = "replies";

/// The document.
pub fn document() -> Value {
    let endpoints = registry();
    let channels: Map<String, Value> = endpoints
        .iter()
        .map(|one| (one.name.clone(), channel(one)))
        .chain([(REPLIES.to_owned(), replies(&endpoints))])
        .collect();
    let operations: Map<String, Value> =
        endpoints.iter().map(|one| (one.name.clone(), operation(one))).collect();
    json!({
        "asyncapi": "3.0.0",
        "id": "urn:billfold:api",
        "info": parts::info(),
        "defaultContentType": "application/json",
        "servers": parts::servers(),
        "channels": channels,
        "operations": operations,
        "components": {
            "parameters": parts::parameters(),
            "messages": messages(&endpoints),
            "schemas": components::schemas(),
        },
    })
}

fn reference(to: &str) -> Value {
    json!({"$ref": to})
}

fn channel(one: &Registered) -> Value {
    json!({
        "address": format!("{DEFAULT_PREFIX}.{{book}}.as.{{actor}}.{}", one.path()),
        "title": one.path(),
        "description": one.summary,
        "servers": [reference("#/servers/nats")],
        "parameters": {
            "book": reference("#/components/parameters/book"),
            "actor": reference("#/components/parameters/actor"),
        },
        "messages": {"request": reference(&format!("#/components/messages/{}", request_of(one)))},
    })
}

fn operation(one: &Registered) -> Value {
    let replies: Vec<Value> = [answer_of(one), "problem".to_owned()]
        .iter()
        .map(|name| reference(&format!("#/channels/{REPLIES}/messages/{name}")))
        .collect();
    json!({
        "action": "receive",
        "title": one.path(),
        "summary": one.summary,
        "channel": reference(&format!("#/channels/{}", one.name)),
        "messages": [reference(&format!("#/channels/{}/messages/request", one.name))],
        "reply": {"channel": reference(&format!("#/channels/{REPLIES}")), "messages": replies},
        "bindings": {"nats": {"queue": one.queue_group(), "bindingVersion": "0.1.0"}},
        "tags": [{"name": tag(one)}],
    })
}

/// What an operation is listed under.
fn tag(one: &Registered) -> &'static str {
    match (&one.endpoint, one.role) {
        (Endpoint::Command(_) | Endpoint::Batch, _) => "commands",
        (Endpoint::Query { .. }, Role::Projector(view)) => view,
        (Endpoint::Query { .. }, Role::Gateway) => "queries",
        (Endpoint::Feed, _) => "feed",
        (Endpoint::Schema, _) => "schemas",
        (Endpoint::Admin(_), _) => "admin",
    }
}

fn request_of(one: &Registered) -> String {
    format!("{}-request", one.name)
}

/// The message of an answer. Answers that have the same schema are one message.
fn answer_of(one: &Registered) -> String {
    one.answer.as_ref().map_or_else(
        || format!("{}-answer", one.name),
        |name| components::key(name.group, &name.name),
    )
}

/// The channel that has no address of its own: every message that can come back.
fn replies(endpoints: &[Registered]) -> Value {
    let names = endpoints.iter().map(answer_of).chain(["problem".to_owned()]);
    let messages: Map<String, Value> = names
        .map(|name| (name.clone(), reference(&format!("#/components/messages/{name}"))))
        .collect();
    json!({
        "address": null,
        "title": "Replies",
        "description": "The reply subject of the request: an inbox of the client that asks. A \
            failure has the header Nats-Service-Error-Code; look at it before the body.",
        "messages": messages,
    })
}

fn messages(endpoints: &[Registered]) -> Map<String, Value> {
    let mut all = Map::new();
    for one in endpoints {
        all.insert(request_of(one), request(one));
        all.insert(answer_of(one), answer(one));
    }
    all.insert("problem".to_owned(), parts::problem());
    all
}

fn payload(schema: Option<&crate::subjects::SchemaName>, otherwise: &str) -> Value {
    schema.map_or_else(
        || json!({"type": "object", "description": otherwise}),
        |name| {
            reference(&format!("#/components/schemas/{}", components::key(name.group, &name.name)))
        },
    )
}

fn request(one: &Registered) -> Value {
    let headers = match &one.endpoint {
        Endpoint::Command(_) => parts::headers(
            &[header::COMMAND_ID],
            &[
                header::EFFECTIVE_AT,
                header::EXPECTED_REVISION,
                header::DEADLINE,
                header::REASON,
                header::BATCH,
                header::SESSION,
                header::TRACEPARENT,
            ],
        ),
        Endpoint::Query { .. } => parts::headers(&[], &[header::AT_LEAST, header::TRACEPARENT]),
        Endpoint::Batch => parts::headers(
            &[],
            &[header::DEADLINE, header::BATCH, header::SESSION, header::TRACEPARENT],
        ),
        Endpoint::Feed | Endpoint::Schema | Endpoint::Admin(_) => {
            parts::headers(&[], &[header::TRACEPARENT])
        }
    };
    json!({
        "name": request_of(one),
        "title": one.path(),
        "summary": one.summary,
        "contentType": "application/json",
        "headers": headers,
        "payload": payload(one.request.as_ref(), "No fields"),
    })
}

fn answer(one: &Registered) -> Value {
    let name = answer_of(one);
    json!({
        "name": name,
        "title": name,
        "contentType": "application/json",
        "payload": payload(one.answer.as_ref(), "See the summary of the operation"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every reference of a document.
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(to)) = fields.get("$ref") {
                    found.push(to.clone());
                }
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn every_endpoint_is_a_channel_and_an_operation_and_every_reference_leads_somewhere() {
        let document = document();
        for one in registry() {
            assert!(document["channels"][&one.name].is_object(), "{}", one.name);
            assert!(document["operations"][&one.name].is_object(), "{}", one.name);
        }
        let mut all = Vec::new();
        references(&document, &mut all);
        assert!(!all.is_empty());
        for to in all {
            let place = to.strip_prefix('#').expect("references stay inside");
            assert!(document.pointer(place).is_some(), "{to} leads nowhere");
        }
    }
}
