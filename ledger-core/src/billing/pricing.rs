//! The price of a whole cycle at a quantity, exact.

use schemas::event::TierPart;
use schemas::fraction::{Fraction, FractionError};
use schemas::terms::{PackageRate, PercentageRate, Rate, Tier};
use schemas::{Currency, Decimal};

/// The price of a whole cycle in minor units.
pub(crate) fn whole(
    rate: &Rate,
    quantity: Decimal,
    currency: Currency,
) -> Result<Fraction, FractionError> {
    minor(major(rate, quantity)?, currency)
}

/// A least price in minor units.
pub(crate) fn minor_of(amount: Decimal, currency: Currency) -> Result<Fraction, FractionError> {
    minor(Fraction::of(amount)?, currency)
}

fn minor(major: Fraction, currency: Currency) -> Result<Fraction, FractionError> {
    major.times(Fraction::whole(10_i64.pow(u32::from(currency.exponent()))))
}

fn major(rate: &Rate, quantity: Decimal) -> Result<Fraction, FractionError> {
    let units = Fraction::of(quantity)?;
    match rate {
        Rate::Flat(amount) => Fraction::of(*amount),
        Rate::PerUnit(amount) => Fraction::of(*amount)?.times(units),
        Rate::Graduated(_) | Rate::Volume(_) | Rate::Capacity(_) => {
            let mut sum = Fraction::ZERO;
            for part in tiers(rate, quantity)? {
                sum = sum.plus(part.amount)?;
            }
            Ok(sum)
        }
        Rate::Package(package) => packages(*package, units),
        Rate::Percentage(share) => percentage(*share, units),
    }
}

fn packages(package: PackageRate, units: Fraction) -> Result<Fraction, FractionError> {
    let paid = units.plus(Fraction::of(package.free_units)?.negated()?)?;
    if paid.numerator() <= 0 {
        return Ok(Fraction::ZERO);
    }
    let size = Fraction::of(package.size)?;
    let count = paid.times(Fraction::new(size.denominator(), size.numerator())?)?;
    let begun = (count.numerator() + count.denominator() - 1) / count.denominator();
    Fraction::of(package.price)?.times(Fraction::new(begun, 1)?)
}

fn percentage(share: PercentageRate, amount: Fraction) -> Result<Fraction, FractionError> {
    if amount.numerator() == 0 {
        return Ok(Fraction::ZERO);
    }
    let paid = amount.plus(Fraction::of(share.free_amount)?.negated()?)?;
    let paid = if paid.numerator() < 0 { Fraction::ZERO } else { paid };
    let mut price = paid.times(hundredths(share.percent)?)?.plus(Fraction::of(share.fixed)?)?;
    if let Some(min) = share.min {
        price = larger(price, Fraction::of(min)?)?;
    }
    if let Some(max) = share.max {
        price = larger(price.negated()?, Fraction::of(max)?.negated()?)?.negated()?;
    }
    Ok(price)
}

fn larger(a: Fraction, b: Fraction) -> Result<Fraction, FractionError> {
    Ok(if a.plus(b.negated()?)?.numerator() < 0 { b } else { a })
}

fn hundredths(percent: Decimal) -> Result<Fraction, FractionError> {
    Fraction::of(percent)?.times(Fraction::new(1, 100)?)
}

/// What one tier contributes.
pub(crate) struct Slice {
    pub(crate) part: TierPart,
    /// In major units.
    amount: Fraction,
}

/// The tiers that make a tiered price, in order; none for other prices.
pub(crate) fn tiers(rate: &Rate, quantity: Decimal) -> Result<Vec<Slice>, FractionError> {
    match rate {
        Rate::Graduated(tiers) => graduated(tiers, quantity),
        Rate::Volume(tiers) => reached(tiers, quantity, quantity),
        Rate::Capacity(tiers) => reached(tiers, quantity, Decimal::ZERO),
        Rate::Flat(_) | Rate::PerUnit(_) | Rate::Package(_) | Rate::Percentage(_) => Ok(Vec::new()),
    }
}

fn graduated(tiers: &[Tier], quantity: Decimal) -> Result<Vec<Slice>, FractionError> {
    let mut slices = Vec::new();
    let mut below = Decimal::ZERO;
    for (index, tier) in tiers.iter().enumerate() {
        if index > 0 && quantity <= below {
            break;
        }
        let top = tier.up_to.map_or(quantity, |up_to| up_to.min(quantity));
        let units = Fraction::of(top)?.plus(Fraction::of(below)?.negated()?)?;
        slices.push(slice(tier, units)?);
        below = tier.up_to.unwrap_or(quantity);
    }
    Ok(slices)
}

/// The tier that a quantity reaches, with so many units.
fn reached(tiers: &[Tier], quantity: Decimal, units: Decimal) -> Result<Vec<Slice>, FractionError> {
    let holds = |tier: &&Tier| tier.up_to.is_none_or(|up_to| quantity <= up_to);
    match tiers.iter().find(holds) {
        Some(tier) => Ok(vec![slice(tier, Fraction::of(units)?)?]),
        None => Ok(Vec::new()),
    }
}

fn slice(tier: &Tier, units: Fraction) -> Result<Slice, FractionError> {
    let priced = Fraction::of(tier.unit)?.times(units)?;
    let share = hundredths(tier.percent)?.times(units)?;
    let amount = priced.plus(share)?.plus(Fraction::of(tier.flat)?)?;
    let part = TierPart {
        quantity: decimal(units)?,
        unit_price: tier.unit,
        flat: tier.flat,
        percent: tier.percent,
    };
    Ok(Slice { part, amount })
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
