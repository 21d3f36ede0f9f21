//! Price models: one file each, with its checks, its price and what explains it.
//!
//! # Shape
//!
//! A model is a [`PriceModel`]; [`with`] is the one table from a [`Rate`] to its model. A new
//! model is a variant of [`Rate`], a file here, and a row in that table.
//!
//! # Correctness
//!
//! Prices are exact: nothing is rounded here. Quantities are not negative.

mod capacity;
mod flat;
mod graduated;
mod package;
mod per_unit;
mod percentage;
mod tiers;
mod volume;

use schemas::event::TierPart;
use schemas::fraction::{Fraction, FractionError};
use schemas::terms::Rate;
use schemas::text::Code;
use schemas::{Currency, Decimal, Rejection};

use crate::money::rounding;

/// How one kind of price is checked, reckoned and explained.
pub(crate) trait PriceModel {
    /// A price that can be reckoned for every quantity; `price` is what rejections name.
    ///
    /// # Errors
    /// The [`Rejection`] that says what is wrong with the definition.
    fn check(&self, price: &Code) -> Result<(), Rejection>;

    /// The price of a whole cycle in major units, exact.
    ///
    /// # Errors
    /// A value that does not fit.
    fn price(&self, quantity: Decimal) -> Result<Fraction, FractionError>;

    /// The tiers that make the price, in order; none where there are no tiers.
    ///
    /// # Errors
    /// A value that does not fit.
    fn tiers(&self, _quantity: Decimal) -> Result<Vec<TierPart>, FractionError> {
        Ok(Vec::new())
    }

    /// The price of one unit for a whole cycle, where there is one.
    fn unit_price(&self) -> Option<Decimal> {
        None
    }

    /// Whether the quantity is what is billed; else one whole is, whatever the quantity.
    fn by_quantity(&self) -> bool {
        true
    }

    /// Whether the highest quantity of a cycle counts for all of it.
    fn by_peak(&self) -> bool {
        false
    }

    /// Whether it can be charged once, when a subscription starts.
    fn can_be_setup(&self) -> bool {
        false
    }
}

/// Asks the model of a rate. The one table of price models.
pub(crate) fn with<T>(rate: &Rate, ask: impl FnOnce(&dyn PriceModel) -> T) -> T {
    match rate {
        Rate::Flat(amount) => ask(&flat::Flat(*amount)),
        Rate::PerUnit(amount) => ask(&per_unit::PerUnit(*amount)),
        Rate::Graduated(tiers) => ask(&graduated::Graduated(tiers)),
        Rate::Volume(tiers) => ask(&volume::Volume(tiers)),
        Rate::Package(package) => ask(&package::Package(*package)),
        Rate::Percentage(share) => ask(&percentage::Percentage(*share)),
        Rate::Capacity(tiers) => ask(&capacity::Capacity(tiers)),
    }
}

/// The price of a whole cycle in minor units, exact.
///
/// # Errors
/// A value that does not fit.
pub(crate) fn whole(
    rate: &Rate,
    quantity: Decimal,
    currency: Currency,
) -> Result<Fraction, FractionError> {
    rounding::minor(with(rate, |model| model.price(quantity))?, currency)
}

/// Amounts of prices stay exact: not negative, at most 12 decimal places.
///
/// # Errors
/// [`Rejection::NegativeUnitPrice`] or [`Rejection::InvalidPrices`].
pub(crate) fn check_amounts(amounts: &[Decimal]) -> Result<(), Rejection> {
    if let Some(amount) = amounts.iter().find(|amount| amount.is_negative()) {
        return Err(Rejection::NegativeUnitPrice { amount: *amount });
    }
    if amounts.iter().any(|amount| amount.scale() > 12) {
        return Err(Rejection::InvalidPrices { why: "a price has more than 12 decimal places" });
    }
    Ok(())
}

fn hundredths(percent: Decimal) -> Result<Fraction, FractionError> {
    Fraction::of(percent)?.times(Fraction::new(1, 100)?)
}
