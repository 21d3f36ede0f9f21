//! What to charge and what to credit of one cycle of an item.

use schemas::event::PlanVersion;
use schemas::terms::{
    BillingTiming, CancelCredit, ChangeBilling, CreditDocument, LineKind, Proration, RebillRule,
};
use schemas::{Date, Rejection, Span, Timestamp};

use super::behind::{Behind, comes_back_whole, left_alone, segments};
use super::charge::{charge, whole_of};
use super::draft::LineDraft;
use super::place::Place;
use super::state::{Line, LineAt};
use crate::catalog::state::Catalog;
use crate::spans::{self, just_before};
use crate::subscription::advance::Horizon;
use crate::subscription::item::{Cycle, LeftAlone, Segment};
use crate::subscription::state::Pause;

/// Billed time that is no longer in force.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Gone {
    pub(crate) line: LineAt,
    pub(crate) time: Span,
    /// Nothing is charged in its place: it is of a pause, or lies beyond the end.
    pub(crate) alone: bool,
}

/// A cycle's segments and what its lines make of them.
pub(crate) struct Comparison<'a> {
    place: Place<'a>,
    cycle: Cycle,
    living: Option<Span>,
    segments: Vec<Segment<'a>>,
    /// Time that is charged as it should be, left alone, or given up.
    charged: Vec<Span>,
    pub(crate) gone: Vec<Gone>,
    /// Nothing of it is billed, left alone or given up.
    untouched: bool,
    /// A line charges time of it.
    is_billed: bool,
}

/// Time of a cycle that is in force and not charged.
pub(crate) struct Missing<'c, 'a> {
    pub(crate) segment: &'c Segment<'a>,
    pub(crate) time: Span,
    /// The day on which it is billed.
    pub(crate) due: Date,
    /// It is a reason for an invoice, and not only a difference.
    pub(crate) reason: bool,
}

impl<'a> Comparison<'a> {
    pub(crate) fn of(place: Place<'a>, cycle: &Cycle) -> Self {
        let rules = place.rules();
        let subscription = place.subscription;
        let living = subscription.living_cycle(cycle, rules);
        let bill = place.bill(cycle);
        let mut frozen = left_alone(place, cycle);
        // Phases that take off what they took off before tell nothing apart.
        let off = |phases| subscription.phase_percent(cycle, phases);
        for left in frozen.iter_mut().filter(|left| off(left.phases) == off(None)) {
            left.phases = None;
        }
        // What a change that laid cycles anew has forfeited of this one, where it was billed ever,
        // is billed as it was agreed just before.
        let behind = Behind::of(place, cycle, &frozen);
        let mut segments = segments(place, living, &frozen, &behind);
        let back = subscription.gives_back(cycle, rules);
        segments.retain(|segment| stays_billed(segment, back));
        // What was billed again with other changes that had been scheduled stays, too.
        let mut agreed: Vec<Segment<'_>> = Vec::new();
        for other in frozen.iter().flat_map(|left| left.others(cycle.start)) {
            let all = self::segments(place, living, &[other], &behind).into_iter();
            let all = all.filter(|segment| stays_billed(segment, back));
            agreed.extend(all.filter_map(|segment| {
                let span = segment.span.overlap(other.span)?;
                Some(Segment { span, ..segment })
            }));
        }
        let left_alone: Vec<Span> = frozen.iter().map(|time| time.span).collect();
        let untouchable = [bill.voided().waived.as_slice(), &behind.as_it_is].concat();
        // What else charges time that was given up stays, where it is used.
        let mut as_it_is = behind.as_it_is;
        for span in used(place, cycle, &frozen) {
            as_it_is.extend(spans::within(&bill.voided().waived, span));
        }
        // And what an item that ended has, also beyond an end and in a pause.
        if let Some(gone) = place.item.removed_at().and_then(|at| Span::new(at, Timestamp::MAX)) {
            // But for what is billed of it.
            let behind = cycle.behind_its_cut();
            let but = segments.iter().map(|segment| segment.span).chain(behind);
            let own = but.fold(left_alone, |set, span| spans::without(&set, span));
            as_it_is.extend(own.iter().filter_map(|left| left.overlap(gone)));
        }
        let stays = stays(place, cycle, as_it_is, &frozen);
        // A void of credits can leave two lines with the same time: the first one keeps it.
        let (mut prices, mut true_ups) = (untouchable.clone(), untouchable.clone());
        let mut gone = Vec::new();
        for at in bill.lines() {
            let line = place.account.billing.line(*at);
            let taken =
                if line.kind == LineKind::MinimumTrueUp { &mut true_ups } else { &mut prices };
            let others = untouchable.iter().fold(taken.clone(), |set, s| spans::without(&set, *s));
            let same =
                segments.iter().filter(|segment| charges_the_same(place, cycle, line, segment));
            let agreed =
                agreed.iter().filter(|segment| charges_the_same(place, cycle, line, segment));
            let allowed = same.chain(agreed).map(|segment| segment.span);
            let allowed = allowed.chain(stays.iter().copied());
            let keeps = allowed.flat_map(|span| spans::within(&line.live, span));
            let keeps = keeps.fold(Vec::new(), |set, span| spans::with(&set, span));
            let keeps = others.iter().fold(keeps, |set, span| spans::without(&set, *span));
            let left = keeps.iter().fold(line.live.clone(), |set, s| spans::without(&set, *s));
            taken.extend(keeps);
            for time in left {
                gone.extend(split(place, cycle, *at, time));
            }
        }
        let whole = Span::new(cycle.start, cycle.end);
        let covered = |span: &Span| whole.is_some_and(|whole| whole.overlap(*span).is_some());
        let charges = |at: &LineAt| !place.account.billing.line(*at).live.is_empty();
        let is_billed = bill.lines().iter().any(charges);
        let untouched = !is_billed && !prices.iter().any(covered);
        let (cycle, charged) = (*cycle, prices);
        Self { place, cycle, living, segments, charged, gone, untouched, is_billed }
    }

