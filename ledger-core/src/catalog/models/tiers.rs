//! What the tiered models share.

use schemas::event::TierPart;
use schemas::fraction::{Fraction, FractionError};
use schemas::terms::Tier;
use schemas::text::Code;
use schemas::{Decimal, Rejection};

use super::{check_amounts, hundredths};

/// What one tier contributes.
pub(super) struct Slice {
    part: TierPart,
    /// In major units.
    amount: Fraction,
}

impl Slice {
    /// So many units in a tier.
    pub(super) fn of(tier: &Tier, units: Fraction) -> Result<Self, FractionError> {
        let priced = Fraction::of(tier.unit)?.times(units)?;
        let share = hundredths(tier.percent)?.times(units)?;
        let amount = priced.plus(share)?.plus(Fraction::of(tier.flat)?)?;
        let part = TierPart {
            quantity: decimal(units)?,
            unit_price: tier.unit,
            flat: tier.flat,
            percent: tier.percent,
        };
        Ok(Self { part, amount })
    }
}

/// The tier that a quantity reaches, with so many units.
pub(super) fn reached(
    tiers: &[Tier],
    quantity: Decimal,
    units: Decimal,
) -> Result<Vec<Slice>, FractionError> {
    let holds = |tier: &&Tier| tier.up_to.is_none_or(|up_to| quantity <= up_to);
    match tiers.iter().find(holds) {
        Some(tier) => Ok(vec![Slice::of(tier, Fraction::of(units)?)?]),
        None => Ok(Vec::new()),
    }
}

pub(super) fn sum(slices: &[Slice]) -> Result<Fraction, FractionError> {
    slices.iter().try_fold(Fraction::ZERO, |sum, slice| sum.plus(slice.amount))
}

pub(super) fn parts(slices: Vec<Slice>) -> Vec<TierPart> {
    slices.into_iter().map(|slice| slice.part).collect()
}

/// A difference of decimals is a decimal again.
fn decimal(value: Fraction) -> Result<Decimal, FractionError> {
    let mut scaled = value;
    for scale in 0..=18 {
        if scaled.denominator() == 1 {
            return Decimal::from_parts(scaled.numerator(), scale).ok_or(FractionError::Overflow);
        }
        scaled = scaled.times(Fraction::whole(10))?;
    }
    Err(FractionError::Overflow)
}

/// Tiers lie beside each other from zero on, and the last one is open: every quantity has a price.
pub(super) fn check_tiers(price: &Code, tiers: &[Tier]) -> Result<(), Rejection> {
    let invalid = |why| Err(Rejection::InvalidTiers { price: price.clone(), why });
    if tiers.is_empty() || tiers.len() > 64 {
        return invalid("there is no tier, or there are too many");
    }
    for tier in tiers {
        let amounts = [tier.unit, tier.flat, tier.percent, tier.up_to.unwrap_or(Decimal::ZERO)];
        if amounts.iter().any(|amount| amount.is_negative()) {
            return invalid("an amount is negative");
        }
        check_amounts(&amounts)?;
    }
    let (open, bounded) = tiers.split_last().map_or((None, tiers), |(l, rest)| (Some(l), rest));
    if open.is_some_and(|tier| tier.up_to.is_some()) {
        return invalid("the last tier has an upper bound, so some quantities have no price");
    }
    let mut below = Decimal::ZERO;
    for tier in bounded {
        match tier.up_to {
            None => return invalid("a tier before the last has no upper bound"),
            Some(up_to) if up_to <= below => return invalid("two tiers overlap"),
            Some(up_to) => below = up_to,
        }
    }
    Ok(())
}
