//! A line that is not on an invoice yet.

use schemas::decimal::Decimal;
use schemas::event::{
    Dimension, DiscountPart, InvoiceLine, LinePricing, LineRef, LineSource, PlanVersion,
    RevenueSchedule, RoundingStep, RoundingSubject, TierPart,
};
use schemas::fraction::{Fraction, RoundingMode};
use schemas::money::MAX_AMOUNT;
use schemas::terms::LineKind;
use schemas::text::Label;
use schemas::{Currency, Date, Interval, Minor, Rejection};

/// A line before it has its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineDraft {
    pub(crate) kind: LineKind,
    pub(crate) description: Label,
    pub(crate) source: LineSource,
    pub(crate) plan: Option<PlanVersion>,
    pub(crate) service: Option<Interval>,
    pub(crate) quantity: Decimal,
    pub(crate) unit_price: Option<Decimal>,
    pub(crate) tiers: Vec<TierPart>,
    pub(crate) pricing: Option<LinePricing>,
    pub(crate) ratio: Fraction,
    pub(crate) exact: Fraction,
    pub(crate) rounding: Vec<RoundingStep>,
    pub(crate) gross: Minor,
    pub(crate) discounts: Vec<DiscountPart>,
    pub(crate) credits: Option<LineRef>,
    pub(crate) dimensions: Vec<Dimension>,
}

impl LineDraft {
    /// Gross less discounts. Discounts never exceed gross, so this fits.
    pub(crate) fn net(&self) -> Minor {
        let off: i64 = self.discounts.iter().map(|part| part.amount.0).sum();
        Minor(self.gross.0 - off)
    }

    /// The line with its number; what has no days is earned on `document_date`.
    pub(crate) fn numbered(self, line: u32, document_date: Date) -> InvoiceLine {
        let net = self.net();
        let schedule =
            self.service.map_or(RevenueSchedule::Point(document_date), RevenueSchedule::Straight);
        InvoiceLine {
            line,
            kind: self.kind,
            description: self.description,
            source: self.source,
            plan: self.plan,
            service: self.service,
            quantity: self.quantity,
            unit_price: self.unit_price,
            tiers: self.tiers,
            pricing: self.pricing,
            ratio: self.ratio,
            exact: self.exact,
            rounding: self.rounding,
            gross: self.gross,
            discounts: self.discounts,
            net,
            taxes: Vec::new(),
            credits: self.credits,
            obligation: None,
            schedule,
            dimensions: self.dimensions,
        }
    }
}

/// `unit price x units x ratio` in minor units, exact.
pub(crate) fn price(
    unit_price: Decimal,
    units: Decimal,
    ratio: Fraction,
    currency: Currency,
) -> Result<Fraction, Rejection> {
    let minor_units = Fraction::whole(10_i64.pow(u32::from(currency.exponent())));
    let whole = Fraction::of(unit_price)?.times(Fraction::of(units)?)?;
    Ok(whole.times(minor_units)?.times(ratio)?)
}

/// Rounds half up and records how.
pub(crate) fn round(
    exact: Fraction,
    subject: RoundingSubject,
) -> Result<(Minor, RoundingStep), Rejection> {
    let mode = RoundingMode::HalfUp;
    let rounded = exact.rounded(mode)?;
    if rounded > MAX_AMOUNT.0 {
        return Err(Rejection::AmountTooLarge { amount: Minor(rounded), limit: MAX_AMOUNT });
    }
    Ok((Minor(rounded), RoundingStep { subject, exact, scale: 0, mode, rounded }))
}
