//! Bringing a subscription up to a date: cycles open, scheduled changes take effect, terms are
//! renewed, each at its own instant and in the order of time.

use schemas::event::{
    Calendar, ChangeScheduled, CycleCut, CycleOpened, ItemChange, ItemTerms, ScheduledChange,
    ScheduledFor, ScheduledItems, SubscriptionCanceled, SubscriptionChanged, SubscriptionEvent,
    SubscriptionPaused, SubscriptionResumed, Term, TermRenewed, TermsChange,
};
use schemas::terms::{Anchor, BillingTiming, CancelCredit, EndReason, IntervalChange, Renewal};
use schemas::time::TimeError;
use schemas::{Currency, Date, Rejection, Span, Timestamp};

use super::calendar;
use super::evolve::try_out;
use super::item::Item;
use super::state::Subscription;
use crate::catalog::state::Catalog;
use crate::customer::rules::Rules;

/// The most events by which one command brings a subscription up to date.
pub(crate) const MAX_STEPS: usize = 1_000;

/// What advancing looks at besides the subscription.
#[derive(Clone, Copy)]
pub(crate) struct Advance<'a> {
    pub(crate) rules: &'a Rules,
    /// Migrations of plans replace the terms of cycles.
    pub(crate) catalog: &'a Catalog,
    pub(crate) currency: Currency,
}

