//! Time of an item that changes without proration have left as it is invoiced.

use schemas::decimal::Decimal;
use schemas::event::{EventAt, ItemChange, ItemTerms, SegmentFrom, TermsChange};
use schemas::terms::BillingTiming;
use schemas::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Cycle, Item, Segment};
use crate::spans::{self, just_before};
use crate::subscription::phases::Phases;
use crate::subscription::visit::{self, Visit};

/// Time that is billed as it was just before a change was recorded: nothing else of it is charged
/// or given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Frozen {
    /// What is left of the time.
    span: Span,
    /// The instant of the change.
    since: Timestamp,
    /// Only of cycles before this one.
    pub(super) before: u32,
    /// The first cycle of the calendar that held just before the change.
    of_calendar: u32,
    /// What was billed from an instant on; the first one is that of the change.
    was: Vec<Was>,
    /// What was billed of cycles that were opened when changes had been scheduled, in order.
    ahead: Vec<Ahead>,
    /// Changes up to this number were scheduled before it was told.
    after: u32,
    /// The phases of the ramp before the change.
    phases: Option<Box<Phases>>,
    /// Where it lays cycles anew: time of pauses of which nothing was to be billed.
    paused: Vec<Span>,
}

/// What was billed ahead of cycles that begin at an instant or later, with a change that was
/// scheduled for it, and without what was told after that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Ahead {
    from: Timestamp,
    /// The number of the change.
    change: u32,
    was: Vec<Was>,
}

/// What an item was from an instant on, before a change was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Was {
    from: Timestamp,
    /// None where nothing of it was billed.
    terms: Option<ItemTerms>,
    quantity: Decimal,
    change: Option<SegmentFrom>,
    made: EventAt,
}

/// Time that was left alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LeftAlone<'a> {
    pub(crate) span: Span,
    frozen: &'a Frozen,
    /// The phases that held before the change.
    pub(crate) phases: Option<&'a Phases>,
    /// How many of the changes that were scheduled it was billed with.
    with: usize,
}

#[derive(Debug)]
enum TermsNow {
    Same,
    Ended,
    Other(Box<ItemTerms>),
}

/// What a change says of an item, be it so already or not.
#[derive(Debug)]
pub(crate) struct Changed {
    from: Timestamp,
    terms: TermsNow,
    quantity: Option<Decimal>,
}

impl Frozen {
    /// Time of which nothing is billed: of what begins with the change, or was paused before it.
    pub(crate) fn of_nothing(span: Span, made: EventAt, after: u32) -> Self {
        let (from, quantity) = (span.start(), Decimal::ONE);
        let was = vec![Was { from, terms: None, quantity, change: None, made }];
        let (of_calendar, before) = (0, u32::MAX);
        let (ahead, phases, paused) = (Vec::new(), None, Vec::new());
        Self { span, since: from, before, of_calendar, was, ahead, after, phases, paused }
    }

    /// The same with pauses, of which nothing is billed.
    pub(crate) fn beside(self, pauses: impl Iterator<Item = Span>) -> Self {
        let paused = pauses.filter_map(|pause| pause.overlap(self.span)).collect();
        Self { paused, ..self }
    }

    /// What a scheduled change would have changed from an instant on was billed ahead.
    pub(crate) fn was_billed_ahead(
        &mut self,
        number: u32,
        changed: &Changed,
        (made, segment): (EventAt, SegmentFrom),
    ) {
        let known = self.ahead.last();
        let from = known.map_or(changed.from, |ahead| ahead.from.min(changed.from));
        let was = known.map_or(&self.was, |ahead| &ahead.was);
        let was = with(was, changed, None, (made, Some(segment)));
        let change = known.map_or(number, |ahead| ahead.change.max(number));
        self.ahead.push(Ahead { from, change, was });
    }

    /// It was told of the calendar that a cycle is of, and cycles were laid anew since.
    pub(super) fn has_cut(&self, cycle: u32) -> bool {
        self.before != u32::MAX && (self.of_calendar..self.before).contains(&cycle)
    }

