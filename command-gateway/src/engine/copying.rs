//! Making copies of the state, for those who asked for one.

use super::stepping::EngineCore;
use crate::copies::{CopyOf, CopyRequest, Excerpt, HeldCopy};
use crate::decider::Decider;

impl<D: Decider, W> EngineCore<D, W> {
    /// Copies what is asked for. It is held back with the answers of the open block.
    pub(crate) fn copy(&mut self, request: CopyRequest) {
        let (ledger, rest) = match request.of {
            CopyOf::Customer(customer, claims) => (self.ledger().copy_for(customer, &claims), None),
            CopyOf::Plan { plan, first, most } => self.ledger().copy_with_plan(plan, first, most),
        };
        let excerpt = Excerpt {
            ledger,
            now: self.now(),
            position: self.next_position() - 1,
            recorded_at: self.recorded_at(),
            rest,
        };
        self.hold_back(HeldCopy { to: request.to, excerpt });
    }
}
