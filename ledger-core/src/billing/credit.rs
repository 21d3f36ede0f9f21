//! Credit lines: time that was billed and is no longer in force, with its discounts, never more
//! than is left of the line.

use schemas::event::{
    DiscountBasis, DiscountPart, EventAt, ItemTerms, LineOrigin, LinePricing, RoundingStep,
    RoundingSubject, TermsInForce,
};
use schemas::fraction::{Fraction, RoundingMode};
use schemas::ids::DiscountId;
use schemas::terms::{
    CreditBasis, CreditDiscount, DiscountValue, LineKind, MinimumAfterDiscount, RatioRule,
};
use schemas::{Decimal, Minor, Rejection, Span};

use super::charge::{Part, part_of, whole_of};
use super::draft::LineDraft;
use super::place::Place;
use super::proration;
use super::state::{Line, LineAt, Priced};
use crate::customer::rules::Rules;
use crate::money::rounding;
use crate::spans::just_before;

/// What was credited of a line before, counting what this invoice credits already.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Before {
    /// In the unit that proration counts.
    pub(crate) time: i64,
    /// Time that the line still charges, in the same unit.
    pub(crate) live: i64,
    /// Net of what is left of the line.
    pub(crate) left: Minor,
    /// Gross of what is left of the line.
    pub(crate) gross_left: Minor,
}

/// Credits `piece` of a line.
pub(crate) fn credit(
    place: Place<'_>,
    at: LineAt,
    (line, priced): (&Line, &Priced),
    (piece, alone): (Span, bool),
    before: Before,
) -> Result<LineDraft, Rejection> {
    let (rules, pricing) = (place.rules(), &priced.pricing);
    let share = Share {
        before: before.time,
        after: before.time + proration::measure(piece, rules)?,
        length: proration::measure(pricing.span, rules)?.max(1),
    };
    let basis = basis(rules, line);
    let mut in_force = None;
    let share_of_rest = basis == CreditBasis::BilledShare && line.cut;
    let amount = match basis {
        CreditBasis::BilledShare if share_of_rest => rest_of(before, share)?,
        CreditBasis::BilledShare => share.of(line.gross.0)?,
        CreditBasis::WholeFee => whole_fee(line, before),
        CreditBasis::LastBilledPrice => {
            part_at(place, pricing.whole, pricing, pricing.full, piece)?
        }
        CreditBasis::BilledAmount => {
            let billed = Fraction::whole(line.gross.0);
            let of = |span| proration::ratio(span, pricing.full, pricing.every, rules);
            // The part of the line, also where a month's days are told by another rule.
            let whole = of(pricing.span)?;
            let part = match whole.numerator() {
                0 => Fraction::ONE,
                some => of(piece)?.times(Fraction::new(whole.denominator(), some)?)?,
            };
            amount(billed, part, (piece, pricing.span), rules)
                .map(|a| Amount { whole: None, ..a })?
        }
        CreditBasis::CurrentPrice => {
            in_force = terms_before(place, pricing, piece);
            let whole = match &in_force {
                Some((terms, quantity)) => whole_of(terms, *quantity, line.kind, rules)?,
                None => pricing.whole,
            };
            part_at(place, whole, pricing, pricing.full, piece)?
        }
    };
    let amount = amount.at_most(before.gross_left);
    // A line says which part of a whole cycle it is, whatever its amount is a share of.
    let ratio = match basis {
        CreditBasis::BilledShare | CreditBasis::BilledAmount => {
            proration::ratio(piece, pricing.full, pricing.every, rules)?
        }
        CreditBasis::WholeFee | CreditBasis::LastBilledPrice | CreditBasis::CurrentPrice => {
            amount.ratio
        }
    };
    let mut draft = LineDraft {
        kind: LineKind::ProrationCredit,
        description: line.description.clone(),
        source: line.source,
        plan: line.plan,
        service: Some(proration::service(piece, rules)?),
        quantity: line.quantity,
        unit_price: line.unit_price,
        tiers: Vec::new(),
        pricing: Some(Box::new(LinePricing {
            whole: amount.whole.unwrap_or(pricing.whole),
            span: piece,
            time: share.after - share.before,
            complement: None,
            in_force: in_force.map(|(terms, quantity)| TermsInForce {
                rate: terms.rate.clone(),
                minimum: terms.minimum,
                quantity,
            }),
            ..pricing.clone()
        })),
        rest: None,
        ratio: ratio.negated()?,
        exact: amount.exact.negated()?,
        rounding: amount.steps,
        gross: Minor(-amount.gross),
        discounts: Vec::new(),
        phase: None,
        credits: Some(place.account.billing.name(at)),
        alone,
        dimensions: place.subscription.dimensions.clone(),
        origin: LineOrigin { change: Some(place.subscription.changed), ..priced.origin },
    };
    match basis {
        CreditBasis::BilledShare if share_of_rest => {}
        CreditBasis::BilledShare => layered(place, &mut draft, line, share)?,
        // All that is left comes back: with the discounts of this line, and no other's.
        CreditBasis::WholeFee => {
            shared(place, &mut draft, line, (CreditDiscount::ItemShare, Fraction::ONE))?;
        }
        CreditBasis::LastBilledPrice | CreditBasis::BilledAmount | CreditBasis::CurrentPrice => {
            let part = match line.gross.0 {
                0 => Fraction::ZERO,
                gross => Fraction::new((-draft.gross.0).into(), gross.into())?,
            };
            shared(place, &mut draft, line, (rules.policies.credit_discount, part))?;
        }
    }
    bound(&mut draft, before);
    Ok(draft)
}

