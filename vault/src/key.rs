//! One key, and what is done with it.
//!
//! *Shape.* A stored key is 32 random bytes. Each use has a key of its own, derived by
//! HMAC-SHA-256. Texts are padded to a multiple of 32 bytes, so that a sealed name does not tell
//! how long it is, and sealed by XChaCha20-Poly1305 with the key's id as associated data.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use schemas::ids::KeyId;
use schemas::personal::SealedText;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::place::VaultError;

pub(crate) const KEY_BYTES: usize = 32;
pub(crate) const NONCE_BYTES: usize = 24;
/// What shows that a ciphertext is what was sealed.
const TAG_BYTES: usize = 16;
/// A key and its tag.
pub(crate) const WRAPPED_BYTES: usize = KEY_BYTES + TAG_BYTES;
/// Texts are padded to a multiple of this.
const PAD: usize = 32;

/// How long the ciphertext of a text of so many bytes is: padded, with its tag.
pub const fn ciphertext_bytes(text: usize) -> usize {
    (text + 1).next_multiple_of(PAD) + TAG_BYTES
}

/// Fills with the operating system's randomness.
///
/// # Errors
/// [`VaultError::Randomness`].
pub(crate) fn random<const N: usize>() -> Result<[u8; N], VaultError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| VaultError::Randomness(error.to_string()))?;
    Ok(bytes)
}

/// A key. Its bytes are wiped when it is dropped.
#[derive(Clone)]
pub(crate) struct Key(Zeroizing<[u8; KEY_BYTES]>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    pub(crate) fn random() -> Result<Self, VaultError> {
        random().map(Self::from_bytes)
    }

    pub(crate) fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    fn mac(&self, parts: &[&[u8]]) -> Zeroizing<[u8; KEY_BYTES]> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(self.0.as_slice())
            .expect("HMAC takes keys of any length");
        for part in parts {
            mac.update(part);
        }
        Zeroizing::new(mac.finalize().into_bytes().into())
    }

    fn derived(&self, purpose: &str) -> Self {
        Self(self.mac(&[b"billfold/1/", purpose.as_bytes()]))
    }

    fn cipher(&self, purpose: &str) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*self.derived(purpose).0).into())
    }

    /// A text under this key.
    pub(crate) fn seal(&self, id: KeyId, nonce: [u8; NONCE_BYTES], text: &str) -> SealedText {
        let mut padded = Zeroizing::new(Vec::with_capacity(text.len() + PAD));
        padded.extend_from_slice(text.as_bytes());
        padded.push(0x80);
        let length = padded.len().next_multiple_of(PAD);
        padded.resize(length, 0);
        let name = id.uuid();
        let payload = Payload { msg: &padded, aad: name.as_bytes() };
        let ciphertext = self
            .cipher("text")
            .encrypt(&XNonce::from(nonce), payload)
            .expect("a text of a few hundred bytes can be sealed");
        SealedText { key: id, nonce, ciphertext }
    }

    /// The text; `None` if this key did not seal it.
    pub(crate) fn open(&self, sealed: &SealedText) -> Option<String> {
        let id = sealed.key.uuid();
        let payload = Payload { msg: &sealed.ciphertext, aad: id.as_bytes() };
        let padded = self.cipher("text").decrypt(&XNonce::from(sealed.nonce), payload).ok()?;
        let padded = Zeroizing::new(padded);
        let end = padded.iter().rposition(|byte| *byte != 0)?;
        let text = padded.get(..end).filter(|_| padded.get(end) == Some(&0x80))?;
        String::from_utf8(text.to_vec()).ok()
    }

    /// Equal for equal texts, and nothing else to anyone without this key.
    pub(crate) fn mark(&self, text: &str) -> [u8; 16] {
        first_half(&self.derived("mark").mac(&[text.as_bytes()]))
    }

    /// A digest of several texts in their order.
    pub(crate) fn digest(&self, texts: &[Zeroizing<String>]) -> [u8; 16] {
        let lengths: Vec<[u8; 8]> =
            texts.iter().map(|text| (text.len() as u64).to_le_bytes()).collect();
        let parts = texts.iter().zip(&lengths);
        let parts: Vec<&[u8]> =
            parts.flat_map(|(text, length)| [length.as_slice(), text.as_bytes()]).collect();
        first_half(&self.derived("digest").mac(&parts))
    }

    /// Another key under this one; `name` says whose it is and cannot be exchanged.
    pub(crate) fn wrap(
        &self,
        nonce: [u8; NONCE_BYTES],
        name: &[u8],
        key: &Self,
    ) -> [u8; WRAPPED_BYTES] {
        let payload = Payload { msg: key.bytes(), aad: name };
        let wrapped = self.cipher("wrap").encrypt(&XNonce::from(nonce), payload);
        let wrapped = wrapped.expect("a key can be wrapped");
        wrapped.try_into().expect("a wrapped key is a key and a tag")
    }

    /// Takes a key out of its wrapping; `None` if this one did not wrap it under that name.
    pub(crate) fn unwrap(
        &self,
        nonce: [u8; NONCE_BYTES],
        name: &[u8],
        wrapped: &[u8; WRAPPED_BYTES],
    ) -> Option<Self> {
        let payload = Payload { msg: wrapped.as_slice(), aad: name };
        let bytes = self.cipher("wrap").decrypt(&XNonce::from(nonce), payload).ok()?;
        let bytes = Zeroizing::new(bytes);
        bytes.as_slice().try_into().ok().map(Self::from_bytes)
    }

    /// Tells this key from others and says nothing of it.
    pub(crate) fn id(&self) -> [u8; 16] {
        first_half(&self.derived("id").mac(&[]))
    }
}

