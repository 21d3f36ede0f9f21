//! Bringing a subscription up to the present: cycles open, scheduled changes take effect, terms
//! are renewed, each at its own instant and in the order of time.
//!
//! # Ordering
//!
//! At one instant the term ends first, then changes take effect in the order of their numbers,
//! then cycles open, and with them migrations; a change that names what a migration brings comes
//! after it. Before something happens, every cycle that starts before it exists.
//!
//! # Correctness
//!
//! What has not come yet does not happen: a cycle that is billed ahead is opened, and what it will
//! cost is read off a copy for which the time has passed ([`Advance::projected`]).

use schemas::event::{
    ChangeScheduled, CycleOpened, EndAgreed, LeftAlone, ScheduledChange, ScheduledChangeWithdrawn,
    ScheduledFor, SubscriptionCanceled, SubscriptionEvent, SubscriptionPaused, SubscriptionResumed,
    Term, TermRenewed,
};
use schemas::terms::{BillingTiming, EndReason, Renewal, Settle};
use schemas::text::Label;
use schemas::time::TimeError;
use schemas::{Currency, Date, Rejection, Span, Timestamp};

use super::books::Invoiced;
use super::evolve::try_out;
use super::item::Item;
use super::state::{Subscription, default_credit};
use super::term::term_span;
use crate::catalog::state::Catalog;
use crate::customer::rules::Rules;
use crate::spans::just_before;

mod ahead;
mod due_items;

/// The most events by which one command brings a subscription up to date.
pub(crate) const MAX_STEPS: usize = 1_000;

/// Up to where something is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Horizon {
    /// What is due on this day or before; not after the day of `now`, unless `ahead`.
    pub(crate) day: Date,
    /// What has happened by then.
    pub(crate) now: Timestamp,
    /// Cycles that begin later, up to and on the day, are billed as well.
    pub(crate) ahead: bool,
}

impl Horizon {
    /// The present of a customer.
    pub(crate) fn present(now: Timestamp, rules: &Rules) -> Result<Self, Rejection> {
        Ok(Self { day: rules.date(now)?, now, ahead: false })
    }

    /// The present, and what is due through a day: the earlier of the two, unless `ahead`.
    pub(crate) fn through(
        day: Date,
        now: Timestamp,
        ahead: bool,
        rules: &Rules,
    ) -> Result<Self, Rejection> {
        let today = rules.date(now)?;
        Ok(Self { day: if ahead { day } else { day.min(today) }, now, ahead })
    }
}

/// What advancing looks at besides the subscription.
#[derive(Clone, Copy)]
pub(crate) struct Advance<'a> {
    pub(crate) rules: &'a Rules,
    /// Plans that changes lead to; migrations of plans.
    pub(crate) catalog: &'a Catalog,
    pub(crate) currency: Currency,
    pub(crate) invoiced: &'a dyn Invoiced,
    /// It only looks at what was billed ahead, and not at what of that was billed ahead.
    pub(crate) looks_ahead: bool,
}

