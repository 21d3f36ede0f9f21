//! Comparing a command with the first one of its id.
//!
//! *Correctness.* Nobody says that two texts are the same who does not know. Where the first one's
//! key was destroyed nobody ever will; where it is only not here, a copy of it may be put back.

use std::io;
use std::sync::PoisonError;

use schemas::fields::Field;
use schemas::personal::{CommandDigest, SealedText};
use schemas::{Command, Contact, Personal};
use zeroize::Zeroizing;

use crate::ring::{Held, KeyRing, Loaded, Opened};
use crate::scope::Hint;
use crate::sealing::Sealing;
use crate::slot::{Secret, Slot};

/// What the texts of a command are, seen from the first one of its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// The same.
    Same,
    /// Others.
    Other,
    /// The first one's key was destroyed: nobody can tell any more.
    Erased,
    /// The first one's key is not here, or is damaged: nobody can tell before it is restored.
    Unknown,
}

impl KeyRing {
    /// Whether the texts of `command`, which `sealing` goes along with, are those that `first` is
    /// the digest of.
    pub fn compare(&self, first: CommandDigest, command: &Command, sealing: &Sealing) -> Compared {
        if let Some(now) = sealing.digest
            && now.key == first.key
            && !sealing.is_void
        {
            return same(now.mac == first.mac);
        }
        let loaded = self.loaded.read().unwrap_or_else(PoisonError::into_inner);
        let held = match loaded.as_ref().map(|loaded| held(loaded, first)) {
            Some(Ok(held)) => held,
            Some(Err(error)) => {
                tracing::warn!(%error, "texts cannot be compared");
                Held::None
            }
            None => Held::None,
        };
        drop(loaded);
        match held {
            Held::Destroyed(_) => Compared::Erased,
            Held::Damaged | Held::None => Compared::Unknown,
            Held::Live(_, key) => self
                .texts(command, sealing)
                .map_or(Compared::Unknown, |texts| same(key.digest(&texts) == first.mac)),
        }
    }

    /// The texts of a command in their order; `None` if one of them cannot be opened.
    fn texts(&self, command: &Command, sealing: &Sealing) -> Option<Vec<Zeroizing<String>>> {
        let mut texts = Some(Vec::new());
        command.clone().personal(&mut |field| {
            let text = self.text(&field, sealing).map(Zeroizing::new);
            texts = texts.take().zip(text).map(|(mut texts, text)| {
                texts.push(text);
                texts
            });
        });
        texts
    }

    fn text(&self, field: &Field<'_>, sealing: &Sealing) -> Option<String> {
        let open = |sealed: &SealedText| match sealing.open(sealed) {
            Some(text) => Some(text),
            None => match self.open(sealed) {
                Opened::Text(text) => Some(text),
                Opened::Erased | Opened::Unknown => None,
            },
        };
        match field {
            Field::Contact(Contact::Sealed { own, document, .. }) => {
                open(own).or_else(|| open(document))
            }
            Field::Document(Personal::Sealed(sealed)) => open(sealed),
            Field::Contact(Contact::Clear(text)) | Field::Document(Personal::Clear(text)) => {
                Some(text.clone())
            }
        }
    }
}

fn same(is_same: bool) -> Compared {
    if is_same { Compared::Same } else { Compared::Other }
}

/// The key of a digest. One that was lost before its scope's keys were destroyed is destroyed, too:
/// no copy brings it back.
fn held(loaded: &Loaded, digest: CommandDigest) -> io::Result<Held> {
    let held = loaded.of_id(digest.key)?;
    if let Held::None = held {
        for number in loaded.index.slots(Hint::of(digest.key)) {
            if let Slot::Key(name, Secret::Destroyed) = loaded.file.read(number)? {
                return Ok(Held::Destroyed(name));
            }
        }
    }
    Ok(held)
}
