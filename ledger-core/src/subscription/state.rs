//! State of one subscription: its items, and what holds for all of them.

use schemas::event::{
    ChangeScheduled, Dimension, EventAt, ItemChange, ItemTerms, ScheduledChange, ScheduledFor,
    SubscriptionCreated, Term,
};
use schemas::ids::{CustomerId, QuoteId, SubscriptionId};
use schemas::terms::{CancelCredit, EndReason, Renewal};
use schemas::{Rejection, Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::item::{Cycle, Item};

/// The most items that a subscription has in its life, ended ones included.
const MAX_ITEMS: u16 = 1_000;

/// How a subscription ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ending {
    pub(crate) at: Timestamp,
    pub(crate) credit: CancelCredit,
    pub(crate) reason: EndReason,
}

/// A time without service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pause {
    pub(crate) from: Timestamp,
    /// None while it lasts.
    pub(crate) until: Option<Timestamp>,
    /// What was billed of it stays.
    pub(crate) kept: bool,
}

impl Pause {
    /// Whether it is a time without service at an instant.
    pub(crate) fn runs_at(&self, at: Timestamp) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }

    pub(crate) fn span(&self) -> Option<Span> {
        Span::new(self.from, self.until.unwrap_or(Timestamp::MAX))
    }
}

/// Where a subscription is at an instant. `past_due` and `suspended` follow from its invoices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// It waits for its first payment.
    Pending,
    /// It is free.
    Trialing,
    /// It is billed.
    Active,
    /// It has no service for a while.
    Paused,
    /// It was canceled.
    Canceled,
    /// Its term ended, or its first payment did not come.
    Expired,
}

/// State of one subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    pub(crate) id: SubscriptionId,
    pub(crate) start: Timestamp,
    pub(crate) items: Vec<Item>,
    pub(crate) trial_end: Option<Timestamp>,
    /// Set while it waits for its first payment.
    pub(crate) activation_expires: Option<Timestamp>,
    pub(crate) pauses: Vec<Pause>,
    pub(crate) term: Option<Term>,
    pub(crate) scheduled: Vec<ChangeScheduled>,
    /// How many changes were scheduled.
    pub(crate) changes: u32,
    pub(crate) ending: Option<Ending>,
    pub(crate) beneficiary: Option<CustomerId>,
    pub(crate) quote: Option<QuoteId>,
    pub(crate) dimensions: Vec<Dimension>,
    /// The last event that changed, paused or ended it.
    pub(crate) changed: EventAt,
}

impl Subscription {
    pub(crate) fn new(created: &SubscriptionCreated, made: EventAt) -> Self {
        let item = |item| Item::new(item, created.start, made);
        Self {
            id: created.subscription,
            start: created.start,
            items: created.items.iter().map(item).collect(),
            trial_end: created.trial_end,
            activation_expires: created.activation_expires,
            pauses: Vec::new(),
            term: created.term,
            scheduled: Vec::new(),
            changes: 0,
            ending: None,
            beneficiary: created.beneficiary,
            quote: created.quote,
            dimensions: created.dimensions.clone(),
            changed: made,
        }
    }

    /// Its id.
    pub const fn id(&self) -> SubscriptionId {
        self.id
    }

    pub(crate) fn item(&self, number: u16) -> Option<&Item> {
        self.items.get(usize::from(number))
    }

    /// The number of a new item before which `others` begin; refused where there are too many.
    pub(crate) fn new_item(&self, others: usize) -> Result<u16, Rejection> {
        let next = u16::try_from(self.items.len() + others).ok().filter(|next| *next < MAX_ITEMS);
        let (subscription, limit) = (self.id, usize::from(MAX_ITEMS));
        next.ok_or(Rejection::TooManyItems { subscription, limit })
    }

    /// Numbers what begins: without gaps, in order.
    pub(crate) fn number_new(
        &self,
        changes: &mut [ItemChange],
        is_new: impl Fn(&ItemChange) -> bool,
    ) -> Result<(), Rejection> {
        for (others, change) in changes.iter_mut().filter(|found| is_new(found)).enumerate() {
            change.item = self.new_item(others)?;
        }
        Ok(())
    }

    pub(crate) fn item_mut(&mut self, number: u16) -> Option<&mut Item> {
        self.items.get_mut(usize::from(number))
    }