impl Advance<'_> {
    /// Lets everything happen up to the present, and opens every cycle that has begun and is due to
    /// be billed. `before` events of the commit come before these.
    ///
    /// # Errors
    /// [`Rejection::TooManyCycles`] where it is too far behind for one command; a date that
    /// cannot be computed.
    pub(crate) fn through(
        self,
        subscription: &mut Subscription,
        horizon: Horizon,
        before: usize,
    ) -> Result<Vec<SubscriptionEvent>, Rejection> {
        let mut events = Vec::new();
        while let Some(next) = self.next(subscription, horizon)? {
            push(subscription, &mut events, next, before)?;
        }
        Ok(events)
    }

    /// The subscription as it will be at an instant, by what is known now.
    ///
    /// # Errors
    /// As [`Advance::through`].
    pub(crate) fn projected(
        self,
        subscription: &Subscription,
        to: Timestamp,
    ) -> Result<Subscription, Rejection> {
        Ok(self.projection(subscription, to)?.0)
    }

    /// As [`Advance::projected`], with the events that make it so.
    pub(crate) fn projection(
        self,
        subscription: &Subscription,
        to: Timestamp,
    ) -> Result<(Subscription, Vec<SubscriptionEvent>), Rejection> {
        let mut then = subscription.clone();
        let horizon = Horizon { day: self.rules.date(to)?, now: to, ahead: false };
        let mut events = Vec::new();
        while let Some(next) = self.next(&then, horizon)? {
            push(&mut then, &mut events, next, 0)?;
        }
        Ok((then, events))
    }

    /// The events of the next thing that has come.
    fn next(
        self,
        subscription: &Subscription,
        horizon: Horizon,
    ) -> Result<Option<Vec<SubscriptionEvent>>, Rejection> {
        let cycle = self.next_cycle(subscription, horizon)?;
        let happens = next_happening(subscription).filter(|(at, _)| *at <= horizon.now);
        if let Some((at, next)) = happens
            && cycle.as_ref().is_none_or(|(_, span, _)| at <= span.start())
        {
            // Items that are opened later have the time before the change all the same.
            if let Some((item, span, full)) = self.next_before(subscription, at)? {
                return self.open(subscription, item, span, full).map(Some);
            }
            if let Next::Change(due) = next
                && let Some(migrated) = self.migrated_before(subscription, at, due)?
            {
                return Ok(Some(migrated));
            }
            return self.take_effect(subscription, at, next).map(Some);
        }
        let Some((item, span, full)) = cycle else { return Ok(None) };
        self.open(subscription, item, span, full).map(Some)
    }

    /// The first cycle that has begun and is due.
    fn next_cycle(
        self,
        subscription: &Subscription,
        horizon: Horizon,
    ) -> Result<Option<(&Item, Span, Span)>, Rejection> {
        let mut first: Option<(&Item, Span, Span)> = None;
        for item in &subscription.items {
            let (span, full) = item.next_period(self.rules)?;
            if span.start() > horizon.now
                || is_over(subscription, item, span)
                || opens_on(item, span, self.rules)? > horizon.day
            {
                continue;
            }
            if first.is_none_or(|(_, found, _)| span.start() < found.start()) {
                first = Some((item, span, full));
            }
        }
        Ok(first)
    }

    /// The first cycle that starts before an instant and is not opened.
    fn next_before(
        self,
        subscription: &Subscription,
        at: Timestamp,
    ) -> Result<Option<(&Item, Span, Span)>, Rejection> {
        for item in &subscription.items {
            let (span, full) = item.next_period(self.rules)?;
            if span.start() < at && !is_over(subscription, item, span) {
                return Ok(Some((item, span, full)));
            }
        }
        Ok(None)
    }

    fn open(
        self,
        subscription: &Subscription,
        item: &Item,
        span: Span,
        full: Span,
    ) -> Result<Vec<SubscriptionEvent>, Rejection> {
        let migrated = self.migrate(subscription, item, span.start())?;
        if !migrated.is_empty() {
            // The cycle that follows may be another, or none.
            return Ok(migrated);
        }
        Ok(vec![opened(subscription, item, span, full)])
    }

    fn take_effect(
        self,
        subscription: &Subscription,
        at: Timestamp,
        next: Next<'_>,
    ) -> Result<Vec<SubscriptionEvent>, Rejection> {
        match next {
            Next::Term(term) => Ok(vec![renewed(subscription, term, self.rules)?]),
            Next::Change(due) => Ok(self.scheduled(subscription, at, due)),
        }
    }

    /// What a scheduled change does at `at`. One that cannot take effect any more is withdrawn,
    /// with the reason.
    pub(crate) fn scheduled(
        self,
        subscription: &Subscription,
        at: Timestamp,
        due: &ChangeScheduled,
    ) -> Vec<SubscriptionEvent> {
        let (id, change) = (subscription.id, Some(due.change));
        match &due.what {
            ScheduledChange::Items(items) => self.items_changed(subscription, at, due, items),
            ScheduledChange::Cancel(EndAgreed { credit, waive_fee }) => vec![
                SubscriptionCanceled {
                    subscription: id,
                    end: at,
                    credit: *credit,
                    reason: EndReason::Canceled,
                    change,
                    begun: just_before(at),
                    fee_waived: *waive_fee,
                }
                .into(),
            ],
            ScheduledChange::Pause(settle) => {
                vec![
                    SubscriptionPaused { subscription: id, from: at, settle: *settle, change }
                        .into(),
                ]
            }
            ScheduledChange::Resume(_) if subscription.paused_at(at).is_none() => {
                self.nothing_to_end(subscription, at, due)
            }
            ScheduledChange::Resume(settle) => {
                vec![self.resumed(subscription, at, *settle, change).into()]
            }
        }
    }

    /// A pause was to be over before it began: there is nothing to pause any more.
    fn nothing_to_end(
        self,
        subscription: &Subscription,
        at: Timestamp,
        due: &ChangeScheduled,
    ) -> Vec<SubscriptionEvent> {
        let late = subscription
            .scheduled
            .iter()
            .filter(|known| matches!(known.what, ScheduledChange::Pause(_)));
        let id = subscription.id;
        let why =
            self.rules.date(at).map(|at| reason(&Rejection::NotPaused { subscription: id, at }));
        let gone = |due: &ChangeScheduled| ScheduledChangeWithdrawn {
            subscription: id,
            change: due.change,
            restores: Vec::new(),
            why: why.as_ref().ok().cloned(),
        };
        late.chain([due]).map(|due| gone(due).into()).collect()
    }

    /// It goes on at an instant.
    pub(crate) fn resumed(
        self,
        subscription: &Subscription,
        from: Timestamp,
        settle: Settle,
        change: Option<u32>,
    ) -> SubscriptionResumed {
        let left_alone = match settle {
            Settle::Now | Settle::Next => Vec::new(),
            Settle::None => {
                let numbers = subscription.items.iter().map(|item| item.number);
                let until = |item| self.invoiced.invoiced_until(subscription, item);
                let known =
                    numbers.filter_map(|item| Some(LeftAlone { item, until: until(item)? }));
                known.filter(|left| from < left.until).collect()
            }
        };
        SubscriptionResumed { subscription: subscription.id, from, settle, change, left_alone }
    }
}

