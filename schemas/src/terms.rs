//! Terms that commands and events share: calendars, prices, policies, discounts.

use serde::{Deserialize, Serialize};

use crate::currency::Currency;
use crate::decimal::Decimal;
use crate::money::Money;
use crate::text::Code;
use crate::time::Timestamp;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident,)* })*) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            schemars::JsonSchema,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$vdoc])* $variant,)* }
    )*};
}

words! {
    /// A step of the calendar.
    CalendarUnit {
        /// Civil days.
        Day,
        /// Seven civil days.
        Week,
        /// Civil months, clamped to the month's last day.
        Month,
        /// Civil years, clamped to 28 February where there is no 29th.
        Year,
    }
    /// When a cycle is billed.
    BillingTiming {
        /// At its start.
        InAdvance,
        /// At its end.
        InArrears,
    }
    /// How a recurring price is reckoned.
    PricingModel {
        /// The price once, whatever the quantity.
        Flat,
        /// The price for each unit.
        PerUnit,
    }
    /// What a number series numbers.
    SeriesKind {
        /// Invoices, dated on the day they are issued.
        Invoice,
        /// Credit notes.
        CreditNote,
        /// Invoices of the past, taken over with their own dates.
        Historical,
    }
    /// When a change takes effect.
    ChangeTime {
        /// On the effective date of the command, prorated.
        Now,
        /// When the current cycle ends.
        CycleEnd,
    }
    /// What becomes of the unused part of a cycle billed ahead.
    CancelCredit {
        /// It is credited by days.
        Prorated,
        /// It is kept.
        None,
    }
    /// Whether what a command causes is invoiced with it.
    InvoiceTiming {
        /// In the same commit.
        Now,
        /// With the next invoice.
        Next,
    }
    /// The kind of an invoice line.
    LineKind {
        /// A cycle, or the part of one that was not billed before.
        Recurring,
        /// A one-off charge.
        OneOff,
        /// Part of a cycle, charged after a change in mid-cycle.
        ProrationCharge,
        /// Part of a billed line, credited after a change or a cancellation.
        ProrationCredit,
        /// The difference between a total and its parts.
        Rounding,
    }
}

/// `count` calendar units, such as 3 months.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(deny_unknown_fields)]
pub struct Every {
    /// How many, from 1 to 1,000.
    pub count: u16,
    /// Of what.
    pub unit: CalendarUnit,
}

/// The price of one unit, exact, in major units of a currency. It may be finer than a cent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UnitPrice {
    /// Major units, such as `"0.005"`.
    pub amount: Decimal,
    /// Its currency.
    pub currency: Currency,
}

/// A complete, frozen set of billing policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Profile {
    /// Our default: civil days, half-open; exact ratio; each line rounded half up once.
    #[serde(rename = "billfold@1")]
    Billfold1,
}

/// What the book takes for the present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BookClock {
    /// The machine's clock.
    Wall,
    /// A clock that only `book.advance_clock` moves, starting here.
    Test(Timestamp),
}

/// A number series of an entity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SeriesDefinition {
    /// Its name, unique within the entity.
    pub code: Code,
    /// What it numbers.
    pub kind: SeriesKind,
    /// Printed in front of the number, with a hyphen between.
    pub prefix: Code,
    /// The least number of digits, from 1 to 12; shorter numbers get zeros in front.
    pub digits: u8,
}

/// What a discount applies to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiscountTarget {
    /// Every positive line of the customer's invoices.
    Customer,
    /// The lines of one subscription.
    Subscription(crate::ids::SubscriptionId),
}

/// How much a discount takes off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiscountValue {
    /// Percent of the gross amount, more than 0 and at most 100.
    Percent(Decimal),
    /// This much for each cycle (on a subscription) or each invoice (on a customer).
    Amount(Money),
}

/// How long a discount lasts, in cycles of the subscription or invoices of the customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiscountDuration {
    /// The next one.
    Once,
    /// The next so many.
    Cycles(u32),
    /// Until it is removed.
    Forever,
}
