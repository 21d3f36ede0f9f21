//! A price for each unit.

use schemas::fraction::{Fraction, FractionError};
use schemas::text::Code;
use schemas::{Decimal, Rejection};

use super::{PriceModel, check_amounts};

pub(super) struct PerUnit(pub(super) Decimal);

impl PriceModel for PerUnit {
    fn check(&self, _price: &Code) -> Result<(), Rejection> {
        check_amounts(&[self.0])
    }

    fn price(&self, quantity: Decimal) -> Result<Fraction, FractionError> {
        Fraction::of(self.0)?.times(Fraction::of(quantity)?)
    }

    fn unit_price(&self) -> Option<Decimal> {
        Some(self.0)
    }

    fn can_be_setup(&self) -> bool {
        true
    }
}
