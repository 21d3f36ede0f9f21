//! State of one subscription: its items, and what holds for all of them.

use schemas::event::{
    ActivationAgreed, ChangeScheduled, Dimension, EventAt, ItemTerms, LeastTerm, MigrationTaken,
    ScheduledChange, ScheduledFor, SubscriptionCreated, Term,
};
use schemas::ids::{CustomerId, InvoiceId, PlanId, QuoteId, SubscriptionId};
use schemas::terms::{Anchor, CancelCredit, CancelDefault, EndReason, Settle, TrialAnchor};
use schemas::text::Label;
use schemas::time::TimeError;
use schemas::{Decimal, Rejection, Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::item::{Cycle, Item};
use super::phases::Phases;
use super::steps::Word;
use super::term::ends_by_itself;
use crate::customer::rules::Rules;
use crate::mistakes::{Mistake, makes};

/// The most items that a subscription has in its life, ended ones included.
const MAX_ITEMS: u16 = 1_000;

/// How a subscription ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ending {
    pub(crate) at: Timestamp,
    pub(crate) credit: CancelCredit,
    pub(crate) reason: EndReason,
    /// Cycles that start up to here had begun when the end was told.
    pub(crate) begun: Timestamp,
}

/// An end that is known: it has come, is scheduled, or is that of a term that is not renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KnownEnd {
    pub(crate) at: Timestamp,
    pub(crate) credit: CancelCredit,
    /// It has come.
    pub(crate) ended: bool,
}

/// Waits for the first payment, from the invoice on that asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Activation {
    pub(crate) agreed: ActivationAgreed,
    /// The invoice, and when the subscription ends if it is not paid.
    pub(crate) asked: Option<(InvoiceId, Timestamp)>,
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

/// A migration that an item of a subscription took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Migrated {
    pub(crate) item: u16,
    /// The start of the cycle that took it.
    pub(crate) at: Timestamp,
    pub(crate) plan: PlanId,
    pub(crate) taken: MigrationTaken,
}

/// State of one subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    pub(crate) id: SubscriptionId,
    pub(crate) start: Timestamp,
    pub(crate) items: Vec<Item>,
    pub(crate) trial_end: Option<Timestamp>,
    /// Set until its first payment came, or it ended.
    pub(crate) activation: Option<Activation>,
    pub(crate) pauses: Vec<Pause>,
    pub(crate) term: Option<Term>,
    pub(crate) least_term: Option<LeastTerm>,
    /// Where it asked that cycles start.
    pub(crate) anchor: Option<Anchor>,
    pub(crate) phases: Option<Phases>,
    pub(crate) scheduled: Vec<ChangeScheduled>,
    /// What an end put aside that lies beyond it, until it is undone.
    pub(crate) aside: Vec<ChangeScheduled>,
    /// The last of them that could not be, or not whole, with the reason.
    pub(crate) left_out: Vec<(ChangeScheduled, Label)>,
    /// How many changes were scheduled.
    pub(crate) changes: u32,
    pub(crate) ending: Option<Ending>,
    pub(crate) beneficiary: Option<CustomerId>,
    pub(crate) quote: Option<QuoteId>,
    /// It is on the plan that it was quoted.
    pub(crate) as_quoted: bool,
    pub(crate) dimensions: Vec<Dimension>,
    /// Migrations that its items took, in order.
    pub(crate) migrated: Vec<Migrated>,
    /// The last event that changed, paused or ended it.
    pub(crate) changed: EventAt,
}

impl Subscription {
    pub(crate) fn new(created: &SubscriptionCreated, made: EventAt) -> Self {
        let item = |item| Item::new(item, created.start, Word::Plan, made);
        Self {
            id: created.subscription,
            start: created.start,
            items: created.items.iter().map(item).collect(),
            trial_end: created.trial_end,
            activation: created.activation.map(|agreed| Activation { agreed, asked: None }),
            pauses: Vec::new(),
            term: created.term,
            least_term: created.least_term,
            anchor: created.anchor,
            phases: None,
            scheduled: Vec::new(),
            aside: Vec::new(),
            left_out: Vec::new(),
            changes: 0,
            ending: None,
            beneficiary: created.beneficiary,
            quote: created.quote,
            as_quoted: created.quote.is_some(),
            dimensions: created.dimensions.clone(),
            migrated: Vec::new(),
            changed: made,
        }
    }

    /// Its id.
    pub const fn id(&self) -> SubscriptionId {
        self.id
    }

    /// Whether it has a plan, or moved within it once.
    pub(crate) fn has_had(&self, plan: PlanId) -> bool {
        let has = |item: &Item| item.last_terms().is_some_and(|terms| terms.plan == plan);
        self.items.iter().any(has) || self.migrated.iter().any(|found| found.plan == plan)
    }

    /// Whether a scheduled change has come that leaves alone what is invoiced. Before its first
    /// payment none comes.
    pub(crate) fn leaves_alone_by(&self, now: Timestamp) -> bool {
        let comes = |due: &ChangeScheduled| {
            let leaves = match &due.what {
                ScheduledChange::Items(change) => change.settle == Settle::None,
                ScheduledChange::Cancel(_)
                | ScheduledChange::Pause(_)
                | ScheduledChange::Resume(_) => false,
            };
            leaves && matches!(due.at, ScheduledFor::At(at) if at <= now)
        };
        !self.waits() && self.scheduled.iter().any(comes)
    }

