//! The token of a preview: commits exactly what was shown, or nothing.
//!
//! # Shape
//!
//! A [`PreviewToken`] holds what a decision rested on and what it was: the command with its id,
//! the revision of its stream, the revision of the book (catalog, sellers, coupons), the effective
//! time, and a digest of the events. As a text it is opaque: `pv1_` and hexadecimal digits.
//!
//! # Correctness
//!
//! Numbers of invoices and credit notes are no part of the digest: other customers' documents may
//! take numbers in between, and nothing that was shown depends on them. Time is no part of it
//! either, except where it shows: an invoice of the next day has another date.

use crate::event::{BillingEvent, SettlementEvent};
use core::fmt;
use core::str::FromStr;

use sha2::{Digest as _, Sha256};

use crate::command::Command;
use crate::commit::canonical_command;
use crate::event::Event;
use crate::fields::Blank as _;
use crate::ids::CommandId;
use crate::text::Code;
use crate::time::Timestamp;

/// How every token starts; a changed form gets another one.
const PREFIX: &str = "pv1_";
/// Bytes of a digest that are kept.
const DIGEST: usize = 16;
/// Id, command, two revisions, effective time, events.
const PAYLOAD: usize = 16 + DIGEST + 8 + 8 + 8 + DIGEST;
/// Bytes that tell a mistyped token from another one.
const CHECK: usize = 4;

/// What a preview was decided on, and what it decided.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PreviewToken {
    /// The id that the command must be sent with: ids of what it causes follow from it.
    pub command_id: CommandId,
    /// The command.
    pub command: [u8; DIGEST],
    /// The revision of its stream.
    pub revision: u64,
    /// The revision of the book.
    pub catalog: u64,
    /// When it takes effect.
    pub effective_at: Timestamp,
    /// What it becomes.
    pub events: [u8; DIGEST],
}

/// A text that is no token of a preview.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a token of a preview; give back the whole text that a preview answered with")]
pub struct NotPreviewToken(pub String);

impl PreviewToken {
    /// What the token says of a command, with its texts as they were sent.
    pub fn of_command(command: &Command) -> [u8; DIGEST] {
        kept(Sha256::digest(canonical_command(command)).as_slice())
    }

    /// What the token says of events: all but the numbers of documents.
    pub fn of_events(events: &[Event]) -> [u8; DIGEST] {
        let mut hash = Sha256::new();
        for event in events {
            let body = unnumbered(event).encode_body(Vec::with_capacity(256));
            let (type_id, length) = (event.kind().type_id, body.len() as u64);
            hash.update(type_id.to_le_bytes());
            hash.update(length.to_le_bytes());
            hash.update(&body);
        }
        kept(hash.finalize().as_slice())
    }

    /// What has moved between the preview and a decision, if anything: what a rejection names.
    pub fn moved(&self, now: &Self) -> Option<&'static str> {
        [
            (self.command_id == now.command_id, "the command's id"),
            (self.command == now.command, "the command"),
            (self.revision == now.revision, "the customer"),
            (self.catalog == now.catalog, "the catalog"),
            (self.effective_at == now.effective_at, "the effective time"),
            (self.events == now.events, "the result"),
        ]
        .into_iter()
        .find_map(|(same, what)| (!same).then_some(what))
    }

    fn payload(&self) -> [u8; PAYLOAD] {
        let mut payload = [0; PAYLOAD];
        let mut rest = payload.as_mut_slice();
        let mut put = |bytes: &[u8]| {
            let (part, behind) = core::mem::take(&mut rest).split_at_mut(bytes.len());
            part.copy_from_slice(bytes);
            rest = behind;
        };
        put(self.command_id.uuid().as_bytes());
        put(&self.command);
        put(&self.revision.to_be_bytes());
        put(&self.catalog.to_be_bytes());
        put(&self.effective_at.micros().to_be_bytes());
        put(&self.events);
        payload
    }

    fn from_payload(payload: &[u8]) -> Option<Self> {
        let (id, rest) = payload.split_first_chunk::<16>()?;
        let (command, rest) = rest.split_first_chunk::<DIGEST>()?;
        let (revision, rest) = rest.split_first_chunk::<8>()?;
        let (catalog, rest) = rest.split_first_chunk::<8>()?;
        let (effective_at, rest) = rest.split_first_chunk::<8>()?;
        let (events, []) = rest.split_first_chunk::<DIGEST>()? else { return None };
        Some(Self {
            command_id: CommandId::new(uuid::Uuid::from_bytes(*id)),
            command: *command,
            revision: u64::from_be_bytes(*revision),
            catalog: u64::from_be_bytes(*catalog),
            effective_at: Timestamp::from_micros(i64::from_be_bytes(*effective_at))?,
            events: *events,
        })
    }
}

