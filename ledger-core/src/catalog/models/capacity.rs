//! The flat amount of the tier that the highest quantity of the cycle reaches.

use schemas::event::TierPart;
use schemas::fraction::{Fraction, FractionError};
use schemas::terms::Tier;
use schemas::text::Code;
use schemas::{Decimal, Rejection};

use super::PriceModel;
use super::tiers::{check_tiers, parts, reached, sum};

pub(super) struct Capacity<'a>(pub(super) &'a [Tier]);

impl PriceModel for Capacity<'_> {
    fn check(&self, price: &Code) -> Result<(), Rejection> {
        if self.0.iter().any(|tier| !tier.unit.is_zero() || !tier.percent.is_zero()) {
            let why = "a capacity has one flat amount a tier, none by unit or percent";
            return Err(Rejection::InvalidTiers { price: price.clone(), why });
        }
        check_tiers(price, self.0)
    }

    fn price(&self, quantity: Decimal) -> Result<Fraction, FractionError> {
        sum(&reached(self.0, quantity, Decimal::ZERO)?)
    }

    fn tiers(&self, quantity: Decimal) -> Result<Vec<TierPart>, FractionError> {
        reached(self.0, quantity, Decimal::ZERO).map(parts)
    }

    fn by_peak(&self) -> bool {
        true
    }
}
