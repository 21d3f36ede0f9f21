//! Events of decisions that take more than one commit: see [`crate::parts`].

use core::fmt;
use core::str::FromStr;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::currency::Currency;
use crate::event::{InvoiceLine, LineReversal};
use crate::ids::{CommandId, CreditNoteId, InvoiceId};
use crate::time::Date;

/// The other events of this commit are a part of what is decided of a command. They are so once
/// the commit of that command is there; never, if another commit of the stream comes before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PartDrafted {
    /// The command.
    pub of: CommandId,
    /// Which part, from 0.
    pub part: u32,
}

/// What earlier commits of the stream have drafted for the command of this one is so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionCompleted {
    /// The positions of these commits, in their order.
    pub parts: Vec<u64>,
    /// What has its lines in the parts.
    pub documents: Vec<DraftedLines>,
}

/// Lines that were drafted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DraftedLines {
    /// Whose lines they are.
    pub of: DraftedOf,
    /// How many there are.
    pub lines: u32,
    /// SHA-256 over the stored form of the lines, one after the other.
    #[schemars(with = "String")]
    pub hash: LinesHash,
}

/// Whose lines are drafted.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DraftedOf {
    /// An invoice that is issued.
    Invoice(InvoiceId),
    /// An invoice that is voided.
    Void(InvoiceId),
    /// A credit note: the time that it credits, then what it takes off each line.
    CreditNote(CreditNoteId),
}

/// Lines of an invoice that is not issued yet, behind those that were drafted before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InvoiceLinesDrafted {
    /// The invoice that they will be on.
    pub invoice: InvoiceId,
    /// The currency of their amounts.
    pub currency: Currency,
    /// The issue date, in the entity's zone.
    pub document_date: Date,
    /// The day they will be booked on.
    pub posting_date: Date,
    /// The lines.
    pub lines: Vec<InvoiceLine>,
}

/// Lines of an invoice that is to be voided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InvoiceLinesVoided {
    /// Which invoice.
    pub invoice: InvoiceId,
    /// Its cycles and charges are billed again.
    pub rebill: bool,
    /// These lines, reversed by what was left of each.
    pub lines: Vec<LineReversal>,
    /// Numbers of the credit lines among them whose time the credited line charges again.
    pub returned: Vec<u32>,
}

/// Lines of a credit note that is not issued yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CreditNoteLinesDrafted {
    /// The note that they will be on.
    pub note: CreditNoteId,
    /// The invoice that it credits.
    pub invoice: InvoiceId,
    /// The issue date, in the entity's zone.
    pub document_date: Date,
    /// The day it will be booked on.
    pub posting_date: Date,
    /// It credits time; else amounts.
    pub by_time: bool,
    /// What it takes off each of these lines.
    pub lines: Vec<LineReversal>,
    /// The time that it credits.
    pub credits: Vec<InvoiceLine>,
}

/// SHA-256 over lines; as a text, 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LinesHash(pub [u8; 32]);

impl fmt::Display for LinesHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for LinesHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no hash of lines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a SHA-256; give 64 hexadecimal digits")]
pub struct NotLinesHash(String);

impl FromStr for LinesHash {
    type Err = NotLinesHash;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let not = || NotLinesHash(text.to_owned());
        let mut hash = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err(not());
        }
        for (at, byte) in hash.iter_mut().enumerate() {
            let digits = text.get(2 * at..2 * at + 2).ok_or_else(not)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| not())?;
        }
        Ok(Self(hash))
    }
}

impl Serialize for LinesHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for LinesHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
        } else {
            <[u8; 32]>::deserialize(deserializer).map(Self)
        }
    }
}
