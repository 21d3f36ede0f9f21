//! Credit lines: time that was billed and is no longer in force, with its discounts, never more
//! than is left of the line.

use schemas::event::{
    DiscountBasis, DiscountPart, LinePricing, LineRef, RoundingStep, RoundingSubject,
};
use schemas::fraction::{Fraction, RoundingMode};
use schemas::terms::{CreditBasis, CreditDiscount, DiscountValue, LineKind, RatioRule};
use schemas::{Minor, Rejection, Span, Timestamp};

use super::charge::{Part, part_of, whole_of};
use super::draft::LineDraft;
use super::pieces::Place;
use super::proration;
use crate::customer::state::Line;
use crate::subscription::rules::Rules;

/// What was credited of a line before, counting what this invoice credits already.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before {
    /// In the unit that proration counts.
    pub(crate) time: i64,
    /// Net of what is left of the line.
    pub(crate) left: Minor,
    /// Gross of what is left of the line.
    pub(crate) gross_left: Minor,
}

/// Credits `piece` of a line.
pub(crate) fn credit(
    place: Place<'_>,
    at: LineRef,
    line: &Line,
    pricing: &LinePricing,
    piece: Span,
    before: Before,
) -> Result<LineDraft, Rejection> {
    let rules = place.rules();
    let share = Share {
        before: before.time,
        after: before.time + proration::measure(piece, rules)?,
        length: proration::measure(pricing.span, rules)?.max(1),
    };
    let basis = basis(rules);
    let amount = match basis {
        CreditBasis::BilledShare => share.of(line.gross.0)?,
        CreditBasis::WholeFee => whole_fee(line, before),
        CreditBasis::LastBilledPrice => priced(place, pricing.whole, pricing, pricing.full, piece)?,
        CreditBasis::BilledAmount => {
            let billed = Fraction::whole(line.gross.0);
            Amount { whole: None, ..priced(place, billed, pricing, pricing.span, piece)? }
        }
        CreditBasis::CurrentPrice => {
            let whole = current_whole(place, line, pricing, piece)?.unwrap_or(pricing.whole);
            priced(place, whole, pricing, pricing.full, piece)?
        }
    };
    let mut draft = LineDraft {
        kind: LineKind::ProrationCredit,
        description: line.description.clone(),
        source: line.source,
        plan: line.plan.map(|(plan, version)| schemas::event::PlanVersion { plan, version }),
        service: Some(proration::service(piece, rules)?),
        quantity: line.quantity,
        unit_price: line.unit_price,
        tiers: Vec::new(),
        pricing: Some(LinePricing {
            whole: amount.whole.unwrap_or(pricing.whole),
            span: piece,
            complement: None,
            ..pricing.clone()
        }),
        ratio: amount.ratio.negated()?,
        exact: amount.exact.negated()?,
        rounding: amount.steps,
        gross: Minor(-amount.gross),
        discounts: Vec::new(),
        credits: Some(at),
        dimensions: place.subscription.dimensions.clone(),
    };
    match basis {
        CreditBasis::BilledShare => layered(&mut draft, line, share)?,
        CreditBasis::WholeFee
        | CreditBasis::LastBilledPrice
        | CreditBasis::BilledAmount
        | CreditBasis::CurrentPrice => {
            shared(place, &mut draft, line, share)?;
        }
    }
    bound(&mut draft, before);
    Ok(draft)
}

/// What a credit is reckoned on. A share of what was billed is exact; where ratios or rates are
/// rounded, the price is credited as it is charged.
fn basis(rules: &Rules) -> CreditBasis {
    match (rules.policies.credit_basis, rules.policies.ratio) {
        (
            CreditBasis::BilledShare,
            RatioRule::Ratio9dp
            | RatioRule::Ratio6dp
            | RatioRule::RoundUpToWholePeriod
            | RatioRule::DailyRateRoundedFirst,
        ) => CreditBasis::LastBilledPrice,
        (basis, _) => basis,
    }
}

/// The gross amount of a credit, positive.
struct Amount {
    ratio: Fraction,
    exact: Fraction,
    gross: i64,
    steps: Vec<RoundingStep>,
    /// The whole price that it is a part of, where that is not the line's.
    whole: Option<Fraction>,
}

/// The part of a line that falls to the time after `before` and up to `after`, of `length`.
#[derive(Clone, Copy)]
struct Share {
    before: i64,
    after: i64,
    length: i64,
}

impl Share {
    fn ratio(self) -> Result<Fraction, Rejection> {
        Ok(Fraction::new(i128::from(self.after - self.before), i128::from(self.length))?)
    }

    /// As the difference of two rounded cumulative amounts, so that the parts of a line add up
    /// to it. Source: the residue rule `total_minus_already_billed`.
    fn of(self, amount: i64) -> Result<Amount, Rejection> {
        let part = |time: i64| {
            let ratio = Fraction::new(i128::from(time), i128::from(self.length))?;
            Fraction::whole(amount).times(ratio)
        };
        let (subject, mode) = (RoundingSubject::Amount, RoundingMode::HalfUp);
        let cumulative = part(self.after)?;
        let rounded = cumulative.rounded(mode)?;
        Ok(Amount {
            ratio: self.ratio()?,
            exact: part(self.after - self.before)?,
            gross: rounded - part(self.before)?.rounded(mode)?,
            steps: vec![RoundingStep { subject, exact: cumulative, scale: 0, mode, rounded }],
            whole: None,
        })
    }
}

