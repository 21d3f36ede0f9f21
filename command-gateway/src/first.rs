//! The first outcome of a repeated command, from the stored commit.

use schemas::fields::Blank as _;
use schemas::ids::CommandId;
use schemas::{Command, CommitView, Event};

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
    /// The first outcome again, from the stored commit; refused if the content differs.
    ///
    /// # Errors
    /// [`Refusal::IdempotencyKeyReused`], or [`Refusal::Internal`] if the commit cannot be read.
    pub fn outcome(&self, stored: &[u8]) -> Result<Receipt, Refusal> {
        let internal = |_| Refusal::Internal;
        let commit = CommitView::parse(stored).map_err(internal)?;
        let command_id: CommandId = self.request.command_id;
        let command = Command::decode(commit.command).map_err(internal)?;
        // Left out, it was the time of recording; a caller that says so means the same.
        let effective_at = self.request.takes_effect().unwrap_or(commit.recorded_at);
        let same = self.is_asked(&commit, command) && effective_at == commit.effective_at;
        if commit.command_id != command_id || !same {
            let position = commit.position;
            return Err(Refusal::IdempotencyKeyReused { command_id, position });
        }
        let events =
            commit.events().map(|raw| raw.map_err(internal).and_then(|raw| name_of(raw.type_id)));
        Ok(Receipt {
            command_id,
            position: commit.position,
            stream: commit.stream,
            revision: commit.revision,
            recorded_at: commit.recorded_at,
            events: events.collect::<Result<_, _>>()?,
            duplicate: true,
        })
    }

    /// Whether the first one asked for the same. Texts are compared by their digests. If the first
    /// one's key was destroyed nobody can tell them apart any more, and the rest decides.
    fn is_asked(&self, first: &CommitView<'_>, command: Command) -> bool {
        let request = &self.request;
        match (first.digest, request.sealed.digest()) {
            (None, None) => command == request.command,
            (Some(first), Some(now)) => {
                let comparable = first.key == now.key && !request.sealed.is_void();
                let texts = !comparable || first.mac == now.mac;
                texts && command.blank() == request.command.clone().blank()
            }
            (Some(_), None) | (None, Some(_)) => false,
        }
    }
}

fn name_of(event_type: u16) -> Result<&'static str, Refusal> {
    let kind = Event::KINDS.iter().find(|kind| kind.type_id == event_type);
    kind.map(|kind| kind.name).ok_or(Refusal::Internal)
}
