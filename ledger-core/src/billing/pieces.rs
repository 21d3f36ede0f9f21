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

/// A cycle's segments and what its lines make of them.
struct Comparison<'a> {
    living: Option<Interval>,
    segments: Vec<Segment<'a>>,
    /// Days that are charged as they should be, or given up.
    charged: Vec<Interval>,
    credits: Vec<(LineRef, Interval)>,
}

impl<'a> Comparison<'a> {
    fn of(customer: &Customer, subscription: &'a Subscription, cycle: &Cycle) -> Self {
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
        Self { living, segments, charged, credits }
    }

    /// The days of a segment that no line charges.
    fn open(&self, segment: &Segment<'_>) -> Vec<Interval> {
        let mut open = vec![segment.days];
        for taken in &self.charged {
            open = days::without(&open, *taken);
        }
        open
    }
}

/// Compares the segments of a cycle with the live days of its lines.
pub(crate) fn compare(
    customer: &Customer,
    subscription: &Subscription,
    cycle: &Cycle,
    through: Date,
) -> Result<CyclePieces, Rejection> {
    let compared = Comparison::of(customer, subscription, cycle);
    let kind = if cycle.lines.is_empty() { LineKind::Recurring } else { LineKind::ProrationCharge };
    let mut charges = Vec::new();
    for segment in &compared.segments {
        if !is_due(segment, cycle, compared.living, through) {
            continue;
        }
        for piece in compared.open(segment) {
            charges.push(charge(customer, subscription, cycle, segment, piece, kind)?);
        }
    }
    Ok(CyclePieces { credits: compared.credits, charges })
}

/// The first day on which a run must bill something of an opened cycle.
///
/// Changes within a cycle that was billed in advance wait for the next cycle. Where none is
/// `ahead` they are due at once, so that nothing is forgotten.
pub(crate) fn due_on(
    customer: &Customer,
    subscription: &Subscription,
    cycle: &Cycle,
    ahead: bool,
) -> Option<Date> {
    let compared = Comparison::of(customer, subscription, cycle);
    let untouched = cycle.lines.is_empty() && cycle.waived.is_empty();
    let credits = (!ahead && !compared.credits.is_empty()).then_some(cycle.start);
    let open = compared.segments.iter().filter(|segment| !compared.open(segment).is_empty());
    let charges = open.filter_map(|segment| match segment.terms.timing {
        BillingTiming::InAdvance => (untouched || !ahead).then_some(cycle.start),
        BillingTiming::InArrears => compared.living.map(Interval::end),
    });
    credits.into_iter().chain(charges).min()
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
