//! The first outcome of a repeated command, from the stored commit.

use schemas::changed::Changed;
use schemas::fields::Blank as _;
use schemas::{Command, CommitView, Event};
use vault::{Compared, KeyRing};

use crate::outcome::{Receipt, Refusal};
use crate::request::CommandRequest;

/// A repeated command, to be compared with the one that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirstOutcome {
    /// The position of the first one.
    pub position: u64,
    /// The command as it came now.
    pub request: CommandRequest,
}

impl FirstOutcome {
    /// The first outcome again, from the stored commit; refused if the content differs. `ring` is
    /// what texts are compared with, in a book that seals them.
    ///
    /// # Errors
    /// [`Refusal::IdempotencyKeyReused`]; [`Refusal::KeysMissing`] if the content may differ; or
    /// [`Refusal::Internal`] if the commit cannot be read.
    pub fn outcome(&self, stored: &[u8], ring: Option<&KeyRing>) -> Result<Receipt, Refusal> {
        let internal = |_| Refusal::Internal;
        let commit = CommitView::parse(stored).map_err(internal)?;
        let (command_id, position) = (self.request.command_id, commit.position);
        let reused = Err(Refusal::IdempotencyKeyReused { command_id, position });
        let command = Command::decode(commit.command).map_err(internal)?;
        // Left out, it was the time of recording; a caller that says so means the same.
        let effective_at = self.request.takes_effect().unwrap_or(commit.recorded_at);
        if commit.command_id != command_id || effective_at != commit.effective_at {
            return reused;
        }
        match self.compare(&commit, command, ring) {
            Compared::Same | Compared::Erased => {}
            Compared::Other => return reused,
            Compared::Unknown => return Err(Refusal::KeysMissing { command_id, position }),
        }
        let events =
            commit.events().map(|raw| Event::decode(raw.map_err(internal)?).map_err(internal));
        let events = events.collect::<Result<Vec<Event>, Refusal>>()?;
        Ok(Receipt {
            command_id,
            position: commit.position,
            stream: commit.stream,
            revision: commit.revision,
            recorded_at: commit.recorded_at,
            events: events.iter().map(|event| event.kind().name).collect(),
            duplicate: true,
            changed: Changed::of(&events),
        })
    }

    /// Whether the first one asked for the same. Texts are compared by their digests. If the first
    /// one's key was destroyed nobody can tell them apart any more, and the rest decides.
    fn compare(
        &self,
        first: &CommitView<'_>,
        command: Command,
        ring: Option<&KeyRing>,
    ) -> Compared {
        let request = &self.request;
        match (first.digest, request.sealed.digest()) {
            (None, None) if command == request.command => Compared::Same,
            (Some(digest), Some(_)) if command.blank() == request.command.clone().blank() => ring
                .map_or(Compared::Unknown, |ring| {
                    ring.compare(digest, &request.command, request.sealed.sealing())
                }),
            (None | Some(_), None | Some(_)) => Compared::Other,
        }
    }
}
