//! Charge lines: a part of a cycle at its price.

use schemas::decimal::Decimal;
use schemas::event::{
    ItemTerms, LineOrigin, LinePricing, LineSource, PlanVersion, RoundingStep, RoundingSubject,
};
use schemas::fraction::{Fraction, FractionError, RoundingMode};
use schemas::terms::{LineKind, MinimumAfterDiscount, MissingPiece, RatioRule};
use schemas::{Minor, Rejection, Span};

use super::draft::{LineDraft, PhaseOff, Rest};
use super::place::Place;
use super::proration;
use super::state::Line;
use crate::catalog::models;
use crate::catalog::state::Catalog;
use crate::customer::rules::Rules;
use crate::money::rounding::{self, round};
use crate::subscription::item::{Cycle, Segment};

/// The exact price of a whole cycle that a line of `kind` charges a part of.
pub(crate) fn whole_of(
    terms: &ItemTerms,
    units: Decimal,
    kind: LineKind,
    rules: &Rules,
) -> Result<Fraction, FractionError> {
    let whole = models::whole(&terms.rate, units, terms.currency)?;
    match kind {
        LineKind::MinimumTrueUp => {
            let least = terms.minimum.unwrap_or(Decimal::ZERO);
            let least = rounding::minor(Fraction::of(least)?, terms.currency)?;
            match rules.policies.minimum_after_discount {
                MinimumAfterDiscount::Holds => Ok(least),
                MinimumAfterDiscount::Discounted => {
                    let missing = least.plus(whole.negated()?)?;
                    // A price in force may be above the least one where a billed one was not.
                    Ok(if missing.numerator() < 0 { Fraction::ZERO } else { missing })
                }
            }
        }
        LineKind::Recurring
        | LineKind::OneOff
        | LineKind::ProrationCharge
        | LineKind::ProrationCredit
        | LineKind::Rounding => Ok(whole),
    }
}

/// The lines for a piece of a segment: its price, and what is missing to the least price. They go
/// to the end of `lines`, where those of the same cycle begin at `first`.
///
/// # Errors
/// Amounts or dates that cannot be reckoned.
pub(crate) fn charge(
    place: Place<'_>,
    catalog: &Catalog,
    cycle: &Cycle,
    segment: &Segment<'_>,
    piece: Span,
    (first, lines): (usize, &mut Vec<LineDraft>),
) -> Result<(), Rejection> {
    let fresh = place.bill(cycle).lines().is_empty();
    let kind = if fresh { LineKind::Recurring } else { LineKind::ProrationCharge };
    let whole = lines.len();
    lines.push(line(place, catalog, cycle, segment, (piece, kind), &lines[first..])?);
    if segment.terms.minimum.is_some() {
        let true_up = LineKind::MinimumTrueUp;
        let missing = whole_of(segment.terms, segment.units(), true_up, place.rules())?;
        if missing.numerator() > 0 {
            lines.push(line(
                place,
                catalog,
                cycle,
                segment,
                (piece, true_up),
                &lines[first..whole],
            )?);
        }
    }
    Ok(())
}

