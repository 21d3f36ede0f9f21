//! Ramp deals: prices, quantities and discounts by phases, entered at once.
//!
//! A phase is a length of time from the start, wherever that is, so that a ramp can be offered and
//! accepted later. What a phase says holds until a later phase says otherwise.

use schemas::command::{RampPhase, SubscriptionTerms};
use schemas::event::{
    Event, ItemChange, ItemStarted, PlanVersionDefined, RampAgreed, RampStep, SubscriptionCreated,
    TermsChange,
};
use schemas::ids::{DiscountId, derive};
use schemas::terms::{CalendarUnit, DiscountDuration, DiscountValue, Every, RampEnd};
use schemas::{Date, Decimal, Rejection, Timestamp};

use super::calendar::{on_clock, step, time_of_day};
use super::case::Case;
use super::terms::{check_quantity, own_rate};
use crate::catalog::decide::check_discount;

/// The most phases of a ramp.
const MAX_PHASES: usize = 120;
/// The longest phase, in months.
const MAX_MONTHS: u16 = 120;

/// A ramp as it is agreed.
pub(super) struct Ramp {
    /// The items as the first phase has them.
    pub(super) first: Vec<ItemStarted>,
    /// Its phases.
    pub(super) agreed: Event,
}

/// Phases become steps of the items that are known ahead.
///
/// # Errors
/// [`Rejection::InvalidRamp`]; a price, quantity or discount that is no good.
pub(super) fn ramp(
    case: &Case<'_>,
    version: &PlanVersionDefined,
    created: &SubscriptionCreated,
    terms: &SubscriptionTerms,
) -> Result<Option<Ramp>, Rejection> {
    let Some(phases) = &terms.ramp else {
        return match terms.ramp_end {
            None => Ok(None),
            Some(_) => Err(Rejection::InvalidRamp { why: "there is no phase that could end" }),
        };
    };
    let starts = starts(case, created.start, phases)?;
    let subscription = created.subscription;
    let mut items = created.items.clone();
    let mut first = Vec::new();
    let mut steps = Vec::with_capacity(phases.len() + 1);
    for (index, (phase, from)) in phases.iter().zip(&starts).enumerate() {
        let mut changes = apply(version, &mut items, phase)?;
        if index == 0 {
            first.clone_from(&items);
            changes = Vec::new();
        }
        if let Some(percent) = phase.discount_percent {
            check_discount(DiscountValue::Percent(percent), DiscountDuration::Forever)?;
        }
        let discount_percent = phase.discount_percent;
        steps.push(RampStep { from: *from, items: changes, discount_percent, ends: false });
    }
    match (terms.ramp_end, starts.last()) {
        (Some(RampEnd::End), Some(end)) => steps.push(RampStep {
            from: *end,
            items: created.items.iter().filter_map(|item| as_agreed(item, phases)).collect(),
            discount_percent: None,
            ends: true,
        }),
        (Some(RampEnd::Hold | RampEnd::End) | None, _) => {}
    }
    let discount = DiscountId::new(derive(subscription.uuid(), "ramp"));
    if case.context.registry.taken.contains(discount.uuid()) {
        return Err(Rejection::DiscountExists { discount });
    }
    Ok(Some(Ramp { first, agreed: RampAgreed { subscription, discount, steps }.into() }))
}

/// What phases said of an item, as it would be without them; none if they said nothing.
fn as_agreed(item: &ItemStarted, phases: &[RampPhase]) -> Option<ItemChange> {
    let said = || {
        let requests = phases.iter().filter_map(|phase| phase.items.as_ref()).flatten();
        requests.filter(|request| request.price == item.terms.price)
    };
    let terms = if said().any(|request| request.rate.is_some()) {
        TermsChange::Set(Box::new(item.terms.clone()))
    } else {
        TermsChange::Keep
    };
    let quantity = said().any(|request| request.quantity.is_some()).then_some(item.quantity);
    (terms != TermsChange::Keep || quantity.is_some()).then_some(ItemChange {
        item: item.item,
        add_on: item.add_on,
        terms,
        quantity,
        calendar: None,
        left_alone_until: None,
    })
}

/// Where each phase begins, and where the last one ends: at the time of day of the start, where
/// policies are finer than days.
fn starts(
    case: &Case<'_>,
    start: Timestamp,
    phases: &[RampPhase],
) -> Result<Vec<Timestamp>, Rejection> {
    let invalid = |why| Err(Rejection::InvalidRamp { why });
    if phases.is_empty() || phases.len() > MAX_PHASES {
        return invalid("there is no phase, or there are too many");
    }
    let rules = &case.profile.rules;
    let time = time_of_day(start, rules)?;
    let mut found = vec![start];
    // Months are counted from the last day that was told in days, so that none drifts.
    let (mut base, mut months) = (rules.date(start)?, 0_i64);
    let mut before: Option<Date> = None;
    for phase in phases {
        let date = match (phase.days, phase.months) {
            (Some(days), None) => {
                if before.is_some_and(|end| end != days.start()) {
                    return invalid("two phases that are told in days leave a gap, or overlap");
                }
                before = Some(days.end());
                let from = after(base, months)?;
                (base, months) = (from.plus_days(days.end().days_since(days.start()))?, 0);
                base
            }
            (None, Some(count)) if (1..=MAX_MONTHS).contains(&count) => {
                before = None;
                months += i64::from(count);
                after(base, months)?
            }
            (None, Some(_)) => return invalid("a phase has no month, or too many"),
            (Some(_), Some(_)) | (None, None) => {
                return invalid("a phase is so many days long, or so many months");
            }
        };
        found.push(on_clock(date, time, rules)?);
    }
    Ok(found)
}

fn after(base: Date, months: i64) -> Result<Date, Rejection> {
    let month = Every { count: 1, unit: CalendarUnit::Month };
    Ok(step(base, month, months, None)?)
}

/// Applies a phase to the items; what it says of them.
fn apply(
    version: &PlanVersionDefined,
    items: &mut [ItemStarted],
    phase: &RampPhase,
) -> Result<Vec<ItemChange>, Rejection> {
    let mut changes = Vec::new();
    for request in phase.items.as_deref().unwrap_or_default() {
        if request.remove.is_some() {
            return Err(Rejection::InvalidRamp { why: "a phase cannot remove an item" });
        }
        let Some(item) = items.iter_mut().find(|item| item.terms.price == request.price) else {
            let (plan, price) = (version.plan, request.price.clone());
            return Err(Rejection::UnknownPrice { plan, price });
        };
        let quantity: Option<Decimal> = request.quantity;
        if let Some(quantity) = quantity {
            check_quantity(quantity)?;
            item.quantity = quantity;
        }
        own_rate(&mut item.terms, Some(request))?;
        // A phase that repeats a value is a phase: it holds from then on whatever was before.
        let terms = match request.rate {
            None => TermsChange::Keep,
            Some(_) => TermsChange::Set(Box::new(item.terms.clone())),
        };
        changes.push(ItemChange {
            item: item.item,
            add_on: item.add_on,
            terms,
            quantity,
            calendar: None,
            left_alone_until: None,
        });
    }
    Ok(changes)
}
