//! Whole packages of units, each begun one paid in full.

use schemas::fraction::{Fraction, FractionError};
use schemas::terms::PackageRate;
use schemas::text::Code;
use schemas::{Decimal, Rejection};

use super::{PriceModel, check_amounts};

pub(super) struct Package(pub(super) PackageRate);

impl PriceModel for Package {
    fn check(&self, _price: &Code) -> Result<(), Rejection> {
        check_amounts(&[self.0.price, self.0.size, self.0.free_units])?;
        if self.0.size.is_zero() {
            return Err(Rejection::InvalidPrices { why: "a package has no units" });
        }
        Ok(())
    }

    fn price(&self, quantity: Decimal) -> Result<Fraction, FractionError> {
        let free = Fraction::of(self.0.free_units)?;
        let paid = Fraction::of(quantity)?.plus(free.negated()?)?;
        if paid.numerator() <= 0 {
            return Ok(Fraction::ZERO);
        }
        let size = Fraction::of(self.0.size)?;
        let count = paid.times(Fraction::new(size.denominator(), size.numerator())?)?;
        let begun = (count.numerator() + count.denominator() - 1) / count.denominator();
        Fraction::of(self.0.price)?.times(Fraction::new(begun, 1)?)
    }

    fn unit_price(&self) -> Option<Decimal> {
        Some(self.0.price)
    }
}
