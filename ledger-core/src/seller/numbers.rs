//! Where the number series of sellers stand.

use std::collections::BTreeMap;

use schemas::Rejection;
use schemas::ids::EntityId;
use schemas::terms::SeriesDefinition;
use schemas::text::Code;
use serde::{Deserialize, Serialize};

/// The last number that each series has given.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Numbers {
    last: BTreeMap<(EntityId, Code), u64>,
}

impl Numbers {
    /// The number of the next document of a series: without gaps, from 1.
    ///
    /// # Errors
    /// [`Rejection::SeriesExhausted`] behind the last 64-bit number.
    pub(crate) fn next(&self, entity: EntityId, code: &Code) -> Result<u64, Rejection> {
        let last = self.last.get(&(entity, code.clone())).copied().unwrap_or(0);
        last.checked_add(1).ok_or_else(|| Rejection::SeriesExhausted { series: code.clone() })
    }

    pub(crate) fn took(&mut self, entity: EntityId, code: &Code, number: u64) {
        self.last.insert((entity, code.clone()), number);
    }
}

/// The printed number: prefix, hyphen, digits.
///
/// # Errors
/// [`Rejection::SeriesExhausted`] where it is too long to print.
pub(crate) fn printed(series: &SeriesDefinition, sequence: u64) -> Result<Code, Rejection> {
    let width = usize::from(series.digits);
    let text = format!("{}-{sequence:0width$}", series.prefix);
    Code::try_from(text).map_err(|_| Rejection::SeriesExhausted { series: series.code.clone() })
}
