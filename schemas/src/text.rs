//! Short texts with a rule: external ids, codes, labels, actors.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};

/// A text that breaks its rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a {what} has {rule}; this one has {length} bytes")]
pub struct TextError {
    /// What kind of text.
    pub what: &'static str,
    /// The rule in words.
    pub rule: &'static str,
    /// How long the refused text was.
    pub length: usize,
}

macro_rules! texts {
    ($($(#[$doc:meta])* $name:ident, $what:literal, $rule:literal, $ok:expr;)*) => {$(
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
                if ok(&text) {
                    Ok(Self(text))
                } else {
                    Err(TextError { what: $what, rule: $rule, length: text.len() })
                }
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
                schemars::json_schema!({"type": "string", "description": $rule})
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
    Label, "label", "1 to 200 bytes without control characters",
        |text| (1..=200).contains(&text.len()) && !text.chars().any(char::is_control);
}
