//! A line that is not on an invoice yet.

use schemas::decimal::Decimal;
use schemas::event::{
    Complement, Dimension, DiscountPart, EventAt, InvoiceLine, LineOrigin, LinePricing, LineRef,
    LineSource, PlanVersion, RevenueSchedule, RoundingStep, TierPart,
};
use schemas::fraction::Fraction;
use schemas::ids::{DiscountId, InvoiceId};
use schemas::terms::LineKind;
use schemas::{Date, Interval, Minor, Personal, Span};

/// A line before it has its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LineDraft {
    pub(crate) kind: LineKind,
    pub(crate) description: Personal,
    pub(crate) source: LineSource,
    pub(crate) plan: Option<PlanVersion>,
    pub(crate) service: Option<Interval>,
    pub(crate) quantity: Decimal,
    pub(crate) unit_price: Option<Decimal>,
    pub(crate) tiers: Vec<TierPart>,
    /// Its complement is filled in when the line has its number.
    pub(crate) pricing: Option<Box<LinePricing>>,
    pub(crate) rest: Option<Rest>,
    pub(crate) ratio: Fraction,
    pub(crate) exact: Fraction,
    pub(crate) rounding: Vec<RoundingStep>,
    pub(crate) gross: Minor,
    pub(crate) discounts: Vec<DiscountPart>,
    /// What a phase of a ramp takes off it, as the subscription is when its cycle begins.
    pub(crate) phase: Option<PhaseOff>,
    pub(crate) credits: Option<LineRef>,
    /// A credit beside which nothing is charged: of a pause, or beyond an end.
    pub(crate) alone: bool,
    pub(crate) dimensions: Vec<Dimension>,
    pub(crate) origin: LineOrigin,
}

/// A discount of a phase of a ramp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PhaseOff {
    pub(crate) discount: DiscountId,
    pub(crate) percent: Decimal,
    /// The event that agreed the ramp.
    pub(crate) given: EventAt,
}

/// The other lines of a cycle, where a line is the rest of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rest {
    pub(crate) billed: Minor,
    /// On earlier invoices.
    pub(crate) earlier: Vec<LineRef>,
    /// On this invoice: the time that each covers.
    pub(crate) here: Vec<Span>,
    /// A least price is made up beyond the price itself, after discounts.
    pub(crate) of_price: bool,
}

impl LineDraft {
    /// Gross less discounts. Discounts never exceed gross, so this fits.
    pub(crate) fn net(&self) -> Minor {
        let off: i64 = self.discounts.iter().map(|part| part.amount.0).sum();
        Minor(self.gross.0 - off)
    }

    /// Whether it makes up what is missing to a least price.
    pub(crate) fn is_true_up(&self) -> bool {
        self.kind == LineKind::MinimumTrueUp
    }

    fn numbered(self, line: u32, complement: Option<Complement>, date: Date) -> InvoiceLine {
        let net = self.net();
        let schedule = self.service.map_or(RevenueSchedule::Point(date), RevenueSchedule::Straight);
        let pricing = self.pricing.map(|mut pricing| {
            pricing.complement = complement;
            pricing
        });
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
            pricing,
            ratio: self.ratio,
            exact: self.exact,
            rounding: self.rounding,
            gross: self.gross,
            discounts: self.discounts,
            net,
            credits: self.credits,
            schedule,
            dimensions: self.dimensions,
            origin: self.origin,
        }
    }
}

/// The lines with their numbers, from 1; what has no days is earned on `document_date`.
pub(crate) fn numbered(
    drafts: Vec<LineDraft>,
    invoice: InvoiceId,
    document_date: Date,
) -> Vec<InvoiceLine> {
    let complements: Vec<_> = drafts
        .iter()
        .map(|draft| draft.rest.as_ref().map(|rest| complement(draft, rest, &drafts, invoice)))
        .collect();
    (1..)
        .zip(drafts)
        .zip(complements)
        .map(|((line, draft), complement)| draft.numbered(line, complement, document_date))
        .collect()
}

fn complement(
    draft: &LineDraft,
    rest: &Rest,
    drafts: &[LineDraft],
    invoice: InvoiceId,
) -> Complement {
    let is_part = |other: &LineDraft| {
        let span = other.pricing.as_ref().map(|pricing| pricing.span);
        other.credits.is_none()
            && other.source == draft.source
            && other.is_true_up() == (draft.is_true_up() && !rest.of_price)
            && span.is_some_and(|span| rest.here.contains(&span))
    };
    let here = (1..).zip(drafts).filter(|(_, other)| is_part(other));
    let mut lines = rest.earlier.clone();
    lines.extend(here.map(|(line, _)| LineRef { invoice, line }));
    Complement { billed: rest.billed, lines }
}