/// Adds events to those that were made, and folds them into the subscription.
fn push(
    subscription: &mut Subscription,
    events: &mut Vec<SubscriptionEvent>,
    next: Vec<SubscriptionEvent>,
    before: usize,
) -> Result<(), Rejection> {
    if events.len() > MAX_STEPS {
        let subscription = subscription.id;
        return Err(Rejection::TooManyCycles { subscription, limit: MAX_STEPS });
    }
    for event in next {
        try_out(subscription, &event, before + events.len());
        events.push(event);
    }
    Ok(())
}

/// Something that happens to a subscription by itself.
#[derive(Clone, Copy)]
enum Next<'a> {
    Change(&'a ChangeScheduled),
    Term(Term),
}

/// The first thing that is known to happen, and when.
fn next_happening(subscription: &Subscription) -> Option<(Timestamp, Next<'_>)> {
    if subscription.ending.is_some() {
        return None;
    }
    let scheduled = subscription.scheduled.iter().filter_map(|due| match due.at {
        ScheduledFor::At(at) => Some((at, Next::Change(due))),
        ScheduledFor::Paid => None,
    });
    let term = subscription.term.map(|term| (term.span.end(), Next::Term(term)));
    // The first of those at one instant is taken: the term, then the earliest scheduled.
    term.into_iter().chain(scheduled).min_by_key(|(at, next)| match next {
        Next::Term(_) => (*at, 0),
        Next::Change(due) => (*at, due.change),
    })
}

/// The sentence of a rejection, as far as it fits.
pub(super) fn reason(rejection: &Rejection) -> Label {
    let text = rejection.to_string();
    let end = text.floor_char_boundary(200);
    Label::try_from(text[..end].to_owned()).expect("sentences have no control characters")
}

/// Nothing of an item lives in a span.
fn is_over(subscription: &Subscription, item: &Item, span: Span) -> bool {
    subscription.ending.is_some_and(|ending| ending.at <= span.start())
        || item.removed_at().is_some_and(|at| at <= span.start())
}

fn opened(subscription: &Subscription, item: &Item, span: Span, full: Span) -> SubscriptionEvent {
    let (id, cycle) = (subscription.id, item.next_cycle());
    CycleOpened { subscription: id, item: item.number, cycle, span, full }.into()
}

fn lead_days(item: &Item, span: Span) -> u16 {
    let terms = item.terms_at(span.start()).filter(|_| is_in_advance(item, span));
    terms.map_or(0, |terms| terms.lead_days)
}

fn is_in_advance(item: &Item, span: Span) -> bool {
    let terms = item.terms_at(span.start());
    terms.is_some_and(|terms| terms.timing == BillingTiming::InAdvance)
}

/// The day on which a cycle is opened: its own, or so many days before as it is invoiced.
pub(crate) fn opens_on(item: &Item, span: Span, rules: &Rules) -> Result<Date, TimeError> {
    rules.date(span.start())?.plus_days(-i32::from(lead_days(item, span)))
}

fn renewed(
    subscription: &Subscription,
    term: Term,
    rules: &Rules,
) -> Result<SubscriptionEvent, Rejection> {
    let start = term.span.end();
    let renewal = match term.renewal {
        Renewal::Renew => Renewal::Renew,
        Renewal::RenewOnce => Renewal::Cancel,
        Renewal::Evergreen => {
            return Ok(TermRenewed { subscription: subscription.id, term: None }.into());
        }
        Renewal::Cancel => {
            return Ok(SubscriptionCanceled {
                subscription: subscription.id,
                end: start,
                credit: default_credit(rules),
                reason: EndReason::TermEnded,
                change: None,
                begun: just_before(start),
                fee_waived: false,
            }
            .into());
        }
    };
    let span = term_span(subscription.start, start, term.length, rules)?;
    let term = Some(Term { span, length: term.length, renewal });
    Ok(TermRenewed { subscription: subscription.id, term }.into())
}
