//! What to charge and what to credit of one cycle of an item.

use schemas::event::PlanVersion;
use schemas::terms::{BillingTiming, CancelCredit, ChangeBilling, LineKind, Proration, RebillRule};
use schemas::{Date, Rejection, Span, Timestamp};

use super::charge::{charge, whole_of};
use super::draft::LineDraft;
use super::place::Place;
use super::spans;
use super::state::{Line, LineAt};
use crate::catalog::state::Catalog;
use crate::subscription::item::{Cycle, Segment};

/// A cycle's segments and what its lines make of them.
struct Comparison<'a> {
    living: Option<Span>,
    segments: Vec<Segment<'a>>,
    /// Time that is charged as it should be, or given up.
    charged: Vec<Span>,
    credits: Vec<(LineAt, Span)>,
}

impl<'a> Comparison<'a> {
    fn of(place: Place<'a>, cycle: &Cycle) -> Self {
        let living = place.subscription.living_cycle(cycle);
        let segments = living
            .map(|span| place.item.segments(span, place.pauses, place.rules()))
            .unwrap_or_default();
        let bill = place.bill(cycle);
        let mut charged: Vec<Span> = bill.waived.clone();
        let mut credits = Vec::new();
        // A void of credits can leave two lines with the same time: the later one is credited.
        let (mut prices, mut true_ups): (Vec<Span>, Vec<Span>) = Default::default();
        for at in &bill.lines {
            let line = place.account.billing.line(*at);
            let (kept, mut credited) = sort_time(place, cycle, &segments, line);
            let alike =
                if line.kind == LineKind::MinimumTrueUp { &mut true_ups } else { &mut prices };
            let twice: Vec<Span> =
                kept.iter().flat_map(|span| spans::within(alike, *span)).collect();
            credited.extend(twice);
            alike.extend(kept.iter().copied());
            charged.extend(kept);
            credits.extend(credited.into_iter().map(|span| (*at, span)));
        }
        Self { living, segments, charged, credits }
    }

    /// The time of a segment that no line charges.
    fn open(&self, segment: &Segment<'_>) -> Vec<Span> {
        let mut open = vec![segment.span];
        for taken in &self.charged {
            open = spans::without(&open, *taken);
        }
        open
    }
}

/// Compares the segments of a cycle with the live time of its lines: charges for time not charged
/// yet go to the end of `lines`; the answer is what to credit of time that is no longer in force.
///
/// # Errors
/// Amounts or dates that cannot be reckoned.
pub(crate) fn compare(
    place: Place<'_>,
    catalog: &Catalog,
    cycle: &Cycle,
    through: Date,
    lines: &mut Vec<LineDraft>,
) -> Result<Vec<(LineAt, Span)>, Rejection> {
    let compared = Comparison::of(place, cycle);
    let first = lines.len();
    for segment in &compared.segments {
        if due(place, segment, cycle, compared.living)? > through {
            continue;
        }
        for piece in compared.open(segment) {
            charge(place, catalog, cycle, segment, piece, (first, lines))?;
        }
    }
    Ok(compared.credits)
}

/// The first day on which a run must bill something of an opened cycle.
///
/// Differences within a cycle that was billed in advance may wait for the next cycle. Where they
/// do not, or no cycle is ahead, they are due at once, so that nothing is forgotten.
pub(crate) fn due_on(place: Place<'_>, cycle: &Cycle, waits: bool) -> Option<Date> {
    let compared = Comparison::of(place, cycle);
    let untouched = place.bill(cycle).untouched();
    let credits = (!waits && !compared.credits.is_empty()).then_some(Date::MIN);
    let open = compared.segments.iter().filter(|segment| !compared.open(segment).is_empty());
    let charges = open.filter_map(|segment| {
        let waits = segment.terms.timing == BillingTiming::InAdvance && !untouched && waits;
        // Dates were computed when the cycle was opened.
        due(place, segment, cycle, compared.living).ok().filter(|_| !waits)
    });
    credits.into_iter().chain(charges).min()
}

/// The day on which a segment is billed.
fn due(
    place: Place<'_>,
    segment: &Segment<'_>,
    cycle: &Cycle,
    living: Option<Span>,
) -> Result<Date, Rejection> {
    let rules = place.rules();
    match segment.terms.timing {
        BillingTiming::InAdvance => {
            let start = living.map_or(cycle.start, Span::start);
            let lead = i32::from(segment.terms.lead_days);
            Ok(rules.date(start)?.plus_days(-lead)?)
        }
        BillingTiming::InArrears => in_arrears(place, segment, cycle, living),
    }
}

/// The day on which a segment is billed after it: the end of its cycle, or where differences are
/// billed at once, its own end. Where the last day of a subscription counts as used, it is that
/// day.
fn in_arrears(
    place: Place<'_>,
    segment: &Segment<'_>,
    cycle: &Cycle,
    living: Option<Span>,
) -> Result<Date, Rejection> {
    let rules = place.rules();
    let end = living.map_or(cycle.end, Span::end);
    let end = match rules.policies.change_billing {
        ChangeBilling::NextInvoice => end,
        ChangeBilling::AtOnce => end.min(segment.span.end()),
    };
    let date = rules.date(end)?;
    let last_day_used = rules.policies.proration == Proration::ByDayInclusive
        && place.subscription.ending.is_some_and(|ending| ending.at == end);
    Ok(if last_day_used { date.plus_days(-1)? } else { date })
}

/// Splits the live time of a line into what stays and what is credited.
fn sort_time(
    place: Place<'_>,
    cycle: &Cycle,
    segments: &[Segment<'_>],
    line: &Line,
) -> (Vec<Span>, Vec<Span>) {
    let mut kept = Vec::new();
    let mut credited = line.live.clone();
    let mut keep = |span: Span, credited: &mut Vec<Span>| {
        kept.extend(spans::within(credited, span));
        *credited = spans::without(credited, span);
    };
    for segment in segments {
        if segment.unsettled || charges_the_same(place, line, segment) {
            keep(segment.span, &mut credited);
        }
    }
    // Time billed beyond the end stays until the end has come, and when it says so after. What
    // was cut off a cycle does not wait for an end.
    if let Some((at, credit, ended)) = place.subscription.known_end()
        && (!ended || credit == CancelCredit::None)
        && let Some(beyond) = Span::new(at, if ended { Timestamp::MAX } else { cycle.end })
    {
        keep(beyond, &mut credited);
    }
    for pause in &place.subscription.pauses {
        if let Some(span) = pause.span().filter(|_| pause.kept) {
            keep(span, &mut credited);
        }
    }
    (kept, credited)
}

fn charges_the_same(place: Place<'_>, line: &Line, segment: &Segment<'_>) -> bool {
    let Some(priced) = line.priced.as_ref().map(|priced| &priced.pricing) else { return false };
    let same_change = match place.rules().policies.rebill {
        RebillRule::OnPriceChange => true,
        RebillRule::OnEveryChange => priced.segment == segment.number,
    };
    let terms = segment.terms;
    same_change
        && line.plan == Some(PlanVersion { plan: terms.plan, version: terms.version })
        && priced.price == terms.price
        && line.quantity == segment.units()
        // A price of the subscription's own may have changed.
        && whole_of(terms, segment.units(), line.kind).is_ok_and(|whole| whole == priced.whole)
}
