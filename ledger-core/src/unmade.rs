//! What a fold says of an event that names what no event before it made.

use core::fmt;

/// Something that was never made: history is not in order, or part of it is missing.
///
/// Folding is total over valid histories and loud over others: nothing is skipped, nothing
/// becomes zero. The reader stops and says where it stood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it names {what}, which no event before it made; verify the log")]
pub struct Unmade {
    what: String,
}

impl Unmade {
    /// The thing with this id.
    pub(crate) fn named(id: impl fmt::Display) -> Self {
        Self { what: id.to_string() }
    }

    /// A part of the thing with this id.
    pub(crate) fn of(part: impl fmt::Display, id: impl fmt::Display) -> Self {
        Self { what: format!("{part} {id}") }
    }

    /// An event on a stream where it does not belong.
    pub(crate) fn astray(event: &'static str) -> Self {
        Self { what: format!("the stream that {event} belongs on") }
    }

    /// What was named.
    pub fn what(&self) -> &str {
        &self.what
    }
}