    /// When the next scheduled change of plan comes.
    pub(super) fn next_scheduled_plan(&self) -> Option<Timestamp> {
        let changes = self.scheduled.iter().filter(|due| match &due.what {
            ScheduledChange::Items(items) => items.plan.is_some(),
            ScheduledChange::Cancel(_) | ScheduledChange::Pause(_) | ScheduledChange::Resume(_) => {
                false
            }
        });
        let times = changes.filter_map(|due| match due.at {
            ScheduledFor::At(at) => Some(at),
            ScheduledFor::Paid => None,
        });
        times.min()
    }

    /// Whether an item took a migration of a plan.
    pub(crate) fn has_taken(&self, item: u16, plan: PlanId, migration: u32) -> bool {
        let taken = |found: &Migrated| (found.item, found.plan, found.taken.migration);
        self.migrated.iter().any(|found| taken(found) == (item, plan, migration))
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
        if at < self.start || self.waits() {
            Phase::Pending
        } else if self.paused_at(at).is_some() {
            Phase::Paused
        } else if self.trial_end.is_some_and(|end| at < end) {
            Phase::Trialing
        } else {
            Phase::Active
        }
    }

    /// It ended where it would have begun.
    pub(crate) fn never_begins(&self) -> bool {
        self.ending.is_some_and(|ending| ending.at <= self.start)
    }

    /// It waits for its first payment: an invoice asks for one.
    pub(crate) fn waits(&self) -> bool {
        self.activation.is_some_and(|activation| activation.asked.is_some())
    }

    /// Where its cycles are counted from: its start, or the end of its trial.
    pub(crate) fn origin(&self, rules: &Rules) -> Timestamp {
        match rules.policies.trial_anchor {
            TrialAnchor::TrialEnd => self.trial_end.unwrap_or(self.start),
            TrialAnchor::SubscriptionStart => self.start,
        }
    }

    /// The item whose cycles are those of the subscription at an instant: the first of the plan
    /// that lives then, and an add-on only where nothing of the plan is left.
    pub(crate) fn leading(&self, at: Timestamp) -> Option<&Item> {
        let living = || self.items.iter().filter(|item| item.terms_at(at).is_some());
        living().find(|item| !item.add_on).or_else(|| living().next())
    }

    /// The end of the cycle that an instant lies in, of the first price that lives then; before
    /// its first cycle, the end of that one.
    fn cycle_end(&self, at: Timestamp, rules: &Rules) -> Result<Option<Timestamp>, TimeError> {
        let first = self.items.first().map_or(self.start, Item::first_start);
        let at = at.max(first);
        let Some(item) = self.leading(at) else { return Ok(None) };
        Ok(item.cycle_at(at, rules)?.map(Span::end))
    }

    /// The end of the trial that runs at an instant, where cycles begin with it.
    pub(crate) fn runs_trial_until(&self, at: Timestamp, rules: &Rules) -> Option<Timestamp> {
        self.trial_end.filter(|end| at < *end && self.origin(rules) == *end)
    }