fn kept(digest: &[u8]) -> [u8; DIGEST] {
    let mut kept = [0; DIGEST];
    kept.copy_from_slice(&digest[..DIGEST]);
    kept
}

fn check_of(payload: &[u8]) -> [u8; CHECK] {
    let digest = Sha256::digest(payload);
    [digest[0], digest[1], digest[2], digest[3]]
}

/// The event without what other customers' documents may take (its number), and without personal
/// texts: they come from the command, and are sealed anew each time.
fn unnumbered(event: &Event) -> Event {
    let none = || "0".parse::<Code>().expect("a digit is a code");
    let mut event = event.clone().blank();
    if let Event::Billing(BillingEvent::InvoiceFinalized(invoice)) = &mut event {
        (invoice.sequence, invoice.number) = (0, none());
    } else if let Event::Settlement(SettlementEvent::CreditNoteIssued(note)) = &mut event {
        (note.sequence, note.number) = (0, none());
    }
    event
}

impl fmt::Display for PreviewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let payload = self.payload();
        f.write_str(PREFIX)?;
        payload.iter().chain(&check_of(&payload)).try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PreviewToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PreviewToken {
    type Err = NotPreviewToken;

    fn from_str(text: &str) -> Result<Self, NotPreviewToken> {
        let wrong = || NotPreviewToken(text.chars().take(80).collect());
        let digits = text.strip_prefix(PREFIX).ok_or_else(wrong)?;
        if digits.len() != 2 * (PAYLOAD + CHECK) || !digits.is_ascii() {
            return Err(wrong());
        }
        let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| wrong());
        let bytes = (0..digits.len()).step_by(2).map(byte).collect::<Result<Vec<u8>, _>>()?;
        let (payload, check) = bytes.split_at(PAYLOAD);
        if check_of(payload) != check {
            return Err(wrong());
        }
        Self::from_payload(payload).ok_or_else(wrong)
    }
}

impl serde::Serialize for PreviewToken {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for PreviewToken {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for PreviewToken {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "PreviewToken".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "An opaque text that a preview answered with: the command commits \
                exactly what was shown, or is refused.",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::PlanId;
    use uuid::Uuid;

    fn token() -> PreviewToken {
        let plan = PlanId::new(Uuid::from_u128(7));
        let command = Command::from(crate::command::RetirePlan { plan });
        PreviewToken {
            command_id: CommandId::new(Uuid::from_u128(42)),
            command: PreviewToken::of_command(&command),
            revision: 3,
            catalog: 9,
            effective_at: Timestamp::from_micros(-1).expect("in range"),
            events: PreviewToken::of_events(&[]),
        }
    }

    #[test]
    fn a_token_reads_back_and_a_mistyped_one_is_refused() {
        let text = token().to_string();
        assert_eq!(text.parse(), Ok(token()));
        for at in PREFIX.len()..text.len() {
            let mut wrong = text.clone().into_bytes();
            wrong[at] = if wrong[at] == b'0' { b'1' } else { b'0' };
            let wrong = String::from_utf8(wrong).expect("ASCII");
            assert!(wrong.parse::<PreviewToken>().is_err(), "{wrong}");
        }
        for wrong in ["", "pv1_", "pv1_é", &text[..text.len() - 2]] {
            assert!(wrong.parse::<PreviewToken>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_first_thing_that_moved_is_named() {
        assert_eq!(token().moved(&token()), None);
        let moved = PreviewToken { revision: 4, catalog: 1, ..token() };
        assert_eq!(token().moved(&moved), Some("the customer"));
        let moved = PreviewToken { events: [1; DIGEST], ..token() };
        assert_eq!(token().moved(&moved), Some("the result"));
    }
}
