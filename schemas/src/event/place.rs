//! Where an event lies.

use core::num::NonZeroU64;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An event, by its place in the log.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct EventAt {
    /// The position of its commit; none for the commit that says so itself.
    pub position: Option<NonZeroU64>,
    /// Its place among the events of the commit, from 0.
    pub index: u32,
}

impl EventAt {
    /// An event of the commit that is being decided.
    pub const fn here(index: u32) -> Self {
        Self { position: None, index }
    }

    /// An event of the commit at `position`.
    pub const fn at(position: u64, index: u32) -> Self {
        Self { position: NonZeroU64::new(position), index }
    }

    /// The same event, named from outside of the commit that `by` is part of and that names it.
    #[must_use]
    pub const fn said_by(self, by: Self) -> Self {
        match self.position {
            Some(_) => self,
            None => Self { position: by.position, index: self.index },
        }
    }

    /// The position of its commit, where the commit that says so is at `said_at`.
    pub fn position(self, said_at: u64) -> u64 {
        self.position.map_or(said_at, NonZeroU64::get)
    }
}
