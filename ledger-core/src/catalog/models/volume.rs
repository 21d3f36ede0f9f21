//! All units at the price of the tier that the quantity reaches.

use schemas::event::TierPart;
use schemas::fraction::{Fraction, FractionError};
use schemas::terms::Tier;
use schemas::text::Code;
use schemas::{Decimal, Rejection};

use super::PriceModel;
use super::tiers::{check_tiers, parts, reached, sum};

pub(super) struct Volume<'a>(pub(super) &'a [Tier]);

impl PriceModel for Volume<'_> {
    fn check(&self, price: &Code) -> Result<(), Rejection> {
        check_tiers(price, self.0)
    }

    fn price(&self, quantity: Decimal) -> Result<Fraction, FractionError> {
        sum(&reached(self.0, quantity, quantity)?)
    }

    fn tiers(&self, quantity: Decimal) -> Result<Vec<TierPart>, FractionError> {
        reached(self.0, quantity, quantity).map(parts)
    }
}
