//! Copies of a customer's state, for whoever wants to ask or try something of it.
//!
//! *Shape.* A request goes through the engine's queue like a command. The engine only copies; what
//! is reckoned on the copy is reckoned elsewhere.
//! *Correctness.* A copy holds what was decided, durable or not. It leaves the engine like an
//! answer does: only once all that it shows is durable.
//! *Limits.* Whoever asks takes a place first ([`crate::queue::Places`]), so that only so many
//! copies exist.

use ledger_core::{Claims, Ledger};
use schemas::ids::{CustomerId, PlanId};
use schemas::{StreamId, Timestamp};
use tokio::sync::oneshot;

/// The book and what was asked for of it: one customer, or those of a plan. The book alone where
/// there is no such customer.
#[derive(Debug, Clone)]
pub struct Excerpt {
    /// The state.
    pub ledger: Ledger,
    /// The book's present.
    pub now: Timestamp,
    /// The last commit that it holds.
    pub position: u64,
    /// When that commit was recorded.
    pub recorded_at: Option<Timestamp>,
    /// Of customers of a plan: the first that was not looked at.
    pub rest: Option<CustomerId>,
}

impl Excerpt {
    /// The revision of a stream in it, at its last commit that was no part of a decision.
    pub fn revision(&self, stream: StreamId) -> u64 {
        self.ledger.complete_revision(stream)
    }
}

/// Who is in a copy beside the book.
#[derive(Debug, Clone)]
pub(crate) enum CopyOf {
    /// A customer, if one is named, and what others have taken of what a command claims.
    Customer(Option<CustomerId>, Claims),
    /// So many customers at most that have a plan, from one on in the order of registration.
    Plan { plan: PlanId, first: Option<CustomerId>, most: usize },
}

/// Asks for a copy.
#[derive(Debug)]
pub(crate) struct CopyRequest {
    pub(crate) of: CopyOf,
    pub(crate) to: oneshot::Sender<Excerpt>,
}

/// A copy that waits until what it shows is durable. Dropping it says that the engine stopped.
#[derive(Debug)]
pub struct HeldCopy {
    pub(crate) to: oneshot::Sender<Excerpt>,
    pub(crate) excerpt: Excerpt,
}

impl HeldCopy {
    /// Hands it out.
    pub(crate) fn release(self) {
        // Who does not wait any more needs no copy.
        let _gone = self.to.send(self.excerpt);
    }
}
