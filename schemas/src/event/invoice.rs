//! What an issued invoice holds: enough to print it, settle it, earn it and explain it.
//!
//! Amounts are minor units of the invoice's currency. A credit line has negative amounts and
//! names the line it credits.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::currency::Currency;
use crate::decimal::Decimal;
use crate::event::{EventAt, LotUse};
use crate::fraction::{Fraction, RoundingMode};
use crate::ids::{BillingRunId, ChargeId, DiscountId, EntityId, InvoiceId, PlanId, SubscriptionId};
use crate::money::Minor;
use crate::party::{CustomerSnapshot, SellerSnapshot};
use crate::personal::Personal;
use crate::terms::{Every, LineKind, Policies, Profile, Rate};
use crate::text::{Code, ExternalId, Label};
use crate::time::{Date, Interval, Span, Timestamp};

/// Something was charged once; it waits for an invoice, or is on one in the same commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChargeAdded {
    /// Which charge.
    pub charge: ChargeId,
    /// What it is for.
    pub description: Personal,
    /// The currency of the amounts.
    pub currency: Currency,
    /// How many units.
    pub quantity: Decimal,
    /// The price of one, in major units; none where a total was given.
    pub unit_price: Option<Decimal>,
    /// The amount before rounding, in minor units.
    pub exact: Fraction,
    /// The amount.
    pub gross: Minor,
    /// The days over which it is earned; all on the invoice's date if none.
    pub service: Option<Interval>,
    /// The subscription whose setup fee it is.
    pub subscription: Option<SubscriptionId>,
    /// The price of its plan.
    pub price: Option<Code>,
    /// The subscription ended before its least term, and this is what that costs.
    pub early_termination: bool,
}

/// A charge that waited for an invoice was withdrawn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChargeWithdrawn {
    /// Which charge.
    pub charge: ChargeId,
}

/// An invoice was issued. Nothing in it changes any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InvoiceFinalized {
    /// Which invoice.
    pub invoice: InvoiceId,
    /// Its id in another system.
    pub external_id: Option<ExternalId>,
    /// Who sells.
    pub entity: EntityId,
    /// The number series.
    pub series: Code,
    /// Its place in the series: 1, 2, 3 … without gaps.
    pub sequence: u64,
    /// The printed number.
    pub number: Code,
    /// The seller as it was on the day.
    pub seller: SellerSnapshot,
    /// The customer as it was on the day.
    pub bill_to: CustomerSnapshot,
    /// A sentence for the reader; sealed with what documents say.
    pub memo: Option<Personal>,
    /// The number of the purchase order that it fulfils.
    pub purchase_order: Option<Label>,
    /// The currency of every amount here.
    pub currency: Currency,
    /// The issue date, in the entity's zone.
    pub document_date: Date,
    /// The last day to pay.
    pub due_date: Date,
    /// The day it is booked on.
    pub posting_date: Date,
    /// The customer's revision that it was computed from.
    pub input_revision: u64,
    /// The profile of the book.
    pub profile: Profile,
    /// The policies it was computed by.
    pub policies: Policies,
    /// The version of the arithmetic.
    pub engine_version: u32,
    /// The billing run that made it, if one did.
    pub run: Option<BillingRunId>,
    /// Its lines, numbered from 1.
    pub lines: Vec<InvoiceLine>,
    /// Sums over the lines.
    pub totals: InvoiceTotals,
    /// Customer credit that pays part of it at once, lot by lot.
    pub credits: Vec<LotUse>,
    /// Their sum.
    pub credit_applied: Minor,
    /// A negative total becomes this much customer credit, and the invoice is settled.
    pub credit_generated: Minor,
}

/// Sums over the lines of an invoice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InvoiceTotals {
    /// Before discounts.
    pub gross: Minor,
    /// Taken off.
    pub discount: Minor,
    /// `gross - discount`.
    pub net: Minor,
    /// Tax on top.
    pub tax: Minor,
    /// `net + tax`.
    pub total: Minor,
}

