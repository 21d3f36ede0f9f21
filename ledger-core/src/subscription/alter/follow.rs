//! What waits for the end of a cycle follows the cycles that a change lays anew.

use schemas::Rejection;
use schemas::event::{ChangeScheduled, ScheduledFor, SubscriptionEvent};

use super::Draft;
use crate::subscription::evolve::try_out;
use crate::subscription::schedule::{beyond, withdrawal};
use crate::subscription::state::{Subscription, is_end};

impl Draft<'_> {
    /// What waits for the end of a cycle that is cut waits for the end of the new one. What was
    /// told for the end of a trial stays on its day where the trial is over before.
    pub(super) fn follow_cycles(
        &self,
        events: &mut Vec<SubscriptionEvent>,
    ) -> Result<(), Rejection> {
        let rules = self.advance.rules;
        let mut then = self.subscription.clone();
        for (before, event) in events.iter().enumerate() {
            try_out(&mut then, event, before);
        }
        let trialing = |of: &Subscription| of.runs_trial_until(self.at, rules).is_some();
        if trialing(self.subscription) && !trialing(&then) {
            return Ok(());
        }
        let ends = (self.subscription.told_end(self.at, rules)?, then.told_end(self.at, rules)?);
        let (Some(old), Some(new)) = ends else { return Ok(()) };
        let waits =
            |due: &&ChangeScheduled| due.cycle_end && old != new && due.at == ScheduledFor::At(old);
        let known = || then.scheduled.iter().chain(&then.aside);
        let moved: Vec<ChangeScheduled> = known().filter(waits).cloned().collect();
        let Some(end) = then.scheduled.iter().find(|due| is_end(due)).cloned() else {
            for due in moved {
                tell_again(&mut then, due, ScheduledFor::At(new), events);
            }
            return Ok(());
        };
        if moved.is_empty() {
            return Ok(());
        }
        // What lies beyond the end, and so is put aside, may be other changes now.
        let to = if waits(&&end) { ScheduledFor::At(new) } else { end.at };
        let withdrawn = withdrawal(&then, end.change).into();
        push(&mut then, events, withdrawn);
        for due in moved.into_iter().filter(|due| !is_end(due)) {
            tell_again(&mut then, due, ScheduledFor::At(new), events);
        }
        let sets_aside = beyond(&then, to);
        push(&mut then, events, ChangeScheduled { at: to, sets_aside, ..end }.into());
        Ok(())
    }
}

fn push(then: &mut Subscription, events: &mut Vec<SubscriptionEvent>, event: SubscriptionEvent) {
    try_out(then, &event, events.len());
    events.push(event);
}

/// A change waits for another time.
fn tell_again(
    then: &mut Subscription,
    due: ChangeScheduled,
    at: ScheduledFor,
    events: &mut Vec<SubscriptionEvent>,
) {
    let withdrawn = withdrawal(then, due.change).into();
    push(then, events, withdrawn);
    push(then, events, ChangeScheduled { at, ..due }.into());
}
