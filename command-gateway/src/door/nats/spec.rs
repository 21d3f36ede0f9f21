//! What is offered: one service for one book and role.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use schemas::subjects::{Registered, Role, of_role};
use schemas::text::BookName;
use serde_json::Value;
use uuid::Uuid;

/// One service of the NATS service API: everything that one role answers for one book.
#[derive(Clone)]
pub struct ServiceSpec {
    pub(super) book: BookName,
    pub(super) role: Role,
    pub(super) metadata: HashMap<String, String>,
    pub(super) endpoints: Vec<Registered>,
    pub(super) facts: Arc<dyn Fn() -> Value + Send + Sync>,
}

impl ServiceSpec {
    /// The gateway of a book: commands, feed, schemas, admin.
    pub fn gateway(book: &BookName, log: Uuid, schema_hash: &str) -> Self {
        Self::new(book, log, schema_hash, Role::Gateway, "gateway")
    }

    /// The projector of one read model of a book, at this version of the projection; none if
    /// there is no such read model.
    pub fn projector(
        book: &BookName,
        log: Uuid,
        schema_hash: &str,
        view: &str,
        version: u32,
    ) -> Option<Self> {
        let role = schemas::subjects::projector(view)?;
        let mut spec = Self::new(book, log, schema_hash, role, "projector");
        spec.metadata.insert("view".to_owned(), view.to_owned());
        spec.metadata.insert("view_version".to_owned(), version.to_string());
        Some(spec)
    }

    /// The same with what STATS says of the book beside the counters of the door. It is called
    /// while statistics are locked: it must be quick and must not wait.
    #[must_use]
    pub fn with_facts(mut self, facts: impl Fn() -> Value + Send + Sync + 'static) -> Self {
        self.facts = Arc::new(facts);
        self
    }

    fn new(book: &BookName, log: Uuid, schema_hash: &str, role: Role, word: &str) -> Self {
        let metadata = [
            ("book", book.to_string()),
            ("log", log.to_string()),
            ("role", word.to_owned()),
            ("schema_hash", schema_hash.to_owned()),
        ];
        Self {
            book: book.clone(),
            role,
            metadata: metadata.map(|(name, value)| (name.to_owned(), value)).into(),
            endpoints: of_role(role),
            facts: Arc::new(|| Value::Null),
        }
    }

    pub(super) fn description(&self) -> String {
        match self.role {
            Role::Gateway => format!("commands, feed and schemas of book {}", self.book),
            Role::Projector(view) => format!("the read model {view} of book {}", self.book),
        }
    }
}

impl fmt::Debug for ServiceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceSpec")
            .field("book", &self.book)
            .field("role", &self.role)
            .finish_non_exhaustive()
    }
}