    pub(super) fn left_alone(&self) -> LeftAlone<'_> {
        let phases = self.phases.as_deref();
        LeftAlone { span: self.span, frozen: self, phases, with: 0 }
    }

    /// Shows the instants that were agreed.
    pub(super) fn agreed(&mut self, visit: Visit<'_>) {
        self.span = visit::span(self.span, visit);
        self.since = visit(self.since);
        let mut all: Vec<&mut Was> = self.was.iter_mut().collect();
        for ahead in &mut self.ahead {
            ahead.from = visit(ahead.from);
            all.extend(&mut ahead.was);
        }
        for pause in &mut self.paused {
            *pause = visit::span(*pause, visit);
        }
        for was in all {
            was.from = visit(was.from);
            if let Some(change) = &mut was.change {
                change.at = visit(change.at);
            }
        }
        if let Some(phases) = &mut self.phases {
            phases.agreed(visit);
        }
    }
}

/// What was billed of time if a change from an instant on is billed as well: as long as nothing
/// else was of the same.
fn with(
    was: &[Was],
    changed: &Changed,
    begun: Option<&ItemTerms>,
    (made, change): (EventAt, Option<SegmentFrom>),
) -> Vec<Was> {
    let from = changed.from;
    let known = was.partition_point(|was| was.from <= from).saturating_sub(1);
    let (mut all, then) = (was.to_vec(), was[known].clone());
    if then.from < from {
        all.insert(known + 1, Was { from, ..then.clone() });
    }
    let later = all.iter_mut().skip_while(|was| was.from < from);
    let (mut same_terms, mut same_quantity) = (true, true);
    for was in later {
        same_terms &= was.terms == then.terms;
        same_quantity &= was.quantity == then.quantity;
        // An add-on that has begun without proration was to begin by this.
        if same_terms && was.terms.is_none() && changed.quantity.is_some() {
            was.terms = begun.cloned();
        }
        // Of what is not there nothing is changed.
        match &changed.terms {
            TermsNow::Ended if same_terms => was.terms = None,
            TermsNow::Other(terms) if same_terms && was.terms.is_some() => {
                was.terms = Some((**terms).clone());
            }
            TermsNow::Same | TermsNow::Ended | TermsNow::Other(_) => {}
        }
        if let Some(quantity) = changed.quantity.filter(|_| same_quantity) {
            was.quantity = quantity;
        }
        if was.change.is_none_or(|known| known.at <= from) {
            (was.change, was.made) = (change, made);
        }
    }
    all
}

impl<'a> LeftAlone<'a> {
    /// What of it lies in a span.
    pub(crate) fn within(self, span: Span) -> Option<Self> {
        self.span.overlap(span).map(|span| Self { span, ..self })
    }

    /// What is left of it.
    pub(crate) fn without(self, taken: &[Span]) -> Vec<Self> {
        let left = taken.iter().fold(vec![self.span], |set, span| spans::without(&set, *span));
        left.into_iter().map(|span| Self { span, ..self }).collect()
    }

    /// The instant just before the change.
    pub(crate) fn just_before(self) -> Timestamp {
        just_before(self.frozen.since)
    }

    /// As a cycle was billed: with what had been scheduled when it was opened.
    pub(crate) fn of_cycle(self, cycle: &Cycle) -> Self {
        let mut known = self.frozen.ahead.iter();
        let with = known.rposition(|a| a.from <= cycle.start && a.change <= cycle.after);
        Self { with: with.map_or(0, |last| last + 1), ..self }
    }

    /// As it was billed with changes up to one that had been scheduled.
    fn up_to(self, change: u32) -> Self {
        let with = self.frozen.ahead.iter().rposition(|ahead| ahead.change <= change);
        Self { with: with.map_or(0, |last| last + 1), ..self }
    }

    /// As it may have been billed again: with more or less of what had been scheduled.
    pub(crate) fn others(self, start: Timestamp) -> impl Iterator<Item = Self> {
        let begins = move |with: &usize| match with.checked_sub(1) {
            Some(at) => self.frozen.ahead[at].from <= start,
            None => true,
        };
        let all = (0..=self.frozen.ahead.len()).filter(move |with| *with != self.with);
        all.filter(begins).map(move |with| Self { with, ..self })
    }

