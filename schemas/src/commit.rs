//! The commit: one accepted command and the events it became. Never split.
//!
//! # Shape
//!
//! `2u8` (format version), then head, origin and digest in postcard, then the command record,
//! then the number of event records as a varint, then the event records. Format 1 has neither
//! origin nor digest. A record is its type (u16, little endian), its version (u8), its length as a
//! varint, and its postcard bytes. The whole is at most [`MAX_COMMIT_BYTES`] long and is a leaf of
//! the log's Merkle tree.

use serde::{Deserialize, Serialize};

use crate::command::Command;
use crate::event::Event;
use crate::ids::{BatchId, CommandId, SessionId};
use crate::personal::{CommandDigest, Personal};
use crate::record::{
    DecodeError, RawRecord, from_stored, put_record, put_varint, take_record, take_varint,
};
use crate::stream::StreamId;
use crate::text::Actor;
use crate::time::Timestamp;

/// The largest commit, in bytes: 256 KiB.
pub const MAX_COMMIT_BYTES: usize = 256 * 1024;

/// The form of the bytes described in this module.
const FORMAT: u8 = 2;
/// The form before commits had an origin. It is still read.
const WITHOUT_ORIGIN: u8 = 1;

/// The commit that brought this one about, for commands that the system makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Cause {
    /// Its position.
    pub position: u64,
}

/// What a command came in with: all that was done together can be found, and taken back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The batch.
    pub batch: Option<BatchId>,
    /// The client's session.
    pub session: Option<SessionId>,
}

/// One accepted command with everything it became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Its place in the log: 1, 2, 3 … without gaps.
    pub position: u64,
    /// What it changed.
    pub stream: StreamId,
    /// Its place in the stream: 1, 2, 3 … without gaps.
    pub revision: u64,
    /// The idempotency key.
    pub command_id: CommandId,
    /// Who submitted it.
    pub actor: Actor,
    /// Why, in the sender's words.
    pub reason: Option<Personal>,
    /// When it was committed; never before the commit in front of it.
    pub recorded_at: Timestamp,
    /// When it takes effect in the business.
    pub effective_at: Timestamp,
    /// What brought it about, if not a person or program outside.
    pub cause: Option<Cause>,
    /// What it came in with.
    pub origin: Origin,
    /// Of the personal texts in what was asked, where they are sealed.
    pub digest: Option<CommandDigest>,
    /// What was asked.
    pub command: Command,
    /// What was decided.
    pub events: Vec<Event>,
}

#[derive(Serialize, Deserialize)]
struct Head<'a> {
    position: u64,
    stream: StreamId,
    revision: u64,
    command_id: CommandId,
    actor: &'a str,
    reason: Option<Personal>,
    recorded_at: Timestamp,
    effective_at: Timestamp,
    cause: Option<Cause>,
}

/// What stands before the command in the newest form.
type Newest<'a> = (Head<'a>, Origin, Option<CommandDigest>);

impl Commit {
    /// The stored bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let head = Head {
            position: self.position,
            stream: self.stream,
            revision: self.revision,
            command_id: self.command_id,
            actor: self.actor.as_str(),
            reason: self.reason.clone(),
            recorded_at: self.recorded_at,
            effective_at: self.effective_at,
            cause: self.cause,
        };
        let mut out = Vec::with_capacity(1_024);
        out.push(FORMAT);
        let mut out = postcard::to_extend(&(head, self.origin, self.digest), out)
            .expect("a commit's head always encodes: memory is its only limit");
        let body = self.command.encode_body(Vec::with_capacity(512));
        put_record(&mut out, self.command.kind(), &body);
        put_varint(&mut out, self.events.len());
        let mut body = body;
        for event in &self.events {
            body.clear();
            body = event.encode_body(body);
            put_record(&mut out, event.kind(), &body);
        }
        out
    }

    /// Reads stored bytes whole.
    ///
    /// # Errors
    /// [`DecodeError`]: unknown types, or bytes that are no commit.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let view = CommitView::parse(bytes)?;
        Ok(Self {
            position: view.position,
            stream: view.stream,
            revision: view.revision,
            command_id: view.command_id,
            actor: view
                .actor
                .parse()
                .map_err(|_| DecodeError::Malformed { what: "the actor of a commit" })?,
            reason: view.reason.clone(),
            recorded_at: view.recorded_at,
            effective_at: view.effective_at,
            cause: view.cause,
            origin: view.origin,
            digest: view.digest,
            command: Command::decode(view.command)?,
            events: view.events().map(|raw| Event::decode(raw?)).collect::<Result<_, _>>()?,
        })
    }
}