fn line(
    place: Place<'_>,
    catalog: &Catalog,
    cycle: &Cycle,
    segment: &Segment<'_>,
    (piece, kind): (Span, LineKind),
    drafts: &[LineDraft],
) -> Result<LineDraft, Rejection> {
    let (terms, rules) = (segment.terms, place.rules());
    let units = segment.units();
    let whole = whole_of(terms, units, kind, rules)?;
    let mut amount = part(whole, piece, cycle.full, terms, rules)?;
    let true_up = kind == LineKind::MinimumTrueUp;
    let holds = rules.policies.minimum_after_discount == MinimumAfterDiscount::Holds;
    let rest = if true_up && holds {
        // What the price comes to is known after discounts.
        let here = vec![piece];
        Some(Rest { billed: Minor::ZERO, earlier: Vec::new(), here, of_price: true })
    } else {
        rest(place, cycle, segment, (piece, kind), whole, drafts)
    };
    if let Some(rest) = rest.as_ref().filter(|rest| !rest.of_price) {
        let rounded = whole.rounded(RoundingMode::HalfUp)?;
        // Parts may be rounded up: where they are more than the whole, nothing is missing.
        amount.exact = Fraction::whole((rounded - rest.billed.0).max(0));
        amount.steps = Vec::new();
    }
    let (gross, step) = round(amount.exact, RoundingSubject::Amount)?;
    amount.steps.push(step);
    let unit_price = models::with(&terms.rate, |model| model.unit_price());
    let tiers =
        if true_up { Vec::new() } else { models::with(&terms.rate, |model| model.tiers(units))? };
    Ok(LineDraft {
        kind,
        description: terms.name.clone().into(),
        source: LineSource::Cycle {
            subscription: place.subscription.id,
            item: place.item.number,
            cycle: cycle.index,
        },
        plan: Some(PlanVersion { plan: terms.plan, version: terms.version }),
        service: Some(proration::service(piece, rules)?),
        quantity: units,
        unit_price: unit_price.filter(|_| !true_up),
        tiers,
        pricing: Some(Box::new(LinePricing {
            price: terms.price.clone(),
            product: terms.product.clone(),
            rate: terms.rate.clone(),
            minimum: terms.minimum,
            whole,
            span: piece,
            full: cycle.full,
            every: terms.every,
            segment: segment.change,
            zone: rules.local.label(cycle.full),
            time: proration::measure(piece, rules)?,
            complement: None,
            in_force: None,
        })),
        rest,
        ratio: amount.ratio,
        exact: amount.exact,
        rounding: amount.steps,
        gross,
        discounts: Vec::new(),
        phase: phase(place, cycle, segment),
        credits: None,
        alone: false,
        dimensions: place.subscription.dimensions.clone(),
        origin: LineOrigin {
            price: catalog.defined_by(terms.plan, terms.version),
            segment: Some(segment.made),
            cycle: Some(cycle.made),
            ..LineOrigin::default()
        },
    })
}

/// What the phase that a cycle begins in takes off it.
fn phase(place: Place<'_>, cycle: &Cycle, segment: &Segment<'_>) -> Option<PhaseOff> {
    let phases = place.subscription.phases.as_ref()?;
    let percent = place.subscription.phase_percent(cycle, segment.phases)?;
    Some(PhaseOff { discount: phases.discount, percent, given: phases.made })
}

/// A part of a whole price before it is rounded to the minor unit.
pub(crate) struct Part {
    /// Exact, before any rounding of it.
    pub(crate) ratio: Fraction,
    pub(crate) exact: Fraction,
    pub(crate) steps: Vec<RoundingStep>,
}

/// The part of `whole` that falls to `piece` of the cycle `full`, by the policies.
pub(crate) fn part(
    whole: Fraction,
    piece: Span,
    full: Span,
    terms: &ItemTerms,
    rules: &Rules,
) -> Result<Part, Rejection> {
    let ratio = proration::ratio(piece, full, terms.every, rules)?;
    part_of(whole, ratio, piece, full, rules)
}

/// As [`part`], with the ratio known.
pub(crate) fn part_of(
    whole: Fraction,
    ratio: Fraction,
    piece: Span,
    full: Span,
    rules: &Rules,
) -> Result<Part, Rejection> {
    let exact = Part { ratio, exact: whole.times(ratio)?, steps: Vec::new() };
    if ratio == Fraction::ONE {
        return Ok(exact);
    }
    match rules.policies.ratio {
        RatioRule::Exact => Ok(exact),
        RatioRule::Ratio9dp => rounded_ratio(whole, ratio, 9, RoundingMode::HalfUp),
        RatioRule::Ratio6dp => rounded_ratio(whole, ratio, 6, RoundingMode::HalfUp),
        RatioRule::RoundUpToWholePeriod => rounded_ratio(whole, ratio, 0, RoundingMode::Up),
        RatioRule::DailyRateRoundedFirst => {
            // Where time is finer than days, parts of a day cost a part of its price.
            let of_day = i128::from(proration::units_of_day(rules));
            let days = i128::from(proration::measure(full, rules)?);
            let (subject, mode) = (RoundingSubject::Rate, RoundingMode::HalfUp);
            let rate = whole.times(Fraction::new(of_day, days)?)?;
            let rounded = rate.rounded(mode)?;
            let units = i128::from(proration::measure(piece, rules)?);
            let exact = Fraction::whole(rounded).times(Fraction::new(units, of_day)?)?;
            let step = RoundingStep { subject, exact: rate, scale: 0, mode, rounded };
            Ok(Part { ratio, exact, steps: vec![step] })
        }
    }
}

