//! Personal fields: readable, or sealed under a key that can be destroyed.
//!
//! # Shape
//!
//! [`Personal`] is one text. [`Contact`] is a detail of a customer that its documents show (name,
//! mail): sealed twice, once under the customer's own key and once under the key of its
//! documents, which the law makes a seller keep for longer. Which key a field has is said by
//! [`crate::fields`], for every record that has such a field.
//!
//! # Correctness
//!
//! Hashes cover the stored bytes. Destroying a key later makes its texts unreadable and breaks no
//! proof. Sealing is XChaCha20-Poly1305 with a random nonce: the same text sealed twice differs,
//! so sealed bytes are never compared. Two contacts are compared by their marks, which are keyed
//! digests that end with the customer's own key.
//!
//! In JSON a text that can be read is a string. Whoever answers a question opens what is sealed
//! before it leaves: what is left is `{"erased": true}` where the key was destroyed, and
//! `{"sealed": …}` where there is no key to be had. Nobody sends sealed texts in.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::ids::KeyId;
use crate::text::{Label, TextError, legible};

/// The longest personal text, in bytes.
pub const MAX_PERSONAL_BYTES: usize = 1_000;

/// The JSON key of a sealed text; its value is [`SealedText::to_hex`].
pub const SEALED: &str = "sealed";

/// A text under a key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedText {
    /// Which key.
    pub key: KeyId,
    /// Used once with this key.
    pub nonce: [u8; 24],
    /// Text and authentication tag; nothing where the text could not be sealed any more.
    pub ciphertext: Vec<u8>,
}

impl SealedText {
    /// What stands for a text whose key was destroyed before it could be sealed. Only what moves
    /// the money of an erased customer is accepted with one.
    pub const fn void(key: KeyId) -> Self {
        Self { key, nonce: [0; 24], ciphertext: Vec::new() }
    }

    /// Whether it stands for a text that could not be sealed.
    pub const fn is_void(&self) -> bool {
        self.ciphertext.is_empty()
    }

    /// Key, nonce and ciphertext in hexadecimal digits.
    pub fn to_hex(&self) -> String {
        let key = self.key.uuid();
        let parts = [key.as_bytes().as_slice(), &self.nonce, &self.ciphertext];
        let mut text = String::with_capacity(2 * (40 + self.ciphertext.len()));
        for byte in parts.into_iter().flatten() {
            text.extend([byte >> 4, byte & 15].map(|digit| char::from(DIGITS[usize::from(digit)])));
        }
        text
    }

    /// Reads what [`SealedText::to_hex`] wrote; `None` if it is nothing of the kind.
    pub fn from_hex(text: &[u8]) -> Option<Self> {
        let digit = |byte: u8| DIGITS.iter().position(|digit| *digit == byte);
        let byte = |pair: &[u8]| {
            let (high, low) = (digit(*pair.first()?)?, digit(*pair.get(1)?)?);
            u8::try_from(high << 4 | low).ok()
        };
        let bytes: Vec<u8> = text.chunks(2).map(byte).collect::<Option<_>>()?;
        let (key, rest) = bytes.split_first_chunk::<16>()?;
        let (nonce, ciphertext) = rest.split_first_chunk::<24>()?;
        let key = KeyId::new(uuid::Uuid::from_bytes(*key));
        Some(Self { key, nonce: *nonce, ciphertext: ciphertext.to_vec() })
    }
}

const DIGITS: &[u8; 16] = b"0123456789abcdef";

impl fmt::Debug for SealedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sealed with {}", self.key)
    }
}

/// A name, an address, free text: anything that may point at a person.
#[derive(Clone, PartialEq, Eq)]
pub enum Personal {
    /// The text itself.
    Clear(String),
    /// The text under a key.
    Sealed(SealedText),
}

impl Personal {
    /// The readable text, if it is not sealed.
    pub fn clear(&self) -> Option<&str> {
        match self {
            Self::Clear(text) => Some(text),
            Self::Sealed(_) => None,
        }
    }

    /// Whether it stands for a text that could not be sealed.
    pub const fn is_void(&self) -> bool {
        match self {
            Self::Clear(_) => false,
            Self::Sealed(sealed) => sealed.is_void(),
        }
    }
}

/// Reads a text that is also a label: short.
pub(crate) fn label<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Personal, D::Error> {
    if deserializer.is_human_readable() {
        return Label::deserialize(deserializer).map(Personal::from);
    }
    Personal::deserialize(deserializer)
}

/// Words of the catalog, where a customer's own words could stand too.
impl From<Label> for Personal {
    fn from(label: Label) -> Self {
        Self::Clear(label.into())
    }
}

impl From<SealedText> for Personal {
    fn from(sealed: SealedText) -> Self {
        Self::Sealed(sealed)
    }
}

/// Debug output goes to logs, where personal text must not be.
impl fmt::Debug for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clear(text) => write!(f, "Personal({} bytes)", text.len()),
            Self::Sealed(sealed) => write!(f, "Personal({sealed:?})"),
        }
    }
}

#[derive(Serialize, Deserialize)]
enum Stored {
    Clear(String),
    Sealed(SealedText),
}

