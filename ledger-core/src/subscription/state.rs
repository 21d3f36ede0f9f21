//! One subscription: what was bought on each day, and which cycles exist.
//!
//! # Shape
//!
//! Plan and quantity are two step functions of the civil date. A **segment** is a maximal run of
//! days on which neither changes; it is derived, not stored. A backdated change adds a step that
//! holds until the next recorded step of the same function; a step on the same day replaces the
//! one there. A **cycle** is recorded by an event and keeps the length it had when it opened as
//! its denominator, also when a change of interval cuts it.

use schemas::decimal::Decimal;
use schemas::event::{
    ChangeScheduled, CycleOpened, Event, LineRef, PlanTerms, ScheduledChange, SubscriptionCreated,
};
use schemas::ids::SubscriptionId;
use schemas::terms::{BillingTiming, CancelCredit, Every, PricingModel};
use schemas::time::TimeError;
use schemas::{Date, Interval};
use serde::{Deserialize, Serialize};

use super::calendar;

/// A cycle and what was billed of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cycle {
    pub(crate) index: u32,
    pub(crate) start: Date,
    /// The day after its last; equal to `start` when it was cut away whole.
    pub(crate) end: Date,
    /// Days of the whole cycle, before any cut.
    pub(crate) denominator: u32,
    /// Live lines that charge days of it, in the order they were billed.
    pub(crate) lines: Vec<LineRef>,
    /// Days that were given up by voiding an invoice without billing again.
    pub(crate) waived: Vec<Interval>,
}

/// A run of days with one plan version and one quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment<'a> {
    pub(crate) days: Interval,
    pub(crate) terms: &'a PlanTerms,
    pub(crate) quantity: Decimal,
}

impl Segment<'_> {
    /// The units that the price is multiplied with.
    pub(crate) const fn units(&self) -> Decimal {
        match self.terms.model {
            PricingModel::Flat => Decimal::ONE,
            PricingModel::PerUnit => self.quantity,
        }
    }
}

/// How a subscription ended, or will.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ending {
    pub(crate) on: Date,
    pub(crate) credit: CancelCredit,
}

/// State of one subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subscription {
    pub(crate) id: SubscriptionId,
    pub(crate) start: Date,
    /// Cycles from `anchor_cycle` on are computed from this date.
    pub(crate) anchor: Date,
    anchor_cycle: u32,
    plans: Vec<(Date, PlanTerms)>,
    quantities: Vec<(Date, Decimal)>,
    pub(crate) scheduled: Vec<ChangeScheduled>,
    pub(crate) cycles: Vec<Cycle>,
    pub(crate) ending: Option<Ending>,
}

impl Subscription {
    pub(crate) fn new(created: &SubscriptionCreated) -> Self {
        Self {
            id: created.subscription,
            start: created.start,
            anchor: created.start,
            anchor_cycle: 0,
            plans: vec![(created.start, created.terms.clone())],
            quantities: vec![(created.start, created.quantity)],
            scheduled: Vec::new(),
            cycles: Vec::new(),
            ending: None,
        }
    }

    /// The terms on a day; the first ones before the start.
    pub(crate) fn terms_on(&self, day: Date) -> &PlanTerms {
        &self.plans[step_at(&self.plans, day)].1
    }

    /// The quantity on a day; the first one before the start.
    pub(crate) fn quantity_on(&self, day: Date) -> Decimal {
        self.quantities[step_at(&self.quantities, day)].1
    }

    /// The day of the last step of the plan.
    pub(crate) fn last_plan_step(&self) -> Date {
        self.plans.last().map_or(self.start, |(from, _)| *from)
    }

    /// The length of the cycles that are opened from now on.
    pub(crate) fn every(&self) -> Every {
        self.plans[self.plans.len() - 1].1.every
    }

    /// The index that the next cycle will have.
    pub(crate) fn next_cycle(&self) -> u32 {
        u32::try_from(self.cycles.len()).expect("bounded by the calendar: at most a cycle a day")
    }

    /// The days of the next cycle, whether the subscription lives that long or not.
    pub(crate) fn next_period(&self) -> Result<Interval, TimeError> {
        calendar::period(self.anchor, self.every(), self.next_cycle() - self.anchor_cycle)
    }

    /// The first cycle of which nothing is billed, and nothing after it.
    pub(crate) fn first_unbilled_cycle(&self) -> u32 {
        let billed = |cycle: &&Cycle| !cycle.lines.is_empty() || !cycle.waived.is_empty();
        self.cycles.iter().rev().find(billed).map_or(0, |cycle| cycle.index + 1)
    }

    /// The days of a cycle that the subscription lives through; none if it ended before.
    pub(crate) fn living_days(&self, cycle: &Cycle) -> Option<Interval> {
        let end = self.ending.map_or(cycle.end, |ending| ending.on.min(cycle.end));
        Interval::new(cycle.start, end).ok()
    }

