//! Time of an item that changes without proration have left as it is invoiced.

use schemas::decimal::Decimal;
use schemas::event::{EventAt, ItemTerms, SegmentFrom};
use schemas::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Item, Segment};
use crate::spans;
use crate::subscription::visit::{self, Visit};

/// Time that is billed as it was agreed just before a change: nothing else of it is charged or given
/// back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Frozen {
    /// What is left of the time.
    span: Span,
    /// The instant of the change.
    since: Timestamp,
    /// Only of cycles before this one.
    pub(super) before: u32,
    /// What was agreed for the time, if steps lay in it; else it is what holds before the change.
    was: Vec<Was>,
}

/// What an item was from an instant on, before a change was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Was {
    from: Timestamp,
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
}

/// Where to look for what is billed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    pub(crate) at: Timestamp,
    /// What was agreed before a change.
    was: Option<&'a Was>,
}

impl Frozen {
    /// Time that is billed as what holds just before it; not at all, where nothing is billed there.
    pub(crate) const fn as_before(span: Span) -> Self {
        Self { span, since: span.start(), before: u32::MAX, was: Vec::new() }
    }

    pub(super) const fn left_alone(&self) -> LeftAlone<'_> {
        LeftAlone { span: self.span, frozen: self }
    }

    /// Shows the instants that were agreed.
    pub(super) fn agreed(&mut self, visit: Visit<'_>) {
        self.span = visit::span(self.span, visit);
        self.since = visit(self.since);
        for was in &mut self.was {
            was.from = visit(was.from);
            if let Some(change) = &mut was.change {
                change.at = visit(change.at);
            }
        }
    }
}

impl LeftAlone<'_> {
    /// What is left of it.
    pub(crate) fn without(self, taken: &[Span]) -> Vec<Self> {
        let left = taken.iter().fold(vec![self.span], |set, span| spans::without(&set, *span));
        left.into_iter().map(|span| Self { span, ..self }).collect()
    }
}

impl Item {
    /// What is billed at an instant: what was left alone goes on as it was agreed just before the
    /// change, and what was in a pause then is not billed. None where nothing was there.
    pub(crate) fn seen_at<'a>(
        &self,
        at: Timestamp,
        (pauses, frozen): (&[Span], &[LeftAlone<'a>]),
    ) -> Option<Seen<'a>> {
        let mut seen = Seen { at, was: None };
        loop {
            let holds = frozen.iter().filter(|left| left.span.contains(seen.at));
            // Of several changes for one instant, the one that was recorded first.
            let Some(first) = holds.min_by_key(|left| left.frozen.since) else { break };
            let (since, was) = (first.frozen.since, &first.frozen.was);
            let known = was.partition_point(|was| was.from <= seen.at).checked_sub(1);
            if let Some(known) = known {
                seen = Seen { at: since, was: Some(&was[known]) };
                break;
            }
            if since <= self.began() {
                return None;
            }
            seen.at = Timestamp::from_micros(since.micros() - 1)?;
        }
        let paused = seen.at != at && pauses.iter().any(|pause| pause.contains(seen.at));
        Some(seen).filter(|_| !paused)
    }

    /// A run with the terms and the quantity that are seen; none where nothing is there.
    pub(super) fn segment<'a>(&'a self, span: Span, seen: Seen<'a>) -> Option<Segment<'a>> {
        if let Some(was) = seen.was {
            let Was { from: _, terms, quantity, change, made } = was;
            let (quantity, change, made) = (*quantity, *change, *made);
            return terms.as_ref().map(|terms| Segment { span, terms, quantity, change, made });
        }
        let at = seen.at;
        Some(Segment {
            span,
            terms: self.terms_at(at)?,
            quantity: self.quantity_at(at),
            change: self.change_at(at),
            made: self.origin_at(at),
        })
    }

    /// A span as it is agreed before a change for its start, to be left as it is invoiced.
    pub(crate) fn to_freeze(&self, span: Span) -> Frozen {
        let mut steps: Vec<Timestamp> = self.terms.iter().map(|(from, _)| *from).collect();
        steps.extend(self.quantities.iter().map(|(from, _)| *from));
        steps.extend(self.changes.iter().map(|(from, _)| *from));
        steps.retain(|from| span.contains(*from));
        if !steps.is_empty() {
            steps.push(span.start());
        }
        steps.sort_unstable();
        steps.dedup();
        let was = |from| Was {
            from,
            terms: self.terms_at(from).cloned(),
            quantity: self.quantity_at(from),
            change: self.change_at(from),
            made: self.origin_at(from),
        };
        let was = steps.into_iter().map(was).collect();
        Frozen { span, since: span.start(), before: u32::MAX, was }
    }

    /// Time stays as it is invoiced: of the cycles before the present calendar if `restarted`, else
    /// of all.
    pub(crate) fn freeze(&mut self, frozen: Frozen, restarted: bool) {
        let before = if restarted { self.calendar_cycle } else { u32::MAX };
        self.frozen.push(Frozen { before, ..frozen });
    }

    /// Time from an instant on is billed again as agreed, up to the next step. What a change that
    /// laid cycles anew has forfeited of the old ones stays forfeited.
    pub(crate) fn thaw(&mut self, from: Timestamp) {
        let until = self.next_step(from).unwrap_or(Timestamp::MAX);
        self.thaw_up_to(from, until);
    }

    /// Cycles that begin at an instant or later are billed as agreed: what was invoiced of them
    /// was given back.
    pub(crate) fn thaw_cycles(&mut self, from: Timestamp) {
        let opened = self.cycles.iter().map(|cycle| cycle.start).find(|start| from <= *start);
        // Of what is not opened yet, the first begins where the last one ends.
        let last = || self.cycles.iter().next_back().map(|cycle| cycle.end.max(from));
        self.thaw_up_to(opened.or_else(last).unwrap_or(from), Timestamp::MAX);
    }

    fn thaw_up_to(&mut self, from: Timestamp, until: Timestamp) {
        let Some(thawed) = Span::new(from, until) else { return };
        let frozen = std::mem::take(&mut self.frozen);
        for old in frozen {
            if old.before <= self.calendar_cycle {
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
