//! The read models there are: the one place that lists them.

use std::str::FromStr;

use event_log::LogReader;

use crate::balances::Balances;
use crate::edition::Edition;
use crate::invoices::Invoices;
use crate::projection::Projection;
use crate::projectors::{Parts, Running, StartError, start};
use crate::replay::{ReplayError, fold_all};
use crate::revenue::Revenue;
use crate::store::Store;

/// The read models there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ViewName {
    /// The register of invoices.
    Invoices,
    /// Revenue by day.
    Revenue,
    /// What customers owe, and the journal's accounts.
    Balances,
}

type Start = fn(&Parts<'_>, LogReader) -> Result<Running, StartError>;
type FoldAll =
    fn(LogReader, &dyn Store, Option<u64>, &mut dyn FnMut(u64)) -> Result<u64, ReplayError>;

/// What can be done with a read model without knowing its type.
pub(crate) struct Model {
    pub(crate) name: &'static str,
    pub(crate) edition: Edition,
    pub(crate) start: Start,
    pub(crate) fold_all: FoldAll,
}

impl Model {
    const fn of<P: Projection>() -> Self {
        Self {
            name: P::NAME,
            edition: Edition::of::<P>(),
            start: start::<P>,
            fold_all: fold_all::<P>,
        }
    }
}

impl ViewName {
    /// Every read model.
    pub const ALL: [Self; 3] = [Self::Invoices, Self::Revenue, Self::Balances];

    pub(crate) const fn model(self) -> Model {
        match self {
            Self::Invoices => Model::of::<Invoices>(),
            Self::Revenue => Model::of::<Revenue>(),
            Self::Balances => Model::of::<Balances>(),
        }
    }

    /// The names of all of them, with commas between.
    pub fn names() -> String {
        Self::ALL.map(Self::as_str).join(", ")
    }

    /// The name in subjects and folders.
    pub const fn as_str(self) -> &'static str {
        self.model().name
    }

    /// The version of its rows in this build.
    pub const fn version(self) -> u32 {
        self.model().edition.version
    }
}

impl std::fmt::Display for ViewName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// No read model has this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a read model; use {list}", list = ViewName::names())]
pub struct UnknownView(pub String);

impl FromStr for ViewName {
    type Err = UnknownView;

    fn from_str(text: &str) -> Result<Self, UnknownView> {
        let found = Self::ALL.into_iter().find(|view| view.as_str() == text);
        found.ok_or_else(|| UnknownView(text.chars().take(64).collect()))
    }
}
