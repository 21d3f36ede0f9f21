//! Decisions about subscriptions.

use std::borrow::Cow;

use schemas::command::{
    CancelSubscription, ChangePlan, ChangeQuantity, CreateSubscription, InvoiceRequest,
};
use schemas::event::{
    ChangeScheduled, CycleCut, Event, PlanChanged, PlanTerms, QuantityChanged, ScheduledChange,
    ScheduledChangeWithdrawn, SubscriptionCanceled, SubscriptionCreated,
};
use schemas::ids::{PlanId, SubscriptionId};
use schemas::terms::{CancelCredit, ChangeTime, InvoiceTiming, PricingModel};
use schemas::{Date, Decimal, Rejection};

use super::calendar;
use super::state::{Subscription, same_price};
use crate::billing::invoice::bill_and_finalize;
use crate::billing::run::{Scope, catch_up};
use crate::customer::state::Customer;
use crate::ledger::Context;

/// The most subscriptions of one customer, ended ones included.
const MAX_SUBSCRIPTIONS: usize = 500;

/// The subscription, unless it ended.
pub(crate) fn active(customer: &Customer, id: SubscriptionId) -> Result<&Subscription, Rejection> {
    let subscription = customer
        .subscriptions
        .get(&id)
        .ok_or(Rejection::UnknownSubscription { subscription: id })?;
    match subscription.ending {
        None => Ok(subscription),
        Some(ending) => Err(Rejection::SubscriptionCanceled { subscription: id, end: ending.on }),
    }
}

pub(crate) fn create(
    context: &Context<'_>,
    customer: &Customer,
    command: &CreateSubscription,
) -> Result<Vec<Event>, Rejection> {
    let subscription = command.subscription;
    if context.registry.taken.contains(subscription.uuid()) {
        return Err(Rejection::SubscriptionExists { subscription });
    }
    if customer.subscriptions.len() >= MAX_SUBSCRIPTIONS {
        return Err(Rejection::TooMany { what: "subscriptions", limit: MAX_SUBSCRIPTIONS });
    }
    let terms = terms(context, customer, command.plan, command.version)?;
    let quantity = command.quantity.unwrap_or(Decimal::ONE);
    check_quantity(quantity)?;
    if terms.model == PricingModel::Flat && quantity != Decimal::ONE {
        return Err(Rejection::FlatPriceHasNoQuantity { plan: command.plan });
    }
    let start = customer.zone.date_at(context.stamp.effective_at)?;
    // The first cycle must lie inside the calendar, or nothing could ever be billed.
    calendar::period(start, terms.every, 0)?;
    let created = SubscriptionCreated { subscription, start, terms, quantity };
    with_invoice(context, customer, subscription, vec![created.into()], command.invoice)
}

pub(crate) fn change_plan(
    context: &Context<'_>,
    customer: &Customer,
    command: &ChangePlan,
) -> Result<Vec<Event>, Rejection> {
    let terms = terms(context, customer, command.plan, command.version)?;
    let (day, subscription, mut events) = changing(context, customer, command.subscription)?;
    let subscription = subscription.as_ref();
    events.extend(withdrawn(subscription, |due| matches!(due, ScheduledChange::Plan(_))));
    match command.when {
        ChangeTime::CycleEnd => {
            events.push(schedule(subscription, day, ScheduledChange::Plan(terms))?);
            Ok(events)
        }
        ChangeTime::Now => {
            if same_price(subscription.terms_on(day), &terms) {
                return Ok(events);
            }
            change_now(subscription, day, terms, &mut events)?;
            with_invoice(context, customer, subscription.id, events, command.invoice)
        }
    }
}

