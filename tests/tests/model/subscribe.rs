//! A subscription begins: at a command, or with a quote.
//!
//! # Shape
//!
//! The timelines are written for as far as they are known: the first phase of a ramp and all
//! later ones, as lengths from the start.

use schemas::Decimal;
use std::collections::BTreeMap;

use schemas::command::{Activation, CreateSubscription, RampPhase, SubscriptionTerms};
use schemas::ids::ChargeId;
use schemas::terms::{EarlyEnd, InvoiceTiming, LeastTermRequest, RampEnd, Recurrence};
use uuid::Uuid;

use crate::bill::{Billing, Which, bill};
use crate::book::{Book, Version, recurrence};
use crate::calendar::Calendar;
use crate::change::own_rate;
use crate::civil::{Clock, Instant, date, months_later};
use crate::customer::{Charge, Customer, Refused, When};
use crate::item::Item;
use crate::price::whole;
use crate::subscription::{Gate, Least, Subscription, Term};
use crate::voices::Voice;

pub(crate) fn subscribe(
    book: &Book,
    customer: &mut Customer,
    command: &CreateSubscription,
    children: &[schemas::ids::CustomerId],
    when: When,
) -> Result<(), Refused> {
    let version = book.on_sale(command.plan, command.version, customer.currency)?.clone();
    begin(book, customer, command, &version, children, when)
}

pub(crate) fn begin(
    book: &Book,
    customer: &mut Customer,
    command: &CreateSubscription,
    version: &Version,
    children: &[schemas::ids::CustomerId],
    when: When,
) -> Result<(), Refused> {
    if customer.subscriptions.iter().any(|known| known.id == command.subscription) {
        return Err("it exists already");
    }
    let with = command.with.clone().unwrap_or_default();
    let quantity = command.quantity.unwrap_or(Decimal::ONE);
    if quantity.is_negative() {
        return Err("a negative quantity");
    }
    if with.beneficiary.is_some_and(|child| !children.contains(&child)) {
        return Err("no child of this customer");
    }
    let clock = customer.clock.clone();
    let start = match command.start {
        None => clock.moment(when.effective),
        Some(date) if i64::from(date.days()) <= clock.day(when.recorded) => {
            return Err("the day has passed");
        }
        Some(date) => clock.start_of(date.days().into()),
    };
    let trial = with.trial_days.map_or(version.trial, i64::from);
    let trial_end = (trial > 0).then(|| clock.days_later(start, trial));
    let credit = crate::life::default_credit(book);
    let mut new = Subscription {
        id: command.subscription,
        start,
        items: Vec::new(),
        trial_end,
        gate: with.activation.map(gate),
        pauses: Vec::new(),
        term: with
            .term
            .map(|term| Term::new(&clock, (start, 0), term.length, (term.renewal, credit))),
        least: match with.least_term {
            Some(least) => Some(least_term(customer, &clock, start, &least)?),
            None => None,
        },
        owes_fee: None,
        fees: Vec::new(),
        scheduled: Vec::new(),
        set_aside: Vec::new(),
        numbers: 0,
        meant: BTreeMap::new(),
        stays: BTreeMap::new(),
        told_by: BTreeMap::new(),
        end: None,
        beneficiary: with.beneficiary,
        anchor: with.anchor,
        quoted: with.quote.is_some(),
        owes_a_bill: false,
        again: Vec::new(),
        credited_again: Vec::new(),
        as_agreed: Vec::new(),
    };
    if new.term.and_then(|term| term.last).is_some_and(|end| new.is_early(end).is_some()) {
        return Err("it ends before its least term");
    }
    put_items(book, customer, &mut new, version, &with, quantity)?;
    if let Some(ramp) = &with.ramp {
        put_ramp(customer, &mut new, ramp, with.ramp_end)?;
    }
    customer.subscriptions.push(new);
    for price in version.of_kind(Recurrence::Setup) {
        let terms = version.terms(price, customer.currency).ok_or("no such currency")?;
        let gross = whole(&terms.rate, Decimal::ONE, customer.currency).rounded();
        // The ledger mints its id; nothing asks for it by name.
        let id = ChargeId::new(Uuid::from_u128(u128::MAX - customer.charges.len() as u128));
        let (of, due) = (Some(command.subscription), false);
        let charge = Charge { id, gross, quantity: Decimal::ONE, of, setup: true, due };
        customer.charges.push(charge.clone());
        customer.pending.push(charge);
    }
    if command.invoice == Some(InvoiceTiming::Now) {
        bill(book, customer, &Billing::now(Which::Of(command.subscription), when));
    }
    Ok(())
}

fn least_term(
    customer: &Customer,
    clock: &Clock,
    start: Instant,
    told: &LeastTermRequest,
) -> Result<Least, Refused> {
    let fee = match told.early_end {
        EarlyEnd::Refused => None,
        EarlyEnd::Fee(fee) if fee.currency() != customer.currency => {
            return Err("a fee in another currency");
        }
        EarlyEnd::Fee(fee) if fee.minor().0 <= 0 => return Err("a fee is more than zero"),
        EarlyEnd::Fee(fee) => Some(fee.minor().0.into()),
    };
    Ok(Least::new(clock, start, told.length, fee))
}

