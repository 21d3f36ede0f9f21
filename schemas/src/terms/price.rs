//! How a recurring price is reckoned.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BillingTiming, Every, Grant};
use crate::currency::Currency;
use crate::decimal::Decimal;
use crate::text::{Code, Label};

/// How the price of a whole cycle follows from a quantity. Amounts are major units of the
/// currency and may be finer than a cent; percentages are such as `"1.5"`.
///
/// Sources: Stripe, "tiered pricing" (volume, graduated); Kill Bill, "usage billing" (capacity);
/// Lago, "charge models" (package, percentage).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rate {
    /// The amount once, whatever the quantity.
    Flat(Decimal),
    /// The amount for each unit.
    PerUnit(Decimal),
    /// Each slice of the quantity at the price of its own tier. The flat amount of every tier
    /// that is entered is added; the first tier is always entered.
    Graduated(Vec<Tier>),
    /// The whole quantity at the price of the tier that it reaches, and that tier's flat amount.
    Volume(Vec<Tier>),
    /// Whole packages of units; a package begun is paid.
    Package(PackageRate),
    /// A share of the quantity, which is an amount of money.
    Percentage(PercentageRate),
    /// The flat amount of the tier that the highest quantity of the cycle reaches.
    Capacity(Vec<Tier>),
}

impl Rate {
    /// The same kind of price with another amount (of a percentage: with another share); none
    /// for tiers, which have many.
    #[must_use]
    pub fn with_amount(&self, amount: Decimal) -> Option<Self> {
        Some(match self {
            Self::Flat(_) => Self::Flat(amount),
            Self::PerUnit(_) => Self::PerUnit(amount),
            Self::Package(package) => Self::Package(PackageRate { price: amount, ..*package }),
            Self::Percentage(share) => {
                Self::Percentage(PercentageRate { percent: amount, ..*share })
            }
            Self::Graduated(_) | Self::Volume(_) | Self::Capacity(_) => return None,
        })
    }
}

/// One tier of a tiered price. Tiers are adjacent: each starts where the one before ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// The last quantity of the tier; none in the last tier.
    pub up_to: Option<Decimal>,
    /// For each unit.
    pub unit: Decimal,
    /// For entering the tier.
    pub flat: Decimal,
    /// Percent of the quantity in the tier, where the quantity is an amount of money.
    pub percent: Decimal,
}

/// A price for packages of units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackageRate {
    /// For one package.
    pub price: Decimal,
    /// Units in a package; more than zero.
    pub size: Decimal,
    /// Units that are free, taken off before packages are counted.
    pub free_units: Decimal,
}

/// A share of an amount of money, with a fixed part and bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PercentageRate {
    /// In percent.
    pub percent: Decimal,
    /// Added where the quantity is not zero.
    pub fixed: Decimal,
    /// The part of the quantity that is free.
    pub free_amount: Decimal,
    /// The least that is charged where the quantity is not zero.
    pub min: Option<Decimal>,
    /// The most that is charged.
    pub max: Option<Decimal>,
}

/// The price of one item in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CurrencyPrice {
    /// The currency of its amounts.
    pub currency: Currency,
    /// How it is reckoned.
    pub rate: Rate,
    /// What a whole cycle costs at least; a line makes up the difference. Where price or quantity
    /// change within a cycle, each part of it has its share of the least price.
    pub minimum: Option<Decimal>,
}

/// Whether a price recurs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Recurrence {
    /// In every cycle.
    Recurring,
    /// Once, when the subscription starts: a setup fee.
    Setup,
    /// In every cycle, on subscriptions that ask for it.
    AddOn,
}

/// A price of a plan version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceDefinition {
    /// Its id within the plan.
    pub price: Code,
    /// Printed on lines; the plan's name if left out.
    pub name: Option<Label>,
    /// `recurring` if left out.
    pub recurrence: Option<Recurrence>,
    /// The length of its cycles; the plan's if left out.
    pub every: Option<Every>,
    /// Billed at the start or the end of a cycle; as the plan if left out.
    pub timing: Option<BillingTiming>,
    /// One for each currency.
    pub amounts: Vec<CurrencyPrice>,
    /// What having it grants, each feature once; nothing if left out. Not of a setup fee.
    pub grants: Option<Vec<Grant>>,
}