/// A change of the cycle's length cuts the current cycle and starts a new anchor.
fn change_now(
    subscription: &Subscription,
    day: Date,
    terms: PlanTerms,
    events: &mut Vec<Event>,
) -> Result<(), Rejection> {
    let new_anchor = terms.every != subscription.every();
    if new_anchor {
        let mut copy = subscription.clone();
        let opened = catch_up(&mut copy, day)?;
        let last = copy.cycles.last().filter(|cycle| cycle.start <= day);
        let last = last.filter(|_| subscription.last_plan_step() <= day);
        let Some(cycle) = last else {
            return Err(Rejection::BeforeAnchor {
                subscription: subscription.id,
                at: day,
                anchor: subscription.last_plan_step().max(subscription.anchor),
            });
        };
        let (cycle, end) = (cycle.index, day);
        events.extend(opened);
        events.push(CycleCut { subscription: subscription.id, cycle, end }.into());
    }
    let every = terms.every;
    let id = subscription.id;
    events.push(PlanChanged { subscription: id, from: day, terms, new_anchor }.into());
    if new_anchor {
        let at = calendar::boundary(day, every, 1)?;
        events.extend(moved(subscription, at));
    }
    Ok(())
}

pub(crate) fn change_quantity(
    context: &Context<'_>,
    customer: &Customer,
    command: &ChangeQuantity,
) -> Result<Vec<Event>, Rejection> {
    check_quantity(command.quantity)?;
    let (day, subscription, mut events) = changing(context, customer, command.subscription)?;
    let subscription = subscription.as_ref();
    let terms = subscription.terms_on(day);
    if terms.model == PricingModel::Flat {
        return Err(Rejection::FlatPriceHasNoQuantity { plan: terms.plan });
    }
    events.extend(withdrawn(subscription, |due| matches!(due, ScheduledChange::Quantity(_))));
    match command.when {
        ChangeTime::CycleEnd => {
            let change = ScheduledChange::Quantity(command.quantity);
            events.push(schedule(subscription, day, change)?);
            Ok(events)
        }
        ChangeTime::Now => {
            if subscription.quantity_on(day) == command.quantity {
                return Ok(events);
            }
            let (subscription, quantity) = (subscription.id, command.quantity);
            events.push(QuantityChanged { subscription, from: day, quantity }.into());
            with_invoice(context, customer, subscription, events, command.invoice)
        }
    }
}

pub(crate) fn cancel(
    context: &Context<'_>,
    customer: &Customer,
    command: &CancelSubscription,
) -> Result<Vec<Event>, Rejection> {
    let (day, subscription, mut events) = changing(context, customer, command.subscription)?;
    let subscription = subscription.as_ref();
    match command.when {
        ChangeTime::CycleEnd => {
            let due = subscription.scheduled.iter().find(|d| d.change == ScheduledChange::Cancel);
            if let Some(due) = due {
                let (subscription, at) = (subscription.id, due.at);
                return Err(Rejection::CancellationScheduled { subscription, at });
            }
            events.push(schedule(subscription, day, ScheduledChange::Cancel)?);
            Ok(events)
        }
        ChangeTime::Now => {
            let credit = command.credit.unwrap_or(CancelCredit::Prorated);
            events.extend(withdrawn(subscription, |_| true));
            let canceled = SubscriptionCanceled { subscription: subscription.id, end: day, credit };
            events.push(canceled.into());
            let invoice = match credit {
                CancelCredit::Prorated => InvoiceTiming::Now,
                CancelCredit::None => InvoiceTiming::Next,
            };
            with_invoice(context, customer, subscription.id, events, Some(invoice))
        }
    }
}

/// The civil day of a change, the subscription as it stands on that day, and the events that
/// bring it there: what was scheduled up to the day has happened, billed or not.
fn changing<'a>(
    context: &Context<'_>,
    customer: &'a Customer,
    id: SubscriptionId,
) -> Result<(Date, Cow<'a, Subscription>, Vec<Event>), Rejection> {
    let subscription = active(customer, id)?;
    let at = customer.zone.date_at(context.stamp.effective_at)?;
    if at < subscription.start {
        let start = subscription.start;
        return Err(Rejection::BeforeSubscriptionStart { subscription: id, at, start });
    }
    let mut subscription = Cow::Borrowed(subscription);
    let mut events = Vec::new();
    if at >= subscription.anchor && subscription.scheduled.iter().any(|due| due.at <= at) {
        events = catch_up(subscription.to_mut(), at)?;
    }
    if let Some(ending) = subscription.ending {
        return Err(Rejection::SubscriptionCanceled { subscription: id, end: ending.on });
    }
    if at < subscription.anchor {
        let anchor = subscription.anchor;
        return Err(Rejection::BeforeAnchor { subscription: id, at, anchor });
    }
    Ok((at, subscription, events))
}

