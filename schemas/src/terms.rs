//! Terms that commands and events share: calendars, prices, policies, discounts.

mod grant;
mod lot;
mod policy;
mod price;

pub use grant::*;
pub use lot::*;
pub use policy::*;
pub use price::*;

use serde::{Deserialize, Serialize};

use crate::currency::Currency;
use crate::decimal::Decimal;
use crate::money::Money;
use crate::text::Code;
use crate::time::{Date, Timestamp};

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
    /// What of a subscription differs from its invoices.
    Differs {
        /// Nothing.
        No,
        /// Something of no amount, which goes along with an invoice and is no reason for one.
        Along,
        /// Something that waits for an invoice.
        Waits,
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
    /// What becomes of the unused part of a cycle billed ahead.
    CancelCredit {
        /// It is credited by the time that is left.
        Prorated,
        /// It is kept.
        None,
        /// All that was billed for the cycle is credited.
        Full,
    }
    /// Whether and when the difference that a change makes is billed.
    Settle {
        /// In the same commit.
        Now,
        /// With the next invoice.
        Next,
        /// Never: what was billed of the current cycle stays as it is.
        None,
    }
    /// What follows when a contract term ends.
    Renewal {
        /// Another term of the same length, again and again.
        Renew,
        /// One more term of the same length; then the subscription ends.
        RenewOnce,
        /// It goes on without a term.
        Evergreen,
        /// It ends.
        Cancel,
    }
    /// What follows the last phase of a ramp.
    RampEnd {
        /// Price, quantity and discount of the last phase hold on.
        Hold,
        /// All of them end: the plan's price holds, and the quantity of the start.
        End,
    }
    /// Why a subscription ended.
    EndReason {
        /// It was canceled.
        Canceled,
        /// Its term ended.
        TermEnded,
        /// The payment that it waited for did not come.
        NotPaid,
    }
    /// Why a customer was given credit.
    GrantKind {
        /// To make up for something. Contra revenue.
        Goodwill,
        /// To win or to keep it. Contra revenue.
        Promotion,
        /// It had paid that much before its payments were recorded here. Cash.
        Prepayment,
    }
    /// Where a credit note goes that is more than its invoice has open.
    NoteTarget {
        /// It may not be more.
        Receivable,
        /// Back to the credit and the payments that paid the invoice, the last first.
        Credit,
    }
    /// Whether what a command causes is invoiced with it.
    InvoiceTiming {
        /// In the same commit.
        Now,
        /// With the next invoice.
        Next,
    }
    /// What a customer may be without.
    CustomerDetail {
        /// Where invoices go by mail.
        Email,
        /// Its postal address.
        Address,
        /// The purchase order that every invoice carries.
        PurchaseOrder,
        /// Terms of its own: its invoices then have those of its seller.
        PaymentTermsDays,
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
        /// What is missing to the least price of a cycle.
        MinimumTrueUp,
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

impl SeriesDefinition {
    /// The series for credit notes of a seller that was defined with `others` and named none: the
    /// first of `CN`, `CN2`, `CN3` … that none of them has as code or prefix, with the digits of
    /// the first one that numbers invoices.
    pub fn for_notes(others: &[Self]) -> Self {
        let is_free =
            |name: &Code| others.iter().all(|other| other.code != *name && other.prefix != *name);
        let names = (1_u32..).map(|number| match number {
            1 => "CN".to_owned(),
            number => format!("CN{number}"),
        });
        let mut names = names.filter_map(|name| Code::try_from(name).ok()).filter(is_free);
        let code = names.next().expect("there are more names than series");
        let digits = others.iter().find(|other| other.kind == SeriesKind::Invoice);
        let digits = digits.map_or(6, |other| other.digits);
        Self { prefix: code.clone(), code, kind: SeriesKind::CreditNote, digits }
    }
}

impl core::fmt::Display for SeriesKind {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Invoice => "invoice",
            Self::CreditNote => "credit_note",
            Self::Historical => "historical",
        })
    }
}

/// The series that documents get their numbers from unless they say otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DefaultSeries {
    /// Of invoices.
    pub invoice: Code,
    /// Of credit notes.
    pub credit_note: Code,
}

/// What a discount applies to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiscountTarget {
    /// Every positive line of the customer's invoices.
    Customer,
    /// The lines of one subscription.
    Subscription(crate::ids::SubscriptionId),
    /// The lines of one price of a subscription.
    Item(ItemTarget),
    /// The lines of every plan of a product.
    Product(Code),
}

/// One price of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ItemTarget {
    /// Which subscription.
    pub subscription: crate::ids::SubscriptionId,
    /// Which price of its plan.
    pub price: Code,
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
    /// Those that begin, or are dated, within so many months of the first one that has it.
    Months(u32),
    /// Until it is removed.
    Forever,
}

/// When a change takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeTime {
    /// On the effective time of the command.
    Now,
    /// When the current cycle ends.
    CycleEnd,
    /// At the start of a day in the customer's zone.
    On(Date),
    /// When nothing of the customer's is open that has a line of the subscription.
    WhenPaid,
}

/// On which days cycles start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// On the day on which the subscription, or its paid part, starts.
    Anniversary,
    /// With the calendar's month, quarter, half-year, year or week (Monday).
    Calendar,
    /// On this day of the month, 1 to 31; on its last day where the month is shorter. Cycles of
    /// days and weeks have no such day and start like `anniversary`.
    Day(u8),
    /// On this date and every interval before and after it.
    Date(Date),
}

/// The least time that a subscription is agreed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeastTermRequest {
    /// How long, from its start.
    pub length: Every,
    /// What an earlier end costs.
    pub early_end: EarlyEnd,
}

/// What becomes of a cancellation that ends a subscription before its least term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EarlyEnd {
    /// It is refused.
    Refused,
    /// It costs this much: an early-termination fee, charged when the end comes.
    Fee(Money),
}

/// A contract term: so long a subscription is agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TermRequest {
    /// How long, from the start of the subscription.
    pub length: Every,
    /// What follows.
    pub renewal: Renewal,
}
