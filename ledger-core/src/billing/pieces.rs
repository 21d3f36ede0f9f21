//! What to charge and what to credit of one cycle.

use schemas::decimal::Decimal;
use schemas::event::{LineRef, LineSource, PlanVersion, RoundingSubject};
use schemas::fraction::Fraction;
use schemas::terms::{BillingTiming, CancelCredit, LineKind};
use schemas::{Date, Interval, Rejection};

use super::days;
use super::draft::{LineDraft, price, round};
use crate::customer::state::{Customer, Line};
use crate::subscription::state::{Cycle, Segment, Subscription};

/// What one cycle needs: credits for days no longer in force, charges for days not charged yet.
pub(crate) struct CyclePieces {
    pub(crate) credits: Vec<(LineRef, Interval)>,
    pub(crate) charges: Vec<LineDraft>,
}

/// Compares the segments of a cycle with the live days of its lines.
pub(crate) fn compare(
    customer: &Customer,
    subscription: &Subscription,
    cycle: &Cycle,
    through: Date,
) -> Result<CyclePieces, Rejection> {
    let living = subscription.living_days(cycle);
    let segments = living.map(|days| subscription.segments(days)).unwrap_or_default();
    let mut charged: Vec<Interval> = cycle.waived.clone();
    let mut credits = Vec::new();
    for at in &cycle.lines {
        let Some(line) = customer.line(*at) else { continue };
        let (kept, credited) = sort_days(subscription, &segments, line);
        charged.extend(kept);
        credits.extend(credited.into_iter().map(|days| (*at, days)));
    }
    let kind = if cycle.lines.is_empty() { LineKind::Recurring } else { LineKind::ProrationCharge };
    let mut charges = Vec::new();
    for segment in &segments {
        if !is_due(segment, cycle, living, through) {
            continue;
        }
        let mut open = vec![segment.days];
        for taken in &charged {
            open = days::without(&open, *taken);
        }
        for piece in open {
            charges.push(charge(customer, subscription, cycle, segment, piece, kind)?);
        }
    }
    Ok(CyclePieces { credits, charges })
}

/// Splits the live days of a line into those that stay and those to credit.
fn sort_days(
    subscription: &Subscription,
    segments: &[Segment<'_>],
    line: &Line,
) -> (Vec<Interval>, Vec<Interval>) {
    let mut kept = Vec::new();
    let mut credited = line.live.clone();
    let mut keep = |days: Interval, credited: &mut Vec<Interval>| {
        kept.extend(days::within(credited, days));
        *credited = days::without(credited, days);
    };
    for segment in segments {
        if charges_the_same(line, segment) {
            keep(segment.days, &mut credited);
        }
    }
    // Days billed beyond the end stay when the cancellation says so.
    if let Some(ending) = subscription.ending
        && ending.credit == CancelCredit::None
        && let Ok(beyond) = Interval::new(ending.on, Date::MAX)
    {
        keep(beyond, &mut credited);
    }
    (kept, credited)
}

fn charges_the_same(line: &Line, segment: &Segment<'_>) -> bool {
    line.plan == Some((segment.terms.plan, segment.terms.version))
        && line.quantity == segment.units()
}

fn is_due(segment: &Segment<'_>, cycle: &Cycle, living: Option<Interval>, through: Date) -> bool {
    match segment.terms.timing {
        BillingTiming::InAdvance => cycle.start <= through,
        BillingTiming::InArrears => living.is_some_and(|days| days.end() <= through),
    }
}

fn charge(
    customer: &Customer,
    subscription: &Subscription,
    cycle: &Cycle,
    segment: &Segment<'_>,
    days: Interval,
    kind: LineKind,
) -> Result<LineDraft, Rejection> {
    let ratio = Fraction::new(i128::from(days.days()), i128::from(cycle.denominator))?;
    let unit_price: Decimal = segment.terms.unit_price.amount;
    let exact = price(unit_price, segment.units(), ratio, customer.currency)?;
    let (gross, step) = round(exact, RoundingSubject::Amount)?;
    Ok(LineDraft {
        kind,
        description: segment.terms.name.clone(),
        source: LineSource::Cycle { subscription: subscription.id, item: 0, cycle: cycle.index },
        plan: Some(PlanVersion { plan: segment.terms.plan, version: segment.terms.version }),
        service: Some(days),
        quantity: segment.units(),
        unit_price: Some(unit_price),
        ratio,
        exact,
        rounding: vec![step],
        gross,
        discounts: Vec::new(),
        credits: None,
    })
}
