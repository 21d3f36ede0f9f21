//! Sealing the personal texts of a command, before anything else sees them.
//!
//! *Shape.* A customer's contact details are sealed under its own key and under that of its
//! documents, texts of documents under the latter. The sender's reason is sealed under the
//! customer's own key; once that is destroyed, under that of its documents. A reason for a command
//! about the book has a key of its own.
//! *Correctness.* Where the key of a text is destroyed, a void seal takes its place and the
//! [`Sealing`] says so. The core refuses what would say something new of an erased customer; what
//! moves its money is taken, and its text is dropped.

use std::sync::Arc;

use schemas::fields::Field;
use schemas::ids::CommandId;
use schemas::personal::{CommandDigest, SealedText};
use schemas::{Command, Contact, Personal, StreamId};
use zeroize::Zeroizing;

use crate::fresh::FreshKey;
use crate::place::VaultError;
use crate::scope::KeyScope;
use crate::using::Using;
use crate::vault::Vault;

/// What goes along with a command whose texts are sealed.
#[derive(Debug, Clone, Default)]
pub struct Sealing {
    /// Of the command's texts; none if it has none.
    pub digest: Option<CommandDigest>,
    /// Keys that it needs and that are in no file yet.
    pub fresh: Vec<Arc<FreshKey>>,
    /// A text could not be sealed, because its key was destroyed.
    pub is_void: bool,
}

impl Sealing {
    /// A text that was sealed with one of these keys.
    pub fn open(&self, sealed: &SealedText) -> Option<String> {
        let key = self.fresh.iter().find(|key| key.name.id == sealed.key)?;
        key.key.open(sealed)
    }
}

/// The keys of one command.
struct Keys<'a> {
    vault: &'a Vault,
    own: Using,
    documents: Option<Using>,
    scope: KeyScope,
}

impl<'a> Keys<'a> {
    /// # Errors
    /// A [`VaultError`]: a key cannot be read or made.
    fn of(vault: &'a Vault, stream: StreamId, command_id: CommandId) -> Result<Self, VaultError> {
        let (own, scope) = match stream {
            StreamId::Customer(customer) => {
                (KeyScope::Customer(customer), KeyScope::Documents(customer))
            }
            StreamId::Book => {
                let record = KeyScope::Record(command_id.uuid());
                (record, record)
            }
        };
        Ok(Self { vault, own: vault.key_of(own)?, documents: None, scope })
    }

    fn documents(&mut self) -> Result<&Using, VaultError> {
        let found = match self.documents.take() {
            Some(found) => found,
            None => self.vault.key_of(self.scope)?,
        };
        Ok(self.documents.insert(found))
    }

    /// The customer's own key; once it is destroyed, that of its documents.
    fn living(&mut self) -> Result<&Using, VaultError> {
        if self.own.key().is_some() { Ok(&self.own) } else { self.documents() }
    }

    fn contact(&mut self, text: &str) -> Result<Contact, VaultError> {
        let document = self.documents()?.seal(text)?;
        let mark = self.own.key().map(|key| key.mark(text));
        Ok(Contact::Sealed { own: self.own.seal(text)?, document, mark: mark.unwrap_or_default() })
    }

    fn digest(&mut self, texts: &[Zeroizing<String>]) -> Result<CommandDigest, VaultError> {
        let key = self.living()?;
        let mac = key.key().map(|key| key.digest(texts));
        Ok(CommandDigest { key: key.id(), mac: mac.unwrap_or_default() })
    }

    fn fresh(self) -> Vec<Arc<FreshKey>> {
        let fresh = |key: Using| match key {
            Using::Fresh(fresh) => Some(fresh),
            Using::Stored(..) | Using::Destroyed(_) => None,
        };
        [Some(self.own), self.documents].into_iter().flatten().filter_map(fresh).collect()
    }
}

impl Vault {
    /// Seals every personal text of a command and its reason.
    ///
    /// # Errors
    /// A [`VaultError`]: a key cannot be read or made, or a text came in sealed.
    pub fn seal(
        &self,
        command: &mut Command,
        reason: &mut Option<Personal>,
        command_id: CommandId,
    ) -> Result<Sealing, VaultError> {
        let mut fields = 0_usize;
        command.personal(&mut |_| fields += 1);
        if fields == 0 && reason.is_none() {
            return Ok(Sealing::default());
        }
        let mut keys = Keys::of(self, command.stream(), command_id)?;
        let mut texts = Vec::with_capacity(fields);
        let (mut is_void, mut failed) = (false, None);
        command.personal(&mut |field| {
            if failed.is_none() {
                match seal_field(&mut keys, field) {
                    Ok((text, void)) => {
                        texts.push(text);
                        is_void |= void;
                    }
                    Err(error) => failed = Some(error),
                }
            }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let digest = if texts.is_empty() { None } else { Some(keys.digest(&texts)?) };
        if let Some(reason) = reason {
            let text = clear(reason)?;
            *reason = keys.living()?.seal(&text)?.into();
            is_void |= reason.is_void();
        }
        Ok(Sealing { digest, fresh: keys.fresh(), is_void })
    }
}

/// Seals one field; the text it had, and whether it could not be sealed.
fn seal_field(
    keys: &mut Keys<'_>,
    field: Field<'_>,
) -> Result<(Zeroizing<String>, bool), VaultError> {
    match field {
        Field::Contact(contact) => {
            let Contact::Clear(text) = contact else { return Err(VaultError::Sealed) };
            let text = Zeroizing::new(std::mem::take(text));
            *contact = keys.contact(&text)?;
            Ok((text, contact.is_void()))
        }
        Field::Document(personal) => {
            let text = clear(personal)?;
            *personal = keys.documents()?.seal(&text)?.into();
            Ok((text, personal.is_void()))
        }
    }
}

/// Takes the text out.
fn clear(personal: &mut Personal) -> Result<Zeroizing<String>, VaultError> {
    match personal {
        Personal::Clear(text) => Ok(Zeroizing::new(std::mem::take(text))),
        Personal::Sealed(_) => Err(VaultError::Sealed),
    }
}
