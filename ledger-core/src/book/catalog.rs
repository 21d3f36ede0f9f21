//! Decisions about the catalog: plans, their prices, migrations, coupons.

use std::collections::BTreeSet;

use schemas::command::{DefineCoupon, DefinePlan, MigratePlan, RetirePlan};
use schemas::event::{CouponDefined, Event, PlanMigrationSet, PlanRetired, PlanVersionDefined};
use schemas::terms::{CalendarUnit, Every, PriceDefinition, Rate, Recurrence, Tier};
use schemas::text::Code;
use schemas::{Decimal, Rejection};

use super::Book;
use crate::subscription::discount::check_discount;

/// The most versions of one plan.
const MAX_PLAN_VERSIONS: u32 = 1_000;

pub(super) fn define_plan(book: &Book, command: &DefinePlan) -> Result<Vec<Event>, Rejection> {
    check_every(command.every)?;
    check_prices(&command.prices)?;
    let trial_days = command.trial_days.unwrap_or(0);
    let lead_days = command.lead_days.unwrap_or(0);
    if trial_days > MAX_TRIAL_DAYS {
        return Err(Rejection::InvalidTrial { days: trial_days });
    }
    if lead_days > 366 {
        return Err(Rejection::InvalidTrial { days: lead_days });
    }
    let version = match book.plans.get(&command.plan) {
        Some(plan) if plan.retired => return Err(Rejection::PlanRetired { plan: command.plan }),
        Some(plan) => plan.versions.last().map_or(0, |defined| defined.version) + 1,
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
        }
        .into(),
    ])
}

/// The longest trial.
pub(crate) const MAX_TRIAL_DAYS: u16 = 3_650;

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
            if setup && !matches!(amount.rate, Rate::Flat(_) | Rate::PerUnit(_)) {
                return invalid("a setup fee is flat or per unit");
            }
        }
    }
    Ok(())
}

/// Prices stay exact: not negative, at most 12 decimal places.
fn check_amounts(amounts: &[Decimal]) -> Result<(), Rejection> {
    if let Some(amount) = amounts.iter().find(|amount| amount.is_negative()) {
        return Err(Rejection::NegativeUnitPrice { amount: *amount });
    }
    if amounts.iter().any(|amount| amount.scale() > 12) {
        return Err(Rejection::InvalidPrices { why: "a price has more than 12 decimal places" });
    }
    Ok(())
}

/// A price that can be reckoned for every quantity.
pub(crate) fn check_rate(price: &Code, rate: &Rate) -> Result<(), Rejection> {
    match rate {
        Rate::Flat(amount) | Rate::PerUnit(amount) => check_amounts(&[*amount]),
        Rate::Graduated(tiers) | Rate::Volume(tiers) => check_tiers(price, tiers),
        Rate::Capacity(tiers) => {
            if tiers.iter().any(|tier| !tier.unit.is_zero() || !tier.percent.is_zero()) {
                let why = "a capacity has one flat amount a tier, none by unit or percent";
                return Err(Rejection::InvalidTiers { price: price.clone(), why });
            }
            check_tiers(price, tiers)
        }
        Rate::Package(package) => {
            check_amounts(&[package.price, package.size, package.free_units])?;
            if package.size.is_zero() {
                return Err(Rejection::InvalidPrices { why: "a package has no units" });
            }
            Ok(())
        }
        Rate::Percentage(share) => {
            check_amounts(&[share.percent, share.fixed, share.free_amount])?;
            check_amounts(share.min.as_slice())?;
            check_amounts(share.max.as_slice())?;
            match (share.min, share.max) {
                (Some(min), Some(max)) if max < min => {
                    Err(Rejection::InvalidPrices { why: "the most is less than the least" })
                }
                (Some(_) | None, Some(_) | None) => Ok(()),
            }
        }
    }
}

fn check_tiers(price: &Code, tiers: &[Tier]) -> Result<(), Rejection> {
    let invalid = |why| Err(Rejection::InvalidTiers { price: price.clone(), why });
    if tiers.is_empty() || tiers.len() > 64 {
        return invalid("there is no tier, or there are too many");
    }
    for tier in tiers {
        let amounts = [tier.unit, tier.flat, tier.percent, tier.up_to.unwrap_or(Decimal::ZERO)];
        if amounts.iter().any(|amount| amount.is_negative()) {
            return invalid("an amount is negative");
        }
        check_amounts(&amounts)?;
    }
    let (open, bounded) = tiers.split_last().map_or((None, tiers), |(l, rest)| (Some(l), rest));
    if open.is_some_and(|tier| tier.up_to.is_some()) {
        return invalid("the last tier has an upper bound, so some quantities have no price");
    }
    let mut below = Decimal::ZERO;
    for tier in bounded {
        match tier.up_to {
            None => return invalid("a tier before the last has no upper bound"),
            Some(up_to) if up_to <= below => return invalid("two tiers overlap"),
            Some(up_to) => below = up_to,
        }
    }
    Ok(())
}

pub(super) fn migrate_plan(book: &Book, command: &MigratePlan) -> Result<Vec<Event>, Rejection> {
    let plan = command.plan;
    let found = book.plans.get(&plan).ok_or(Rejection::UnknownPlan { plan })?;
    if command.from_version == command.to_version {
        return Err(Rejection::NothingToChange);
    }
    let latest = found.versions.last().map_or(0, |defined| defined.version);
    for version in [command.from_version, command.to_version] {
        if !found.versions.iter().any(|defined| defined.version == version) {
            return Err(Rejection::UnknownPlanVersion { plan, version, latest });
        }
    }
    let set = PlanMigrationSet {
        plan,
        from_version: command.from_version,
        to_version: command.to_version,
        on: command.on,
    };
    Ok(vec![set.into()])
}

pub(super) fn define_coupon(book: &Book, command: &DefineCoupon) -> Result<Vec<Event>, Rejection> {
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
    match book.coupons.get(&command.coupon) {
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

pub(super) fn retire_plan(book: &Book, command: &RetirePlan) -> Result<Vec<Event>, Rejection> {
    let plan = command.plan;
    let found = book.plans.get(&plan).ok_or(Rejection::UnknownPlan { plan })?;
    if found.retired {
        return Err(Rejection::PlanRetired { plan });
    }
    Ok(vec![PlanRetired { plan }.into()])
}