/// A line of an invoice and how its amount came about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InvoiceLine {
    /// 1, 2, 3 … within the invoice.
    pub line: u32,
    /// What kind.
    pub kind: LineKind,
    /// What is printed: the catalog's words in clear, the sender's sealed.
    pub description: Personal,
    /// What it bills.
    pub source: LineSource,
    /// The price version it used, if one.
    pub plan: Option<PlanVersion>,
    /// The days it covers.
    pub service: Option<Interval>,
    /// How many units.
    pub quantity: Decimal,
    /// The price of one unit for a whole cycle, in major units; none where a total was given.
    pub unit_price: Option<Decimal>,
    /// The tiers that made the price, for tiered prices.
    pub tiers: Vec<TierPart>,
    /// How a cycle's price and its part were reckoned; none for one-off lines.
    pub pricing: Option<Box<LinePricing>>,
    /// The part of a whole cycle, negative for a credit; 1 for one-off lines.
    pub ratio: Fraction,
    /// The gross amount before rounding, in minor units.
    pub exact: Fraction,
    /// Every rounding, in order.
    pub rounding: Vec<RoundingStep>,
    /// Before discounts.
    pub gross: Minor,
    /// What each discount takes off; of the same sign as `gross`.
    pub discounts: Vec<DiscountPart>,
    /// `gross` less the discounts.
    pub net: Minor,
    /// The line that this line credits.
    pub credits: Option<LineRef>,
    /// When `net` is earned.
    pub schedule: RevenueSchedule,
    /// What reports group by.
    pub dimensions: Vec<Dimension>,
    /// The events that it comes from.
    pub origin: LineOrigin,
}

/// The events that a line comes from; none where it comes from nothing of the kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineOrigin {
    /// Defined the plan version.
    pub price: Option<EventAt>,
    /// Set the terms and the quantity that are billed.
    pub segment: Option<EventAt>,
    /// Opened the cycle.
    pub cycle: Option<EventAt>,
    /// Added the charge.
    pub charge: Option<EventAt>,
    /// Brought a credit about: the last that changed, paused or ended the subscription.
    pub change: Option<EventAt>,
}

impl LineOrigin {
    /// The same events, named from outside of the commit that `by` is part of.
    #[must_use]
    pub fn said_by(self, by: EventAt) -> Self {
        let said = |event: Option<EventAt>| event.map(|event| event.said_by(by));
        Self {
            price: said(self.price),
            segment: said(self.segment),
            cycle: said(self.cycle),
            charge: said(self.charge),
            change: said(self.change),
        }
    }
}

/// A change of an item: when it took effect, and which one it is of those that did then, from 1 on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SegmentFrom {
    /// When.
    pub at: Timestamp,
    /// Which one.
    pub nth: u32,
}

/// How the amount of a recurring line follows from price, quantity and time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LinePricing {
    /// Which price of the plan version.
    pub price: Code,
    /// The product of the plan.
    pub product: Option<Code>,
    /// The price itself.
    pub rate: Rate,
    /// What a whole cycle costs at least.
    pub minimum: Option<Decimal>,
    /// The exact price of a whole cycle at this quantity, in minor units.
    pub whole: Fraction,
    /// The time that the line covers.
    pub span: Span,
    /// The whole cycle that proration divides by.
    pub full: Span,
    /// The length of a whole cycle.
    pub every: Every,
    /// Which change of the item this price and quantity come from, where a policy bills each anew;
    /// none before the first.
    pub segment: Option<SegmentFrom>,
    /// The zone whose days are counted: an IANA name, or an offset such as `-08:00`.
    pub zone: Label,
    /// The length of `span` in the unit that proration counts: days, minutes, seconds or
    /// milliseconds, as the policies say.
    pub time: i64,
    /// What other lines of the cycle have billed, where this line is the rest.
    pub complement: Option<Complement>,
    /// The terms just before the credited time, where a credit is reckoned on them.
    pub in_force: Option<TermsInForce>,
}

/// A unit that is longer than this is a day.
const AN_HOUR: i64 = 3_600_000_000;

impl LinePricing {
    /// How much of a whole cycle the line's `ratio` is, in words and without its sign. Where days
    /// are counted, these are said: `21/91 of a cycle` and not 3/13.
    pub fn part_of_a_cycle(&self, ratio: Fraction) -> String {
        let part = if ratio.numerator() < 0 { ratio.negated().unwrap_or(ratio) } else { ratio };
        if part == Fraction::ONE {
            return "a whole cycle".to_owned();
        }
        let days = self.time > 0 && self.span.micros() / self.time > AN_HOUR;
        let inverse = Fraction::new(part.denominator(), part.numerator());
        let whole = inverse.and_then(|inverse| Fraction::whole(self.time).times(inverse));
        match whole {
            Ok(whole) if days && whole.denominator() == 1 => {
                format!("{}/{whole} of a cycle", self.time)
            }
            Ok(_) | Err(_) => format!("{part} of a cycle"),
        }
    }
}

/// What other lines of a cycle at the same price have billed, where a line is the rest; it is
/// nothing where they have billed more than the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Complement {
    /// How much, gross.
    pub billed: Minor,
    /// Which lines.
    pub lines: Vec<LineRef>,
}

/// What an item cost at an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TermsInForce {
    /// The price.
    pub rate: Rate,
    /// What a whole cycle costs at least.
    pub minimum: Option<Decimal>,
    /// How many units.
    pub quantity: Decimal,
}

