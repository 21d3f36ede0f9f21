//! Messages on the front doors: subjects, headers, answers, and frames for the Unix socket.
//!
//! # Shape
//!
//! A [`Message`] is a subject, headers and a body, as on NATS. On the Unix socket it travels in
//! a frame: `u32` big endian length of the rest, `u64` big endian request id, `u32` big endian
//! length of the head, the head as JSON (`{"subject", "headers"}`), then the body. A reply has
//! the id of its request; replies may come in any order.

use core::fmt;
use core::str::FromStr;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::changed::Changed;
use crate::ids::{BatchId, CommandId, derive};
use crate::preview::PreviewToken;
use crate::problem::Problem;
use crate::text::{Actor, BookName};
use crate::time::Timestamp;

/// The largest body of a request, and of an answer: 1 MiB less room for headers.
pub const MAX_BODY_BYTES: usize = 1024 * 1024 - 4096;
/// The largest frame on the Unix socket.
pub const MAX_FRAME_BYTES: usize = 1024 * 1024 + 64 * 1024;
/// Requests under way on one connection of the socket; what is beyond is answered *busy*.
pub const MAX_IN_FLIGHT: usize = 1_024;
/// The most commands in a batch.
pub const MAX_BATCH_COMMANDS: usize = 1_000;
/// The largest batch, in bytes.
pub const MAX_BATCH_BYTES: usize = 512 * 1024;

/// Names of headers. They are case-sensitive.
pub mod header {
    /// The command id; the idempotency key.
    pub const COMMAND_ID: &str = "Nats-Msg-Id";
    /// The sender's reason.
    pub const REASON: &str = "Billfold-Reason";
    /// Decide only at this revision of the stream.
    pub const EXPECTED_REVISION: &str = "Billfold-Expected-Revision";
    /// Answer a query only at this position or later.
    pub const AT_LEAST: &str = "Billfold-At-Least";
    /// Drop the command undecided after this instant.
    pub const DEADLINE: &str = "Billfold-Deadline";
    /// When the command takes effect.
    pub const EFFECTIVE_AT: &str = "Billfold-Effective-At";
    /// Commit what this token's preview showed, or nothing.
    pub const PREVIEW: &str = "Billfold-Preview";
    /// The batch that the command belongs to, a UUID; also if it is sent alone.
    pub const BATCH: &str = "Billfold-Batch";
    /// The client's session, a UUID; kept with the commit.
    pub const SESSION: &str = "Billfold-Session";
    /// Always `application/json`.
    pub const CONTENT_TYPE: &str = "Content-Type";
    /// Short text of an error (ADR-32).
    pub const SERVICE_ERROR: &str = "Nats-Service-Error";
    /// Numeric code of an error (ADR-32).
    pub const SERVICE_ERROR_CODE: &str = "Nats-Service-Error-Code";
    /// W3C trace context.
    pub const TRACEPARENT: &str = "traceparent";
}

/// Headers of a message.
pub type Headers = BTreeMap<String, String>;

/// A request on any door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where it goes.
    pub subject: String,
    /// What stands beside the body.
    pub headers: Headers,
    /// JSON.
    pub body: Vec<u8>,
}

/// An answer on any door. A failure has both error headers and a problem as body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// What stands beside the body.
    pub headers: Headers,
    /// JSON.
    pub body: Vec<u8>,
}

impl Reply {
    /// An answer with this document.
    pub fn json(value: &impl Serialize) -> Self {
        match serde_json::to_vec(value) {
            Ok(body) => Self { headers: Headers::new(), body },
            Err(error) => Self::problem(&Problem::fault(
                crate::problem::Fault::Internal,
                format!("the answer has no JSON form: {error}"),
            )),
        }
    }

    /// A failure.
    pub fn problem(problem: &Problem) -> Self {
        let headers = Headers::from([
            (header::SERVICE_ERROR_CODE.to_owned(), problem.status.to_string()),
            (header::SERVICE_ERROR.to_owned(), problem.code.clone()),
        ]);
        let body = serde_json::to_vec(problem)
            .expect("a problem has string keys and plain values: it always has a JSON form");
        Self { headers, body }
    }

    /// The answer failed.
    pub fn is_problem(&self) -> bool {
        self.headers.contains_key(header::SERVICE_ERROR_CODE)
    }
}

/// Where a request goes: `billfold.<book>.as.<actor>.` and one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Which book.
    pub book: BookName,
    /// Who asks.
    pub actor: Actor,
    /// What is asked.
    pub endpoint: Endpoint,
}