/// A commit read in place: the head decoded, the records not yet. For fast folds.
#[derive(Debug, Clone)]
pub struct CommitView<'a> {
    /// Its place in the log.
    pub position: u64,
    /// What it changed.
    pub stream: StreamId,
    /// Its place in the stream.
    pub revision: u64,
    /// The idempotency key.
    pub command_id: CommandId,
    /// Who submitted it.
    pub actor: &'a str,
    /// Why, in the sender's words.
    pub reason: Option<Personal>,
    /// When it was committed.
    pub recorded_at: Timestamp,
    /// When it takes effect.
    pub effective_at: Timestamp,
    /// What brought it about.
    pub cause: Option<Cause>,
    /// What it came in with.
    pub origin: Origin,
    /// Of the personal texts in what was asked.
    pub digest: Option<CommandDigest>,
    /// What was asked, still stored bytes.
    pub command: RawRecord<'a>,
    event_count: usize,
    event_bytes: &'a [u8],
}

impl<'a> CommitView<'a> {
    /// Reads the head and finds the records.
    ///
    /// # Errors
    /// [`DecodeError`] when the bytes are no commit.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        const WHAT: &str = "a commit";
        let (head, origin, digest, mut rest) = match bytes {
            [FORMAT, rest @ ..] => {
                let ((head, origin, digest), rest) = take_head::<Newest<'a>>(rest)?;
                (head, origin, digest, rest)
            }
            [WITHOUT_ORIGIN, rest @ ..] => {
                let (head, rest) = take_head::<Head<'a>>(rest)?;
                (head, Origin::default(), None, rest)
            }
            _ => return Err(DecodeError::Malformed { what: "the format version of a commit" }),
        };
        let command = take_record(&mut rest, WHAT)?;
        let event_count = take_varint(&mut rest, WHAT)?;
        Ok(Self {
            position: head.position,
            stream: head.stream,
            revision: head.revision,
            command_id: head.command_id,
            actor: head.actor,
            reason: head.reason,
            recorded_at: head.recorded_at,
            effective_at: head.effective_at,
            cause: head.cause,
            origin,
            digest,
            command,
            event_count,
            event_bytes: rest,
        })
    }

    /// The event records in order. The last item is an error if bytes are left over.
    pub fn events(&self) -> impl Iterator<Item = Result<RawRecord<'a>, DecodeError>> + use<'a> {
        const WHAT: &str = "the events of a commit";
        let mut rest = self.event_bytes;
        let mut left = self.event_count;
        let mut done = false;
        core::iter::from_fn(move || {
            if done {
                return None;
            }
            if left == 0 {
                done = true;
                let left = rest.len();
                return (left > 0).then_some(Err(DecodeError::TrailingBytes { what: WHAT, left }));
            }
            left -= 1;
            let record = take_record(&mut rest, WHAT);
            done = record.is_err();
            Some(record)
        })
    }

    /// How many events there are.
    pub const fn event_count(&self) -> usize {
        self.event_count
    }
}

fn take_head<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<(T, &'a [u8]), DecodeError> {
    postcard::take_from_bytes(bytes)
        .map_err(|_| DecodeError::Malformed { what: "the head of a commit" })
}

/// A command as it is compared for idempotency: its number, version and stored bytes.
pub fn canonical_command(command: &Command) -> Vec<u8> {
    let body = command.encode_body(Vec::with_capacity(128));
    let mut out = Vec::with_capacity(body.len() + 8);
    put_record(&mut out, command.kind(), &body);
    out
}

/// The same, from a stored record.
pub fn canonical_record(raw: RawRecord<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.body.len() + 8);
    let kind = crate::record::RecordKind { type_id: raw.type_id, version: raw.version, name: "" };
    put_record(&mut out, kind, raw.body);
    out
}

/// Reads one stored value of this crate and refuses left-over bytes.
///
/// # Errors
/// [`DecodeError`] when the bytes are not such a value.
pub fn decode_stored<'a, T: Deserialize<'a>>(
    bytes: &'a [u8],
    what: &'static str,
) -> Result<T, DecodeError> {
    from_stored(bytes, what)
}
