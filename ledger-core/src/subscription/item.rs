//! One item of a subscription: what it costs at each instant, and its cycles.
//!
//! # Shape
//!
//! Terms and quantity are two step functions of time. A **segment** is a maximal run in which
//! neither changes; it is derived, not stored. A backdated change adds a step that holds until
//! the next recorded step of the same function; a step at the same instant replaces the one
//! there. A **cycle** is recorded by an event and keeps the whole cycle that it belongs to as
//! what proration divides by, also when it is cut.

use schemas::decimal::Decimal;
use schemas::event::{Calendar, CycleOpened, EventAt, ItemStarted, ItemTerms, SegmentFrom};
use schemas::terms::RebillRule;
use schemas::time::TimeError;
use schemas::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::calendar;
use super::phases::Phases;
use super::steps::{Said, Word, latest, put_step, step_at};
use super::visit::Visit;
use crate::catalog::models;
use crate::customer::rules::Rules;
use crate::shared::List;
use crate::unmade::Unmade;

mod frozen;
mod stored;
mod told;

pub(crate) use frozen::{Changed, Frozen, LeftAlone};

/// A cycle of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Cycle {
    pub(crate) index: u32,
    pub(crate) start: Timestamp,
    /// The instant after its last; equal to `start` when it was cut away whole.
    pub(crate) end: Timestamp,
    /// The whole cycle that proration divides by.
    pub(crate) full: Span,
    /// The event that opened it.
    pub(crate) made: EventAt,
    /// Changes up to this number had been scheduled by then.
    pub(crate) after: u32,
}

impl Cycle {
    /// What it has lost by being cut: one that is not cut ends with its whole cycle.
    pub(crate) fn behind_its_cut(&self) -> Option<Span> {
        Span::new(self.end.max(self.full.start()), self.full.end())
    }
}

/// A run of time with the same terms and quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment<'a> {
    pub(crate) span: Span,
    pub(crate) terms: &'a ItemTerms,
    pub(crate) quantity: Decimal,
    /// Which change of the item it comes from.
    pub(crate) change: Option<SegmentFrom>,
    /// The event that made that change.
    pub(crate) made: EventAt,
    /// Phases that were withdrawn, where they hold all the same.
    pub(crate) phases: Option<&'a Phases>,
}

impl Segment<'_> {
    /// The units that the price is reckoned with.
    pub(crate) fn units(&self) -> Decimal {
        units_of(self.terms, self.quantity)
    }
}

/// The units that a price is reckoned with at a quantity.
fn units_of(terms: &ItemTerms, quantity: Decimal) -> Decimal {
    let counted = models::with(&terms.rate, |model| model.by_quantity());
    if counted { quantity } else { Decimal::ONE }
}

/// State of one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) number: u16,
    pub(crate) add_on: bool,
    /// Terms from an instant on; none where the item has ended.
    terms: Vec<(Timestamp, Said<Option<ItemTerms>>)>,
    quantities: Vec<(Timestamp, Said<Decimal>)>,
    /// When changes were recorded for, and how many for each instant: a backdated one does not
    /// rename later ones.
    changes: Vec<(Timestamp, u32)>,
    /// The events that set terms or quantity from an instant on.
    origins: Vec<(Timestamp, EventAt)>,
    /// Time that changes without proration left alone.
    pub(crate) frozen: Vec<Frozen>,
    /// Changes whose difference was to be billed at once.
    pub(crate) settled: Vec<Timestamp>,
    pub(crate) calendar: Calendar,
    /// The cycle that `calendar` starts with.
    calendar_cycle: u32,
    #[serde(with = "stored")]
    pub(crate) cycles: List<Cycle>,
}

impl Item {
    pub(crate) fn new(started: &ItemStarted, start: Timestamp, by: Word, made: EventAt) -> Self {
        Self {
            number: started.item,
            add_on: started.add_on,
            terms: vec![(start, Said { what: Some(started.terms.clone()), by })],
            quantities: vec![(start, Said { what: started.quantity, by })],
            changes: Vec::new(),
            origins: vec![(start, made)],
            frozen: Vec::new(),
            settled: Vec::new(),
            calendar: started.calendar,
            calendar_cycle: 0,
            cycles: List::default(),
        }
    }

    /// The terms at an instant; none before the start and after the end.
    pub(crate) fn terms_at(&self, at: Timestamp) -> Option<&ItemTerms> {
        latest(&self.terms, at).and_then(|said| said.what.as_ref())
    }

    /// The last terms that it has had.
    pub(crate) fn last_terms(&self) -> Option<&ItemTerms> {
        self.terms.iter().rev().find_map(|(_, said)| said.what.as_ref())
    }

