//! What goes along with a command whose personal texts are sealed.

use std::sync::Arc;

use schemas::command::CustomerCommand;
use schemas::fields::Field;
use schemas::ids::CustomerId;
use schemas::personal::{CommandDigest, SealedText};
use schemas::{Command, Contact, Event, Personal, Rejection, StreamId};
use vault::{FreshKey, Sealing};

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
    /// `asked` is what the token of a preview says of the command as it was sent.
    pub(crate) fn new(sealing: Sealing, asked: Option<[u8; 16]>) -> Self {
        Self { sealing, asked }
    }

    /// What the token of a preview says of the command as it was sent, if it came with one.
    pub(crate) fn asked(&self) -> Option<[u8; 16]> {
        self.asked
    }

    /// Of the command's texts.
    pub(crate) fn digest(&self) -> Option<CommandDigest> {
        self.sealing.digest
    }

    /// Keys that the command needs and that are in no file yet.
    pub(crate) fn keys(&self) -> &[Arc<FreshKey>] {
        &self.sealing.fresh
    }

    /// What came of sealing it.
    pub(crate) fn sealing(&self) -> &Sealing {
        &self.sealing
    }

    /// A text that cannot be kept is dropped of a customer that was erased, and refused of any
    /// other: then the log is older than its keys, and what is written would be lost.
    ///
    /// # Errors
    /// [`Rejection::KeyDestroyed`].
    pub(crate) fn check(
        &self,
        command: &Command,
        is_erased: impl FnOnce(CustomerId) -> bool,
    ) -> Result<(), Rejection> {
        let erases = matches!(command, Command::Customer(CustomerCommand::EraseCustomer(_)));
        match command.stream() {
            StreamId::Customer(customer)
                if self.sealing.is_void && !erases && !is_erased(customer) =>
            {
                Err(Rejection::KeyDestroyed { customer })
            }
            StreamId::Customer(_) | StreamId::Book => Ok(()),
        }
    }

    /// Opens what is sealed with keys that are in no file yet, for an answer that commits nothing.
    pub(crate) fn reveal(&self, event: &mut Event) {
        let text = |sealed: &SealedText| self.sealing.open(sealed);
        event.personal(&mut |field| match field {
            Field::Contact(contact) => {
                if let Contact::Sealed { own, .. } = &*contact
                    && let Some(text) = text(own)
                {
                    *contact = Contact::Clear(text);
                }
            }
            Field::Document(personal) => {
                if let Personal::Sealed(sealed) = &*personal
                    && let Some(text) = text(sealed)
                {
                    *personal = Personal::Clear(text);
                }
            }
        });
    }
}
