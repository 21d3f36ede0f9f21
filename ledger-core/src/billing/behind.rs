//! What a cycle has lost because cycles were laid anew, and what of that is billed all the same.
//!
//! A change without proration that lays cycles anew leaves what is invoiced of the old ones: that
//! is forfeited. What was agreed of it just before and no run has billed is billed as if nothing
//! had been laid anew.

use schemas::Span;
use schemas::terms::BillingTiming;

use super::place::Place;
use crate::spans;
use crate::subscription::item::{Cycle, LeftAlone, Segment};

/// What of a cycle that was opened stays as it is invoiced; what was voided to be billed again is
/// billed as it is agreed now. Behind its cut, that is what the cut has forfeited.
pub(super) fn left_alone<'a>(place: Place<'a>, cycle: &Cycle) -> Vec<LeftAlone<'a>> {
    if comes_back_whole(place, cycle) {
        return Vec::new();
    }
    let behind = cycle.behind_its_cut().as_slice().to_vec();
    let before = place.item.left_alone(cycle.index).flat_map(|left| left.without(&behind));
    let all = before.chain(place.item.forfeited(cycle));
    let again = &place.bill(cycle).voided().as_agreed;
    all.flat_map(|left| left.of_cycle(cycle).without(again)).collect()
}

/// Whether all of a cycle comes back, whatever was left as it is invoiced: it will not begin, or it
/// ended with full credit.
pub(super) fn comes_back_whole(place: Place<'_>, cycle: &Cycle) -> bool {
    let (subscription, rules) = (place.subscription, place.rules());
    let ended = subscription.ending.is_some();
    // What was cut away whole has others in its place.
    let wont_begin = cycle.start < cycle.end && !subscription.begins(cycle.start, rules);
    wont_begin || (ended && subscription.gives_back(cycle, rules))
}

/// What a cycle has lost by being cut, and is forfeited.
pub(super) struct Behind {
    /// Time that was billed ever, in advance: of it is billed what was agreed just before.
    compared: Vec<Span>,
    /// Time of pauses: no more of it is billed.
    nothing: Vec<Span>,
    /// What else is charged of it stays, and no more is.
    pub(super) as_it_is: Vec<Span>,
}

impl Behind {
    pub(super) fn of(place: Place<'_>, cycle: &Cycle, frozen: &[LeftAlone<'_>]) -> Self {
        let (mut compared, mut nothing, mut as_it_is) = (Vec::new(), Vec::new(), Vec::new());
        let Some(behind) = cycle.behind_its_cut() else {
            return Self { compared, nothing, as_it_is };
        };
        let lines = place.bill(cycle).lines().iter().map(|at| place.account.billing.line(*at));
        let charged = lines.filter_map(|line| Some(line.priced.as_ref()?.pricing.span));
        let charged: Vec<Span> = charged.collect();
        for left in frozen {
            let Some(left) = left.within(behind) else { continue };
            nothing.extend(left.paused());
            for (span, timing) in left.runs() {
                match timing {
                    Some(BillingTiming::InAdvance) => {
                        let ever = charged.iter().filter_map(|charged| charged.overlap(span));
                        compared = ever.fold(compared, |set, part| spans::with(&set, part));
                    }
                    Some(BillingTiming::InArrears) => {}
                    None => {
                        let awake = left.paused().iter();
                        let awake = awake.fold(vec![span], |set, p| spans::without(&set, *p));
                        as_it_is.extend(awake);
                    }
                }
            }
        }
        Self { compared, nothing, as_it_is }
    }
}

/// What is billed of the time that a cycle lives, and behind its cut.
pub(super) fn segments<'a>(
    place: Place<'a>,
    living: Option<Span>,
    frozen: &[LeftAlone<'a>],
    behind: &Behind,
) -> Vec<Segment<'a>> {
    // Most cycles are never cut.
    if behind.compared.is_empty() {
        let segments = |span| place.item.segments(span, (place.pauses, frozen), place.rules());
        return living.map(segments).unwrap_or_default();
    }
    let parts: Vec<Span> = living.into_iter().chain(behind.compared.iter().copied()).collect();
    let (Some(first), Some(last)) = (parts.first(), parts.last()) else { return Vec::new() };
    let Some(whole) = Span::new(first.start(), last.end()) else { return Vec::new() };
    let between = parts.iter().fold(vec![whole], |set, part| spans::without(&set, *part));
    let asleep = living.into_iter().flat_map(|living| spans::within(place.pauses, living));
    let asleep: Vec<Span> = asleep.chain(between).chain(behind.nothing.iter().copied()).collect();
    place.item.segments(whole, (&asleep, frozen), place.rules())
}
