//! Why a scenario cannot be run as it is written.

use core::fmt;

/// Where in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// 1 is the first step; none for the head of the file.
    pub step: Option<usize>,
    /// 1 is the first line.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step {
            Some(step) => write!(f, "step {step} (line {})", self.line),
            None => write!(f, "line {}", self.line),
        }
    }
}

/// A scenario that cannot be run. The exit status is 2.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// A verb, key, value or policy that billfold does not have.
    #[error("{place}: {what} is not supported{}", instead(allowed))]
    Unsupported {
        /// Where.
        place: Place,
        /// What is asked for.
        what: String,
        /// What there is instead; nothing where that is no list.
        allowed: Vec<String>,
    },
    /// It cannot be read, or says something that cannot be.
    #[error("{place}: {why}")]
    Wrong {
        /// Where.
        place: Place,
        /// Why, and the way out.
        why: String,
    },
}

/// What there is instead, as the end of a sentence.
fn instead(allowed: &[String]) -> String {
    match allowed {
        [] => String::new(),
        some => format!("; there is {}", some.join(", ")),
    }
}

impl Trouble {
    /// Something that billfold does not have yet.
    pub fn unsupported(place: Place, what: impl Into<String>) -> Self {
        Self::Unsupported { place, what: what.into(), allowed: Vec::new() }
    }

    /// Something that billfold does not have, with what it has.
    pub fn unknown<T: Into<String>>(
        place: Place,
        what: impl Into<String>,
        allowed: impl IntoIterator<Item = T>,
    ) -> Self {
        let allowed = allowed.into_iter().map(Into::into).collect();
        Self::Unsupported { place, what: what.into(), allowed }
    }

    /// Something that cannot be.
    pub fn wrong(place: Place, why: impl Into<String>) -> Self {
        Self::Wrong { place, why: why.into() }
    }
}