/// What a credit is reckoned on. A share of what was billed is exact; where ratios or rates are
/// rounded, the price is credited as it is charged.
///
/// What makes up a least price that holds has no price of its own: it comes back as a share.
fn basis(rules: &Rules, line: &Line) -> CreditBasis {
    let holds = rules.policies.minimum_after_discount == MinimumAfterDiscount::Holds;
    if holds && line.kind == LineKind::MinimumTrueUp {
        return match rules.policies.credit_basis {
            CreditBasis::WholeFee => CreditBasis::WholeFee,
            CreditBasis::BilledShare
            | CreditBasis::LastBilledPrice
            | CreditBasis::BilledAmount
            | CreditBasis::CurrentPrice => CreditBasis::BilledShare,
        };
    }
    match (rules.policies.credit_basis, rules.policies.ratio) {
        // Of what a note for an amount has left comes a share.
        (CreditBasis::BilledShare, _) if line.cut => CreditBasis::BilledShare,
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

impl Amount {
    /// Never more than is left of the line, before discounts.
    fn at_most(mut self, left: Minor) -> Self {
        if self.gross > left.0 {
            self.steps.push(bounded(left));
            self.gross = left.0;
        }
        self
    }
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
        let cumulative = rounding::step(part(self.after)?, RoundingSubject::Amount)?;
        let before = rounding::step(part(self.before)?, RoundingSubject::Amount)?;
        Ok(Amount {
            ratio: self.ratio()?,
            exact: part(self.after - self.before)?,
            gross: cumulative.rounded - before.rounded,
            steps: vec![cumulative],
            whole: None,
        })
    }
}

/// A share of what earlier credits of an amount have left of the line.
fn rest_of(before: Before, share: Share) -> Result<Amount, Rejection> {
    let part = Fraction::new(i128::from(share.after - share.before), before.live.max(1).into())?;
    let step =
        rounding::step(Fraction::whole(before.left.0).times(part)?, RoundingSubject::Amount)?;
    Ok(Amount {
        ratio: share.ratio()?,
        exact: step.exact,
        gross: step.rounded,
        steps: vec![step],
        whole: None,
    })
}

/// All that is left of the line, whatever time is.
fn whole_fee(line: &Line, before: Before) -> Amount {
    let off: i64 = line.discounts.iter().map(|taken| taken.amount.0).sum();
    let gross = if before.left == line.net { line.gross.0 } else { before.left.0 + off };
    let exact = Fraction::whole(gross);
    Amount { ratio: Fraction::ONE, exact, gross, steps: Vec::new(), whole: None }
}

/// A part of what `full` costs, as it would be charged.
fn part_at(
    place: Place<'_>,
    whole: Fraction,
    pricing: &LinePricing,
    full: Span,
    piece: Span,
) -> Result<Amount, Rejection> {
    let ratio = proration::ratio(piece, full, pricing.every, place.rules())?;
    amount(whole, ratio, (piece, full), place.rules())
}

/// A part of a whole, rounded to the minor unit.
fn amount(
    whole: Fraction,
    ratio: Fraction,
    (piece, full): (Span, Span),
    rules: &Rules,
) -> Result<Amount, Rejection> {
    let Part { exact, mut steps, .. } = part_of(whole, ratio, piece, full, rules)?;
    let step = rounding::step(exact, RoundingSubject::Amount)?;
    steps.push(step);
    Ok(Amount { ratio, exact, gross: step.rounded, steps, whole: Some(whole) })
}

/// Terms and quantity in force just before what ends the time that is credited: an end or a pause,
/// or the last change up to it. None where the line charges what has been in force since.
fn terms_before<'a>(
    place: Place<'a>,
    pricing: &LinePricing,
    piece: Span,
) -> Option<(&'a ItemTerms, Decimal)> {
    let start = piece.start();
    let ends = place.subscription.known_end(place.rules()).is_some_and(|known| known.at <= start);
    let goes = ends || place.pauses.iter().any(|pause| pause.contains(start));
    let told = if goes { Some(start) } else { place.item.told_at(start) };
    let changed = told.filter(|at| pricing.span.start() < *at)?;
    let before = just_before(changed);
    Some((place.item.terms_at(before)?, place.item.quantity_at(before)))
}

