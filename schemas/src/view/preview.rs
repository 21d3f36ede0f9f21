//! Answers of the queries `preview`: what would be, in the form of the real thing.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::changed::Changed;
use crate::event::{CreditNoteIssued, InvoiceFinalized};
use crate::feed::FeedRecord;
use crate::ids::{CommandId, CustomerId};
use crate::preview::PreviewToken;
use crate::time::Timestamp;

/// What a command would become.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommandPreview {
    /// The command, such as `subscription.cancel`.
    pub command: String,
    /// The id that it must be sent with, to become exactly this.
    pub command_id: CommandId,
    /// When it would take effect.
    pub effective_at: Timestamp,
    /// The book's present that it was decided at.
    pub recorded_at: Timestamp,
    /// The revision of its stream that it was decided on.
    pub revision: u64,
    /// The events, as the feed would show them. They have no ids yet.
    pub events: Vec<FeedRecord>,
    /// What it would do to prices and to what is scheduled; left out where it would do nothing to
    /// them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<Changed>,
    /// Send the same command with the same id and this as `preview`: it becomes exactly this, or
    /// is refused with `preview_stale`.
    pub token: PreviewToken,
    /// What an answer has no room for; left out where it shows everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<LeftOut>,
}

/// What of a preview an answer has no room for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LeftOut {
    /// How many lines of documents; totals are those of all lines.
    pub lines: u32,
    /// How many other events.
    pub events: u32,
}

/// The invoice that a customer would get.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InvoicePreview {
    /// Whose.
    pub customer: CustomerId,
    /// When it would be issued; none if nothing is due, ever.
    pub at: Option<Timestamp>,
    /// The invoice; none if there would be none.
    pub invoice: Option<InvoiceFinalized>,
    /// The credit notes that would be issued as well, or alone.
    pub notes: Vec<CreditNoteIssued>,
    /// Every event of the commit, as the feed would show them.
    pub events: Vec<FeedRecord>,
    /// The command that issues it now; none for an invoice of a later date.
    pub command: Option<PreviewedCommand>,
    /// What an answer has no room for; left out where it shows everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left_out: Option<LeftOut>,
}

/// A command that commits what a preview showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PreviewedCommand {
    /// Its name.
    pub command: String,
    /// Its id.
    pub command_id: CommandId,
    /// Its fields.
    pub body: Value,
    /// The token to send with it as `preview`.
    pub token: PreviewToken,
}
