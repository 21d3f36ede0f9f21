//! From exact amounts to minor units.

use schemas::decimal::Decimal;
use schemas::event::{RoundingStep, RoundingSubject};
use schemas::fraction::{Fraction, FractionError, RoundingMode};
use schemas::money::MAX_AMOUNT;
use schemas::{Currency, Minor, MoneyError, Rejection};

/// Rounds half up (away from zero) to the minor unit and records how.
///
/// # Errors
/// [`Rejection::AmountTooLarge`] for more than [`MAX_AMOUNT`]; an exact value that does not fit.
pub(crate) fn round(
    exact: Fraction,
    subject: RoundingSubject,
) -> Result<(Minor, RoundingStep), Rejection> {
    let step = step(exact, subject)?;
    if step.rounded > MAX_AMOUNT.0 {
        let amount = Minor(step.rounded);
        return Err(Rejection::AmountTooLarge { amount, limit: MAX_AMOUNT });
    }
    Ok((Minor(step.rounded), step))
}

/// As [`round`], without a bound: for amounts that take something back.
///
/// # Errors
/// An exact value that does not fit 64 bits.
pub(crate) fn step(
    exact: Fraction,
    subject: RoundingSubject,
) -> Result<RoundingStep, FractionError> {
    let mode = RoundingMode::HalfUp;
    let rounded = exact.rounded(mode)?;
    Ok(RoundingStep { subject, exact, scale: 0, mode, rounded })
}

/// An exact amount of major units in minor ones.
///
/// # Errors
/// A value that does not fit.
pub(crate) fn minor(major: Fraction, currency: Currency) -> Result<Fraction, FractionError> {
    major.times(Fraction::whole(10_i64.pow(u32::from(currency.exponent()))))
}

/// `unit price x units` in minor units, exact.
///
/// # Errors
/// A value that does not fit.
pub(crate) fn price(
    unit_price: Decimal,
    units: Decimal,
    currency: Currency,
) -> Result<Fraction, FractionError> {
    minor(Fraction::of(unit_price)?.times(Fraction::of(units)?)?, currency)
}

/// Minor units of a sum that was kept wider.
///
/// # Errors
/// [`MoneyError::Overflow`] beyond 64 bits.
pub(crate) fn narrow(wide: i128) -> Result<i64, MoneyError> {
    i64::try_from(wide).map_err(|_| MoneyError::Overflow)
}