/// The last part of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// `command.<aggregate>.<verb>`: one command; holds `<aggregate>.<verb>`.
    Command(String),
    /// `command.batch`.
    Batch,
    /// `query.<view>.<name>`.
    Query {
        /// Which read model.
        view: String,
        /// Which question.
        name: String,
    },
    /// `feed.read`: commits after a position.
    Feed,
    /// `schema.get`.
    Schema,
    /// `admin.<verb>`.
    Admin(String),
}

/// A subject that leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a subject of billfold; use billfold.<book>.as.<actor>.command.<aggregate>.<verb> or billfold.<book>.as.<actor>.query.<view>.<name>"
)]
pub struct UnknownSubject(pub String);

impl FromStr for Subject {
    type Err = UnknownSubject;

    fn from_str(text: &str) -> Result<Self, UnknownSubject> {
        let wrong = || UnknownSubject(text.chars().take(200).collect());
        let tokens: Vec<&str> = text.split('.').collect();
        let ["billfold", book, "as", actor, rest @ ..] = tokens.as_slice() else {
            return Err(wrong());
        };
        let endpoint = match rest {
            ["command", "batch"] => Endpoint::Batch,
            ["command", aggregate, verb] => Endpoint::Command(format!("{aggregate}.{verb}")),
            ["query", view, name] => {
                Endpoint::Query { view: (*view).to_owned(), name: (*name).to_owned() }
            }
            ["feed", "read"] => Endpoint::Feed,
            ["schema", "get"] => Endpoint::Schema,
            ["admin", verb] => Endpoint::Admin((*verb).to_owned()),
            _ => return Err(wrong()),
        };
        Ok(Self {
            book: book.parse().map_err(|_| wrong())?,
            actor: actor.parse().map_err(|_| wrong())?,
            endpoint,
        })
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "billfold.{}.as.{}.{}", self.book, self.actor, self.endpoint)
    }
}

impl Endpoint {
    /// The part of a subject after the actor.
    pub fn path(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(name) => write!(f, "command.{name}"),
            Self::Batch => f.write_str("command.batch"),
            Self::Query { view, name } => write!(f, "query.{view}.{name}"),
            Self::Feed => f.write_str("feed.read"),
            Self::Schema => f.write_str("schema.get"),
            Self::Admin(verb) => write!(f, "admin.{verb}"),
        }
    }
}

/// A place in a log, opaque to clients: 32 hexadecimal digits of the log's id, and a number.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct LogPosition {
    /// Which log.
    pub log: Uuid,
    /// The last commit that is covered; 0 is before the first.
    pub position: u64,
}

impl fmt::Display for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.log.simple(), self.position)
    }
}

impl fmt::Debug for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no position.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a position; give back one that an answer of this book carried")]
pub struct NotPosition(pub String);

impl FromStr for LogPosition {
    type Err = NotPosition;

    fn from_str(text: &str) -> Result<Self, NotPosition> {
        let wrong = || NotPosition(text.chars().take(80).collect());
        let (log, position) = text.split_once(':').ok_or_else(wrong)?;
        Ok(Self {
            log: Uuid::try_parse(log).map_err(|_| wrong())?,
            position: position.parse().map_err(|_| wrong())?,
        })
    }
}

/// The answer to an accepted command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Accepted {
    /// The idempotency key.
    pub command_id: CommandId,
    /// Always `accepted`.
    pub status: String,
    /// The stream that it changed.
    pub stream: String,
    /// The stream's revision with it.
    pub revision: u64,
    /// What it became.
    pub events: Vec<EventRef>,
    /// Its position; give it to a query to read what you wrote.
    pub position: String,
    /// When it was committed.
    pub recorded_at: Timestamp,
    /// This is the answer of an earlier time: the command was accepted before.
    pub duplicate: bool,
    /// What it did to prices and to what was scheduled; left out where it did nothing to them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<Changed>,
}

/// One event in an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EventRef {
    /// `<log>:<position>:<index>`.
    pub id: String,
    /// Public name, such as `invoice.finalized`.
    #[serde(rename = "type")]
    pub kind: String,
}

/// Several commands in one request. It is not atomic: each is decided by itself, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// At most 1,000.
    pub commands: Vec<BatchCommand>,
}

impl Batch {
    /// Its id where none was given, from its first command: sent again, it is the same batch.
    pub fn derived_id(&self) -> Option<BatchId> {
        let first = self.commands.first()?;
        Some(BatchId::new(derive(first.command_id.uuid(), "batch")))
    }
}

