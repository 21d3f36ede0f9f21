//! The laws of dates of subscriptions: what happens to one lies in its life, and in order.

use std::collections::BTreeMap;

use schemas::event::{
    CancellationUndone, CycleOpened, RampAgreed, SubscriptionActivated, SubscriptionCanceled,
    SubscriptionChanged, SubscriptionCreated, SubscriptionEvent, SubscriptionMigrated,
    SubscriptionPaused, SubscriptionRelocated, SubscriptionResumed, TermRenewed,
};
use schemas::ids::{CustomerId, SubscriptionId};
use schemas::{Event, Span, Timestamp};

use super::findings::Findings;
use super::law::Law;

/// The dates of a subscription that others are held to.
#[derive(Debug)]
struct Agreed {
    customer: CustomerId,
    start: Timestamp,
    end: Option<Timestamp>,
    term: Option<Span>,
    /// The first instant of a pause that nothing has ended yet.
    paused: Option<Timestamp>,
}

/// Every subscription.
#[derive(Debug, Default)]
pub(super) struct Agreements {
    subscriptions: BTreeMap<SubscriptionId, Agreed>,
}

impl Agreements {
    pub(super) fn observe(&mut self, customer: CustomerId, event: &Event, findings: &mut Findings) {
        let Event::Subscription(event) = event else { return };
        if let SubscriptionEvent::SubscriptionCreated(created) = event {
            self.create(customer, created, findings);
            return;
        }
        let Some(id) = subscription_of(event) else { return };
        let Some(agreed) = self.subscriptions.get_mut(&id) else {
            findings.check(Law::References, false, || format!("{id} was never created"));
            return;
        };
        findings.check(Law::References, agreed.customer == customer, || {
            format!("{id} is not a subscription of {customer}")
        });
        agreed.observe(event, id, findings);
    }

    fn create(
        &mut self,
        customer: CustomerId,
        created: &SubscriptionCreated,
        findings: &mut Findings,
    ) {
        let (id, start) = (created.subscription, created.start);
        let later = created.trial_end.into_iter();
        let later = later.chain(created.least_term.map(|least| least.until));
        for at in later.chain(created.term.map(|term| term.span.start())) {
            findings.check(Law::SubscriptionDates, start <= at, || {
                format!("{id} begins {start}, and {at} is agreed before that")
            });
        }
        let term = created.term.map(|term| term.span);
        let agreed = Agreed { customer, start, end: None, term, paused: None };
        self.subscriptions.insert(id, agreed);
    }
}

/// The subscription of events whose dates are looked at.
fn subscription_of(event: &SubscriptionEvent) -> Option<SubscriptionId> {
    use SubscriptionEvent as E;
    match event {
        E::SubscriptionCreated(e) => Some(e.subscription),
        E::CycleOpened(e) => Some(e.subscription),
        E::CycleCut(e) => Some(e.subscription),
        E::PaymentAwaited(e) => Some(e.subscription),
        E::SubscriptionActivated(e) => Some(e.subscription),
        E::SubscriptionChanged(e) => Some(e.subscription),
        E::RampAgreed(e) => Some(e.subscription),
        E::SubscriptionMigrated(e) => Some(e.subscription),
        E::SubscriptionRelocated(e) => Some(e.subscription),
        E::ChangeScheduled(e) => Some(e.subscription),
        E::ScheduledChangeWithdrawn(e) => Some(e.subscription),
        E::SubscriptionPaused(e) => Some(e.subscription),
        E::SubscriptionResumed(e) => Some(e.subscription),
        E::SubscriptionCanceled(e) => Some(e.subscription),
        E::CancellationUndone(e) => Some(e.subscription),
        E::TermRenewed(e) => Some(e.subscription),
        E::RenewalSet(e) => Some(e.subscription),
        // Who accepts a quote names what begins next.
        E::QuoteAccepted(_)
        | E::QuoteCreated(_)
        | E::QuoteVoided(_)
        | E::DiscountApplied(_)
        | E::DiscountRemoved(_) => None,
    }
}

