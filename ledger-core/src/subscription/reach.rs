//! From which instant on an event may change what is billed of a subscription.
//!
//! An event that changes nothing before an instant leaves alone what was billed of cycles that end
//! by then: nobody has to look at them again.

use schemas::Timestamp;
use schemas::event::{ChangeScheduled, ScheduledFor, SubscriptionEvent, Term};
use schemas::ids::SubscriptionId;

use super::agreements::Agreements;
use super::state::{Ending, Subscription, is_end};

/// What an end depends on, as far as a fold can tell.
#[derive(PartialEq, Eq)]
struct Ends {
    ending: Option<Ending>,
    scheduled: Vec<Timestamp>,
    term: Option<Term>,
}

impl Ends {
    fn of(subscription: &Subscription) -> Self {
        let scheduled = subscription.scheduled.iter().filter(|due| is_end(due));
        Self {
            ending: subscription.ending,
            scheduled: scheduled.filter_map(at).collect(),
            term: subscription.term,
        }
    }

    /// It ends before this for no reason that is known.
    fn first(&self) -> Option<Timestamp> {
        let ending = self.ending.map(|ending| ending.at);
        let term = self.term.map(|term| term.span.end());
        self.scheduled.iter().copied().chain(ending).chain(term).min()
    }
}

/// From when on events may change what is billed of a subscription.
pub(crate) struct Reach {
    id: SubscriptionId,
    before: Ends,
    start: Timestamp,
    trial_end: Option<Timestamp>,
    /// Changes that were scheduled or put aside.
    agreed: Vec<(u32, Timestamp)>,
}

impl Reach {
    /// Of events that are about to be folded into one subscription.
    pub(crate) fn before(of: &Subscription) -> Self {
        let agreed = of.scheduled.iter().chain(&of.aside);
        let agreed = agreed.filter_map(|due| Some((due.change, at(due)?))).collect();
        let (start, trial_end) = (of.start, of.trial_end);
        Self { id: of.id, before: Ends::of(of), start, trial_end, agreed }
    }

    /// Which subscription, and from when on; none where nothing of it is billed otherwise.
    pub(crate) fn after<'a, 'e>(
        self,
        events: impl IntoIterator<Item = &'e SubscriptionEvent>,
        agreements: &'a Agreements,
    ) -> Option<(&'a Subscription, Timestamp)> {
        let of = agreements.subscription(self.id)?;
        let told = events.into_iter().filter_map(|event| self.first_instant(event));
        let after = Ends::of(of);
        let moved = self.before != after;
        let ends = [self.before.first(), after.first()].into_iter().flatten().filter(|_| moved);
        let is_other = self.trial_end != of.trial_end;
        let trials = [self.trial_end, of.trial_end].into_iter().flatten().filter(|_| is_other);
        let from = ends.chain(trials).chain(told).min()?;
        Some((of, from))
    }

    /// The first instant that an event says something of. What depends on an end is looked at by
    /// itself.
    fn first_instant(&self, event: &SubscriptionEvent) -> Option<Timestamp> {
        use SubscriptionEvent as E;
        match event {
            // Where it begins elsewhere, all of it does.
            E::SubscriptionActivated(e) => e.moved.as_ref().map(|to| to.start.min(self.start)),
            E::SubscriptionRelocated(e) => {
                e.instants.iter().flat_map(|moved| [moved.from, moved.to]).min()
            }
            E::SubscriptionChanged(e) => Some(e.from),
            E::RampAgreed(e) => e.steps.iter().map(|step| step.from).min(),
            E::SubscriptionMigrated(e) => Some(e.from),
            E::ChangeScheduled(e) => at(e),
            E::ScheduledChangeWithdrawn(e) => {
                let named = |change: &u32| *change == e.change || e.restores.contains(change);
                let known = self.agreed.iter().filter(|(change, _)| named(change));
                known.map(|(_, at)| *at).min()
            }
            E::SubscriptionPaused(e) => Some(e.from),
            E::SubscriptionResumed(e) => Some(e.from),
            E::SubscriptionCanceled(e) => Some(e.end),
            // What it put aside comes back.
            E::CancellationUndone(_) => self.agreed.iter().map(|(_, at)| *at).min(),
            E::CycleCut(e) => Some(e.end),
            E::TermRenewed(_)
            | E::RenewalSet(_)
            | E::CycleOpened(_)
            | E::SubscriptionCreated(_)
            | E::PaymentAwaited(_)
            | E::QuoteCreated(_)
            | E::QuoteAccepted(_)
            | E::QuoteVoided(_)
            | E::DiscountApplied(_)
            | E::DiscountRemoved(_) => None,
        }
    }
}

fn at(due: &ChangeScheduled) -> Option<Timestamp> {
    match due.at {
        ScheduledFor::At(at) => Some(at),
        ScheduledFor::Paid => None,
    }
}
