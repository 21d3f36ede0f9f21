//! The registry of endpoints: every subject that is served, who serves it, and what it takes.
//!
//! # Shape
//!
//! One [`Registered`] for each command that a client may send, each query, and the feed, schema
//! and admin endpoints. Services are built from it, permissions are written from it, and the
//! interface documents are generated from it, so that none of them can leave an endpoint out.
//!
//! # Correctness
//!
//! Names are valid for the NATS service API (ADR-32: letters, digits, `-` and `_`) and unique in
//! the whole registry. Each path reads back as the [`Endpoint`] that it stands for.

mod prefix;

use core::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::command::Command;
use crate::event::Event;
use crate::query::{GATEWAY_VIEWS, QUERIES};
use crate::text::{Actor, BookName};
use crate::wire::{Endpoint, Subject};

pub use prefix::{BadPrefix, SubjectPrefix};

/// First token of every subject, unless it is configured otherwise.
pub const DEFAULT_PREFIX: &str = "billfold";
/// Queue group of everything that gateways serve.
pub const GATEWAY_GROUP: &str = "billfold";
/// Name of the gateway's service.
pub const GATEWAY_SERVICE: &str = "billfold-gateway";
/// Name of a projector's service.
pub const PROJECTOR_SERVICE: &str = "billfold-projector";
/// Prefix of the inbox of an actor, before its name. Permissions grant each actor its own.
pub const INBOX_PREFIX: &str = "_INBOX_";
/// What operators ask of a gateway.
pub const ADMIN_VERBS: &[AdminVerb] = &[
    AdminVerb { verb: "status", summary: "Positions, queues and counts of the book's engine" },
    AdminVerb { verb: "run_status", summary: "How far a billing run is" },
];
/// What every read model answers besides its questions.
pub const VIEW_VERBS: &[AdminVerb] = &[
    AdminVerb { verb: "status", summary: "How far the read model is" },
    AdminVerb { verb: "hash", summary: "What the read model holds, as a hash at a position" },
];

/// An endpoint about the service itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AdminVerb {
    /// Last token of the subject.
    pub verb: &'static str,
    /// What it gives, in a sentence.
    pub summary: &'static str,
}

/// Who serves an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The gateway: commands, questions about the state they are decided on, feed, schemas, admin.
    Gateway,
    /// The projector of this read model.
    Projector(&'static str),
}

impl Role {
    /// The queue group that its members share.
    pub const fn queue_group(self) -> &'static str {
        match self {
            Self::Gateway => GATEWAY_GROUP,
            Self::Projector(view) => view,
        }
    }

    /// The name of its service.
    pub const fn service(self) -> &'static str {
        match self {
            Self::Gateway => GATEWAY_SERVICE,
            Self::Projector(_) => PROJECTOR_SERVICE,
        }
    }
}

/// The name of a JSON Schema of the published language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaName {
    /// `command`, `query`, `answer`, `wire`, `feed`, `admin` or `status`.
    pub group: &'static str,
    /// Such as `payment.record`.
    pub name: String,
}

/// One endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    /// Its name in the service API, such as `command-payment-record`.
    pub name: String,
    /// What is asked.
    pub endpoint: Endpoint,
    /// Who serves it.
    pub role: Role,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// The schema of the request, where it has one.
    pub request: Option<SchemaName>,
    /// The schema of the answer, where it has one.
    pub answer: Option<SchemaName>,
}

impl Registered {
    fn new(endpoint: Endpoint, role: Role, summary: &'static str) -> Self {
        let name = endpoint.path().replace(['.', '_'], "-");
        Self { name, endpoint, role, summary, request: None, answer: None }
    }

    fn takes(mut self, group: &'static str, name: impl Into<String>) -> Self {
        self.request = Some(SchemaName { group, name: name.into() });
        self
    }

    fn gives(mut self, group: &'static str, name: impl Into<String>) -> Self {
        self.answer = Some(SchemaName { group, name: name.into() });
        self
    }

    /// The part of the subject after the actor, such as `command.payment.record`.
    pub fn path(&self) -> String {
        self.endpoint.path()
    }

    /// The queue group.
    pub const fn queue_group(&self) -> &'static str {
        self.role.queue_group()
    }

    /// The subject on which it is served in one book, for whoever asks.
    pub fn served_on(&self, prefix: &str, book: &BookName) -> String {
        format!("{prefix}.{book}.as.*.{}", self.path())
    }

    /// The subject to ask it of one book.
    pub fn subject(&self, book: &BookName, actor: &Actor) -> Subject {
        Subject { book: book.clone(), actor: actor.clone(), endpoint: self.endpoint.clone() }
    }
}

/// Every read model that has questions, in the order of [`QUERIES`]; not [`GATEWAY_VIEWS`].
pub fn views() -> Vec<&'static str> {
    let mut views: Vec<&'static str> = QUERIES.iter().map(|kind| kind.view).collect();
    views.dedup();
    views.retain(|view| !GATEWAY_VIEWS.contains(view));
    views
}

/// Every endpoint.
pub fn registry() -> Vec<Registered> {
    let mut all = commands();
    for view in GATEWAY_VIEWS {
        all.extend(asked(view, Role::Gateway));
    }
    all.push(
        Registered::new(Endpoint::Feed, Role::Gateway, "Commits after a position, as JSON")
            .takes("feed", "feed.read")
            .gives("feed", "feed.page"),
    );
    all.push(
        Registered::new(
            Endpoint::Schema,
            Role::Gateway,
            "A JSON Schema by name, or the names of all",
        )
        .takes("wire", "schema_get")
        .gives("wire", "schema_names"),
    );
    for AdminVerb { verb, summary } in ADMIN_VERBS {
        let endpoint = Endpoint::Admin((*verb).to_owned());
        let about = Registered::new(endpoint, Role::Gateway, summary);
        all.push(match *verb {
            "status" => about.gives("status", "gateway"),
            "run_status" => about.takes("admin", "run_status").gives("status", "run"),
            _ => about,
        });
    }
    for view in views() {
        all.extend(queries(view));
    }
    all
}