impl Agreed {
    fn observe(&mut self, event: &SubscriptionEvent, id: SubscriptionId, findings: &mut Findings) {
        use SubscriptionEvent as E;
        match event {
            E::SubscriptionChanged(SubscriptionChanged { from, .. })
            | E::SubscriptionMigrated(SubscriptionMigrated { from, .. }) => {
                self.lives_at(*from, id, "it changes", findings);
            }
            E::RampAgreed(RampAgreed { steps, .. }) => {
                for step in steps {
                    self.lives_at(step.from, id, "a phase begins", findings);
                }
                let ordered = steps.windows(2).all(|pair| pair[0].from < pair[1].from);
                findings.check(Law::SubscriptionDates, ordered, || {
                    format!("the phases of {id} are not in order")
                });
            }
            E::CycleOpened(CycleOpened { span, .. }) => {
                let goes_on = self.end.is_none_or(|end| span.start() < end);
                findings.check(Law::SubscriptionDates, goes_on, || {
                    format!("{id} ends {:?}, and a cycle of it is {span}", self.end)
                });
            }
            E::SubscriptionPaused(paused) => self.pause(paused, id, findings),
            E::SubscriptionResumed(SubscriptionResumed { from, .. }) => {
                self.lives_at(*from, id, "it goes on", findings);
                if self.paused.is_some_and(|paused| paused <= *from) {
                    self.paused = None;
                }
            }
            E::SubscriptionCanceled(SubscriptionCanceled { end, .. }) => {
                self.lives_at(*end, id, "it ends", findings);
                self.end = Some(*end);
            }
            E::CancellationUndone(CancellationUndone { .. }) => {
                findings.check(Law::SubscriptionDates, self.end.is_some(), || {
                    format!("{id} goes on, and nothing had ended it")
                });
                self.end = None;
            }
            E::TermRenewed(renewed) => self.renew(renewed, id, findings),
            E::SubscriptionActivated(SubscriptionActivated { moved, .. }) => {
                if let Some(moved) = moved {
                    self.lives_at(moved.start, id, "it begins", findings);
                    (self.start, self.term) = (moved.start, moved.term.map(|term| term.span));
                }
            }
            E::SubscriptionRelocated(moved) => self.relocate(moved, id, findings),
            E::SubscriptionCreated(_)
            | E::CycleCut(_)
            | E::PaymentAwaited(_)
            | E::ChangeScheduled(_)
            | E::ScheduledChangeWithdrawn(_)
            | E::RenewalSet(_)
            | E::QuoteCreated(_)
            | E::QuoteAccepted(_)
            | E::QuoteVoided(_)
            | E::DiscountApplied(_)
            | E::DiscountRemoved(_) => {}
        }
    }

    /// Nothing happens to it before it begins.
    fn lives_at(&self, at: Timestamp, id: SubscriptionId, what: &str, findings: &mut Findings) {
        findings.check(Law::SubscriptionDates, self.start <= at, || {
            format!("{id} begins {}, and {what} {at}", self.start)
        });
    }

    fn pause(&mut self, paused: &SubscriptionPaused, id: SubscriptionId, findings: &mut Findings) {
        let from = paused.from;
        self.lives_at(from, id, "it pauses", findings);
        let before = self.paused.replace(from);
        findings.check(Law::SubscriptionDates, before.is_none_or(|before| from < before), || {
            format!("{id} pauses {from}, and has been paused since {before:?}")
        });
    }

    /// A term begins where the one before ended.
    fn renew(&mut self, renewed: &TermRenewed, id: SubscriptionId, findings: &mut Findings) {
        let before = self.term;
        self.term = renewed.term.map(|term| term.span);
        let follows = match (before, self.term) {
            (Some(before), Some(next)) => before.end() == next.start(),
            (Some(_), None) => true,
            (None, _) => false,
        };
        findings.check(Law::SubscriptionDates, follows, || {
            format!("the term {:?} of {id} follows on {before:?}", self.term)
        });
    }

    /// Days stay in order where a customer has another clock.
    fn relocate(
        &mut self,
        moved: &SubscriptionRelocated,
        id: SubscriptionId,
        findings: &mut Findings,
    ) {
        let pairs = &moved.instants;
        let ordered =
            pairs.windows(2).all(|two| two[0].from < two[1].from && two[0].to <= two[1].to);
        findings.check(Law::SubscriptionDates, ordered, || {
            format!("what was agreed for {id} changes its order: {pairs:?}")
        });
        let to = |at: Timestamp| {
            let found = pairs.iter().find(|pair| pair.from == at);
            found.map_or(at, |pair| pair.to)
        };
        self.start = to(self.start);
        self.paused = self.paused.map(to);
        let term = self.term.map(|term| (to(term.start()), to(term.end())));
        self.term = term.and_then(|(start, end)| Span::new(start, end));
    }
}