    /// The quantity at an instant; the first one before the start.
    pub(crate) fn quantity_at(&self, at: Timestamp) -> Decimal {
        self.quantities[step_at(&self.quantities, at)].1.what
    }

    /// The instants after `at` from which terms or quantity are others, in order.
    pub(crate) fn steps_after(&self, at: Timestamp) -> Vec<Timestamp> {
        let terms = self.terms.iter().map(|(from, _)| *from);
        let quantities = self.quantities.iter().map(|(from, _)| *from);
        let mut steps: Vec<Timestamp> = terms.chain(quantities).filter(|from| at < *from).collect();
        steps.sort_unstable();
        steps.dedup();
        steps
    }

    /// Every instant from which something of it is other, in no order.
    pub(crate) fn all_steps(&self) -> Vec<Timestamp> {
        let terms = self.terms.iter().map(|(from, _)| *from);
        let quantities = self.quantities.iter().map(|(from, _)| *from);
        let changes = self.changes.iter().map(|(from, _)| *from);
        let origins = self.origins.iter().map(|(from, _)| *from);
        terms.chain(quantities).chain(changes).chain(origins).collect()
    }

    /// The last instant up to another at which terms or quantity were told.
    pub(crate) fn told_at(&self, at: Timestamp) -> Option<Timestamp> {
        let terms = self.terms.iter().map(|(from, _)| *from);
        let all = terms.chain(self.quantities.iter().map(|(from, _)| *from));
        all.filter(|from| *from <= at).max()
    }

    /// The instant from which it has no terms for ever, if there is one.
    pub(crate) fn removed_at(&self) -> Option<Timestamp> {
        self.terms.last().filter(|(_, said)| said.what.is_none()).map(|(from, _)| *from)
    }

    /// Where it begins.
    pub(crate) fn began(&self) -> Timestamp {
        self.terms[0].0
    }

    /// Where its first cycle begins.
    pub(crate) fn first_start(&self) -> Timestamp {
        // One that was cut away whole before it began is none.
        let mut begin = self.cycles.iter().filter(|cycle| cycle.start < cycle.end);
        begin.next().map_or(self.calendar.from, |cycle| cycle.start)
    }

    /// The cycle that an instant lies in, opened or not; none before the first.
    ///
    /// # Errors
    /// A date that cannot be computed.
    pub(crate) fn cycle_at(&self, at: Timestamp, rules: &Rules) -> Result<Option<Span>, TimeError> {
        let holds = |cycle: &&Cycle| cycle.start <= at && at < cycle.end;
        if let Some(cycle) = self.cycles.iter().rev().find(holds) {
            return Ok(Span::new(cycle.start, cycle.end));
        }
        let mut n = self.next_cycle() - self.calendar_cycle;
        loop {
            let (span, _) = calendar::period(&self.calendar, n, rules)?;
            if at < span.start() {
                return Ok(None);
            }
            if span.contains(at) {
                return Ok(Some(span));
            }
            n += 1;
        }
    }