/// A change at the end of the cycle that `day` lies in, or of the last one opened.
fn schedule(
    subscription: &Subscription,
    day: Date,
    change: ScheduledChange,
) -> Result<Event, Rejection> {
    let mut copy = subscription.clone();
    copy.scheduled.clear();
    catch_up(&mut copy, day)?;
    let at = copy.cycles.last().map_or(day, |cycle| cycle.end);
    Ok(ChangeScheduled { subscription: subscription.id, at, change }.into())
}

/// What is scheduled for the end of the cycle that was cut waits for the end of the new one.
/// A scheduled change of plan was withdrawn already.
fn moved(subscription: &Subscription, at: Date) -> Vec<Event> {
    let id = subscription.id;
    let kept = |due: &&ChangeScheduled| !matches!(due.change, ScheduledChange::Plan(_));
    subscription
        .scheduled
        .iter()
        .filter(kept)
        .flat_map(|due| {
            let change = due.change.clone();
            [
                ScheduledChangeWithdrawn { subscription: id, change: change.clone() }.into(),
                ChangeScheduled { subscription: id, at, change }.into(),
            ]
        })
        .collect()
}

fn withdrawn(subscription: &Subscription, which: impl Fn(&ScheduledChange) -> bool) -> Vec<Event> {
    subscription
        .scheduled
        .iter()
        .filter(|due| which(&due.change))
        .map(|due| {
            let (subscription, change) = (subscription.id, due.change.clone());
            ScheduledChangeWithdrawn { subscription, change }.into()
        })
        .collect()
}

/// Adds the invoice of what the events changed, if it is wanted now.
fn with_invoice(
    context: &Context<'_>,
    customer: &Customer,
    subscription: SubscriptionId,
    mut events: Vec<Event>,
    invoice: Option<InvoiceTiming>,
) -> Result<Vec<Event>, Rejection> {
    match invoice.unwrap_or(InvoiceTiming::Next) {
        InvoiceTiming::Next => Ok(events),
        InvoiceTiming::Now => {
            let mut after = customer.clone();
            for event in &events {
                after.evolve(event);
            }
            let today = customer.zone.date_at(context.stamp.recorded_at)?;
            let scope = Scope::Subscription(subscription);
            let request = InvoiceRequest::default();
            events.extend(bill_and_finalize(context, &after, scope, today, &request, None)?);
            Ok(events)
        }
    }
}

/// The terms of a plan on sale, with the price in the customer's currency.
fn terms(
    context: &Context<'_>,
    customer: &Customer,
    plan: PlanId,
    version: Option<u32>,
) -> Result<PlanTerms, Rejection> {
    let defined = context.book.plan_on_sale(plan, version)?;
    let currency = customer.currency;
    let unit_price = defined
        .prices
        .iter()
        .find(|price| price.currency == currency)
        .ok_or(Rejection::NoPriceInCurrency { plan, currency })?;
    Ok(PlanTerms {
        plan,
        version: defined.version,
        name: defined.name.clone(),
        every: defined.every,
        timing: defined.timing,
        model: defined.model,
        unit_price: *unit_price,
    })
}

/// Quantities that stay exact: 0 to 10^12 with at most 9 decimal places.
pub(crate) fn check_quantity(quantity: Decimal) -> Result<(), Rejection> {
    let most = Decimal::from_parts(1_000_000_000_000, 0);
    if quantity.is_negative() || Some(quantity) > most || quantity.scale() > 9 {
        return Err(Rejection::InvalidQuantity { quantity });
    }
    Ok(())
}
