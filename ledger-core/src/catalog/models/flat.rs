//! One price, whatever the quantity.

use schemas::fraction::{Fraction, FractionError};
use schemas::text::Code;
use schemas::{Decimal, Rejection};

use super::{PriceModel, check_amounts};

pub(super) struct Flat(pub(super) Decimal);

impl PriceModel for Flat {
    fn check(&self, _price: &Code) -> Result<(), Rejection> {
        check_amounts(&[self.0])
    }

    fn price(&self, _quantity: Decimal) -> Result<Fraction, FractionError> {
        Fraction::of(self.0)
    }

    fn unit_price(&self) -> Option<Decimal> {
        Some(self.0)
    }

    fn by_quantity(&self) -> bool {
        false
    }

    fn can_be_setup(&self) -> bool {
        true
    }
}