    /// What of a cycle stays as it is invoiced.
    pub(crate) fn left_alone(&self, cycle: u32) -> impl Iterator<Item = LeftAlone<'_>> {
        self.frozen.iter().filter(move |frozen| cycle < frozen.before).map(Frozen::left_alone)
    }

    /// What a change that laid cycles anew has forfeited of a cycle.
    pub(crate) fn forfeited(&self, cycle: &Cycle) -> Option<LeftAlone<'_>> {
        let cut = self.frozen.iter().rfind(|frozen| frozen.has_cut(cycle.index))?;
        cut.left_alone().within(cycle.behind_its_cut()?)
    }

    /// The instant from which its cycles are computed anew, if they are.
    pub(crate) fn moved_at(&self) -> Option<Timestamp> {
        let before = self.cycles.iter().take(self.calendar_cycle as usize);
        before.into_iter().any(|cycle| cycle.start < cycle.end).then_some(self.calendar.from)
    }

    /// Where the first cycle begins that was opened when a change had been scheduled.
    pub(crate) fn opened_after(&self, change: u32) -> Option<Timestamp> {
        let mut known = self.cycles.iter().filter(|cycle| cycle.start < cycle.end);
        known.find(|cycle| change <= cycle.after).map(|cycle| cycle.start)
    }

    /// The index that the next cycle will have.
    pub(crate) fn next_cycle(&self) -> u32 {
        u32::try_from(self.cycles.len()).expect("bounded by the calendar: at most a cycle a day")
    }

    /// The time of the next cycle, whether the item lives that long or not, and its whole cycle.
    pub(crate) fn next_period(&self, rules: &Rules) -> Result<(Span, Span), TimeError> {
        calendar::period(&self.calendar, self.next_cycle() - self.calendar_cycle, rules)
    }

    /// The time of the n-th cycle that is not opened yet, counted from 0, and its whole cycle.
    ///
    /// # Errors
    /// A date that cannot be computed.
    pub(crate) fn period_ahead(&self, n: u32, rules: &Rules) -> Result<(Span, Span), TimeError> {
        calendar::period(&self.calendar, self.next_cycle() - self.calendar_cycle + n, rules)
    }

    /// Which cycle that is not opened yet is the first from the n-th on that ends after an instant.
    ///
    /// # Errors
    /// A date that cannot be computed.
    pub(crate) fn first_ahead_after(
        &self,
        n: u32,
        at: Timestamp,
        rules: &Rules,
    ) -> Result<u32, TimeError> {
        let ends_after = |n: u32| Ok::<bool, TimeError>(at < self.period_ahead(n, rules)?.0.end());
        // What lies between is never looked at: a pause may be long and its cycles short.
        let (mut before, mut step) = (n, 1);
        if ends_after(n)? {
            return Ok(n);
        }
        while !ends_after(before + step)? {
            (before, step) = (before + step, step * 2);
        }
        let mut found = before + step;
        while before + 1 < found {
            let middle = before + (found - before) / 2;
            if ends_after(middle)? { found = middle } else { before = middle }
        }
        Ok(found)
    }

    /// The segments of `span` less the pauses, in order. What is `frozen` is billed as it was
    /// before that.
    pub(crate) fn segments<'a>(
        &'a self,
        span: Span,
        (pauses, frozen): (&[Span], &[LeftAlone<'a>]),
        rules: &Rules,
    ) -> Vec<Segment<'a>> {
        let inside = |at: &Timestamp| span.start() < *at && *at < span.end();
        let mut bounds: Vec<Timestamp> = self.terms.iter().map(|(from, _)| *from).collect();
        bounds.extend(self.quantities.iter().map(|(from, _)| *from));
        bounds.extend(self.changes.iter().map(|(from, _)| *from));
        bounds.extend(pauses.iter().flat_map(|pause| [pause.start(), pause.end()]));
        bounds.extend(frozen.iter().flat_map(|frozen| [frozen.span.start(), frozen.span.end()]));
        bounds.extend(frozen.iter().flat_map(|frozen| frozen.steps()));
        bounds.retain(inside);
        bounds.extend([span.start(), span.end()]);
        bounds.sort_unstable();
        bounds.dedup();
        let mut segments: Vec<Segment<'_>> = Vec::with_capacity(bounds.len());
        for pair in bounds.windows(2) {
            let Some(span) = Span::new(pair[0], pair[1]) else { continue };
            if pauses.iter().any(|pause| pause.overlap(span).is_some()) {
                continue;
            }
            segments.extend(self.segment(span, frozen));
        }
        with_peaks(&mut segments);
        joined(segments, rules)
    }

    /// The event that set what holds at an instant.
    fn origin_at(&self, at: Timestamp) -> EventAt {
        self.origins[step_at(&self.origins, at)].1
    }

    /// Folds in a cycle that was opened.
    ///
    /// # Errors
    /// [`Unmade`] when the one before it was not.
    pub(crate) fn open(
        &mut self,
        opened: &CycleOpened,
        made: EventAt,
        after: u32,
    ) -> Result<(), Unmade> {
        if opened.cycle != self.next_cycle() {
            let part =
                format!("the cycle before cycle {} of item {} of", opened.cycle, opened.item);
            return Err(Unmade::of(part, opened.subscription));
        }
        self.cycles.push(Cycle {
            index: opened.cycle,
            start: opened.span.start(),
            end: opened.span.end(),
            full: opened.full,
            made,
            after,
        });
        Ok(())
    }

    /// The cycle of this index, if it was opened.
    pub(crate) fn cycle(&self, cycle: u32) -> Option<&Cycle> {
        self.cycles.get(usize::try_from(cycle).ok()?)
    }

    /// The cycle of this index, to be changed.
    pub(crate) fn cycle_mut(&mut self, cycle: u32) -> Option<&mut Cycle> {
        self.cycles.get_mut(usize::try_from(cycle).ok()?)
    }

    /// Shows every instant that was agreed for this item, and puts in its place what is said of
    /// it. Steps stay in order.
    pub(super) fn agreed(&mut self, visit: Visit<'_>) {
        self.terms.iter_mut().for_each(|(from, _)| *from = visit(*from));
        self.quantities.iter_mut().for_each(|(from, _)| *from = visit(*from));
        self.changes.iter_mut().for_each(|(from, _)| *from = visit(*from));
        self.origins.iter_mut().for_each(|(from, _)| *from = visit(*from));
        self.frozen.iter_mut().for_each(|frozen| frozen.agreed(visit));
        self.settled.iter_mut().for_each(|from| *from = visit(*from));
        self.calendar.from = visit(self.calendar.from);
        self.calendar.first = visit(self.calendar.first);
    }

    /// Notes that a change was recorded for an instant.
    pub(crate) fn mark(&mut self, from: Timestamp) {
        let before = self.changes.binary_search_by_key(&from, |(at, _)| *at);
        let nth = before.map_or(0, |at| self.changes[at].1) + 1;
        put_step(&mut self.changes, from, nth);
    }

    /// The last change up to an instant. It is the same whether it has happened or is foreseen, so
    /// that what was billed ahead is known again.
    fn change_at(&self, at: Timestamp) -> Option<SegmentFrom> {
        let last = self.changes.partition_point(|(from, _)| *from <= at).checked_sub(1)?;
        let (at, nth) = self.changes[last];
        Some(SegmentFrom { at, nth })
    }

    /// How many changes were recorded for an instant.
    pub(crate) fn changes_at(&self, at: Timestamp) -> Option<u32> {
        self.changes.iter().find(|(from, _)| *from == at).map(|(_, nth)| *nth)
    }

    /// The first instant after `at` for which a command said something of it; phases and migrations
    /// are no commands.
    fn next_command(&self, at: Timestamp) -> Option<Timestamp> {
        let terms = self.terms.iter().filter(|(_, told)| told.by.is_command());
        let terms = terms.map(|(from, _)| *from);
        let quantities = self.quantities.iter().filter(|(_, told)| told.by.is_command());
        let quantities = quantities.map(|(from, _)| *from);
        let changes = self.changes.iter().map(|(from, _)| *from);
        terms.chain(quantities).chain(changes).filter(|from| *from > at).min()
    }

    /// Its steps lie elsewhere, and so do its cycles.
    pub(crate) fn relocate(
        &mut self,
        moved: impl Fn(Timestamp) -> Timestamp,
        calendar: Calendar,
        cycles: &[Span],
    ) {
        self.terms.iter_mut().for_each(|(at, _)| *at = moved(*at));
        self.quantities.iter_mut().for_each(|(at, _)| *at = moved(*at));
        self.changes.iter_mut().for_each(|(at, _)| *at = moved(*at));
        self.origins.iter_mut().for_each(|(at, _)| *at = moved(*at));
        self.calendar = calendar;
        self.cycles.truncate(cycles.len());
        for (at, span) in cycles.iter().enumerate() {
            if let Some(cycle) = self.cycles.get_mut(at) {
                (cycle.start, cycle.end, cycle.full) = (span.start(), span.end(), *span);
            }
        }
    }
}

