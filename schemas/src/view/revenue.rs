//! Answers of the read model `revenue`. All amounts are net of tax.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::currency::Currency;
use crate::event::RevenueSchedule;
use crate::ids::{CustomerId, InvoiceId};
use crate::money::Money;
use crate::time::Date;

/// What is earned and deferred of one invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InvoiceRevenue {
    /// Which invoice.
    pub invoice: InvoiceId,
    /// Whose.
    pub customer: CustomerId,
    /// The currency of every amount.
    pub currency: Currency,
    /// Earned up to and on this day.
    pub through: Date,
    /// Sum over all lines.
    pub billed: Money,
    /// Sum over all lines.
    pub recognised: Money,
    /// Sum over all lines.
    pub contra: Money,
    /// Sum over all lines.
    pub deferred: Money,
    /// The lines asked for.
    pub lines: Vec<LineRevenue>,
    /// Give this as `after_line` to get more; none at the end.
    pub next_line: Option<u32>,
}

/// What is earned and deferred of one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineRevenue {
    /// Which line.
    pub line: u32,
    /// The day it is booked on.
    pub posting_date: Date,
    /// When it was to be earned, when it was billed.
    pub schedule: RevenueSchedule,
    /// Billed.
    pub billed: Money,
    /// Earned so far.
    pub recognised: Money,
    /// Taken back of what had been earned.
    pub contra: Money,
    /// Taken back of what had not been earned.
    pub released: Money,
    /// Not yet earned: billed less recognised less released.
    pub deferred: Money,
    /// By month, from first to last, the future included.
    pub months: Vec<MonthRevenue>,
}

/// What is earned in a month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MonthRevenue {
    /// First day of the month.
    pub month: Date,
    /// Earned in it.
    pub recognised: Money,
    /// Taken back in it of what had been earned.
    pub contra: Money,
}

/// The waterfall of one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waterfall {
    /// The currency of every amount.
    pub currency: Currency,
    /// Deferred before the first month given.
    pub opening_deferred: Money,
    /// Month by month, the future included.
    pub months: Vec<WaterfallMonth>,
    /// Sum of the months given.
    pub billed: Money,
    /// Sum of the months given.
    pub recognised: Money,
    /// Sum of the months given.
    pub contra: Money,
    /// Sum of the months given.
    pub released: Money,
    /// Deferred after the last month given.
    pub closing_deferred: Money,
}

/// One month of a waterfall: deferred rises by billed and falls by recognised and released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaterfallMonth {
    /// First day of the month.
    pub month: Date,
    /// Invoiced, net of tax.
    pub billed: Money,
    /// Earned.
    pub recognised: Money,
    /// Taken back of what had been earned: voids, credit notes, granted credit.
    pub contra: Money,
    /// Taken back of what had not been earned.
    pub released: Money,
    /// Not yet earned at the end of the month.
    pub deferred: Money,
}

/// Revenue over a range of days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RecognizedRevenue {
    /// The currency of every amount.
    pub currency: Currency,
    /// First day; none: from the beginning.
    pub from: Option<Date>,
    /// Last day.
    pub to: Date,
    /// Earned.
    pub recognised: Money,
    /// Taken back of what had been earned.
    pub contra: Money,
    /// Recognised less contra.
    pub net: Money,
}