    /// Time that should be charged and is not.
    ///
    /// # Errors
    /// A date that cannot be computed.
    pub(crate) fn missing(&self) -> Result<Vec<Missing<'_, 'a>>, Rejection> {
        let mut found = Vec::new();
        let first = first_in_advance(&self.segments);
        for segment in &self.segments {
            let open = self
                .charged
                .iter()
                .fold(vec![segment.span], |set, taken| spans::without(&set, *taken));
            if open.is_empty() {
                continue;
            }
            let due = match segment.terms.timing {
                // Of what was billed ahead by command, a difference does not wait for its day.
                BillingTiming::InAdvance if self.is_billed => Date::MIN,
                BillingTiming::InAdvance | BillingTiming::InArrears => {
                    due(self.place, (segment, first), &self.cycle, self.living)?
                }
            };
            found.extend(open.into_iter().map(|time| Missing {
                segment,
                time,
                due,
                reason: self.is_reason(segment, time),
            }));
        }
        Ok(found)
    }

    fn is_reason(&self, segment: &Segment<'_>, time: Span) -> bool {
        let arrears = segment.terms.timing == BillingTiming::InArrears;
        let over = self.place.subscription.ending.is_some();
        arrears || over || self.is_again(time) || (self.untouched && !self.was_added())
    }

    /// It was voided to be billed again.
    pub(crate) fn is_again(&self, time: Span) -> bool {
        let voided = self.place.bill(&self.cycle).voided();
        let mut again = voided.again.iter().chain(&voided.credited_again);
        again.any(|span| span.overlap(time).is_some())
    }

    /// The part of a cycle in which an item was added is a difference of that change.
    fn was_added(&self) -> bool {
        let began = self.place.subscription.start < self.place.item.began();
        began && self.cycle.index == 0 && self.cycle.start != self.cycle.full.start()
    }

    /// Charges what is missing and due through a horizon; the lines go to the end of `lines`.
    /// Whether one of them is a reason for an invoice.
    ///
    /// # Errors
    /// Amounts or dates that cannot be reckoned.
    pub(crate) fn charge(
        &self,
        catalog: &Catalog,
        horizon: Horizon,
        lines: &mut Vec<LineDraft>,
    ) -> Result<bool, Rejection> {
        let first = lines.len();
        let mut reason = false;
        let today = self.place.rules().date(horizon.now)?;
        for missing in self.missing()? {
            let through = match missing.segment.terms.timing {
                BillingTiming::InAdvance => horizon.day,
                // In arrears nothing is billed before it was used.
                BillingTiming::InArrears => horizon.day.min(today),
            };
            if missing.due > through {
                continue;
            }
            reason |= missing.reason;
            let (place, cycle) = (self.place, &self.cycle);
            charge(place, catalog, cycle, missing.segment, missing.time, (first, lines))?;
        }
        Ok(reason)
    }
}

