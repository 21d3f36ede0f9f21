//! Personal fields: readable, or sealed under a key that can be destroyed.
//!
//! Hashes cover the stored bytes. Destroying the key later makes the text unreadable and breaks
//! no proof. Sealing is XChaCha20-Poly1305 (24-byte nonce); a sealed value keeps its form here
//! and is opened at the edge.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::ids::KeyId;

/// The longest personal text, in bytes.
pub const MAX_PERSONAL_BYTES: usize = 1_000;

/// A name, an address, free text: anything that may point at a person.
#[derive(Clone, PartialEq, Eq)]
pub enum Personal {
    /// The text itself.
    Clear(String),
    /// The text under a customer's key.
    Sealed {
        /// Which key.
        key: KeyId,
        /// Used once with this key.
        nonce: [u8; 24],
        /// Text and authentication tag.
        ciphertext: Vec<u8>,
    },
}

impl Personal {
    /// The readable text, if it is not sealed.
    pub fn clear(&self) -> Option<&str> {
        match self {
            Self::Clear(text) => Some(text),
            Self::Sealed { .. } => None,
        }
    }
}

/// Debug output goes to logs, where personal text must not be.
impl fmt::Debug for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clear(text) => write!(f, "Personal({} bytes)", text.len()),
            Self::Sealed { key, .. } => write!(f, "Personal(sealed with {key})"),
        }
    }
}

#[derive(Serialize, Deserialize)]
enum Stored {
    Clear(String),
    Sealed { key: KeyId, nonce: [u8; 24], ciphertext: Vec<u8> },
}

/// JSON form of a sealed value; a clear one is a plain string.
#[derive(Serialize)]
struct SealedJson {
    sealed_with: KeyId,
}

impl Serialize for Personal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (serializer.is_human_readable(), self) {
            (true, Self::Clear(text)) => serializer.serialize_str(text),
            (true, Self::Sealed { key, .. }) => {
                SealedJson { sealed_with: *key }.serialize(serializer)
            }
            (false, Self::Clear(text)) => Stored::Clear(text.clone()).serialize(serializer),
            (false, Self::Sealed { key, nonce, ciphertext }) => {
                Stored::Sealed { key: *key, nonce: *nonce, ciphertext: ciphertext.clone() }
                    .serialize(serializer)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Personal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            if text.is_empty() || text.len() > MAX_PERSONAL_BYTES {
                return Err(de::Error::custom(format!(
                    "a personal text has 1 to {MAX_PERSONAL_BYTES} bytes; this one has {}",
                    text.len()
                )));
            }
            return Ok(Self::Clear(text));
        }
        Ok(match Stored::deserialize(deserializer)? {
            Stored::Clear(text) => Self::Clear(text),
            Stored::Sealed { key, nonce, ciphertext } => Self::Sealed { key, nonce, ciphertext },
        })
    }
}

impl schemars::JsonSchema for Personal {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Personal".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Personal text; an object with sealed_with where it cannot be read",
            "oneOf": [
                {"type": "string", "minLength": 1, "maxLength": MAX_PERSONAL_BYTES},
                {"type": "object", "required": ["sealed_with"],
                 "properties": {"sealed_with": {"type": "string"}}, "additionalProperties": false},
            ],
        })
    }
}
