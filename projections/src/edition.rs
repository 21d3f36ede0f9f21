//! Which version of each read model runs: that of the build, unless a caller says otherwise.

use std::collections::BTreeMap;

use crate::models::ViewName;
use crate::projection::Projection;

/// The version of a read model's rows, and how old rows may be for its queries to read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edition {
    /// The version of the rows that are built.
    pub version: u32,
    /// Queries also read rows of this version and later.
    pub answers_from: u32,
}

impl Edition {
    pub(crate) const fn of<P: Projection>() -> Self {
        Self { version: P::VERSION, answers_from: P::ANSWERS_FROM }
    }

    /// Whether queries can be answered from old rows of this version while new ones are built.
    pub(crate) const fn answers(self, version: u32) -> bool {
        self.answers_from <= version && version < self.version
    }
}

/// The editions that run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Editions(BTreeMap<ViewName, Edition>);

impl Editions {
    /// The same with another edition of one read model: for trying out how an upgrade goes.
    #[must_use]
    pub fn with(mut self, view: ViewName, edition: Edition) -> Self {
        self.0.insert(view, edition);
        self
    }

    /// The edition of a read model.
    pub fn of(&self, view: ViewName) -> Edition {
        self.0.get(&view).copied().unwrap_or(view.model().edition)
    }
}