/// JSON form of a sealed text; a clear one is a plain string.
#[derive(Serialize)]
struct SealedJson {
    sealed: String,
}

impl Serialize for Personal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (serializer.is_human_readable(), self) {
            (true, Self::Clear(text)) => serializer.serialize_str(text),
            (true, Self::Sealed(sealed)) => {
                SealedJson { sealed: sealed.to_hex() }.serialize(serializer)
            }
            (false, Self::Clear(text)) => Stored::Clear(text.clone()).serialize(serializer),
            (false, Self::Sealed(sealed)) => Stored::Sealed(sealed.clone()).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Personal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return text(deserializer).map(Self::Clear);
        }
        Ok(match Stored::deserialize(deserializer)? {
            Stored::Clear(text) => Self::Clear(text),
            Stored::Sealed(sealed) => Self::Sealed(sealed),
        })
    }
}

/// A personal text as a client writes it.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    checked(String::deserialize(deserializer)?).map_err(de::Error::custom)
}

fn checked(text: String) -> Result<String, TextError> {
    let what = "text";
    if !(1..=MAX_PERSONAL_BYTES).contains(&text.len()) {
        return Err(TextError::Form { what, rule: "1 to 1000 bytes", length: text.len() });
    }
    legible(&text, what)?;
    Ok(text)
}

impl FromStr for Personal {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        checked(text.to_owned()).map(Self::Clear)
    }
}

impl FromStr for Contact {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        checked(text.to_owned()).map(Self::Clear)
    }
}

impl schemars::JsonSchema for Personal {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Personal".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Personal text. In answers also an object: it says that the text was \
                erased, or holds it sealed where there is no key to open it",
            "oneOf": [
                {"type": "string", "minLength": 1, "maxLength": MAX_PERSONAL_BYTES},
                {"type": "object", "required": ["erased"],
                 "properties": {"erased": {"const": true}}, "additionalProperties": false},
                {"type": "object", "required": [SEALED],
                 "properties": {SEALED: {"type": "string"}}, "additionalProperties": false},
            ],
        })
    }
}

/// A detail of a customer that its documents show: its name, where they go.
#[derive(Clone, PartialEq, Eq)]
pub enum Contact {
    /// The text itself.
    Clear(String),
    /// The text under two keys.
    Sealed {
        /// Under the customer's own key, which an erasure destroys.
        own: SealedText,
        /// Under the key of its documents, which is kept as long as they must be.
        document: SealedText,
        /// Equal for equal texts of this customer. A digest under its own key, so it says nothing
        /// to who has not that key, and nothing to anyone once it is destroyed.
        mark: [u8; 16],
    },
}

impl Contact {
    /// As it is shown wherever the customer is.
    pub fn own(&self) -> Personal {
        match self {
            Self::Clear(text) => Personal::Clear(text.clone()),
            Self::Sealed { own, .. } => own.clone().into(),
        }
    }

    /// As a document shows it.
    pub fn document(&self) -> Personal {
        match self {
            Self::Clear(text) => Personal::Clear(text.clone()),
            Self::Sealed { document, .. } => document.clone().into(),
        }
    }

    /// Whether both say the same, as far as can be told without opening them.
    pub fn says_the_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Clear(one), Self::Clear(other)) => one == other,
            (Self::Sealed { mark: one, .. }, Self::Sealed { mark: other, .. }) => one == other,
            (Self::Clear(_), Self::Sealed { .. }) | (Self::Sealed { .. }, Self::Clear(_)) => false,
        }
    }

    /// Whether it stands for a text that could not be sealed.
    pub const fn is_void(&self) -> bool {
        match self {
            Self::Clear(_) => false,
            Self::Sealed { own, document, .. } => own.is_void() || document.is_void(),
        }
    }
}

/// Debug output goes to logs, where personal text must not be.
impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clear(text) => write!(f, "Contact({} bytes)", text.len()),
            Self::Sealed { own, document, .. } => write!(f, "Contact({own:?}, {document:?})"),
        }
    }
}

#[derive(Serialize, Deserialize)]
enum StoredContact {
    Clear(String),
    Sealed { own: SealedText, document: SealedText, mark: [u8; 16] },
}

impl Serialize for Contact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return self.own().serialize(serializer);
        }
        match self.clone() {
            Self::Clear(text) => StoredContact::Clear(text),
            Self::Sealed { own, document, mark } => StoredContact::Sealed { own, document, mark },
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Contact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return text(deserializer).map(Self::Clear);
        }
        Ok(match StoredContact::deserialize(deserializer)? {
            StoredContact::Clear(text) => Self::Clear(text),
            StoredContact::Sealed { own, document, mark } => Self::Sealed { own, document, mark },
        })
    }
}

impl schemars::JsonSchema for Contact {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        Personal::schema_name()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Personal::json_schema(generator)
    }
}

/// A keyed digest of the personal texts of a command as they were sent: with the rest of it, how a
/// repeat is told from another command. It ends with the key, like the texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandDigest {
    /// Which key.
    pub key: KeyId,
    /// HMAC-SHA-256, the first half.
    pub mac: [u8; 16],
}
