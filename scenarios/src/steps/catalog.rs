//! Steps about customers, plans and coupons.

use schemas::terms::{
    BillingTiming, CalendarUnit, DiscountDuration, Every, PackageRate, PercentageRate, Rate,
    Recurrence, Tier,
};
use schemas::text::Code;
use schemas::{Currency, Date, Decimal, ZoneName};

use super::super::fields::Fields;
use super::super::trouble::Trouble;
use super::super::yaml::Yaml;

/// `customer`.
#[derive(Debug, Clone)]
pub struct CustomerStep {
    /// Its alias.
    pub id: String,
    /// The book's if left out.
    pub currency: Option<Currency>,
    /// The entity's if left out.
    pub zone: Option<ZoneName>,
    /// Who pays for it.
    pub parent: Option<String>,
    /// Days to pay.
    pub terms: Option<u16>,
}

impl CustomerStep {
    /// Reads it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn read(f: &mut Fields<'_>) -> Result<Self, Trouble> {
        if !f.list("tax")?.is_empty() {
            return Err(Trouble::unsupported(f.place(), "key `tax` of `customer`"));
        }
        Ok(Self {
            id: f.need("id")?.to_owned(),
            currency: f.parsed("currency")?,
            zone: f.parsed("zone")?,
            parent: f.text("parent")?.map(str::to_owned),
            terms: f.days("payment_terms")?,
        })
    }
}

/// `plan`.
#[derive(Debug, Clone)]
pub struct PlanStep {
    /// Its alias; the same again is its next version.
    pub id: String,
    /// The alias if left out.
    pub name: Option<String>,
    /// The product that it belongs to.
    pub product: Option<Code>,
    /// The length of a cycle.
    pub every: Every,
    /// Billed before or after.
    pub timing: BillingTiming,
    /// Free days.
    pub trial_days: Option<u16>,
    /// Days that a cycle is invoiced ahead.
    pub lead_days: Option<u16>,
    /// What is charged.
    pub prices: Vec<PriceStep>,
}

/// A price of a plan.
#[derive(Debug, Clone)]
pub struct PriceStep {
    /// Its id.
    pub id: Code,
    /// The plan's if left out.
    pub every: Option<Every>,
    /// The plan's if left out.
    pub timing: Option<BillingTiming>,
    /// Recurring if left out.
    pub recurrence: Option<Recurrence>,
    /// How it is reckoned.
    pub rate: Rate,
    /// What a whole cycle costs at least.
    pub minimum: Option<Decimal>,
}

const TIMINGS: [(&str, BillingTiming); 2] =
    [("in_advance", BillingTiming::InAdvance), ("in_arrears", BillingTiming::InArrears)];

impl PlanStep {
    /// Reads it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn read(f: &mut Fields<'_>) -> Result<Self, Trouble> {
        let place = f.place();
        let prices = f.list("prices")?;
        let price = |node: &Yaml| {
            let mut fields = Fields::of("prices", node, place.step)?;
            let price = PriceStep::read(&mut fields)?;
            fields.done().map(|()| price)
        };
        Ok(Self {
            id: f.need("id")?.to_owned(),
            name: f.text("name")?.map(str::to_owned),
            product: f.parsed("product")?,
            every: f.every("every")?.unwrap_or(Every { count: 1, unit: CalendarUnit::Month }),
            timing: f.word("bill", &TIMINGS)?.unwrap_or(BillingTiming::InAdvance),
            trial_days: f.days("trial")?,
            lead_days: f.days("lead")?,
            prices: prices.iter().map(price).collect::<Result<_, _>>()?,
        })
    }
}