fn first_half(mac: &[u8; KEY_BYTES]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&mac[..16]);
    half
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u128) -> KeyId {
        KeyId::new(uuid::Uuid::from_u128(n))
    }

    #[test]
    fn a_text_comes_back_and_its_length_does_not_show() {
        let key = Key::from_bytes([7; KEY_BYTES]);
        for text in ["Ada", "Ada Lovelace", "Zoë\0\0", "\u{80}", &"x".repeat(1_000), ""] {
            let sealed = key.seal(id(1), [3; NONCE_BYTES], text);
            assert_eq!(key.open(&sealed).as_deref(), Some(text));
            assert_eq!(sealed.ciphertext.len() % PAD, 16, "padded, and a tag");
            assert_eq!(sealed.ciphertext.len(), ciphertext_bytes(text.len()));
        }
        let length = |text| key.seal(id(1), [3; NONCE_BYTES], text).ciphertext.len();
        assert_eq!(length("Ada"), length("Augusta Ada King"));
    }

    #[test]
    fn another_key_another_id_and_changed_bytes_open_nothing() {
        let key = Key::from_bytes([7; KEY_BYTES]);
        let sealed = key.seal(id(1), [3; NONCE_BYTES], "Ada");
        assert_eq!(Key::from_bytes([8; KEY_BYTES]).open(&sealed), None);
        assert_eq!(key.open(&SealedText { key: id(2), ..sealed.clone() }), None);
        for at in 0..sealed.ciphertext.len() {
            let mut other = sealed.clone();
            other.ciphertext[at] ^= 1;
            assert_eq!(key.open(&other), None, "byte {at}");
        }
        assert_eq!(key.open(&SealedText::void(id(1))), None);
    }

    #[test]
    fn marks_are_of_one_key_and_digests_know_where_a_text_ends() {
        let (key, other) = (Key::from_bytes([7; 32]), Key::from_bytes([8; 32]));
        assert_eq!(key.mark("Ada"), key.mark("Ada"));
        assert_ne!(key.mark("Ada"), key.mark("ada"));
        assert_ne!(key.mark("Ada"), other.mark("Ada"));
        let texts = |texts: &[&str]| -> Vec<_> {
            texts.iter().map(|text| Zeroizing::new((*text).to_owned())).collect()
        };
        assert_ne!(key.digest(&texts(&["ab", "c"])), key.digest(&texts(&["a", "bc"])));
    }

    #[test]
    fn a_key_is_unwrapped_by_who_wrapped_it_under_its_own_name() {
        let (master, key) = (Key::from_bytes([1; 32]), Key::from_bytes([2; 32]));
        let wrapped = master.wrap([5; 24], b"one", &key);
        let unwrapped = master.unwrap([5; 24], b"one", &wrapped).expect("its own");
        assert_eq!(unwrapped.bytes(), key.bytes());
        assert!(master.unwrap([5; 24], b"two", &wrapped).is_none());
        assert!(key.unwrap([5; 24], b"one", &wrapped).is_none());
    }
}