    /// Where it is at an instant, whatever its invoices say.
    pub fn phase(&self, at: Timestamp) -> Phase {
        match self.ending {
            Some(ending) if ending.at <= at => {
                return match ending.reason {
                    EndReason::Canceled => Phase::Canceled,
                    EndReason::TermEnded | EndReason::NotPaid => Phase::Expired,
                };
            }
            Some(_) | None => {}
        }
        if self.activation_expires.is_some() {
            Phase::Pending
        } else if self.paused_at(at).is_some() {
            Phase::Paused
        } else if self.trial_end.is_some_and(|end| at < end) {
            Phase::Trialing
        } else {
            Phase::Active
        }
    }

    /// The pause that holds at an instant.
    pub(crate) fn paused_at(&self, at: Timestamp) -> Option<&Pause> {
        self.pauses
            .iter()
            .find(|pause| pause.from <= at && pause.until.is_none_or(|until| at < until))
    }

    pub(crate) fn pause_spans(&self) -> Vec<Span> {
        self.pauses.iter().filter_map(Pause::span).collect()
    }

    /// When it ends, as far as that is known, and whether it has.
    pub(crate) fn known_end(&self) -> Option<(Timestamp, CancelCredit, bool)> {
        if let Some(ending) = self.ending {
            return Some((ending.at, ending.credit, true));
        }
        let scheduled = self.scheduled.iter().filter_map(|due| match (&due.what, due.at) {
            (ScheduledChange::Cancel(credit), ScheduledFor::At(at)) => Some((at, *credit, false)),
            (
                ScheduledChange::Cancel(_)
                | ScheduledChange::Items(_)
                | ScheduledChange::Pause(_)
                | ScheduledChange::Resume(_),
                _,
            ) => None,
        });
        let term = self.term.filter(|term| term.renewal == Renewal::Cancel);
        let term = term.map(|term| (term.span.end(), CancelCredit::None, false));
        scheduled.chain(term).min_by_key(|(at, ..)| *at)
    }

    /// When the next pause begins that is scheduled for after an instant.
    pub(crate) fn next_pause(&self, after: Timestamp) -> Option<Timestamp> {
        let pauses = self.scheduled.iter().filter_map(|due| match (&due.what, due.at) {
            (ScheduledChange::Pause(_), ScheduledFor::At(at)) => Some(at),
            (
                ScheduledChange::Pause(_)
                | ScheduledChange::Resume(_)
                | ScheduledChange::Items(_)
                | ScheduledChange::Cancel(_),
                _,
            ) => None,
        });
        pauses.filter(|at| *at > after).min()
    }

    /// The time of a span that the subscription lives through; none if it ended before.
    pub(crate) fn living(&self, start: Timestamp, end: Timestamp) -> Option<Span> {
        let start = self.trial_end.map_or(start, |trial| trial.max(start));
        let known = self.known_end().map(|(at, credit, _)| match credit {
            // The whole cycle that the end lies in is credited.
            CancelCredit::Full if start < at && at < end => start,
            CancelCredit::Full | CancelCredit::Prorated | CancelCredit::None => at,
        });
        Span::new(start, known.map_or(end, |known| known.min(end)))
    }

    pub(crate) fn living_cycle(&self, cycle: &Cycle) -> Option<Span> {
        self.living(cycle.start, cycle.end)
    }

    /// The end of the last cycle that was opened, of items that had not ended before an instant.
    pub(crate) fn cycles_end(&self, since: Timestamp) -> Option<Timestamp> {
        let over = |end: Option<Timestamp>| end.is_some_and(|end| end < since);
        if over(self.ending.map(|ending| ending.at)) {
            return None;
        }
        let living = self.items.iter().filter(|item| !over(item.removed_at()));
        living.filter_map(|item| item.cycles.last().map(|cycle| cycle.end)).max()
    }

    /// A scheduled change by number.
    pub(crate) fn change(&self, number: u32) -> Option<&ChangeScheduled> {
        self.scheduled.iter().find(|due| due.change == number)
    }

    /// The terms of its plan's first item at an instant; its name and plan for people.
    pub(crate) fn plan_terms(&self, at: Timestamp) -> Option<&ItemTerms> {
        self.items.iter().find_map(|item| item.terms_at(at).or_else(|| item.last_terms()))
    }
}
