//! Commands that must become what a preview showed.

use schemas::preview::PreviewToken;
use schemas::{Event, Rejection, Timestamp};

use super::stepping::EngineCore;
use crate::decider::Decider;
use crate::request::CommandRequest;

impl<D: Decider, W> EngineCore<D, W> {
    /// Why a command with the token of a preview would not become what was shown, if so. Before
    /// it is decided all but the result can be told.
    pub(super) fn stale(
        &self,
        request: &CommandRequest,
        effective_at: Timestamp,
        events: Option<&[Event]>,
    ) -> Option<Rejection> {
        let token = request.preview.as_ref()?;
        let now = PreviewToken {
            command_id: request.command_id,
            command: request.asked(),
            revision: self.fold.state.complete_revision(request.command.stream()),
            catalog: self.fold.state.catalog_revision(),
            effective_at,
            events: events.map_or(token.events, PreviewToken::of_events),
        };
        token.moved(&now).map(|moved| Rejection::PreviewStale { moved })
    }
}
