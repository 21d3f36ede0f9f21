//! What the phases of a ramp say of the whole subscription: where they begin, and what they take
//! off. What they say of its items is in the items' own steps.

use schemas::event::EventAt;
use schemas::ids::DiscountId;
use schemas::{Decimal, Timestamp};
use serde::{Deserialize, Serialize};

use super::steps::{latest, put_step};
use super::visit::Visit;

/// The phases of a ramp.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Phases {
    /// What lines call that which they take off.
    pub(crate) discount: DiscountId,
    /// The event that agreed them.
    pub(crate) made: EventAt,
    /// Where phases after the first begin.
    pub(crate) later: Vec<Timestamp>,
    /// Percent off the lines of cycles that start from an instant on.
    percents: Vec<(Timestamp, Option<Decimal>)>,
}

impl Phases {
    pub(crate) const fn new(discount: DiscountId, made: EventAt) -> Self {
        Self { discount, made, later: Vec::new(), percents: Vec::new() }
    }

    /// Percent off a cycle that starts at an instant.
    pub(crate) fn percent_at(&self, at: Timestamp) -> Option<Decimal> {
        latest(&self.percents, at).copied().flatten()
    }

    /// What is taken off from an instant on.
    pub(crate) fn put(&mut self, from: Timestamp, percent: Option<Decimal>) {
        put_step(&mut self.percents, from, percent);
    }

    /// Every stretch in which something is taken off, and how much.
    pub(crate) fn percents(&self) -> impl Iterator<Item = (Timestamp, Timestamp, Decimal)> {
        let ends = self.percents.iter().skip(1).map(|(from, _)| *from).chain([Timestamp::MAX]);
        let all = self.percents.iter().zip(ends);
        all.filter_map(|((from, percent), end)| Some((*from, end, (*percent)?)))
    }

    /// No phase begins after `from` any more; what the running one takes off ends at `end`.
    pub(crate) fn withdraw(&mut self, from: Timestamp, end: Timestamp) {
        self.later.retain(|at| *at <= from);
        self.percents.retain(|(at, _)| *at <= from);
        if self.percent_at(from).is_some() {
            self.put(end, None);
        }
    }

    /// Shows every instant that was agreed, and puts in its place what is said of it.
    pub(super) fn agreed(&mut self, visit: Visit<'_>) {
        self.later.iter_mut().for_each(|at| *at = visit(*at));
        self.percents.iter_mut().for_each(|(at, _)| *at = visit(*at));
    }
}