    /// Time of it in which it was paused, and nothing was to be billed.
    pub(crate) fn paused(self) -> &'a [Span] {
        &self.frozen.paused
    }

    /// Runs of it, and when each is billed; none where nothing of it is.
    pub(crate) fn runs(self) -> Vec<(Span, Option<BillingTiming>)> {
        let mut steps: Vec<Timestamp> = self.steps().filter(|at| self.span.contains(*at)).collect();
        steps.extend([self.span.start(), self.span.end()]);
        steps.sort_unstable();
        steps.dedup();
        let timing = |at| self.was_at(at).terms.as_ref().map(|terms| terms.timing);
        let run = |pair: &[Timestamp]| Some((Span::new(pair[0], pair[1])?, timing(pair[0])));
        steps.windows(2).filter_map(run).collect()
    }

    fn was(self) -> &'a [Was] {
        match self.with.checked_sub(1) {
            Some(at) => &self.frozen.ahead[at].was,
            None => &self.frozen.was,
        }
    }

    /// Instants of it at which something else was billed.
    pub(super) fn steps(self) -> impl Iterator<Item = Timestamp> + 'a {
        self.was().iter().map(|was| was.from)
    }

    fn was_at(self, at: Timestamp) -> &'a Was {
        let known = self.was().partition_point(|was| was.from <= at);
        &self.was()[known.saturating_sub(1)]
    }
}

impl Changed {
    pub(crate) fn by(from: Timestamp, change: &ItemChange) -> Self {
        let terms = match &change.terms {
            TermsChange::Keep => TermsNow::Same,
            TermsChange::Set(terms) => TermsNow::Other(terms.clone()),
            TermsChange::Remove => TermsNow::Ended,
        };
        Self { from, terms, quantity: change.quantity }
    }
}

