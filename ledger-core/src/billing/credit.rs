//! Credit lines: a share of what was billed, with its discounts, never more than is left of it.

use schemas::event::{DiscountPart, LineRef, RoundingStep, RoundingSubject};
use schemas::fraction::{Fraction, RoundingMode};
use schemas::terms::LineKind;
use schemas::{Interval, Minor, Rejection};

use super::draft::LineDraft;
use crate::customer::state::Line;

/// Credits `days` of a line of which `before` days were credited already and `left` is left.
///
/// Each amount is a difference of two cumulative amounts, so the parts of a line add up to it.
/// Source: the residue rule `total_minus_already_billed`.
pub(crate) fn credit(
    at: LineRef,
    line: &Line,
    days: Interval,
    before: i32,
    left: Minor,
) -> Result<LineDraft, Rejection> {
    let length = line.service.map_or(days.days(), Interval::days);
    let share = |amount: i64| Share::of(amount, before, before + days.days(), length);

    // Layers: gross, then what each discount leaves of it. The last layer is the net amount.
    let gross = share(line.gross.0)?;
    let mut remaining = line.gross.0;
    let mut above = gross.amount;
    let mut discounts = Vec::with_capacity(line.discounts.len());
    for (discount, amount) in &line.discounts {
        remaining -= amount.0;
        let layer = share(remaining)?;
        let exact = share(amount.0)?.exact.negated()?;
        let taken = Minor(layer.amount - above);
        discounts.push(DiscountPart { discount: *discount, exact, amount: taken });
        above = layer.amount;
    }
    // Credit notes may have taken part of the line: what is left bounds the credit.
    let over = (above - left.0).max(0);
    let mut rounding = vec![gross.step];
    if over > 0 {
        let exact = Fraction::whole(left.0);
        let mode = RoundingMode::HalfUp;
        let subject = RoundingSubject::Amount;
        rounding.push(RoundingStep { subject, exact, scale: 0, mode, rounded: left.0 });
    }
    Ok(LineDraft {
        kind: LineKind::ProrationCredit,
        description: line.description.clone(),
        source: line.source,
        plan: line.plan.map(|(plan, version)| schemas::event::PlanVersion { plan, version }),
        service: Some(days),
        quantity: line.quantity,
        unit_price: line.unit_price,
        ratio: Fraction::new(-i128::from(days.days()), i128::from(length))?,
        exact: gross.exact.negated()?,
        rounding,
        gross: Minor(over - gross.amount),
        discounts,
        credits: Some(at),
    })
}

/// The part of an amount that falls to the days after `before` and up to `after`.
struct Share {
    exact: Fraction,
    amount: i64,
    /// How the cumulative amount was rounded.
    step: RoundingStep,
}

impl Share {
    fn of(amount: i64, before: i32, after: i32, length: i32) -> Result<Self, Rejection> {
        let part = |days: i32| {
            Fraction::whole(amount).times(Fraction::new(i128::from(days), i128::from(length))?)
        };
        let mode = RoundingMode::HalfUp;
        let cumulative = part(after)?;
        let rounded = cumulative.rounded(mode)?;
        let subject = RoundingSubject::Amount;
        Ok(Self {
            exact: part(after - before)?,
            amount: rounded - part(before)?.rounded(mode)?,
            step: RoundingStep { subject, exact: cumulative, scale: 0, mode, rounded },
        })
    }
}