    /// The end of a cycle, as a command at an instant means it: who leaves during a trial leaves
    /// when it is over.
    ///
    /// # Errors
    /// A date that cannot be computed.
    pub(crate) fn told_end(
        &self,
        at: Timestamp,
        rules: &Rules,
    ) -> Result<Option<Timestamp>, TimeError> {
        match self.runs_trial_until(at, rules) {
            Some(end) => Ok(Some(end)),
            None => self.cycle_end(at, rules),
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

    /// Time without service as far as it is known, with what is scheduled.
    pub(crate) fn known_pauses(&self) -> Vec<Span> {
        let at = |due: &ChangeScheduled| match due.at {
            ScheduledFor::At(at) => Some(at),
            ScheduledFor::Paid => None,
        };
        let resumptions =
            self.scheduled.iter().filter(|due| matches!(due.what, ScheduledChange::Resume(_)));
        let resumptions: Vec<Timestamp> = resumptions.filter_map(at).collect();
        let next = |from: Timestamp| resumptions.iter().copied().filter(|at| from < *at).min();
        let known = self.pauses.iter().map(|pause| (pause.from, pause.until));
        let scheduled =
            self.scheduled.iter().filter(|due| matches!(due.what, ScheduledChange::Pause(_)));
        let all = known.chain(scheduled.filter_map(at).map(|from| (from, None)));
        let until = |(from, until): (Timestamp, Option<Timestamp>)| {
            Span::new(from, until.or_else(|| next(from)).unwrap_or(Timestamp::MAX))
        };
        all.filter_map(until).collect()
    }

    /// When it ends, as far as that is known. A term that is not renewed gives back what a
    /// cancellation does that does not say.
    pub(crate) fn known_end(&self, rules: &Rules) -> Option<KnownEnd> {
        if let Some(Ending { at, credit, .. }) = self.ending {
            return Some(KnownEnd { at, credit, ended: true });
        }
        let scheduled = self.scheduled.iter().filter_map(|due| match (&due.what, due.at) {
            (ScheduledChange::Cancel(end), ScheduledFor::At(at)) => Some((at, end.credit)),
            (
                ScheduledChange::Cancel(_)
                | ScheduledChange::Items(_)
                | ScheduledChange::Pause(_)
                | ScheduledChange::Resume(_),
                _,
            ) => None,
        });
        // An end beyond every date that there is, is none.
        let term = self.term.and_then(|term| ends_by_itself(term, self.start, rules).ok()?);
        let term = term.map(|at| (at, default_credit(rules)));
        let known = scheduled.chain(term).min_by_key(|(at, _)| *at);
        known.map(|(at, credit)| KnownEnd { at, credit, ended: false })
    }

    /// Whether its end has come by an instant, whether anybody was told or not.
    pub(crate) fn ends_by(&self, at: Timestamp, rules: &Rules) -> bool {
        self.known_end(rules).is_some_and(|known| known.at <= at)
    }

    /// Whether a cycle that starts at an instant begins, or had begun when its end was told.
    pub(crate) fn begins(&self, start: Timestamp, rules: &Rules) -> bool {
        let before_end = self.known_end(rules).is_none_or(|known| start < known.at)
            || makes(Mistake::KeepsWhatWontBegin);
        before_end || self.ending.is_some_and(|ending| start <= ending.begun)
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

    /// The time of a span that the subscription lives through, pauses included.
    pub(crate) fn living(&self, start: Timestamp, end: Timestamp, rules: &Rules) -> Option<Span> {
        let start = start.max(self.start);
        let start = self.trial_end.map_or(start, |trial| trial.max(start));
        Span::new(start, self.known_end(rules).map_or(end, |known| known.at.min(end)))
    }

    pub(crate) fn living_cycle(&self, cycle: &Cycle, rules: &Rules) -> Option<Span> {
        self.living(cycle.start, cycle.end, rules)
    }

    /// Whether nothing is billed in advance for a cycle, and what was comes back when the end
    /// comes: it ends in it with full credit.
    pub(crate) fn gives_back(&self, cycle: &Cycle, rules: &Rules) -> bool {
        self.known_end(rules).is_some_and(|known| {
            known.credit == CancelCredit::Full && cycle.start < known.at && known.at < cycle.end
        })
    }

    /// Percent that the phase of a ramp takes off a cycle; one of these phases, where they hold
    /// though they were withdrawn.
    pub(crate) fn phase_percent(&self, cycle: &Cycle, held: Option<&Phases>) -> Option<Decimal> {
        held.or(self.phases.as_ref())?.percent_at(cycle.start.max(self.start))
    }

    /// Whether a cycle was opened that something scheduled comes before.
    pub(crate) fn foresees(&self) -> bool {
        let last = self.items.iter().filter_map(|item| item.cycles.iter().next_back());
        let last = last.map(|cycle| cycle.start).max();
        last.is_some_and(|start| !self.is_settled_until(start))
    }

    /// Nothing is scheduled up to and at an instant.
    pub(crate) fn is_settled_until(&self, at: Timestamp) -> bool {
        self.scheduled.iter().all(|due| match due.at {
            ScheduledFor::At(due) => at < due,
            ScheduledFor::Paid => true,
        })
    }

    /// The end of the last cycle that was opened or runs now, of items that had not ended before an
    /// instant. One that a change has cut counts whole: its days are still divided by.
    ///
    /// # Errors
    /// A date that cannot be computed.
    pub(crate) fn cycles_end(
        &self,
        since: Timestamp,
        now: Timestamp,
        rules: &Rules,
    ) -> Result<Option<Timestamp>, TimeError> {
        let over = |end: Option<Timestamp>| end.is_some_and(|end| end < since);
        let mut last = None;
        if over(self.ending.map(|ending| ending.at)) {
            return Ok(last);
        }
        let lives = |item: &&Item| item.removed_at().is_none_or(|gone| now < gone);
        for item in self.items.iter().filter(lives) {
            // One that was cut away whole is none.
            let opened = item.cycles.iter().filter(|cycle| cycle.start < cycle.end);
            let opened = opened.map(|cycle| cycle.full.end()).max();
            // While it waits for its first payment, no cycle is opened.
            let runs = item.cycle_at(now, rules)?.map(Span::end);
            last = last.max(opened).max(runs);
        }
        Ok(last)
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

/// What an end gives back that does not say.
pub(crate) const fn default_credit(rules: &Rules) -> CancelCredit {
    match rules.policies.cancel_default {
        CancelDefault::Credit => CancelCredit::Prorated,
        CancelDefault::Keep => CancelCredit::None,
    }
}

/// Whether a scheduled change is an end.
pub(crate) fn is_end(due: &ChangeScheduled) -> bool {
    match due.what {
        ScheduledChange::Cancel(_) => true,
        ScheduledChange::Items(_) | ScheduledChange::Pause(_) | ScheduledChange::Resume(_) => false,
    }
}
