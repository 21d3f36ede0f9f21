//! Step functions of time: what holds from an instant on, and who said so.

use schemas::Timestamp;
use serde::{Deserialize, Serialize};

/// Who said what holds from an instant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Word {
    /// The start, or a change of plan.
    Plan,
    /// A command that named the price: how many, at which rate, or that it ends.
    Own,
    /// A phase of a ramp.
    Phase,
    /// The end of a ramp.
    RampEnd,
    /// A migration.
    Migration,
}

impl Word {
    /// A command said so; phases and migrations are none.
    pub(super) const fn is_command(self) -> bool {
        match self {
            Self::Plan | Self::Own => true,
            Self::Phase | Self::RampEnd | Self::Migration => false,
        }
    }

    /// It goes where the ramp is withdrawn.
    pub(super) const fn is_of_ramp(self) -> bool {
        match self {
            Self::Phase | Self::RampEnd => true,
            Self::Plan | Self::Own | Self::Migration => false,
        }
    }
}

/// What holds from an instant on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Said<T> {
    pub(super) what: T,
    pub(super) by: Word,
}

/// The value that holds at an instant; none before the first step.
pub(super) fn latest<T>(steps: &[(Timestamp, T)], at: Timestamp) -> Option<&T> {
    let found = steps.partition_point(|(from, _)| *from <= at);
    steps.get(found.checked_sub(1)?).map(|(_, value)| value)
}

/// The index of the step that holds at an instant; the first one before it.
pub(super) fn step_at<T>(steps: &[(Timestamp, T)], at: Timestamp) -> usize {
    steps.partition_point(|(from, _)| *from <= at).saturating_sub(1)
}

/// Adds a step; one at the same instant is replaced: the last recorded holds.
pub(super) fn put_step<T>(steps: &mut Vec<(Timestamp, T)>, from: Timestamp, value: T) {
    match steps.binary_search_by_key(&from, |(at, _)| *at) {
        Ok(at) => steps[at].1 = value,
        Err(at) => steps.insert(at, (from, value)),
    }
}