/// Layers: gross, then what each discount leaves of it, each by the same cumulative share. The
/// last layer is the net amount.
fn layered(
    place: Place<'_>,
    draft: &mut LineDraft,
    line: &Line,
    share: Share,
) -> Result<(), Rejection> {
    let mut remaining = line.gross.0;
    let mut above = -draft.gross.0;
    for taken in &line.discounts {
        let (of, amount) = (taken.amount, taken.amount.0);
        remaining -= amount;
        let layer = share.of(remaining)?.gross;
        let exact = share.of(amount)?.exact.negated()?;
        draft.discounts.push(DiscountPart {
            discount: taken.discount,
            exact,
            amount: Minor(layer - above),
            basis: DiscountBasis::Credit { of },
            cycle: taken.cycle,
            given: given(place, taken.discount),
        });
        above = layer;
    }
    Ok(())
}

/// Each discount by a part of it, rounded; never more than the credit itself.
fn shared(
    place: Place<'_>,
    draft: &mut LineDraft,
    line: &Line,
    (discount, part): (CreditDiscount, Fraction),
) -> Result<(), Rejection> {
    let credited = -draft.gross.0;
    let mut left = credited;
    for taken in &line.discounts {
        let fixed = match discount {
            CreditDiscount::ItemShare => None,
            CreditDiscount::WholeDiscount => whole_discount(place, taken.discount),
        };
        let (of, whole) = match fixed {
            Some(whole) => (whole, Fraction::whole(whole.0)),
            // With all of the line comes all that was taken off it.
            None if part == Fraction::ONE => (taken.amount, Fraction::whole(taken.amount.0)),
            None => (taken.amount, taken.exact),
        };
        let exact = whole.times(part)?;
        let amount = exact.rounded(RoundingMode::HalfUp)?.clamp(0, left.max(0));
        left -= amount;
        draft.discounts.push(DiscountPart {
            discount: taken.discount,
            exact: exact.negated()?,
            amount: Minor(-amount),
            basis: DiscountBasis::Credit { of },
            cycle: taken.cycle,
            given: given(place, taken.discount),
        });
    }
    Ok(())
}

/// The fixed amount of a discount; none for a percentage.
fn whole_discount(place: Place<'_>, discount: DiscountId) -> Option<Minor> {
    match place.account.agreements.discount(discount)?.applied.value {
        DiscountValue::Amount(amount) => Some(amount.minor()),
        DiscountValue::Percent(_) => None,
    }
}

/// The event that gave a discount, or agreed the ramp whose phases take it off.
fn given(place: Place<'_>, discount: DiscountId) -> EventAt {
    let phases = place.subscription.phases.as_ref();
    if let Some(phases) = phases.filter(|phases| phases.discount == discount) {
        return phases.made;
    }
    let found = place.account.agreements.discount(discount);
    found.expect("a line has discounts that were given").made
}

/// What is left of a line takes the place of what was reckoned.
fn bounded(to: Minor) -> RoundingStep {
    let (subject, mode) = (RoundingSubject::Amount, RoundingMode::HalfUp);
    RoundingStep { subject, exact: Fraction::whole(to.0), scale: 0, mode, rounded: to.0 }
}

/// Earlier credits and credit notes may have taken part of the line: what is left bounds this
/// credit, net and gross. Gross comes down together with the discounts, the last one first, so
/// that the net amount stays.
fn bound(draft: &mut LineDraft, before: Before) {
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
