//! The feed: the log's commits as JSON, in order, for whoever follows a book.
//!
//! # Shape
//!
//! `feed.read` takes a [`FeedRead`] and gives a [`FeedPage`] of [`FeedEntry`]s. A consumer keeps
//! the position of the last entry that it has worked off and asks for what is behind it.
//! Positions of one log count up by one, so a gap is seen.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{BatchId, SessionId};
use crate::text::Actor;
use crate::time::Timestamp;
use crate::view::Page;

/// The request of `feed.read`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeedRead {
    /// Commits behind this position; from the first if left out.
    pub after: Option<String>,
    /// At most so many; 50 unless given, at most 500.
    pub limit: Option<u32>,
    /// Only commits with an event of one of these public names.
    pub types: Option<Vec<String>>,
    /// Only commits of this stream: `book`, or a customer's id.
    pub stream: Option<String>,
    /// Only commits that came in with this batch.
    pub batch: Option<BatchId>,
    /// Only commits that came in with this session.
    pub session: Option<SessionId>,
    /// Only commits that this actor submitted.
    pub actor: Option<Actor>,
    /// If there is nothing new, wait so long for something; at most 30,000.
    pub wait_ms: Option<u64>,
}

/// A record of a commit: a command or an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FeedRecord {
    /// `<log>:<position>:<index>`; only events have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Public name.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its fields, as the schema of that name says; null where the commit is too large for a
    /// message.
    pub body: Value,
}

/// One commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FeedEntry {
    /// Its position, as an opaque token.
    pub position: String,
    /// What it changed.
    pub stream: String,
    /// Its place in the stream.
    pub revision: u64,
    /// The idempotency key.
    pub command_id: String,
    /// What was asked.
    pub command: FeedRecord,
    /// What was decided.
    pub events: Vec<FeedRecord>,
    /// When it was committed.
    pub recorded_at: Timestamp,
    /// When it takes effect.
    pub effective_at: Timestamp,
    /// Who submitted it.
    pub actor: String,
    /// Why, in the sender's words.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub reason: Value,
    /// The position of the commit that brought it about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The batch that the command came in with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<BatchId>,
    /// The session that the command came in with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// Bodies are left out, because the commit is too large for a message.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub bodies_left_out: bool,
}

impl FeedEntry {
    /// The same without the bodies of its records.
    #[must_use]
    pub fn without_bodies(mut self) -> Self {
        for record in self.events.iter_mut().chain([&mut self.command]) {
            record.body = Value::Null;
        }
        self.bodies_left_out = true;
        self
    }
}

/// The answer of `feed.read`: commits in order. `next` is where to go on, also when a filter let
/// nothing through; `has_more` says whether something is there already.
pub type FeedPage = Page<FeedEntry>;