/// What a line bills. A recurring line is identified by subscription, item and cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineSource {
    /// A cycle of a subscription's item.
    Cycle {
        /// Which subscription.
        subscription: SubscriptionId,
        /// Which item of it; 0 is the plan.
        item: u16,
        /// Which cycle.
        cycle: u32,
    },
    /// A one-off charge.
    Charge(ChargeId),
    /// The invoice itself: a rounding line.
    Invoice,
}

/// A version of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PlanVersion {
    /// Which plan.
    pub plan: PlanId,
    /// Which version of it.
    pub version: u32,
}

/// The share of one tier in a tiered price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TierPart {
    /// Units in this tier.
    pub quantity: Decimal,
    /// Major units for one.
    pub unit_price: Decimal,
    /// Major units for entering the tier.
    pub flat: Decimal,
    /// Percent of the units, where they are an amount of money.
    pub percent: Decimal,
}

/// What a rounding step rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoundingSubject {
    /// The part of a period.
    Ratio,
    /// A rate.
    Rate,
    /// An amount.
    Amount,
    /// A discount.
    Discount,
    /// A tax.
    Tax,
    /// What rounding the credits and charges of one change apart has made of the change; the last
    /// charge carries it.
    Residue,
    /// The same of what percentages leave of the change; the last discount of that charge carries
    /// it.
    DiscountResidue,
}

/// One rounding: what, from which exact value, how, to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoundingStep {
    /// What was rounded.
    pub subject: RoundingSubject,
    /// Before, in units of `10^-scale` minor units.
    pub exact: Fraction,
    /// Decimal places kept.
    pub scale: u8,
    /// How halves go.
    pub mode: RoundingMode,
    /// After, in the same units.
    pub rounded: i64,
}

/// What one discount takes off one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DiscountPart {
    /// Which discount.
    pub discount: DiscountId,
    /// Before rounding, in minor units.
    pub exact: Fraction,
    /// Taken off; of the same sign as the line's gross.
    pub amount: Minor,
    /// What it is reckoned on.
    pub basis: DiscountBasis,
    /// The start of the subscription's cycle that it counts for; none where invoices count.
    pub cycle: Option<Timestamp>,
    /// The event that gave the discount.
    pub given: EventAt,
}

/// How the part of a discount on a line was reckoned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiscountBasis {
    /// A percentage of an amount of the line.
    Percent {
        /// In percent.
        percent: Decimal,
        /// What of the line it is taken of.
        of: Minor,
    },
    /// A share of a fixed amount.
    Share {
        /// The fixed amount, less what was used before.
        budget: Minor,
        /// What the discounts before have left of the line.
        of: Minor,
        /// The same of all lines that share.
        among: Minor,
    },
    /// The share that the credited line had.
    Credit {
        /// What the credited line had of the discount.
        of: Minor,
    },
}

/// A line of an invoice of the same customer.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct LineRef {
    /// Which invoice.
    pub invoice: InvoiceId,
    /// Which line of it.
    pub line: u32,
}

/// When an amount is earned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RevenueSchedule {
    /// All on one day.
    Point(Date),
    /// Evenly over the days; what lies before the posting date is caught up on it.
    Straight(Interval),
}

/// A name and a value that reports group by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dimension {
    /// Such as `channel`.
    pub key: Code,
    /// Such as `partner`: a code, because reports group by it and no text of a person is to be in
    /// it.
    pub value: Code,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_said_of_a_whole_cycle_and_in_days_where_these_are_counted() {
        let span = |text: &str| text.parse::<Span>().expect("a span");
        let month = span("2024-01-01T00:00:00Z/2024-02-01T00:00:00Z");
        let pricing = |span, time| LinePricing {
            price: "fee".parse().expect("a code"),
            product: None,
            rate: Rate::Flat("91".parse().expect("a price")),
            minimum: None,
            whole: Fraction::whole(9_100),
            span,
            full: month,
            every: Every { count: 1, unit: crate::terms::CalendarUnit::Month },
            segment: None,
            zone: "UTC".parse().expect("a label"),
            time,
            complement: None,
            in_force: None,
        };
        let fraction = |n, d| Fraction::new(n, d).expect("a fraction");
        let three_weeks = span("2024-01-01T00:00:00Z/2024-01-22T00:00:00Z");
        for (ratio, time, says) in [
            (fraction(-21, 91), 21, "21/91 of a cycle"),
            (Fraction::ONE, 21, "a whole cycle"),
            (fraction(-1, 1), 21, "a whole cycle"),
            (fraction(21, 31), 1_814_400, "21/31 of a cycle"),
            // Rounded to nine places, as some vendors do: no number of days gives that.
            (fraction(677_419_355, 1_000_000_000), 21, "135483871/200000000 of a cycle"),
            (Fraction::ZERO, 0, "0 of a cycle"),
        ] {
            assert_eq!(pricing(three_weeks, time).part_of_a_cycle(ratio), says);
        }
    }
}
