//! What goes into the engine's core and what comes out of it.

use std::sync::Arc;

use event_log::Block;
use ledger_core::Away;
use schemas::fields::Erasure;
use schemas::ids::CustomerId;
use vault::FreshKey;

use crate::copies::HeldCopy;
use crate::first::FirstOutcome;
use crate::outcome::{Receipt, Refusal};
use crate::progress::JobsReached;
use crate::request::CommandRequest;

/// A command with the one who waits for its answer.
#[derive(Debug)]
pub struct Offer<W> {
    /// The command.
    pub request: CommandRequest,
    /// Whatever finds the one who waits.
    pub waiter: W,
}

/// What became of an offer.
#[derive(Debug)]
pub enum Offered<W> {
    /// It was decided. Its answer is in the open block.
    Taken,
    /// The open block is full. Seal it, then offer this again.
    Full(Box<Offer<W>>),
    /// A decision could not be folded in: the state is no longer to be trusted. The open block must
    /// not be written, and the engine must stop. The last answer belongs to the command.
    Broken(Box<Offer<W>>),
    /// Something has to be read back first. Read it, bring it back, then offer this again.
    Away(Box<Offer<W>>, Away),
    /// It is to be reckoned beside the engine. Have that done, then offer this again.
    Heavy(Box<Offer<W>>),
    /// A part of it is in the open block. Offer this again for the next.
    Drafting(Box<Offer<W>>),
}

/// The decision on one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is a commit of the block.
    Accepted(Receipt),
    /// Its id was accepted before. The first outcome is in the log.
    Repeated(Box<FirstOutcome>),
    /// It was refused.
    Refused(Refusal),
}

/// An answer that is held back until its block is durable.
#[derive(Debug)]
pub struct Answer<W> {
    /// Who waits.
    pub waiter: W,
    /// For what.
    pub verdict: Verdict,
}

/// A sealed block with what may be said once it is durable.
#[derive(Debug)]
pub struct Decided<W> {
    /// The commits; possibly none.
    pub block: Block,
    /// The position of the first.
    pub first_position: u64,
    /// The answers, in the order of the commands.
    pub answers: Vec<Answer<W>>,
    /// Copies that were asked for.
    pub copies: Vec<HeldCopy>,
    /// How far jobs are with it.
    pub jobs: JobsReached,
    /// Keys that its commits are the first to use.
    pub keys: Vec<Arc<FreshKey>>,
    /// Customers that it erases.
    pub erased: Vec<(CustomerId, Erasure)>,
}