/// The endpoints that one role serves.
pub fn of_role(role: Role) -> Vec<Registered> {
    registry().into_iter().filter(|endpoint| endpoint.role == role).collect()
}

/// The role of the projector of a read model, if there is such a read model.
pub fn projector(view: &str) -> Option<Role> {
    views().into_iter().find(|known| *known == view).map(Role::Projector)
}

/// SHA-256 over the JSON Schemas of every command, event, query and answer, in hexadecimal: two
/// processes with the same one speak the same language.
pub fn schema_hash() -> String {
    let mut hash = Sha256::new();
    let mut add = |name: &str, schema: schemars::Schema| {
        hash.update(name);
        hash.update(schema.to_value().to_string());
    };
    for (name, schema) in Command::json_schemas().into_iter().chain(Event::json_schemas()) {
        add(name, schema);
    }
    for query in crate::query::json_schemas() {
        add(query.kind.name, query.request);
        add(query.kind.view, query.answer);
    }
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        // Writing to a text does not fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

fn commands() -> Vec<Registered> {
    let open = Command::KINDS.iter().filter(|kind| !Command::INTERNAL.contains(&kind.name));
    let mut all: Vec<Registered> = open
        .map(|kind| {
            let summary = Command::summary(kind.name).unwrap_or_default();
            Registered::new(Endpoint::Command(kind.name.to_owned()), Role::Gateway, summary)
                .takes("command", kind.name)
                .gives("wire", "accepted")
        })
        .collect();
    all.push(
        Registered::new(
            Endpoint::Batch,
            Role::Gateway,
            "Up to a thousand commands, each decided by itself, in order",
        )
        .takes("wire", "batch")
        .gives("wire", "batch_reply"),
    );
    all
}

fn queries(view: &'static str) -> Vec<Registered> {
    let role = Role::Projector(view);
    let about_itself = VIEW_VERBS.iter().map(|AdminVerb { verb, summary }| {
        let schema = format!("view.{verb}");
        Registered::new(question(view, verb), role, summary).gives("status", schema)
    });
    asked(view, role).chain(about_itself).collect()
}

fn asked(view: &'static str, role: Role) -> impl Iterator<Item = Registered> {
    QUERIES.iter().filter(move |kind| kind.view == view).map(move |kind| {
        let schema = format!("{view}.{}", kind.name);
        Registered::new(question(view, kind.name), role, kind.summary)
            .takes("query", schema.as_str())
            .gives("answer", schema)
    })
}

fn question(view: &str, name: &str) -> Endpoint {
    Endpoint::Query { view: view.to_owned(), name: name.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_endpoint_reads_back_from_its_subject() {
        let (book, actor) = ("acme".parse().expect("a name"), "ada".parse().expect("a name"));
        for one in registry() {
            let subject = one.subject(&book, &actor);
            let text = subject.to_string();
            assert_eq!(text.parse(), Ok(subject), "{text}");
            assert_eq!(one.served_on("billfold", &book), text.replace(".ada.", ".*."));
        }
    }

    #[test]
    fn names_are_unique_and_fit_the_service_api() {
        let mut names = BTreeSet::new();
        for one in registry() {
            let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            assert!(!one.name.is_empty() && one.name.bytes().all(fits), "{one:?}");
            assert!(!one.summary.is_empty(), "{one:?}");
            assert!(names.insert(one.name.clone()), "{} twice", one.name);
        }
        for name in ["command-payment-record", "command-batch", "query-invoices-get", "feed-read"] {
            assert!(names.contains(name), "{name}");
        }
        for name in ["schema-get", "admin-status", "admin-run-status", "query-balances-hash"] {
            assert!(names.contains(name), "{name}");
        }
    }

    #[test]
    fn what_only_the_system_makes_is_served_to_nobody() {
        for one in registry() {
            assert!(!matches!(&one.endpoint,
                Endpoint::Command(name) if Command::INTERNAL.contains(&name.as_str())));
        }
        assert_eq!(
            of_role(Role::Gateway).iter().filter(|e| e.path().starts_with("command.")).count(),
            Command::KINDS.len() - Command::INTERNAL.len() + 1
        );
    }

    #[test]
    fn the_language_has_one_hash() {
        let hash = schema_hash();
        assert_eq!((hash.len(), &hash), (64, &schema_hash()));
    }

    #[test]
    fn a_read_model_has_all_its_questions_and_speaks_of_itself() {
        for view in views() {
            let role = projector(view).expect("known");
            let asked = QUERIES.iter().filter(|kind| kind.view == view).count();
            assert_eq!(of_role(role).len(), asked + VIEW_VERBS.len());
        }
        assert_eq!(projector("nothing"), None);
    }

    #[test]
    fn every_question_is_served_by_exactly_one_role() {
        for kind in QUERIES {
            let path = question(kind.view, kind.name).path();
            let served: Vec<Registered> =
                registry().into_iter().filter(|one| one.path() == path).collect();
            let [one] = served.as_slice() else { panic!("{path}: {served:?}") };
            let by_gateway = GATEWAY_VIEWS.contains(&kind.view);
            assert_eq!(by_gateway, one.role == Role::Gateway, "{path}");
        }
    }
}
