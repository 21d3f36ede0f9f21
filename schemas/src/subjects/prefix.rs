//! The first tokens of subjects on the server, and `billfold`, the first token inside.

use core::fmt;
use core::str::FromStr;

use super::DEFAULT_PREFIX;

/// What every subject of an installation begins with: one or more tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectPrefix(String);

/// A text that subjects cannot begin with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot begin subjects; use tokens of A-Z a-z 0-9 _ - with dots between them")]
pub struct BadPrefix(String);

impl SubjectPrefix {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A subject as the router knows it; none for one that is not of this installation.
    pub fn inward(&self, subject: &str) -> Option<String> {
        let rest = subject.strip_prefix(self.0.as_str())?;
        if !rest.starts_with('.') {
            return None;
        }
        let mut inside = String::with_capacity(DEFAULT_PREFIX.len() + rest.len());
        inside.push_str(DEFAULT_PREFIX);
        inside.push_str(rest);
        Some(inside)
    }

    /// A subject of the router as the server knows it.
    pub fn outward(&self, subject: &str) -> String {
        let rest = subject.strip_prefix(DEFAULT_PREFIX).unwrap_or(subject);
        format!("{}{rest}", self.0)
    }
}

impl Default for SubjectPrefix {
    fn default() -> Self {
        Self(DEFAULT_PREFIX.to_owned())
    }
}

impl FromStr for SubjectPrefix {
    type Err = BadPrefix;

    fn from_str(text: &str) -> Result<Self, BadPrefix> {
        let token = |token: &str| {
            !token.is_empty()
                && token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
        };
        if text.len() <= 128 && text.split('.').all(token) {
            return Ok(Self(text.to_owned()));
        }
        Err(BadPrefix(text.chars().take(128).collect()))
    }
}

impl fmt::Display for SubjectPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_are_mapped_both_ways_and_others_are_not_ours() {
        let prefix: SubjectPrefix = "emea.billing".parse().expect("a prefix");
        let inside = "billfold.acme.as.ada.feed.read";
        let outside = "emea.billing.acme.as.ada.feed.read";
        assert_eq!(prefix.outward(inside), outside);
        assert_eq!(prefix.inward(outside).as_deref(), Some(inside));
        assert_eq!(prefix.inward("emea.billings.acme.as.ada.feed.read"), None);
        assert_eq!(prefix.inward("billfold.acme.as.ada.feed.read"), None);
    }

    #[test]
    fn a_prefix_is_made_of_plain_tokens() {
        for wrong in ["", ".", "a.", "a..b", "a b", "a.*", ">", "$SRV"] {
            assert!(wrong.parse::<SubjectPrefix>().is_err(), "{wrong:?}");
        }
    }
}