/// Runs that nothing tells apart are one segment.
fn joined<'a>(runs: Vec<Segment<'a>>, rules: &Rules) -> Vec<Segment<'a>> {
    let mut segments: Vec<Segment<'a>> = Vec::with_capacity(runs.len());
    for next in runs {
        match segments.last_mut() {
            Some(last) if joins(last, &next, rules) => {
                let whole = Span::new(last.span.start(), next.span.end());
                last.span = whole.unwrap_or(last.span);
            }
            Some(_) | None => segments.push(next),
        }
    }
    segments
}

/// Two runs are one segment if nothing tells them apart.
fn joins(a: &Segment<'_>, b: &Segment<'_>, rules: &Rules) -> bool {
    let same_change = match rules.policies.rebill {
        RebillRule::OnPriceChange => true,
        RebillRule::OnEveryChange => a.change == b.change,
    };
    a.span.end() == b.span.start()
        && a.phases == b.phases
        && same_price(a.terms, b.terms)
        && a.units() == b.units()
        && same_change
}

/// Some prices are reckoned by the highest quantity of the cycle.
fn with_peaks(segments: &mut [Segment<'_>]) {
    let peak = segments.iter().map(|segment| segment.quantity).max();
    for segment in segments {
        let by_peak = models::with(&segment.terms.rate, |model| model.by_peak());
        if let (true, Some(peak)) = (by_peak, peak) {
            segment.quantity = peak;
        }
    }
}

/// Lines of these terms have the same price: version, and all that is frozen with it.
pub(crate) fn same_price(a: &ItemTerms, b: &ItemTerms) -> bool {
    (a.plan, a.version, &a.price, &a.rate) == (b.plan, b.version, &b.price, &b.rate)
}