/// What is to be charged of a cycle that is not opened yet, and the day on which it is billed.
///
/// # Errors
/// A date that cannot be computed.
pub(super) fn ahead<'a>(
    place: Place<'a>,
    cycle: &Cycle,
) -> Result<Vec<(Segment<'a>, Date)>, Rejection> {
    let (subscription, rules) = (place.subscription, place.rules());
    let Some(living) = subscription.living_cycle(cycle, rules) else { return Ok(Vec::new()) };
    let back = subscription.gives_back(cycle, rules);
    let frozen: Vec<LeftAlone<'_>> = place.item.left_alone(cycle.index).collect();
    let segments = place.item.segments(living, (place.pauses, &frozen), rules);
    let segments = segments.into_iter().filter(|segment| stays_billed(segment, back));
    let segments: Vec<Segment<'a>> = segments.collect();
    let first = first_in_advance(&segments);
    let with_day =
        |segment: &Segment<'a>| Ok((*segment, due(place, (segment, first), cycle, Some(living))?));
    segments.iter().map(with_day).collect()
}

/// What says when a cycle is billed: a later part, with another lead, is billed with it.
fn first_in_advance<'s, 'a>(segments: &'s [Segment<'a>]) -> Option<&'s Segment<'a>> {
    segments.iter().find(|segment| segment.terms.timing == BillingTiming::InAdvance)
}

/// Whether a segment is billed though the subscription may end with full credit (`back`): what was
/// used in arrears is.
fn stays_billed(segment: &Segment<'_>, back: bool) -> bool {
    !back || segment.terms.timing == BillingTiming::InArrears
}

/// Time in which an item is there and in service, also behind a cut of its cycle.
fn used<'a>(place: Place<'a>, cycle: &Cycle, frozen: &[LeftAlone<'a>]) -> Vec<Span> {
    let (subscription, rules) = (place.subscription, place.rules());
    let whole = Cycle { end: cycle.full.end(), ..*cycle };
    if place.bill(cycle).voided().waived.is_empty() {
        return Vec::new();
    }
    let living = subscription.living_cycle(&whole, rules);
    let segments = living.map(|span| place.item.segments(span, (place.pauses, frozen), rules));
    // What an end with full credit gives back is the cycle that it lies in, once it has come.
    let ended = subscription.ending.is_some();
    let running = |cycle: &&Cycle| ended && subscription.gives_back(cycle, rules);
    let last = place.item.cycles.iter().rev().find(running);
    let back = last.and_then(|cycle| Span::new(cycle.start, cycle.end));
    let billed = segments.into_iter().flatten().flat_map(|segment| match back {
        Some(back) if !stays_billed(&segment, true) => spans::without(&[segment.span], back),
        Some(_) | None => vec![segment.span],
    });
    billed.collect()
}