    /// The segments of `days`, in order, without gaps.
    pub(crate) fn segments(&self, days: Interval) -> Vec<Segment<'_>> {
        let mut bounds: Vec<Date> = self
            .plans
            .iter()
            .map(|(from, _)| *from)
            .chain(self.quantities.iter().map(|(from, _)| *from))
            .filter(|from| days.start() < *from && *from < days.end())
            .chain([days.start(), days.end()])
            .collect();
        bounds.sort_unstable();
        bounds.dedup();
        let mut segments: Vec<Segment<'_>> = Vec::with_capacity(bounds.len());
        for pair in bounds.windows(2) {
            let Ok(days) = Interval::new(pair[0], pair[1]) else { continue };
            let terms = self.terms_on(days.start());
            let quantity = self.quantity_on(days.start());
            match segments.last_mut() {
                Some(last) if same_price(last.terms, terms) && last.quantity == quantity => {
                    if let Ok(joined) = Interval::new(last.days.start(), days.end()) {
                        last.days = joined;
                    }
                }
                Some(_) | None => segments.push(Segment { days, terms, quantity }),
            }
        }
        segments
    }

    /// The first day on which a cycle that is not opened yet is billed; none after the end.
    pub(crate) fn next_cycle_due(&self) -> Option<Date> {
        let period = self.next_period().ok()?;
        let end = self.ending.map_or(period.end(), |ending| ending.on.min(period.end()));
        let living = Interval::new(period.start(), end).ok()?;
        let advance = |segment: &Segment<'_>| segment.terms.timing == BillingTiming::InAdvance;
        let starts = self.segments(living).iter().any(advance);
        Some(if starts { living.start() } else { living.end() })
    }

    /// Folds in an event about this subscription.
    pub(crate) fn evolve(&mut self, event: &Event) {
        match event {
            Event::CycleOpened(opened) => self.open(opened),
            Event::CycleCut(cut) => {
                if let Some(cycle) = self.cycles.iter_mut().find(|c| c.index == cut.cycle) {
                    cycle.end = cut.end;
                }
            }
            Event::PlanChanged(changed) => {
                self.scheduled.retain(|due| {
                    !(due.at == changed.from && matches!(due.change, ScheduledChange::Plan(_)))
                });
                put_step(&mut self.plans, changed.from, changed.terms.clone());
                if changed.new_anchor {
                    self.anchor = changed.from;
                    self.anchor_cycle = self.next_cycle();
                }
            }
            Event::QuantityChanged(changed) => {
                self.scheduled.retain(|due| {
                    !(due.at == changed.from && matches!(due.change, ScheduledChange::Quantity(_)))
                });
                put_step(&mut self.quantities, changed.from, changed.quantity);
            }
            Event::ChangeScheduled(scheduled) => self.scheduled.push(scheduled.clone()),
            Event::ScheduledChangeWithdrawn(withdrawn) => {
                self.scheduled.retain(|due| due.change != withdrawn.change);
            }
            Event::SubscriptionCanceled(canceled) => {
                self.scheduled.clear();
                self.ending = Some(Ending { on: canceled.end, credit: canceled.credit });
            }
            Event::BookOpened(_)
            | Event::ClockAdvanced(_)
            | Event::EntityDefined(_)
            | Event::PlanVersionDefined(_)
            | Event::PlanRetired(_)
            | Event::BillingRunStarted(_)
            | Event::CustomerRegistered(_)
            | Event::CustomerRenamed(_)
            | Event::CustomerEmailChanged(_)
            | Event::CustomerTermsChanged(_)
            | Event::CustomerExternalIdChanged(_)
            | Event::SubscriptionCreated(_)
            | Event::DiscountApplied(_)
            | Event::DiscountRemoved(_)
            | Event::ChargeAdded(_)
            | Event::InvoiceFinalized(_)
            | Event::InvoiceVoided(_)
            | Event::CreditNoteIssued(_)
            | Event::PaymentRecorded(_)
            | Event::PaymentReversed(_)
            | Event::PaymentRefunded(_)
            | Event::CreditGranted(_) => {
                unreachable!("the customer folds this event itself: {event:?}")
            }
        }
    }

    fn open(&mut self, opened: &CycleOpened) {
        assert_eq!(opened.cycle, self.next_cycle(), "cycles are opened in order");
        self.cycles.push(Cycle {
            index: opened.cycle,
            start: opened.period.start(),
            end: opened.period.end(),
            denominator: opened.denominator,
            lines: Vec::new(),
            waived: Vec::new(),
        });
    }
}

/// Lines of these terms have the same price: version and all that is frozen with it.
pub(crate) fn same_price(a: &PlanTerms, b: &PlanTerms) -> bool {
    a.plan == b.plan && a.version == b.version
}

/// The index of the step that holds on `day`.
fn step_at<T>(steps: &[(Date, T)], day: Date) -> usize {
    steps.partition_point(|(from, _)| *from <= day).saturating_sub(1)
}

/// Adds a step; one on the same day is replaced: the last recorded holds.
fn put_step<T>(steps: &mut Vec<(Date, T)>, from: Date, value: T) {
    match steps.binary_search_by_key(&from, |(at, _)| *at) {
        Ok(at) => steps[at].1 = value,
        Err(at) => steps.insert(at, (from, value)),
    }
}
