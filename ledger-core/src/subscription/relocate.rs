//! What was agreed for later, where the customer moves to another zone.
//!
//! # Shape
//!
//! An instant that was agreed (a scheduled change, a phase of a ramp, the end of a trial, a pause
//! or a term, cycles that begin later) stands for a civil day, at the start of it or at a time of
//! it. The decision finds every instant of a subscription behind the move and says, in an event,
//! which one takes its place; the fold puts it there and asks no calendar.
//!
//! # Correctness
//!
//! Cycles that were opened end before the move, so none of them changes. Both clocks keep days in
//! order, so what was agreed stays in its order. What names a period of time that does not depend
//! on days (the hours in which a payment has to come) stays.
//!
//! *Limits.* Whoever gives a subscription another instant that may lie ahead adds it to
//! [`Subscription::agreed`].

use std::collections::BTreeSet;

use schemas::Timestamp;
use schemas::event::{Relocated, ScheduledChange, ScheduledFor, SubscriptionRelocated};
use schemas::time::TimeError;

use super::agreements::Agreements;
use super::state::Subscription;
use super::visit::{Visit, span};
use crate::customer::clock::LocalTime;
use crate::shared::Shared;
use crate::unmade::Unmade;

/// What becomes of the subscriptions of a customer whose days are counted by another clock from
/// `at` on.
///
/// # Errors
/// A time that cannot be computed.
pub(crate) fn relocated(
    agreements: &Agreements,
    (before, after): (&LocalTime, &LocalTime),
    at: Timestamp,
) -> Result<Vec<SubscriptionRelocated>, TimeError> {
    let mut events = Vec::new();
    for found in agreements.subscriptions() {
        let mut later = BTreeSet::new();
        let mut note = |instant| {
            if instant > at {
                later.insert(instant);
            }
            instant
        };
        found.clone().agreed(&mut note);
        let mut instants = Vec::with_capacity(later.len());
        for from in later {
            let to = after.same_time(before, from)?;
            if from != to {
                instants.push(Relocated { from, to });
            }
        }
        if !instants.is_empty() {
            events.push(SubscriptionRelocated { subscription: found.id, instants });
        }
    }
    Ok(events)
}

impl Agreements {
    /// Folds in a move.
    ///
    /// # Errors
    /// [`Unmade`] where nothing was agreed for an instant that is moved.
    pub(super) fn relocate(&mut self, moved: &SubscriptionRelocated) -> Result<(), Unmade> {
        let id = moved.subscription;
        let mut left: BTreeSet<Timestamp> = moved.instants.iter().map(|pair| pair.from).collect();
        let mut to = |instant: Timestamp| {
            let place = moved.instants.binary_search_by_key(&instant, |pair| pair.from);
            left.remove(&instant);
            place.map_or(instant, |at| moved.instants[at].to)
        };
        let found = self.subscriptions.get_mut(id);
        Shared::make_mut(found.ok_or_else(|| Unmade::named(id))?).agreed(&mut to);
        match left.first() {
            None => Ok(()),
            Some(instant) => Err(Unmade::of(format!("what was agreed for {instant} of"), id)),
        }
    }
}

impl Subscription {
    /// Shows every instant that was agreed, and puts in its place what is said of it. Cycles that
    /// were opened, and what happened already, are no agreement.
    fn agreed(&mut self, visit: Visit<'_>) {
        let never_begins = self.never_begins();
        self.start = visit(self.start);
        self.trial_end = self.trial_end.map(&mut *visit);
        if let Some(term) = &mut self.term {
            term.span = span(term.span, visit);
        }
        if let Some(least) = &mut self.least_term {
            least.until = visit(least.until);
        }
        // Where it would have begun, it is over.
        if let Some(ending) = self.ending.as_mut().filter(|_| never_begins) {
            ending.at = visit(ending.at);
        }
        for pause in &mut self.pauses {
            pause.from = visit(pause.from);
            pause.until = pause.until.map(&mut *visit);
        }
        if let Some(phases) = &mut self.phases {
            phases.agreed(visit);
        }
        for due in self.scheduled.iter_mut().chain(&mut self.aside) {
            due.at = match due.at {
                ScheduledFor::At(at) => ScheduledFor::At(visit(at)),
                ScheduledFor::Paid => ScheduledFor::Paid,
            };
            match &mut due.what {
                ScheduledChange::Items(change) => {
                    for told in &mut change.billed_ahead {
                        told.from = visit(told.from);
                    }
                }
                ScheduledChange::Cancel(_)
                | ScheduledChange::Pause(_)
                | ScheduledChange::Resume(_) => {}
            }
        }
        for item in &mut self.items {
            item.agreed(visit);
        }
    }
}