/// One command of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchCommand {
    /// `<aggregate>.<verb>`.
    pub command: String,
    /// The idempotency key.
    pub command_id: CommandId,
    /// The command's own fields.
    pub body: Value,
    /// Decide only at this revision of the stream.
    pub expected_revision: Option<u64>,
    /// When it takes effect.
    pub effective_at: Option<Timestamp>,
    /// Drop it undecided after this instant.
    pub deadline: Option<Timestamp>,
    /// Commit what this token's preview showed, or nothing.
    pub preview: Option<PreviewToken>,
    /// The sender's reason.
    pub reason: Option<String>,
}

/// One answer of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum BatchAnswer {
    /// The command was accepted.
    Accepted(Accepted),
    /// It was not.
    Problem(Problem),
}

/// Answers in the order of the commands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BatchReply {
    /// One for each command.
    pub answers: Vec<BatchAnswer>,
}

#[derive(Serialize, Deserialize)]
struct FrameHead {
    subject: Option<String>,
    headers: Headers,
}

/// What a frame holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Ties a reply to its request.
    pub id: u64,
    /// Requests have one; replies do not.
    pub subject: Option<String>,
    /// What stands beside the body.
    pub headers: Headers,
    /// JSON.
    pub body: Vec<u8>,
}

/// Bytes that are no frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}; the connection cannot be used any further")]
pub struct FrameError(pub &'static str);

impl Frame {
    /// The frame's bytes without the leading length.
    pub fn to_bytes(&self) -> Vec<u8> {
        let head = FrameHead { subject: self.subject.clone(), headers: self.headers.clone() };
        let head = serde_json::to_vec(&head)
            .expect("a frame's head has string keys and values: it always has a JSON form");
        let head_length = u32::try_from(head.len()).unwrap_or(u32::MAX);
        let mut out = Vec::with_capacity(12 + head.len() + self.body.len());
        out.extend_from_slice(&self.id.to_be_bytes());
        out.extend_from_slice(&head_length.to_be_bytes());
        out.extend_from_slice(&head);
        out.extend_from_slice(&self.body);
        out
    }

    /// The frame as it stands on the socket: its length in four bytes, big endian, and its bytes.
    pub fn with_length(&self) -> Vec<u8> {
        let bytes = self.to_bytes();
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let mut out = Vec::with_capacity(4 + bytes.len());
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&bytes);
        out
    }

    /// Reads what [`Frame::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`FrameError`] says what does not fit.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrameError> {
        let (id, rest) = bytes.split_first_chunk().ok_or(FrameError("the frame has no id"))?;
        let (length, rest) =
            rest.split_first_chunk().ok_or(FrameError("the frame has no head length"))?;
        let length = usize::try_from(u32::from_be_bytes(*length))
            .map_err(|_| FrameError("the frame's head is too long"))?;
        if length > rest.len() {
            return Err(FrameError("the frame's head is longer than the frame"));
        }
        let (head, body) = rest.split_at(length);
        let head: FrameHead =
            serde_json::from_slice(head).map_err(|_| FrameError("the frame's head is not JSON"))?;
        Ok(Self {
            id: u64::from_be_bytes(*id),
            subject: head.subject,
            headers: head.headers,
            body: body.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_read_and_print() {
        for text in [
            "billfold.acme.as.ada.command.payment.record",
            "billfold.acme.as.ada.command.batch",
            "billfold.acme.as.ada.query.invoices.list",
            "billfold.acme.as.ada.feed.read",
            "billfold.acme.as.ada.schema.get",
        ] {
            assert_eq!(text.parse::<Subject>().map(|s| s.to_string()), Ok(text.to_owned()));
        }
        for text in [
            "billfold.acme.command.x.y",
            "billfold.a b.as.ada.feed.read",
            "",
            "billfold.acme.as.ada.query.invoices",
        ] {
            assert!(text.parse::<Subject>().is_err(), "{text}");
        }
    }

    #[test]
    fn frames_read_back_and_torn_ones_are_refused() {
        let frame = Frame {
            id: 7,
            subject: Some("billfold.acme.as.ada.feed.read".to_owned()),
            headers: Headers::from([("traceparent".to_owned(), "00".to_owned())]),
            body: b"{}".to_vec(),
        };
        let bytes = frame.to_bytes();
        assert_eq!(Frame::from_bytes(&bytes), Ok(frame));
        for cut in 0..12 {
            assert!(Frame::from_bytes(&bytes[..cut]).is_err());
        }
    }
}