/// All that is left of the line, whatever time is.
fn whole_fee(line: &Line, before: Before) -> Amount {
    let off: i64 = line.discounts.iter().map(|(_, amount)| amount.0).sum();
    let gross = if before.left == line.net { line.gross.0 } else { before.left.0 + off };
    let exact = Fraction::whole(gross);
    Amount { ratio: Fraction::ONE, exact, gross, steps: Vec::new(), whole: None }
}

/// A part of what `full` costs, as it would be charged.
fn priced(
    place: Place<'_>,
    whole: Fraction,
    pricing: &LinePricing,
    full: Span,
    piece: Span,
) -> Result<Amount, Rejection> {
    let rules = place.rules();
    let ratio = proration::ratio(piece, full, pricing.every, rules)?;
    let Part { exact, mut steps, .. } = part_of(whole, ratio, piece, full, rules)?;
    let (subject, mode) = (RoundingSubject::Amount, RoundingMode::HalfUp);
    let gross = exact.rounded(mode)?;
    steps.push(RoundingStep { subject, exact, scale: 0, mode, rounded: gross });
    Ok(Amount { ratio, exact, gross, steps, whole: Some(whole) })
}

/// The whole price in force just before the time that is credited; none at the line's start.
fn current_whole(
    place: Place<'_>,
    line: &Line,
    pricing: &LinePricing,
    piece: Span,
) -> Result<Option<Fraction>, Rejection> {
    if piece.start() <= pricing.span.start() {
        return Ok(None);
    }
    let Some(before) = Timestamp::from_micros(piece.start().micros() - 1) else { return Ok(None) };
    let Some(terms) = place.item.terms_at(before) else { return Ok(None) };
    Ok(Some(whole_of(terms, place.item.quantity_at(before), line.kind)?))
}

/// Layers: gross, then what each discount leaves of it, each by the same cumulative share. The
/// last layer is the net amount.
fn layered(draft: &mut LineDraft, line: &Line, share: Share) -> Result<(), Rejection> {
    let mut remaining = line.gross.0;
    let mut above = -draft.gross.0;
    for (discount, amount) in &line.discounts {
        remaining -= amount.0;
        let layer = share.of(remaining)?.gross;
        let exact = share.of(amount.0)?.exact.negated()?;
        let (basis, amount) = (DiscountBasis::Credit { of: *amount }, Minor(layer - above));
        draft.discounts.push(DiscountPart { discount: *discount, exact, amount, basis });
        above = layer;
    }
    Ok(())
}

/// Each discount by its own share, rounded; never more than the credit itself.
fn shared(
    place: Place<'_>,
    draft: &mut LineDraft,
    line: &Line,
    share: Share,
) -> Result<(), Rejection> {
    let mut left = -draft.gross.0;
    for (discount, part) in &line.discounts {
        let of = match place.rules().policies.credit_discount {
            CreditDiscount::ItemShare => *part,
            CreditDiscount::WholeDiscount => whole_discount(place, *discount).unwrap_or(*part),
        };
        let exact = Fraction::whole(of.0).times(share.ratio()?)?;
        let amount = exact.rounded(RoundingMode::HalfUp)?.clamp(0, left.max(0));
        left -= amount;
        draft.discounts.push(DiscountPart {
            discount: *discount,
            exact: exact.negated()?,
            amount: Minor(-amount),
            basis: DiscountBasis::Credit { of },
        });
    }
    Ok(())
}

/// The fixed amount of a discount; none for a percentage.
fn whole_discount(place: Place<'_>, discount: schemas::ids::DiscountId) -> Option<Minor> {
    let found = place.customer.discounts.iter().find(|d| d.applied.discount == discount)?;
    match found.applied.value {
        DiscountValue::Amount(amount) => Some(amount.minor()),
        DiscountValue::Percent(_) => None,
    }
}

/// Earlier credits and credit notes may have taken part of the line: what is left bounds this
/// credit, net and gross. Gross comes down together with the discounts, the last one first, so
/// that the net amount stays.
fn bound(draft: &mut LineDraft, before: Before) {
    let bounded = |to: Minor| {
        let (subject, mode) = (RoundingSubject::Amount, RoundingMode::HalfUp);
        RoundingStep { subject, exact: Fraction::whole(to.0), scale: 0, mode, rounded: to.0 }
    };
    let over = -draft.net().0 - before.left.0;
    if over > 0 {
        draft.rounding.push(bounded(before.left));
        draft.gross.0 += over;
    }
    let mut over = -draft.gross.0 - before.gross_left.0;
    if over > 0 {
        draft.rounding.push(bounded(before.gross_left));
        for part in draft.discounts.iter_mut().rev() {
            let less = over.min(-part.amount.0).max(0);
            part.amount.0 += less;
            draft.gross.0 += less;
            over -= less;
        }
        // Discounts of earlier credits may have left more net than gross.
        draft.gross.0 += over;
    }
}
