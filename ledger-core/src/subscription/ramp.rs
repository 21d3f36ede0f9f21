//! Ramp deals: prices, quantities and discounts by phases, entered at once.

use schemas::command::RampPhase;
use schemas::event::{
    DiscountApplied, Event, ItemChange, ItemStarted, PlanVersionDefined, RampAgreed, RampStep,
    SubscriptionCreated, TermsChange,
};
use schemas::ids::{DiscountId, derive};
use schemas::terms::{DiscountDuration, DiscountTarget, DiscountValue};
use schemas::{Decimal, Rejection, Span};

use super::case::Case;
use super::terms::{check_quantity, own_rate};
use crate::catalog::decide::check_discount;

/// The most phases of a ramp.
const MAX_PHASES: usize = 120;

/// A ramp as it is agreed.
pub(super) struct Ramp {
    /// The items as the first phase has them.
    pub(super) first: Vec<ItemStarted>,
    /// Later phases, and the discounts of all.
    pub(super) events: Vec<Event>,
}

/// Phases become steps of the items that are known ahead, and discounts with a window.
pub(super) fn ramp(
    case: &Case<'_>,
    version: &PlanVersionDefined,
    created: &SubscriptionCreated,
    phases: &[RampPhase],
) -> Result<Ramp, Rejection> {
    let rules = &case.profile.rules;
    check_phases(phases, rules.date(created.start)?)?;
    let subscription = created.subscription;
    let mut items = created.items.clone();
    let mut first = Vec::new();
    let mut steps = Vec::new();
    let mut discounts: Vec<Event> = Vec::new();
    for (index, phase) in phases.iter().enumerate() {
        let from = rules.local.start_of(phase.days.start())?.max(created.start);
        let changes = apply(version, &mut items, phase)?;
        if index == 0 {
            first.clone_from(&items);
        } else {
            steps.push(RampStep { from, items: changes });
        }
        if let Some(percent) = phase.discount_percent {
            let window = Span::new(from, rules.local.start_of(phase.days.end())?)
                .expect("phases were checked: the first one holds the start");
            let value = DiscountValue::Percent(percent);
            let duration = DiscountDuration::Forever;
            check_discount(value, duration)?;
            let name = format!("ramp:{index}");
            let discount = DiscountId::new(derive(subscription.uuid(), &name));
            if case.context.registry.taken.contains(discount.uuid()) {
                return Err(Rejection::DiscountExists { discount });
            }
            discounts.push(
                DiscountApplied {
                    discount,
                    on: DiscountTarget::Subscription(subscription),
                    value,
                    duration,
                    window: Some(window),
                    coupon: None,
                    first_cycles: Vec::new(),
                }
                .into(),
            );
        }
    }
    let mut events: Vec<Event> = Vec::new();
    if !steps.is_empty() {
        events.push(RampAgreed { subscription, steps }.into());
    }
    events.extend(discounts);
    Ok(Ramp { first, events })
}

fn check_phases(phases: &[RampPhase], start: schemas::Date) -> Result<(), Rejection> {
    let invalid = |why| Err(Rejection::InvalidRamp { why });
    if phases.is_empty() || phases.len() > MAX_PHASES {
        return invalid("there is no phase, or there are too many");
    }
    if phases[0].days.start() != start {
        return invalid("the first phase does not begin with the subscription");
    }
    for pair in phases.windows(2) {
        let (end, next) = (pair[0].days.end(), pair[1].days.start());
        if end < next {
            return invalid("there is a gap between two phases");
        }
        if next < end {
            return invalid("two phases overlap");
        }
    }
    Ok(())
}

/// Applies a phase to the items; what it changes.
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
        let before: (Decimal, schemas::terms::Rate) = (item.quantity, item.terms.rate.clone());
        if let Some(quantity) = request.quantity {
            check_quantity(quantity)?;
            item.quantity = quantity;
        }
        own_rate(&mut item.terms, Some(request))?;
        let terms = if before.1 == item.terms.rate {
            TermsChange::Keep
        } else {
            TermsChange::Set(Box::new(item.terms.clone()))
        };
        changes.push(ItemChange {
            item: item.item,
            add_on: item.add_on,
            terms,
            quantity: (before.0 != item.quantity).then_some(item.quantity),
            calendar: None,
        });
    }
    Ok(changes)
}
