//! Short texts with a rule: external ids, codes, labels, actors.
//!
//! # Correctness
//!
//! A text that people read (a name, a description, a reason) is shown on documents and terminals
//! beside other texts. It may be in any script; what it may not hold is a character that breaks
//! the line, drives a terminal, or turns the direction of what stands beside it (Unicode Standard
//! Annex 9), and it must show something. [`legible`] is that rule, for every such text.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that breaks its rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// It is too long, or has characters that its kind never has.
    #[error("a {what} has {rule}; this one has {length} bytes")]
    Form {
        /// What kind of text.
        what: &'static str,
        /// The rule in words.
        rule: &'static str,
        /// How long the refused text was.
        length: usize,
    },
    /// It has a character that forges what is shown beside it.
    #[error("character {place} of this {what} is U+{code:04X}, {kind}; leave it out")]
    Unfit {
        /// What kind of text.
        what: &'static str,
        /// Which character, counted from 1.
        place: usize,
        /// Its number in Unicode.
        code: u32,
        /// What it is.
        kind: &'static str,
    },
    /// Nothing of it can be seen.
    #[error("this {what} shows nothing: it is all blanks or characters without width; give words")]
    Unseen {
        /// What kind of text.
        what: &'static str,
    },
}

/// What a character is that no text for people may hold; none if it may stand there.
pub const fn unfit(character: char) -> Option<&'static str> {
    Some(match character {
        '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => "which breaks the line",
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' => "a control character",
        // Marks, embeddings, overrides, isolates; the deprecated ones of the same block.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{206f}' => {
            "which changes the direction of what stands beside it"
        }
        '\u{fff9}'..='\u{fffb}' => "which hides what stands beside it",
        _ => return None,
    })
}

/// Whether a character leaves a mark where it is shown: no blank, and not without width.
///
/// Source: the characters with `Default_Ignorable_Code_Point` in the Unicode Character Database,
/// and the empty pattern of Braille.
fn is_seen(character: char) -> bool {
    let ignorable = matches!(
        character,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    );
    !ignorable && !character.is_whitespace()
}

/// A text that people read: every character may stand beside others, and one can be seen.
///
/// # Errors
/// [`TextError::Unfit`] names the first character that may not; [`TextError::Unseen`].
pub(crate) fn legible(text: &str, what: &'static str) -> Result<(), TextError> {
    let mut places = (1..).zip(text.chars());
    let found = places.find_map(|(place, character)| Some((place, character, unfit(character)?)));
    if let Some((place, character, kind)) = found {
        return Err(TextError::Unfit { what, place, code: u32::from(character), kind });
    }
    if text.chars().any(is_seen) { Ok(()) } else { Err(TextError::Unseen { what }) }
}

/// What the schema says of a text that people read.
macro_rules! text_note {
    (legible) => {
        "; no line breaks, control characters or changes of direction, and something to be seen"
    };
}

macro_rules! texts {
    ($(
        $(#[$doc:meta])*
        $name:ident, $what:literal, $rule:literal, $ok:expr $(, $also:ident)?;
    )*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = TextError;

            fn try_from(text: String) -> Result<Self, TextError> {
                let ok: fn(&str) -> bool = $ok;
                if !ok(&text) {
                    return Err(TextError::Form { what: $what, rule: $rule, length: text.len() });
                }
                $( $also(&text, $what)?; )?
                Ok(Self(text))
            }
        }

        impl FromStr for $name {
            type Err = TextError;

            fn from_str(text: &str) -> Result<Self, TextError> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> String {
                text.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({
                    "type": "string",
                    "description": concat!($rule $(, text_note!($also))?),
                })
            }
        }
    )*};
}

fn token(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

texts! {
    /// An id that another system gave to a customer, invoice or payment; unique per book.
    ExternalId, "external id", "1 to 128 printable ASCII characters without spaces",
        |text| (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
    /// A short name inside a book, such as the code of a number series.
    Code, "code", "1 to 32 characters of A-Z a-z 0-9 _ -", |text| token(text, 32);
    /// A book's name; part of subjects and folder names.
    BookName, "book name", "1 to 64 characters of A-Z a-z 0-9 _ -", |text| token(text, 64);
    /// Who submits: a token of the subject, pinned by permissions where there is a server.
    Actor, "actor", "1 to 64 characters of A-Z a-z 0-9 _ -", |text| token(text, 64);
    /// A name that is not personal: a plan's, an entity's, a charge's.
    Label, "text", "1 to 200 bytes", |text| (1..=200).contains(&text.len()), legible;
}

#[cfg(test)]
mod tests;
