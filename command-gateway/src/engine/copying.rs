//! Making copies of the state, for those who asked for one.

use super::stepping::EngineCore;
use crate::copies::{CopyRequest, Excerpt, HeldCopy};
use crate::decider::Decider;

impl<D: Decider, W> EngineCore<D, W> {
    /// Copies what is asked for. It is held back with the answers of the open block.
    pub(crate) fn copy(&mut self, request: CopyRequest) {
        let excerpt = Excerpt {
            ledger: self.ledger().copy_for(request.customer, &request.claims),
            now: self.now(),
            position: self.next_position() - 1,
            recorded_at: self.recorded_at(),
        };
        self.hold_back(HeldCopy { to: request.to, excerpt });
    }
}
