//! A command with everything that came along with it.

use schemas::ids::CommandId;
use schemas::preview::PreviewToken;
use schemas::text::Actor;
use schemas::{Command, Origin, Personal, Timestamp};
use vault::{Vault, VaultError};

use crate::sealed::Sealed;

/// A command as a door hands it to the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandRequest {
    /// The idempotency key.
    pub command_id: CommandId,
    /// What is asked.
    pub command: Command,
    /// Who asks.
    pub actor: Actor,
    /// Why, in the sender's words.
    pub reason: Option<Personal>,
    /// When it takes effect; when it is recorded if left out.
    pub effective_at: Option<Timestamp>,
    /// Decide only if the stream is at this revision. No part of the body: a repeated command is
    /// known again before this is looked at.
    pub expected_revision: Option<u64>,
    /// Commit what this token's preview showed, or nothing. No part of the body either.
    pub preview: Option<PreviewToken>,
    /// Drop the command undecided after this instant of the machine's clock.
    pub deadline: Option<Timestamp>,
    /// The batch and the session that it came in with.
    pub origin: Origin,
    /// What goes along with it once its personal texts are sealed.
    pub sealed: Sealed,
}

impl CommandRequest {
    /// A command without anything that may be left out.
    pub fn new(command_id: CommandId, actor: Actor, command: impl Into<Command>) -> Self {
        Self {
            command_id,
            command: command.into(),
            actor,
            reason: None,
            effective_at: None,
            expected_revision: None,
            preview: None,
            deadline: None,
            origin: Origin::default(),
            sealed: Sealed::default(),
        }
    }

    /// The same, to take effect at an instant.
    #[must_use]
    pub fn effective(mut self, at: Timestamp) -> Self {
        self.effective_at = Some(at);
        self
    }

    /// The same, to be decided only at this revision of its stream.
    #[must_use]
    pub fn at_revision(mut self, revision: u64) -> Self {
        self.expected_revision = Some(revision);
        self
    }

    /// The same, to commit what a preview showed, or nothing.
    #[must_use]
    pub fn as_previewed(mut self, token: PreviewToken) -> Self {
        self.preview = Some(token);
        self
    }

    /// When it takes effect, if that is said: where a preview was shown, when that was.
    pub fn takes_effect(&self) -> Option<Timestamp> {
        self.effective_at.or(self.preview.map(|token| token.effective_at))
    }

    /// The same, to be dropped undecided after an instant.
    #[must_use]
    pub fn until(mut self, deadline: Timestamp) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// The same, as a part of a batch or a session.
    #[must_use]
    pub fn of(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    /// The same, with the sender's reason.
    #[must_use]
    pub fn because(mut self, reason: Personal) -> Self {
        self.reason = Some(reason);
        self
    }

    /// Seals its personal texts.
    ///
    /// # Errors
    /// A [`VaultError`]: a key cannot be read or made.
    pub(crate) fn seal(&mut self, vault: &Vault) -> Result<(), VaultError> {
        let asked = self.preview.is_some().then(|| PreviewToken::of_command(&self.command));
        let sealing = vault.seal(&mut self.command, &mut self.reason, self.command_id)?;
        self.sealed = Sealed::new(sealing, asked);
        Ok(())
    }

    /// What the token of a preview says of the command as it was sent.
    pub(crate) fn asked(&self) -> [u8; 16] {
        self.sealed.asked().unwrap_or_else(|| PreviewToken::of_command(&self.command))
    }
}
