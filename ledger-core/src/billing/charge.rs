//! Charge lines: a part of a cycle at its price.

use schemas::decimal::Decimal;
use schemas::event::{
    ItemTerms, LinePricing, LineSource, PlanVersion, RoundingStep, RoundingSubject,
};
use schemas::fraction::{Fraction, FractionError, RoundingMode};
use schemas::terms::{LineKind, MissingPiece, Rate, RatioRule};
use schemas::{Minor, Rejection, Span};

use super::draft::{LineDraft, round};
use super::pieces::Place;
use super::{pricing, proration};
use crate::customer::state::Line;
use crate::subscription::item::{Cycle, Segment};
use crate::subscription::rules::Rules;

/// The exact price of a whole cycle that a line of `kind` charges a part of.
pub(crate) fn whole_of(
    terms: &ItemTerms,
    units: Decimal,
    kind: LineKind,
) -> Result<Fraction, FractionError> {
    let whole = pricing::whole(&terms.rate, units, terms.currency)?;
    match kind {
        LineKind::MinimumTrueUp => {
            let least = terms.minimum.unwrap_or(Decimal::ZERO);
            let missing = pricing::minor_of(least, terms.currency)?.plus(whole.negated()?)?;
            // A price in force may be above the least one where a billed one was not.
            Ok(if missing.numerator() < 0 { Fraction::ZERO } else { missing })
        }
        LineKind::Recurring
        | LineKind::OneOff
        | LineKind::ProrationCharge
        | LineKind::ProrationCredit
        | LineKind::Rounding => Ok(whole),
    }
}

/// The lines for a piece of a segment: its price, and what is missing to the least price.
pub(crate) fn charge(
    place: Place<'_>,
    cycle: &Cycle,
    segment: &Segment<'_>,
    piece: Span,
    drafts: &[LineDraft],
) -> Result<Vec<LineDraft>, Rejection> {
    let first = cycle.lines.is_empty();
    let kind = if first { LineKind::Recurring } else { LineKind::ProrationCharge };
    let mut lines = vec![line(place, cycle, segment, piece, kind, drafts)?];
    if segment.terms.minimum.is_some() {
        let missing = whole_of(segment.terms, segment.units(), LineKind::MinimumTrueUp)?;
        if missing.numerator() > 0 {
            lines.push(line(place, cycle, segment, piece, LineKind::MinimumTrueUp, drafts)?);
        }
    }
    Ok(lines)
}

fn line(
    place: Place<'_>,
    cycle: &Cycle,
    segment: &Segment<'_>,
    piece: Span,
    kind: LineKind,
    drafts: &[LineDraft],
) -> Result<LineDraft, Rejection> {
    let (terms, rules) = (segment.terms, place.rules());
    let units = segment.units();
    let whole = whole_of(terms, units, kind)?;
    let mut amount = part(whole, piece, cycle.full, terms, rules)?;
    let complement = complement(place, cycle, segment, piece, kind, whole, drafts);
    if let Some(billed) = complement {
        let rounded = whole.rounded(RoundingMode::HalfUp)?;
        // Parts may be rounded up: where they are more than the whole, nothing is missing.
        amount.exact = Fraction::whole((rounded - billed.0).max(0));
        amount.steps = Vec::new();
    }
    let (gross, step) = round(amount.exact, RoundingSubject::Amount)?;
    amount.steps.push(step);
    let true_up = kind == LineKind::MinimumTrueUp;
    let tiers = pricing::tiers(&terms.rate, units)?.into_iter().map(|slice| slice.part);
    Ok(LineDraft {
        kind,
        description: terms.name.clone(),
        source: LineSource::Cycle {
            subscription: place.subscription.id,
            item: place.item.number,
            cycle: cycle.index,
        },
        plan: Some(PlanVersion { plan: terms.plan, version: terms.version }),
        service: Some(proration::service(piece, rules)?),
        quantity: units,
        unit_price: unit_price(&terms.rate).filter(|_| !true_up),
        tiers: if true_up { Vec::new() } else { tiers.collect() },
        pricing: Some(LinePricing {
            price: terms.price.clone(),
            product: terms.product.clone(),
            rate: terms.rate.clone(),
            minimum: terms.minimum,
            whole,
            span: piece,
            full: cycle.full,
            every: terms.every,
            segment: segment.number,
            zone: rules.local.label(),
            complement,
        }),
        ratio: amount.ratio,
        exact: amount.exact,
        rounding: amount.steps,
        gross,
        discounts: Vec::new(),
        credits: None,
        dimensions: place.subscription.dimensions.clone(),
    })
}

/// The price of one unit for a whole cycle, where there is one.
pub(crate) fn unit_price(rate: &Rate) -> Option<Decimal> {
    match rate {
        Rate::Flat(amount) | Rate::PerUnit(amount) => Some(*amount),
        Rate::Package(package) => Some(package.price),
        Rate::Graduated(_) | Rate::Volume(_) | Rate::Percentage(_) | Rate::Capacity(_) => None,
    }
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
            let days = i128::from(proration::measure(full, rules)?);
            let (subject, mode) = (RoundingSubject::Rate, RoundingMode::HalfUp);
            let rate = whole.times(Fraction::new(1, days)?)?;
            let rounded = rate.rounded(mode)?;
            let units = i128::from(proration::measure(piece, rules)?);
            let exact = Fraction::whole(rounded).times(Fraction::new(units, 1)?)?;
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
fn complement(
    place: Place<'_>,
    cycle: &Cycle,
    segment: &Segment<'_>,
    piece: Span,
    kind: LineKind,
    whole: Fraction,
    drafts: &[LineDraft],
) -> Option<Minor> {
    match place.rules().policies.missing_piece {
        MissingPiece::OwnRatio => return None,
        MissingPiece::TotalMinusBilled => {}
    }
    let true_up = kind == LineKind::MinimumTrueUp;
    let terms = segment.terms;
    let (mut time, mut billed, mut others) = (piece.micros(), 0_i64, false);
    let mut add = |span: Span, gross: Minor| {
        time += span.micros();
        billed += gross.0;
        others = true;
    };
    let alike = |line: &Line| {
        let priced = line.priced.as_ref()?;
        let same = priced.price == terms.price
            && line.plan == Some((terms.plan, terms.version))
            && line.quantity == segment.units()
            && priced.whole == whole
            && (line.kind == LineKind::MinimumTrueUp) == true_up;
        let untouched = line.live == [priced.span];
        (same && untouched).then_some((priced.span, line.gross))
    };
    for (span, gross) in
        cycle.lines.iter().filter_map(|at| place.customer.line(*at)).filter_map(alike)
    {
        add(span, gross);
    }
    for draft in drafts {
        let Some(pricing) = &draft.pricing else { continue };
        if pricing.whole == whole
            && draft.quantity == segment.units()
            && (draft.kind == LineKind::MinimumTrueUp) == true_up
        {
            add(pricing.span, draft.gross);
        }
    }
    (others && time == cycle.full.micros()).then_some(Minor(billed))
}