impl Item {
    /// A run with the terms and the quantity that are billed: what was left alone goes on as it was
    /// before the change that was recorded last. None where nothing is.
    pub(super) fn segment<'a>(
        &'a self,
        span: Span,
        frozen: &[LeftAlone<'a>],
    ) -> Option<Segment<'a>> {
        let at = span.start();
        if let Some(left) = frozen.iter().rev().find(|left| left.span.contains(at)) {
            let Was { from: _, terms, quantity, change, made } = left.was_at(at);
            let (quantity, change, made) = (*quantity, *change, *made);
            let (terms, phases) = (terms.as_ref()?, left.phases);
            return Some(Segment { span, terms, quantity, change, made, phases });
        }
        Some(Segment {
            span,
            terms: self.terms_at(at)?,
            quantity: self.quantity_at(at),
            change: self.change_at(at),
            made: self.origin_at(at),
            phases: None,
        })
    }

    /// A span as it is billed before a change for its start is recorded, and the phases that there
    /// are.
    pub(crate) fn to_freeze(&self, span: Span, phases: Option<&Phases>, after: u32) -> Frozen {
        let left = self.frozen.iter().filter(|left| self.calendar_cycle < left.before);
        let left: Vec<LeftAlone<'_>> = left.map(Frozen::left_alone).collect();
        let known = left.iter().rev().find(|left| left.span.contains(span.start()));
        let phases = known.and_then(|left| left.frozen.phases.as_deref()).or(phases);
        // What was billed ahead before that stays so.
        let known = left.iter().flat_map(|left| &left.frozen.ahead);
        let mut changes: Vec<(u32, Timestamp)> = known.map(|a| (a.change, a.from)).collect();
        changes.sort_unstable();
        changes.dedup();
        let ahead = changes.into_iter().map(|(change, from)| {
            let left: Vec<LeftAlone<'_>> = left.iter().map(|left| left.up_to(change)).collect();
            Ahead { from, change, was: self.was_billed(span, &left) }
        });
        let ahead = ahead.collect();
        Frozen {
            span,
            since: span.start(),
            before: u32::MAX,
            of_calendar: self.calendar_cycle,
            was: self.was_billed(span, &left),
            ahead,
            after,
            phases: phases.cloned().map(Box::new),
            paused: Vec::new(),
        }
    }

    fn was_billed(&self, span: Span, left: &[LeftAlone<'_>]) -> Vec<Was> {
        let mut steps = self.all_steps();
        steps.extend(left.iter().flat_map(|left| [left.span.start(), left.span.end()]));
        steps.extend(left.iter().flat_map(|left| left.steps()));
        steps.retain(|from| span.contains(*from));
        steps.push(span.start());
        steps.sort_unstable();
        steps.dedup();
        let was = |from| {
            let now = Span::new(from, span.end()).and_then(|span| self.segment(span, left));
            let Some(Segment { terms, quantity, change, made, .. }) = now else {
                let (quantity, made) = (Decimal::ONE, self.origin_at(from));
                return Was { from, terms: None, quantity, change: None, made };
            };
            Was { from, terms: Some(terms.clone()), quantity, change, made }
        };
        steps.into_iter().map(was).collect()
    }

    /// A change takes effect that was scheduled before time was left alone: it is billed of that
    /// time as well, or, if it is not prorated (`none`), stays where it was billed ahead.
    pub(crate) fn was_told_before(
        &mut self,
        (number, none): (u32, bool),
        changed: &Changed,
        made: EventAt,
    ) {
        let (change, cycle) = (self.change_at(changed.from), self.calendar_cycle);
        let (began, add_on) = (self.began(), self.add_on);
        let terms = self.terms_at(changed.from).cloned();
        let also = |left: &Frozen, was: &[Was]| {
            let begun = terms.as_ref().filter(|_| add_on && left.since == began);
            with(was, changed, begun, (made, change))
        };
        let (new, known) = match self.frozen.split_last_mut() {
            Some((new, known)) if none => (Some(new), known),
            Some(_) | None => (None, self.frozen.as_mut_slice()),
        };
        let told_after = |left: &&mut Frozen| {
            number <= left.after && cycle < left.before && left.span.contains(changed.from)
        };
        let known = known.iter_mut().filter(told_after);
        match new {
            None => {
                for left in known {
                    let ahead = left.ahead.iter().map(|a| Ahead { was: also(left, &a.was), ..*a });
                    (left.was, left.ahead) = (also(left, &left.was), ahead.collect());
                }
            }
            Some(new) => {
                let last = |left: &Frozen| {
                    let was = left.ahead.last().map_or(&left.was, |ahead| &ahead.was);
                    also(left, was)
                };
                let was = known.last().map_or_else(|| last(new), |left| last(left));
                new.ahead.push(Ahead { from: changed.from, change: number, was });
            }
        }
    }

    /// Time stays as it is invoiced: of the cycles before the present calendar if `restarted`, else
    /// of all.
    pub(crate) fn freeze(&mut self, frozen: Frozen, restarted: bool) {
        let before = if restarted { self.calendar_cycle } else { u32::MAX };
        let of_calendar = if restarted { frozen.of_calendar } else { self.calendar_cycle };
        self.frozen.push(Frozen { before, of_calendar, ..frozen });
    }

    /// Time from an instant on is billed again as agreed, up to the next command on the item. What
    /// a change that laid cycles anew has forfeited of the old ones stays forfeited, and what was
    /// left alone after a `scheduled` change was told stays left alone by that.
    pub(crate) fn thaw(&mut self, from: Timestamp, scheduled: Option<u32>) {
        let until = self.next_command(from).unwrap_or(Timestamp::MAX);
        self.thaw_up_to(from, until, scheduled);
    }

    /// The same, whatever is told of the item later.
    pub(crate) fn thaw_for_ever(&mut self, from: Timestamp) {
        self.thaw_up_to(from, Timestamp::MAX, None);
    }

    /// Cycles that begin at an instant or later are billed as agreed: what was invoiced of them
    /// was given back.
    pub(crate) fn thaw_cycles(&mut self, from: Timestamp) {
        let opened = self.cycles.iter().map(|cycle| cycle.start).find(|start| from <= *start);
        // Of what is not opened yet, the first begins where the last one ends.
        let last = || self.cycles.iter().next_back().map(|cycle| cycle.end.max(from));
        self.thaw_up_to(opened.or_else(last).unwrap_or(from), Timestamp::MAX, None);
    }

    fn thaw_up_to(&mut self, from: Timestamp, until: Timestamp, scheduled: Option<u32>) {
        let Some(thawed) = Span::new(from, until) else { return };
        let frozen = std::mem::take(&mut self.frozen);
        for old in frozen {
            let told_after = scheduled.is_some_and(|number| number <= old.after);
            if old.before <= self.calendar_cycle || told_after {
                self.frozen.push(old);
                continue;
            }
            let parts = [
                Span::new(old.span.start(), old.span.end().min(thawed.start())),
                Span::new(old.span.start().max(thawed.end()), old.span.end()),
            ];
            let parts = parts.into_iter().flatten();
            self.frozen.extend(parts.map(|span| Frozen { span, ..old.clone() }));
        }
    }
}