impl Advance<'_> {
    /// Opens every cycle that is to be billed up to and on `through`, and lets everything happen
    /// that lies before the cycles it opens. `before` events of the commit come before these.
    ///
    /// # Errors
    /// [`Rejection::TooManyCycles`] where it is too far behind for one command; a date that
    /// cannot be computed.
    pub(crate) fn through(
        self,
        subscription: &mut Subscription,
        through: Date,
        before: usize,
    ) -> Result<Vec<SubscriptionEvent>, Rejection> {
        let mut events = Vec::new();
        while let Some(next) = self.next(subscription, through)? {
            if events.len() > MAX_STEPS {
                let subscription = subscription.id;
                return Err(Rejection::TooManyCycles { subscription, limit: MAX_STEPS });
            }
            for event in next {
                try_out(subscription, &event, before + events.len());
                events.push(event);
            }
        }
        Ok(events)
    }

    /// The events of the next thing that happens.
    fn next(
        self,
        subscription: &Subscription,
        through: Date,
    ) -> Result<Option<Vec<SubscriptionEvent>>, Rejection> {
        let cycle = self.next_cycle(subscription, through)?;
        let scheduled = subscription
            .scheduled
            .iter()
            .filter_map(|due| match due.at {
                ScheduledFor::At(at) => Some((at, Next::Change(due))),
                ScheduledFor::Paid => None,
            })
            .min_by_key(|(at, _)| *at);
        let term = subscription
            .term
            .filter(|_| subscription.ending.is_none())
            .map(|term| (term.span.end(), Next::Term(term)));
        // At one instant, changes come before the renewal of the term.
        let first = [scheduled, term].into_iter().flatten().min_by_key(|(at, _)| *at);
        if let Some((at, next)) = first {
            let due = self.rules.date(at)? <= through;
            let before = cycle.as_ref().is_none_or(|(_, span, _)| at <= span.start());
            if before && (due || cycle.is_some()) {
                // Items that are opened later have the time before the change all the same.
                if let Some((item, span, full)) = self.next_before(subscription, at)? {
                    return self.open(subscription, item, span, full).map(Some);
                }
                return self.take_effect(subscription, at, next).map(Some);
            }
        }
        let Some((item, span, full)) = cycle else { return Ok(None) };
        self.open(subscription, item, span, full).map(Some)
    }

    /// The first cycle that is to be opened.
    fn next_cycle(
        self,
        subscription: &Subscription,
        through: Date,
    ) -> Result<Option<(&Item, Span, Span)>, Rejection> {
        let mut first: Option<(&Item, Span, Span)> = None;
        for item in &subscription.items {
            let (span, full) = item.next_period(self.rules)?;
            if is_over(subscription, item, span) || self.opens_on(item, span)? > through {
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

    /// The day on which a cycle is opened: its own, or so many days before as it is invoiced.
    fn opens_on(self, item: &Item, span: Span) -> Result<Date, TimeError> {
        opens_on(item, span, self.rules)
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
        let (id, cycle) = (subscription.id, item.next_cycle());
        let opened = CycleOpened { subscription: id, item: item.number, cycle, span, full };
        Ok(vec![opened.into()])
    }

    fn take_effect(
        self,
        subscription: &Subscription,
        at: Timestamp,
        next: Next<'_>,
    ) -> Result<Vec<SubscriptionEvent>, Rejection> {
        match next {
            Next::Term(term) => Ok(vec![renewed(subscription, term, self.rules)?]),
            Next::Change(due) => self.scheduled(subscription, at, due),
        }
    }

    /// What a scheduled change does at `at`.
    pub(crate) fn scheduled(
        self,
        subscription: &Subscription,
        at: Timestamp,
        due: &ChangeScheduled,
    ) -> Result<Vec<SubscriptionEvent>, Rejection> {
        let (id, change) = (subscription.id, Some(due.change));
        Ok(match &due.what {
            ScheduledChange::Items(items) => self.items(subscription, at, items, change, None)?,
            ScheduledChange::Cancel(credit) => {
                let (credit, reason) = (*credit, EndReason::Canceled);
                let end = at;
                vec![SubscriptionCanceled { subscription: id, end, credit, reason, change }.into()]
            }
            ScheduledChange::Pause(settle) => {
                vec![
                    SubscriptionPaused { subscription: id, from: at, settle: *settle, change }
                        .into(),
                ]
            }
            ScheduledChange::Resume(settle) => {
                vec![
                    SubscriptionResumed { subscription: id, from: at, settle: *settle, change }
                        .into(),
                ]
            }
        })
    }

    /// Item changes at an instant. An item whose cycles change has its current cycle cut.
    pub(crate) fn items(
        self,
        subscription: &Subscription,
        at: Timestamp,
        changes: &ScheduledItems,
        number: Option<u32>,
        trial_end: Option<Timestamp>,
    ) -> Result<Vec<SubscriptionEvent>, Rejection> {
        let mut events = Vec::new();
        let mut items = changes.items.clone();
        subscription.number_new(&mut items, |found| begins(found, subscription))?;
        if let Some(anchor) = changes.anchor {
            for item in subscription.items.iter().filter(|item| item.removed_at().is_none()) {
                if !items.iter().any(|found| found.item == item.number) {
                    items.push(kept(item));
                }
            }
            items.sort_by_key(|item| item.item);
            for change in &mut items {
                self.move_anchor(subscription, at, change, anchor)?;
            }
        } else {
            for change in &mut items {
                self.recompute(subscription, at, change)?;
            }
        }
        for change in items.iter().filter(|change| change.calendar.is_some()) {
            if let Some(item) = subscription.item(change.item) {
                events.extend(match number {
                    // What was agreed before cannot be refused now: cycles that were opened
                    // ahead are cut away whole.
                    Some(_) => cut_away(subscription, item, at),
                    None => self.cut(subscription, item, at)?.into_iter().collect(),
                });
            }
        }
        let (settle, change) = (changes.settle, number);
        let subscription = subscription.id;
        events.push(
            SubscriptionChanged { subscription, from: at, items, settle, change, trial_end }.into(),
        );
        Ok(events)
    }

    fn move_anchor(
        self,
        subscription: &Subscription,
        at: Timestamp,
        change: &mut ItemChange,
        anchor: Anchor,
    ) -> Result<(), Rejection> {
        let every = match (&change.terms, subscription.item(change.item)) {
            (TermsChange::Set(terms), _) => terms.every,
            (TermsChange::Keep, Some(item)) => item.calendar.every,
            (TermsChange::Keep, None) | (TermsChange::Remove, _) => return Ok(()),
        };
        let moved = calendar::moved(at, every, anchor, self.rules)?;
        if let Some(item) = subscription.item(change.item)
            && item.calendar.every == every
            && item.calendar.from <= at
            && self.next_boundary(&item.calendar, at)? == moved.first
            && item.calendar.day == moved.day
        {
            // It is anchored there already: no cycle is cut.
            return Ok(());
        }
        change.calendar = Some(moved);
        Ok(())
    }

    /// New items, and items with another length of cycle, get a calendar.
    pub(super) fn recompute(
        self,
        subscription: &Subscription,
        at: Timestamp,
        change: &mut ItemChange,
    ) -> Result<(), Rejection> {
        let TermsChange::Set(terms) = &change.terms else { return Ok(()) };
        let rules = self.rules;
        change.calendar = match subscription.item(change.item) {
            Some(item) if item.calendar.every == terms.every => None,
            Some(item) => Some(match rules.policies.interval_change {
                IntervalChange::RestartOnChange => {
                    calendar::calendar(at, terms.every, None, rules)?
                }
                IntervalChange::KeepAnchorDay => {
                    calendar::relengthened(at, terms.every, item.calendar.day, rules)?
                }
                IntervalChange::KeepAnchor => {
                    let (before, start) = (&item.calendar, subscription.start);
                    calendar::rescaled(at, terms.every, before, start, rules)?
                }
            }),
            None => Some(self.beside(subscription, at, terms)?),
        };
        Ok(())
    }

    /// An add-on of the same length is billed with the cycles that are there.
    fn beside(
        self,
        subscription: &Subscription,
        at: Timestamp,
        terms: &ItemTerms,
    ) -> Result<Calendar, Rejection> {
        let same = |item: &&Item| item.calendar.every == terms.every && item.removed_at().is_none();
        let Some(item) = subscription.items.iter().find(same) else {
            return Ok(calendar::calendar(at, terms.every, None, self.rules)?);
        };
        let base = item.calendar;
        let first = self.next_boundary(&base, at)?;
        Ok(Calendar { from: at, first, day: base.day, every: base.every })
    }

    /// The first boundary at or after an instant.
    fn next_boundary(self, base: &Calendar, at: Timestamp) -> Result<Timestamp, Rejection> {
        let mut n = 0;
        while calendar::boundary(base, n - 1, self.rules)? >= at {
            n -= 1;
        }
        loop {
            let first = calendar::boundary(base, n, self.rules)?;
            if first >= at {
                return Ok(first);
            }
            n += 1;
        }
    }

    /// Ends the cycle of an item that runs at `at`; opens what comes before it.
    fn cut(
        self,
        subscription: &Subscription,
        item: &Item,
        at: Timestamp,
    ) -> Result<Option<SubscriptionEvent>, Rejection> {
        let last = item.cycles.last();
        let Some(cycle) = last.filter(|cycle| at < cycle.end) else { return Ok(None) };
        if cycle.start > at || item.last_terms_step() > at {
            let anchor = item.last_terms_step().max(cycle.start);
            return Err(Rejection::BeforeAnchor {
                subscription: subscription.id,
                at: self.rules.date(at)?,
                anchor: self.rules.date(anchor)?,
            });
        }
        let (subscription, cycle) = (subscription.id, cycle.index);
        Ok(Some(CycleCut { subscription, item: item.number, cycle, end: at }.into()))
    }
}

/// Something that happens to a subscription by itself.
#[derive(Clone, Copy)]
enum Next<'a> {
    Change(&'a ChangeScheduled),
    Term(Term),
}

/// Ends every cycle of an item that runs at `at` or was opened for later.
pub(super) fn cut_away(
    subscription: &Subscription,
    item: &Item,
    at: Timestamp,
) -> Vec<SubscriptionEvent> {
    let later = item.cycles.iter().filter(|cycle| at < cycle.end && cycle.start < cycle.end);
    later
        .map(|cycle| {
            let (subscription, item, end) = (subscription.id, item.number, at.max(cycle.start));
            CycleCut { subscription, item, cycle: cycle.index, end }.into()
        })
        .collect()
}

/// Whether a change begins an item, whatever has begun since it was scheduled.
fn begins(change: &ItemChange, subscription: &Subscription) -> bool {
    let Some(item) = subscription.item(change.item) else { return true };
    match &change.terms {
        TermsChange::Set(terms) if change.add_on => {
            let same = item.last_terms().is_some_and(|now| now.price == terms.price);
            !(item.add_on && same)
        }
        TermsChange::Set(_) | TermsChange::Keep | TermsChange::Remove => false,
    }
}

/// Nothing of an item lives in a span.
fn is_over(subscription: &Subscription, item: &Item, span: Span) -> bool {
    subscription.ending.is_some_and(|ending| ending.at <= span.start())
        || item.removed_at().is_some_and(|at| at <= span.start())
}

/// An unchanged item.
pub(crate) fn kept(item: &Item) -> ItemChange {
    ItemChange {
        item: item.number,
        add_on: item.add_on,
        terms: TermsChange::Keep,
        quantity: None,
        calendar: None,
    }
}

/// The day on which a cycle is opened.
pub(crate) fn opens_on(item: &Item, span: Span, rules: &Rules) -> Result<Date, TimeError> {
    let lead = match item.terms_at(span.start()) {
        Some(terms) if terms.timing == BillingTiming::InAdvance => terms.lead_days,
        Some(_) | None => 0,
    };
    rules.date(span.start())?.plus_days(-i32::from(lead))
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
            let (credit, reason) = (CancelCredit::None, EndReason::TermEnded);
            let subscription = subscription.id;
            return Ok(SubscriptionCanceled {
                subscription,
                end: start,
                credit,
                reason,
                change: None,
            }
            .into());
        }
    };
    let span = term_span(subscription.start, start, term.length, rules)?;
    let term = Some(Term { span, length: term.length, renewal });
    Ok(TermRenewed { subscription: subscription.id, term }.into())
}

/// The term that starts at `from`: up to the next boundary reckoned from the first term's start,
/// so that a term never drifts from its day of the month.
pub(crate) fn term_span(
    first: Timestamp,
    from: Timestamp,
    length: schemas::terms::Every,
    rules: &Rules,
) -> Result<Span, Rejection> {
    let calendar = calendar::calendar(first, length, Some(Anchor::Anniversary), rules)?;
    let mut n = 1;
    loop {
        if let Some(span) = Span::new(from, calendar::boundary(&calendar, n, rules)?) {
            return Ok(span);
        }
        n += 1;
    }
}