/// Billed time of a cycle that stays although nothing should be charged for it, beside what is
/// `found` already.
fn stays(
    place: Place<'_>,
    cycle: &Cycle,
    mut found: Vec<Span>,
    frozen: &[LeftAlone<'_>],
) -> Vec<Span> {
    let subscription = place.subscription;
    // What is beyond the end stays until the end has come, and when it says so after.
    if let Some(known) = subscription.known_end(place.rules())
        && subscription.begins(cycle.start, place.rules())
        && (!known.ended || known.credit == CancelCredit::None)
    {
        let whole = !known.ended && subscription.gives_back(cycle, place.rules());
        let from = if whole { cycle.start } else { known.at };
        found.extend(Span::new(from, Timestamp::MAX));
    }
    if !comes_back_whole(place, cycle) {
        let kept = subscription.pauses.iter().filter(|pause| pause.kept);
        let mut kept: Vec<Span> = kept.filter_map(Pause::span).collect();
        // An end that gives back does so whatever a pause has kept.
        if let Some(known) = subscription.known_end(place.rules())
            && known.ended
            && known.credit != CancelCredit::None
            && let Some(beyond) = Span::new(known.at, Timestamp::MAX)
        {
            kept = spans::without(&kept, beyond);
        }
        // Where nothing of a pause came back, nothing of what follows it does.
        let follows =
            |left: &&LeftAlone<'_>| kept.iter().any(|pause| pause.contains(left.just_before()));
        found.extend(frozen.iter().filter(follows).map(|left| left.span));
        found.extend(kept);
    }
    found
}

/// Billed time that goes, in parts that a charge takes the place of, and parts that none does.
fn split(place: Place<'_>, cycle: &Cycle, line: LineAt, time: Span) -> Vec<Gone> {
    let beside = |time| Gone { line, time, alone: false };
    match place.rules().policies.credit_document {
        // Where every credit is a line, it does not matter what it is for.
        CreditDocument::InvoiceLine | CreditDocument::CreditNote => return vec![beside(time)],
        CreditDocument::NoteWhenAlone => {}
    }
    let subscription = place.subscription;
    let mut alone: Vec<Span> = place.pauses.to_vec();
    if let Some(known) = subscription.known_end(place.rules()) {
        alone.extend(Span::new(known.at, Timestamp::MAX));
        let timing = place.item.terms_at(cycle.start).map(|terms| terms.timing);
        let whole = subscription.gives_back(cycle, place.rules())
            && timing == Some(BillingTiming::InAdvance);
        if whole || known.at <= cycle.start {
            alone.push(time);
        }
    }
    let alone = alone.into_iter().filter_map(|span| span.overlap(time));
    let alone = alone.fold(Vec::new(), |set, span| spans::with(&set, span));
    let rest = alone.iter().fold(vec![time], |set, span| spans::without(&set, *span));
    let mut parts: Vec<Gone> = rest.into_iter().map(beside).collect();
    parts.extend(alone.into_iter().map(|time| Gone { line, time, alone: true }));
    parts.sort_by_key(|gone| gone.time);
    parts
}

/// The day on which a segment is billed.
fn due(
    place: Place<'_>,
    (segment, first): (&Segment<'_>, Option<&Segment<'_>>),
    cycle: &Cycle,
    living: Option<Span>,
) -> Result<Date, Rejection> {
    let rules = place.rules();
    match segment.terms.timing {
        BillingTiming::InAdvance => {
            let start = living.map_or(cycle.start, Span::start);
            let lead = lead(place, first.unwrap_or(segment), start);
            Ok(rules.date(start)?.plus_days(-i32::from(lead))?)
        }
        BillingTiming::InArrears => in_arrears(place, segment, cycle, living),
    }
}

/// How many days before its cycle a segment is billed. A migration moves no day forward: the first
/// cycle of the new version is billed when the lead of both has come.
fn lead(place: Place<'_>, segment: &Segment<'_>, start: Timestamp) -> u16 {
    let lead = segment.terms.lead_days;
    let before = just_before(start);
    match place.item.terms_at(before).filter(|_| place.item.migrates_at(start)) {
        Some(old) if old.timing == BillingTiming::InAdvance => lead.min(old.lead_days),
        Some(_) => 0,
        None => lead,
    }
}

/// The day on which a segment is billed after it: the end of its cycle, or where a change was to
/// be billed at once, that of the change. Where the last day of a subscription counts as used, it
/// is that day.
fn in_arrears(
    place: Place<'_>,
    segment: &Segment<'_>,
    cycle: &Cycle,
    living: Option<Span>,
) -> Result<Date, Rejection> {
    let rules = place.rules();
    let end = living.map_or(cycle.end, Span::end);
    let settled = place.item.settled.iter().copied();
    let settled = settled.filter(|at| segment.span.end() <= *at && *at <= end).min();
    let billed = match rules.policies.change_billing {
        ChangeBilling::NextInvoice => end,
        ChangeBilling::AtOnce => settled.unwrap_or(end),
    };
    let date = rules.date(billed)?;
    let last_day_used = rules.policies.proration == Proration::ByDayInclusive
        && place.subscription.ending.is_some_and(|ending| ending.at == billed);
    Ok(if last_day_used { date.plus_days(-1)? } else { date })
}

/// Whether a line has the discount of a phase that was withdrawn before its cycle.
fn has_withdrawn_phase(
    place: Place<'_>,
    cycle: &Cycle,
    line: &Line,
    segment: &Segment<'_>,
) -> bool {
    let subscription = place.subscription;
    subscription.phases.as_ref().is_some_and(|phases| {
        let mut taken = line.discounts.iter();
        taken.any(|taken| taken.discount == phases.discount)
            && subscription.phase_percent(cycle, segment.phases).is_none()
    })
}

fn charges_the_same(place: Place<'_>, cycle: &Cycle, line: &Line, segment: &Segment<'_>) -> bool {
    let Some(priced) = line.priced.as_ref().map(|priced| &priced.pricing) else { return false };
    if has_withdrawn_phase(place, cycle, line, segment) {
        return false;
    }
    let same_change = match place.rules().policies.rebill {
        RebillRule::OnPriceChange => true,
        RebillRule::OnEveryChange => priced.segment == segment.change,
    };
    let terms = segment.terms;
    same_change
        && line.plan == Some(PlanVersion { plan: terms.plan, version: terms.version })
        && priced.price == terms.price
        && line.quantity == segment.units()
        // A price of the subscription's own may have changed.
        && whole_of(terms, segment.units(), line.kind, place.rules())
            .is_ok_and(|whole| whole == priced.whole)
}
