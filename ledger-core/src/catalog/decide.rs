//! Decisions about the catalog: plans, their prices, migrations, coupons.

use std::collections::BTreeSet;

use schemas::command::{CatalogCommand, DefineCoupon, DefinePlan, RetirePlan};
use schemas::event::{CouponDefined, Event, PlanRetired, PlanVersionDefined};
use schemas::ids::PlanId;
use schemas::terms::{
    CalendarUnit, DiscountDuration, DiscountValue, Every, PriceDefinition, Rate, Recurrence,
};
use schemas::text::Code;
use schemas::{Decimal, Rejection, Timestamp};

use super::models::{self, check_amounts};
use super::state::{Catalog, Plan};
use super::{grants, migrations};

/// Decides a command about what is on sale, at an instant.
///
/// # Errors
/// The [`Rejection`] that says why not.
pub(crate) fn decide(
    catalog: &Catalog,
    command: &CatalogCommand,
    now: Timestamp,
) -> Result<Vec<Event>, Rejection> {
    match command {
        CatalogCommand::DefinePlan(command) => define_plan(catalog, command),
        CatalogCommand::RetirePlan(command) => retire_plan(catalog, command),
        CatalogCommand::MigratePlan(command) => {
            migrations::migrate(known(catalog, command.plan)?, command, now)
        }
        CatalogCommand::WithdrawMigration(command) => {
            let (plan, from) = (command.plan, command.from_version);
            migrations::withdraw(known(catalog, plan)?, plan, from, now)
        }
        CatalogCommand::DefineCoupon(command) => define_coupon(catalog, command),
    }
}

/// The most versions of one plan.
const MAX_PLAN_VERSIONS: u32 = 1_000;

fn define_plan(catalog: &Catalog, command: &DefinePlan) -> Result<Vec<Event>, Rejection> {
    check_every(command.every)?;
    check_prices(&command.prices)?;
    grants::check(command)?;
    let trial_days = command.trial_days.unwrap_or(0);
    let lead_days = command.lead_days.unwrap_or(0);
    if trial_days > MAX_TRIAL_DAYS {
        return Err(Rejection::InvalidTrial { days: trial_days });
    }
    if lead_days > MAX_LEAD_DAYS {
        return Err(Rejection::InvalidLead { days: lead_days });
    }
    let version = match catalog.plans.get(&command.plan) {
        Some(plan) if plan.is_retired() => {
            return Err(Rejection::NoMoreVersions { plan: command.plan });
        }
        Some(plan) => plan.latest() + 1,
        None => 1,
    };
    if version > MAX_PLAN_VERSIONS {
        return Err(Rejection::TooManyPlanVersions {
            plan: command.plan,
            versions: MAX_PLAN_VERSIONS,
        });
    }
    Ok(vec![
        PlanVersionDefined {
            plan: command.plan,
            version,
            name: command.name.clone(),
            product: command.product.clone(),
            every: command.every,
            timing: command.timing,
            trial_days,
            lead_days,
            prices: command.prices.clone(),
            grants: command.grants.clone().unwrap_or_default(),
        }
        .into(),
    ])
}

/// The longest trial.
pub(crate) const MAX_TRIAL_DAYS: u16 = 3_650;
/// The longest lead.
const MAX_LEAD_DAYS: u16 = 366;

fn check_prices(prices: &[PriceDefinition]) -> Result<(), Rejection> {
    let invalid = |why| Err(Rejection::InvalidPrices { why });
    if prices.is_empty() || prices.len() > 64 {
        return invalid("the plan has no price, or too many");
    }
    if !prices.iter().any(|price| matches!(price.recurrence, None | Some(Recurrence::Recurring))) {
        return invalid("no price recurs, so there is nothing to subscribe to");
    }
    let codes: BTreeSet<_> = prices.iter().map(|price| &price.price).collect();
    if codes.len() != prices.len() {
        return invalid("two prices have the same id");
    }
    for price in prices {
        if let Some(every) = price.every {
            check_every(every)?;
        }
        if price.amounts.is_empty() || price.amounts.len() > 64 {
            return invalid("a price has no currency, or too many");
        }
        let currencies: BTreeSet<_> = price.amounts.iter().map(|amount| amount.currency).collect();
        if currencies.len() != price.amounts.len() {
            return invalid("two amounts of a price have the same currency");
        }
        let setup = price.recurrence == Some(Recurrence::Setup);
        for amount in &price.amounts {
            check_rate(&price.price, &amount.rate)?;
            check_amounts(amount.minimum.as_slice())?;
            if setup && !models::with(&amount.rate, |model| model.can_be_setup()) {
                return invalid("a setup fee is flat or per unit");
            }
        }
    }
    Ok(())
}

