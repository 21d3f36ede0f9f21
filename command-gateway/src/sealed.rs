//! What goes along with a command whose personal texts are sealed.

use std::sync::Arc;

use schemas::personal::CommandDigest;
use schemas::preview::PreviewToken;
use vault::{FreshKey, Sealing, Vault, VaultError};

use crate::request::CommandRequest;

/// What goes along with a command whose personal texts are sealed; nothing if it has none.
#[derive(Debug, Clone, Default)]
pub struct Sealed {
    sealing: Sealing,
    /// What the token of a preview says of the command as it was sent.
    asked: Option<[u8; 16]>,
}

/// Two are equal if they say the same of their commands, whatever their keys are.
impl PartialEq for Sealed {
    fn eq(&self, other: &Self) -> bool {
        let parts = |one: &Self| (one.sealing.digest, one.sealing.is_void, one.asked);
        parts(self) == parts(other)
    }
}

impl Eq for Sealed {}

impl Sealed {
    /// Of the command's texts.
    pub(crate) fn digest(&self) -> Option<CommandDigest> {
        self.sealing.digest
    }

    /// A text could not be sealed: the command may be recognised, but not accepted.
    pub(crate) fn is_void(&self) -> bool {
        self.sealing.is_void
    }

    /// Keys that the command needs and that are in no file yet.
    pub(crate) fn keys(&self) -> &[Arc<FreshKey>] {
        &self.sealing.fresh
    }
}

impl CommandRequest {
    /// Seals its personal texts.
    ///
    /// # Errors
    /// A [`VaultError`]: a key cannot be read or made.
    pub(crate) fn seal(&mut self, vault: &Vault) -> Result<(), VaultError> {
        let asked = self.preview.is_some().then(|| PreviewToken::of_command(&self.command));
        let sealing = vault.seal(&mut self.command, &mut self.reason, self.command_id)?;
        self.sealed = Sealed { sealing, asked };
        Ok(())
    }

    /// What the token of a preview says of the command as it was sent.
    pub(crate) fn asked(&self) -> [u8; 16] {
        self.sealed.asked.unwrap_or_else(|| PreviewToken::of_command(&self.command))
    }
}
