//! A key to seal with: in the file, in no file yet, or destroyed.

use std::sync::Arc;

use schemas::ids::KeyId;
use schemas::personal::SealedText;

use crate::fresh::FreshKey;
use crate::key::{Key, random};
use crate::place::VaultError;
use crate::slot::Name;

/// A key to seal with.
#[derive(Debug, Clone)]
pub(crate) enum Using {
    Fresh(Arc<FreshKey>),
    Stored(Name, Key),
    Destroyed(KeyId),
}

impl Using {
    pub(crate) fn key(&self) -> Option<&Key> {
        match self {
            Self::Fresh(fresh) => Some(&fresh.key),
            Self::Stored(_, key) => Some(key),
            Self::Destroyed(_) => None,
        }
    }

    pub(crate) fn id(&self) -> KeyId {
        match self {
            Self::Fresh(fresh) => fresh.name.id,
            Self::Stored(name, _) => name.id,
            Self::Destroyed(id) => *id,
        }
    }

    pub(crate) fn seal(&self, text: &str) -> Result<SealedText, VaultError> {
        let Some(key) = self.key() else { return Ok(SealedText::void(self.id())) };
        Ok(key.seal(self.id(), random()?, text))
    }
}