/// A rate that can be reckoned for every quantity.
///
/// # Errors
/// What its price model says is wrong with it.
pub(crate) fn check_rate(price: &Code, rate: &Rate) -> Result<(), Rejection> {
    models::with(rate, |model| model.check(price))
}

fn define_coupon(catalog: &Catalog, command: &DefineCoupon) -> Result<Vec<Event>, Rejection> {
    check_discount(command.value, command.duration)?;
    if command.max_redemptions == Some(0) {
        return Err(Rejection::InvalidCoupon { why: "the coupon could never be redeemed" });
    }
    if let (Some(from), Some(through)) = (command.from, command.through)
        && through < from
    {
        return Err(Rejection::InvalidCoupon { why: "the last day lies before the first" });
    }
    let defined = CouponDefined {
        coupon: command.coupon,
        value: command.value,
        duration: command.duration,
        max_redemptions: command.max_redemptions,
        from: command.from,
        through: command.through,
    };
    match catalog.coupons.get(&command.coupon) {
        None => Ok(vec![defined.into()]),
        Some(same) if *same == defined => Ok(Vec::new()),
        Some(_) => Err(Rejection::CouponExists { coupon: command.coupon }),
    }
}

/// A length of cycles that can be counted.
pub(crate) fn check_every(every: Every) -> Result<(), Rejection> {
    let most = match every.unit {
        CalendarUnit::Day => 1_000,
        CalendarUnit::Week => 520,
        CalendarUnit::Month => 120,
        CalendarUnit::Year => 10,
    };
    if (1..=most).contains(&every.count) {
        Ok(())
    } else {
        Err(Rejection::InvalidCycleLength { count: every.count })
    }
}

fn known(catalog: &Catalog, plan: PlanId) -> Result<&Plan, Rejection> {
    catalog.plans.get(&plan).ok_or(Rejection::UnknownPlan { plan })
}

fn retire_plan(catalog: &Catalog, command: &RetirePlan) -> Result<Vec<Event>, Rejection> {
    let plan = command.plan;
    if known(catalog, plan)?.is_retired() {
        return Err(Rejection::RetiredAlready { plan });
    }
    Ok(vec![PlanRetired { plan }.into()])
}

/// More than nothing and not more than everything, for a number of cycles that can be counted.
///
/// # Errors
/// [`Rejection::InvalidDiscount`].
pub(crate) fn check_discount(
    value: DiscountValue,
    duration: DiscountDuration,
) -> Result<(), Rejection> {
    let invalid = |why| Err(Rejection::InvalidDiscount { why });
    if let DiscountDuration::Cycles(count) = duration
        && !(1..=1_200).contains(&count)
    {
        return invalid("the number of cycles is out of range");
    }
    if let DiscountDuration::Months(count) = duration
        && !(1..=120).contains(&count)
    {
        return invalid("the number of months is out of range");
    }
    match value {
        DiscountValue::Percent(percent) => {
            let most = Decimal::from(100);
            if percent.is_negative() || percent.is_zero() || percent > most {
                return invalid("the percentage is out of range");
            }
            if percent.scale() > 9 {
                return invalid("the percentage has more than 9 decimal places");
            }
        }
        DiscountValue::Amount(amount) => {
            if !amount.minor().is_positive() {
                return invalid("the amount is not positive");
            }
        }
    }
    Ok(())
}
