//! Each unit at the price of the tier that it falls into.

use schemas::event::TierPart;
use schemas::fraction::{Fraction, FractionError};
use schemas::terms::Tier;
use schemas::text::Code;
use schemas::{Decimal, Rejection};

use super::PriceModel;
use super::tiers::{Slice, check_tiers, parts, sum};

pub(super) struct Graduated<'a>(pub(super) &'a [Tier]);

impl Graduated<'_> {
    fn slices(&self, quantity: Decimal) -> Result<Vec<Slice>, FractionError> {
        let mut slices = Vec::new();
        let mut below = Decimal::ZERO;
        for (index, tier) in self.0.iter().enumerate() {
            if index > 0 && quantity <= below {
                break;
            }
            let top = tier.up_to.map_or(quantity, |up_to| up_to.min(quantity));
            let units = Fraction::of(top)?.plus(Fraction::of(below)?.negated()?)?;
            slices.push(Slice::of(tier, units)?);
            below = tier.up_to.unwrap_or(quantity);
        }
        Ok(slices)
    }
}

impl PriceModel for Graduated<'_> {
    fn check(&self, price: &Code) -> Result<(), Rejection> {
        check_tiers(price, self.0)
    }

    fn price(&self, quantity: Decimal) -> Result<Fraction, FractionError> {
        sum(&self.slices(quantity)?)
    }

    fn tiers(&self, quantity: Decimal) -> Result<Vec<TierPart>, FractionError> {
        self.slices(quantity).map(parts)
    }
}