fn rounded_ratio(
    whole: Fraction,
    ratio: Fraction,
    scale: u8,
    mode: RoundingMode,
) -> Result<Part, Rejection> {
    let ten = 10_i64.pow(u32::from(scale));
    let scaled = ratio.times(Fraction::whole(ten))?;
    let rounded = scaled.rounded(mode)?;
    let used = Fraction::new(i128::from(rounded), i128::from(ten))?;
    let subject = RoundingSubject::Ratio;
    let step = RoundingStep { subject, exact: scaled, scale, mode, rounded };
    Ok(Part { ratio, exact: whole.times(used)?, steps: vec![step] })
}

/// What the other lines of the cycle have billed at the same price, if this piece is all that is
/// missing of the whole cycle.
fn rest(
    place: Place<'_>,
    cycle: &Cycle,
    segment: &Segment<'_>,
    (piece, kind): (Span, LineKind),
    whole: Fraction,
    drafts: &[LineDraft],
) -> Option<Rest> {
    match place.rules().policies.missing_piece {
        MissingPiece::OwnRatio => return None,
        MissingPiece::TotalMinusBilled => {}
    }
    let true_up = kind == LineKind::MinimumTrueUp;
    let (terms, billing) = (segment.terms, place.account.billing);
    let plan = PlanVersion { plan: terms.plan, version: terms.version };
    let alike = |line: &Line| {
        let priced = &line.priced.as_ref()?.pricing;
        let same = priced.price == terms.price
            && line.plan == Some(plan)
            && line.quantity == segment.units()
            && priced.whole == whole
            && (line.kind == LineKind::MinimumTrueUp) == true_up;
        let untouched = line.live == [priced.span];
        (same && untouched).then_some((priced.span, line.gross))
    };
    let mut time = piece.micros();
    let (earlier, here) = (Vec::new(), Vec::new());
    let mut rest = Rest { billed: Minor::ZERO, earlier, here, of_price: false };
    for at in place.bill(cycle).lines() {
        if let Some((span, gross)) = alike(billing.line(*at)) {
            time += span.micros();
            rest.billed.0 += gross.0;
            rest.earlier.push(billing.name(*at));
        }
    }
    for draft in drafts {
        let pricing = draft.pricing.as_ref().expect("a draft of a cycle says how it is priced");
        if pricing.whole == whole
            && draft.quantity == segment.units()
            && draft.is_true_up() == true_up
        {
            time += pricing.span.micros();
            rest.billed.0 += draft.gross.0;
            rest.here.push(pricing.span);
        }
    }
    let others = !rest.earlier.is_empty() || !rest.here.is_empty();
    (others && time == cycle.full.micros()).then_some(rest)
}

/// What discounts took off below a least price that holds comes back on the line that makes it
/// up, and only that: lines that make up nothing go.
///
/// # Errors
/// Amounts that do not fit.
pub(super) fn top_up(lines: &mut Vec<LineDraft>) -> Result<(), Rejection> {
    for at in 1..lines.len() {
        let billed = lines[at - 1].net();
        let line = &mut lines[at];
        // Other lines make up nothing.
        let Some(rest) = line.rest.as_mut().filter(|rest| rest.of_price) else { continue };
        rest.billed = billed;
        line.gross = Minor((line.gross.0 - billed.0).max(0));
        let exact = Fraction::whole(line.gross.0);
        let (_, step) = round(exact, RoundingSubject::Amount)?;
        (line.exact, line.rounding) = (exact, vec![step]);
    }
    let makes_up = |line: &LineDraft| line.rest.as_ref().is_some_and(|rest| rest.of_price);
    lines.retain(|line| !makes_up(line) || !line.gross.is_zero());
    Ok(())
}
