//! A share of an amount of money, with a fixed part and bounds.

use schemas::fraction::{Fraction, FractionError};
use schemas::terms::PercentageRate;
use schemas::text::Code;
use schemas::{Decimal, Rejection};

use super::{PriceModel, check_amounts, hundredths};

pub(super) struct Percentage(pub(super) PercentageRate);

impl PriceModel for Percentage {
    fn check(&self, _price: &Code) -> Result<(), Rejection> {
        let share = &self.0;
        check_amounts(&[share.percent, share.fixed, share.free_amount])?;
        check_amounts(share.min.as_slice())?;
        check_amounts(share.max.as_slice())?;
        match (share.min, share.max) {
            (Some(min), Some(max)) if max < min => {
                Err(Rejection::InvalidPrices { why: "the most is less than the least" })
            }
            (Some(_) | None, Some(_) | None) => Ok(()),
        }
    }

    fn price(&self, quantity: Decimal) -> Result<Fraction, FractionError> {
        let (share, amount) = (&self.0, Fraction::of(quantity)?);
        if amount.numerator() == 0 {
            return Ok(Fraction::ZERO);
        }
        let paid = amount.plus(Fraction::of(share.free_amount)?.negated()?)?;
        let paid = if paid.numerator() < 0 { Fraction::ZERO } else { paid };
        let part = paid.times(hundredths(share.percent)?)?;
        let mut price = part.plus(Fraction::of(share.fixed)?)?;
        if let Some(min) = share.min {
            price = larger(price, Fraction::of(min)?)?;
        }
        if let Some(max) = share.max {
            price = larger(price.negated()?, Fraction::of(max)?.negated()?)?.negated()?;
        }
        Ok(price)
    }
}

fn larger(a: Fraction, b: Fraction) -> Result<Fraction, FractionError> {
    Ok(if a.plus(b.negated()?)?.numerator() < 0 { b } else { a })
}