impl PriceStep {
    /// Reads it.
    ///
    /// # Errors
    /// [`Trouble`]; a metered price is not supported.
    pub fn read(f: &mut Fields<'_>) -> Result<Self, Trouble> {
        f.only("schedule", &["by_day"])?;
        if let Some(meter) = f.text("meter")? {
            return Err(f.unsupported("meter", meter));
        }
        let kinds = [
            ("recurring", Recurrence::Recurring),
            ("setup", Recurrence::Setup),
            ("add_on", Recurrence::AddOn),
        ];
        Ok(Self {
            id: f.need_parsed("id")?,
            every: f.every("every")?,
            timing: f.word("bill", &TIMINGS)?,
            recurrence: f.word("recurrence", &kinds)?,
            rate: rate(f)?,
            minimum: f.not_zero("minimum")?,
        })
    }
}

/// The price that `model` and its figures say.
///
/// # Errors
/// [`Trouble`]; a figure that the model has no place for is not supported.
pub fn rate(f: &mut Fields<'_>) -> Result<Rate, Trouble> {
    let place = f.place();
    let tiers = f.list("tiers")?;
    let model = match f.text("model")? {
        Some(model) => model,
        None if tiers.is_empty() => "flat",
        None => return Err(f.missing("model")),
    };
    let tiers = || tiers.iter().map(|node| tier(node, place.step)).collect::<Result<_, _>>();
    let unit = |f: &mut Fields<'_>| f.need_parsed::<Decimal>("unit");
    let rate = match model {
        "flat" => Rate::Flat(unit(f)?),
        "per_unit" => match f.not_zero("free_units")? {
            None => Rate::PerUnit(unit(f)?),
            Some(free) => Rate::Graduated(vec![
                Tier { up_to: Some(free), ..open_tier(Decimal::ZERO) },
                open_tier(unit(f)?),
            ]),
        },
        "graduated" => Rate::Graduated(tiers()?),
        "volume" => Rate::Volume(tiers()?),
        "capacity" => Rate::Capacity(tiers()?),
        "package" => Rate::Package(PackageRate {
            price: unit(f)?,
            size: f.need_parsed("package")?,
            free_units: f.parsed("free_units")?.unwrap_or(Decimal::ZERO),
        }),
        "percentage" => {
            let tiers: Vec<Tier> = tiers()?;
            if tiers.is_empty() { Rate::Percentage(percentage(f)?) } else { Rate::Graduated(tiers) }
        }
        other => return Err(f.unsupported("model", other)),
    };
    // Figures of other models say nothing by 0, which is how the format prints them.
    for key in ["unit", "rate", "package", "free_units", "free_amount", "fixed", "min", "max"] {
        if rest_means_something(f, key, model)? {
            return Err(Trouble::unsupported(place, format!("key `{key}` of a {model} price")));
        }
    }
    Ok(rate)
}

/// A figure that the model did not take, and that is not zero.
fn rest_means_something(f: &mut Fields<'_>, key: &str, model: &str) -> Result<bool, Trouble> {
    Ok(f.rest().contains(&key)
        && f.not_zero(key)?.is_some()
        && !(model != "package" && key == "package"))
}

fn percentage(f: &mut Fields<'_>) -> Result<PercentageRate, Trouble> {
    let rate = f.parsed("rate")?;
    let percent = match rate {
        Some(rate) => rate,
        None => f.need_parsed("unit")?,
    };
    Ok(PercentageRate {
        percent,
        fixed: f.parsed("fixed")?.unwrap_or(Decimal::ZERO),
        free_amount: f.parsed("free_amount")?.unwrap_or(Decimal::ZERO),
        min: f.not_zero("min")?,
        max: f.not_zero("max")?,
    })
}

const fn open_tier(unit: Decimal) -> Tier {
    Tier { up_to: None, unit, flat: Decimal::ZERO, percent: Decimal::ZERO }
}

