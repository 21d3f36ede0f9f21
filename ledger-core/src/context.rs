//! What a decision may look at besides its customer.

use schemas::Timestamp;
use schemas::ids::CommandId;

use crate::book::state::BookState;
use crate::catalog::state::Catalog;
use crate::registry::Registry;
use crate::seller::state::Sellers;

/// What the engine stamps a command with, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The command's id; ids of what it causes are derived from it.
    pub command_id: CommandId,
    /// When it is committed. On a test book: the test clock.
    pub recorded_at: Timestamp,
    /// When it takes effect.
    pub effective_at: Timestamp,
}

/// The book's facts, what is unique across customers, and the command's stamp.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    pub(crate) book: &'a BookState,
    pub(crate) sellers: &'a Sellers,
    pub(crate) catalog: &'a Catalog,
    pub(crate) registry: &'a Registry,
    pub(crate) stamp: &'a Stamp,
}