fn gate(activation: Activation) -> Gate {
    let tolerance = activation.tolerance.map_or(0, |money| i128::from(money.minor().0));
    Gate { hours: activation.expires_after_hours.into(), tolerance, asked: None, passed: false }
}

/// The plan's prices as items, and add-ons.
fn put_items(
    book: &Book,
    customer: &Customer,
    new: &mut Subscription,
    version: &Version,
    with: &SubscriptionTerms,
    quantity: Decimal,
) -> Result<(), Refused> {
    let (rules, clock) = (&book.rules, &customer.clock);
    let requests = with.items.as_deref().unwrap_or_default();
    for (number, request) in requests.iter().enumerate() {
        let price = version.price(&request.price).ok_or("unknown price")?;
        let twice = requests[..number].iter().any(|other| other.price == request.price);
        if recurrence(price) == Recurrence::Setup || twice || request.remove == Some(true) {
            return Err("no item can be like that");
        }
        if request.quantity.is_some_and(Decimal::is_negative) {
            return Err("a negative quantity");
        }
    }
    let origin = new.origin(rules);
    let anchor = with.anchor.unwrap_or(rules.default_anchor());
    if matches!(anchor, schemas::terms::Anchor::Day(day) if !(1..=31).contains(&day)) {
        return Err("no day of a month");
    }
    for price in &version.prices {
        let asked = requests.iter().find(|request| request.price == price.price);
        let add_on = match (recurrence(price), asked) {
            (Recurrence::Recurring, _) => false,
            (Recurrence::AddOn, Some(_)) => true,
            (Recurrence::AddOn, None) | (Recurrence::Setup, _) => continue,
        };
        let mut terms = version.terms(price, customer.currency).ok_or("no such currency")?;
        let mut units = if add_on { Decimal::ONE } else { quantity };
        if let Some(request) = asked {
            own_rate(&mut terms, request);
            units = request.quantity.unwrap_or(units);
        }
        let calendar = Calendar::anchored(rules, clock, anchor, (origin, origin), terms.every);
        let mut item = Item::new(new.start, terms, units, calendar);
        item.add_on = add_on;
        new.items.push(item);
    }
    // The plan's own items come first, in the plan's order.
    new.items.sort_by_key(|item| item.add_on);
    Ok(())
}

/// Phases are lengths from the start.
fn put_ramp(
    customer: &Customer,
    new: &mut Subscription,
    ramp: &[RampPhase],
    then: Option<RampEnd>,
) -> Result<(), Refused> {
    for pair in ramp.windows(2) {
        if let (Some(one), Some(next)) = (pair[0].days, pair[1].days)
            && one.end() != next.start()
        {
            return Err("phases follow each other without gaps");
        }
    }
    let agreed: Vec<_> = new
        .items
        .iter()
        .map(|item| (item.terms_at(new.start).cloned(), item.quantity_at(new.start)))
        .collect();
    // Months are counted from the last day that was told in days.
    let (mut base, mut months) = (customer.clock.day(new.start), 0);
    let mut from: Instant = new.start;
    for phase in ramp {
        for item in &mut new.items {
            item.percents.insert(from, phase.discount_percent);
            if from > new.start {
                item.ramp.push(from);
            }
        }
        for request in phase.items.iter().flatten() {
            let place = new.item_of(&request.price, from).ok_or("unknown price")?;
            let item = &mut new.items[place];
            if let Some(quantity) = request.quantity {
                item.quantities.insert(from, quantity);
            }
            if request.rate.is_some() {
                let mut terms = item.terms_at(from).cloned().expect("it is there");
                own_rate(&mut terms, request);
                let voice = if from == new.start { Voice::Plan } else { Voice::Ramp };
                item.say(from, Some(terms), voice);
            }
        }
        let later = |months: i64| months_later(base, months, date(base).2);
        let next = match (phase.days, phase.months) {
            (Some(days), None) => {
                (base, months) = (later(months) + i64::from(days.days()), 0);
                base
            }
            (None, Some(count)) => {
                months += i64::from(count);
                later(months)
            }
            (Some(_) | None, _) => return Err("a phase has one length"),
        };
        from = customer.clock.at(next, customer.clock.time_if(new.start));
    }
    if then == Some(RampEnd::End) {
        for (item, (terms, quantity)) in new.items.iter_mut().zip(agreed) {
            item.percents.insert(from, None);
            item.ramp.push(from);
            // What the phases said nothing of goes on.
            let price = item.terms_at(new.start).map(|terms| terms.price.clone());
            let said = || {
                let requests = ramp.iter().flat_map(|phase| phase.items.iter().flatten());
                requests.filter(|request| Some(&request.price) == price.as_ref())
            };
            if said().any(|request| request.rate.is_some()) {
                item.say(from, terms, Voice::RampOver);
            }
            if said().any(|request| request.quantity.is_some()) {
                item.quantities.insert(from, quantity);
                item.back_at = Some(from);
            }
        }
    }
    Ok(())
}