fn tier(node: &Yaml, step: Option<usize>) -> Result<Tier, Trouble> {
    let mut f = Fields::of("tiers", node, step)?;
    let up_to = match f.text("up_to")? {
        None | Some("inf" | "infinity" | ".inf" | "none") => None,
        Some(_) => f.parsed("up_to")?,
    };
    let mut figure = |key| f.parsed(key).map(|value| value.unwrap_or(Decimal::ZERO));
    let tier =
        Tier { up_to, unit: figure("unit")?, flat: figure("flat")?, percent: figure("rate")? };
    f.done().map(|()| tier)
}

/// `migrate`: moves subscriptions from one version of a plan to another.
#[derive(Debug, Clone)]
pub struct MigrateStep {
    /// Which plan.
    pub plan: String,
    /// The version that they have.
    pub from: u32,
    /// The version that they get.
    pub to: u32,
    /// Cycles that start then or later have it.
    pub on: Date,
}

impl MigrateStep {
    /// Reads it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn read(f: &mut Fields<'_>) -> Result<Self, Trouble> {
        Ok(Self {
            plan: f.need("plan")?.to_owned(),
            from: f.need_parsed("from")?,
            to: f.need_parsed("to")?,
            on: f.need_parsed("on")?,
        })
    }
}

/// What a discount or a coupon takes off, in the customer's currency.
#[derive(Debug, Clone)]
pub enum OffStep {
    /// Percent.
    Percent(Decimal),
    /// Major units.
    Amount(String),
}

impl OffStep {
    /// Reads it.
    ///
    /// # Errors
    /// [`Trouble`] unless exactly one of both is there. Zero says nothing.
    pub fn read(f: &mut Fields<'_>) -> Result<Self, Trouble> {
        let percent = f.parsed::<Decimal>("percent")?;
        let text = f.text("amount")?;
        let amount = f.parsed::<Decimal>("amount")?;
        match (percent, amount, text) {
            (Some(percent), None, _) => Ok(Self::Percent(percent)),
            (Some(percent), Some(amount), _) if amount.is_zero() => Ok(Self::Percent(percent)),
            (None, Some(_), Some(text)) => Ok(Self::Amount(text.to_owned())),
            (Some(percent), Some(_), Some(text)) if percent.is_zero() => {
                Ok(Self::Amount(text.to_owned()))
            }
            _ => Err(Trouble::wrong(f.place(), "a discount has a `percent` or an `amount`")),
        }
    }
}

/// `for: once|forever|3 cycles`; for ever if left out.
///
/// # Errors
/// [`Trouble`] for anything else.
pub fn duration(f: &mut Fields<'_>) -> Result<DiscountDuration, Trouble> {
    Ok(match f.text("for")? {
        None | Some("forever") => DiscountDuration::Forever,
        Some("once") => DiscountDuration::Once,
        Some(text) => {
            let count = text.strip_suffix("cycles").or_else(|| text.strip_suffix("cycle"));
            match count.and_then(|count| count.trim().parse().ok()) {
                Some(count) => DiscountDuration::Cycles(count),
                None => return Err(f.unsupported("for", text)),
            }
        }
    })
}

/// `coupon`.
#[derive(Debug, Clone)]
pub struct CouponStep {
    /// Its alias.
    pub id: String,
    /// How much.
    pub off: OffStep,
    /// Of an amount; the book's if left out.
    pub currency: Option<Currency>,
    /// How long.
    pub duration: DiscountDuration,
    /// How often it can be redeemed.
    pub max_redemptions: Option<u32>,
    /// From when.
    pub from: Option<Date>,
    /// Until when.
    pub through: Option<Date>,
}

impl CouponStep {
    /// Reads it.
    ///
    /// # Errors
    /// [`Trouble`].
    pub fn read(f: &mut Fields<'_>) -> Result<Self, Trouble> {
        Ok(Self {
            id: f.need("id")?.to_owned(),
            off: OffStep::read(f)?,
            currency: f.parsed("currency")?,
            duration: duration(f)?,
            max_redemptions: f.parsed("max_redemptions")?,
            from: f.parsed("from")?,
            through: f.parsed("through")?,
        })
    }
}
