//! When changes take effect: now, later, or when what is open is paid.

use schemas::event::SubscriptionEvent;
use std::borrow::Cow;

use schemas::event::{
    ChangeScheduled, Event, ItemTerms, ScheduledChange, ScheduledChangeWithdrawn, ScheduledFor,
    SubscriptionActivated,
};
use schemas::ids::SubscriptionId;
use schemas::terms::ChangeTime;
use schemas::{Currency, Date, Rejection, Timestamp};

use super::advance::Advance;
use super::state::Subscription;
use crate::book::Book;
use crate::customer::state::{Customer, Invoice};
use crate::ledger::Context;

/// The most changes that one subscription has scheduled.
const MAX_SCHEDULED: usize = 100;

/// The subscription, unless it ended.
pub(crate) fn active(customer: &Customer, id: SubscriptionId) -> Result<&Subscription, Rejection> {
    let subscription = found(customer, id)?;
    match subscription.ending {
        None => Ok(subscription),
        Some(ending) => {
            let end = customer.rules.date(ending.at)?;
            Err(Rejection::SubscriptionCanceled { subscription: id, end })
        }
    }
}

pub(crate) fn found(customer: &Customer, id: SubscriptionId) -> Result<&Subscription, Rejection> {
    customer.subscriptions.get(&id).ok_or(Rejection::UnknownSubscription { subscription: id })
}

/// Which terms a migration of the catalog puts in the place of others.
pub(crate) fn migrations(
    book: &Book,
    currency: Currency,
) -> impl Fn(&ItemTerms, Date) -> Option<ItemTerms> {
    move |terms, date| book.migrated(terms, date, currency)
}

/// A subscription at the instant of a change, and what brought it there.
pub(crate) struct Changing<'a> {
    pub(crate) at: Timestamp,
    pub(crate) subscription: Cow<'a, Subscription>,
    pub(crate) events: Vec<Event>,
}

/// What was scheduled up to the instant of a change has happened before it, billed or not.
/// `whole` brings it up to date in any case.
pub(crate) fn changing<'a>(
    context: &Context<'_>,
    customer: &'a Customer,
    id: SubscriptionId,
    whole: bool,
) -> Result<Changing<'a>, Rejection> {
    let subscription = active(customer, id)?;
    let rules = &customer.rules;
    let at = rules.moment(context.stamp.effective_at)?;
    if at < subscription.start {
        let (at, start) = (rules.date(at)?, rules.date(subscription.start)?);
        return Err(Rejection::BeforeSubscriptionStart { subscription: id, at, start });
    }
    let anchor = subscription.items.iter().filter_map(super::item::Item::moved_at).max();
    let behind = anchor.is_none_or(|anchor| anchor <= at);
    let passed = subscription.scheduled.iter().any(|due| match due.at {
        ScheduledFor::At(due) => due <= at,
        ScheduledFor::Paid => false,
    });
    let renewed = subscription.term.is_some_and(|term| term.span.end() <= at);
    let mut changing = Changing { at, subscription: Cow::Borrowed(subscription), events: vec![] };
    if behind && (whole || passed || renewed) {
        let migrations = migrations(context.book, customer.currency);
        let advance = Advance { rules, migrations: &migrations };
        let made = advance.through(changing.subscription.to_mut(), customer.rules.date(at)?)?;
        changing.events = made.into_iter().map(Event::from).collect();
    }
    if let Some(ending) = changing.subscription.ending {
        let end = rules.date(ending.at)?;
        return Err(Rejection::SubscriptionCanceled { subscription: id, end });
    }
    if let Some(anchor) = anchor.filter(|anchor| at < *anchor) {
        let (at, anchor) = (rules.date(at)?, rules.date(anchor)?);
        return Err(Rejection::BeforeAnchor { subscription: id, at, anchor });
    }
    Ok(changing)
}

/// When a change takes effect that is not made now.
pub(crate) fn time_of(
    context: &Context<'_>,
    customer: &Customer,
    subscription: &Subscription,
    at: Timestamp,
    when: ChangeTime,
) -> Result<Option<ScheduledFor>, Rejection> {
    let id = subscription.id;
    match when {
        ChangeTime::Now => Ok(None),
        ChangeTime::CycleEnd => {
            let migrations = migrations(context.book, customer.currency);
            let advance = Advance { rules: &customer.rules, migrations: &migrations };
            let mut copy = subscription.clone();
            copy.scheduled.clear();
            advance.through(&mut copy, customer.rules.date(at)?)?;
            let now = context.stamp.recorded_at;
            Ok(Some(ScheduledFor::At(cycle_end(&copy, at, now))))
        }
        ChangeTime::On(date) => {
            let today = customer.rules.date(context.stamp.recorded_at)?;
            let on = customer.rules.local.start_of(date)?;
            if on <= at {
                return Err(Rejection::DatePassed { date, today });
            }
            Ok(Some(ScheduledFor::At(on)))
        }
        ChangeTime::WhenPaid if owes(customer, id) => Ok(Some(ScheduledFor::Paid)),
        ChangeTime::WhenPaid => Err(Rejection::NothingOpen { subscription: id }),
    }
}

/// The end of the current cycle of the first item that lives: the last one opened that has begun.
fn cycle_end(subscription: &Subscription, at: Timestamp, now: Timestamp) -> Timestamp {
    let alive = |item: &&super::item::Item| item.removed_at().is_none_or(|removed| at < removed);
    let Some(item) = subscription.items.iter().find(alive) else { return at };
    let begun = |cycle: &&super::item::Cycle| cycle.start <= at.max(now);
    // Before the first cycle, such as in a trial, it is the start of that one.
    item.cycles.iter().rfind(begun).map_or(item.calendar.from, |cycle| cycle.end).max(at)
}

/// Schedules a change; it has the next number.
pub(crate) fn schedule(
    subscription: &Subscription,
    scheduled_before: usize,
    at: ScheduledFor,
    what: ScheduledChange,
) -> Result<Event, Rejection> {
    if subscription.scheduled.len() >= MAX_SCHEDULED {
        return Err(Rejection::TooMany { what: "scheduled changes", limit: MAX_SCHEDULED });
    }
    let change = subscription.changes + 1 + u32::try_from(scheduled_before).unwrap_or(u32::MAX);
    Ok(ChangeScheduled { subscription: subscription.id, change, at, what }.into())
}

pub(crate) fn withdrawn(
    subscription: &Subscription,
    which: impl Fn(&ChangeScheduled) -> bool,
) -> Vec<Event> {
    let id = subscription.id;
    subscription
        .scheduled
        .iter()
        .filter(|due| which(due))
        .map(|due| ScheduledChangeWithdrawn { subscription: id, change: due.change }.into())
        .collect()
}

/// Whether something is open that has a line of the subscription.
pub(crate) fn owes(customer: &Customer, id: SubscriptionId) -> bool {
    open_with(customer, id).next().is_some()
}

/// Open invoices with a line of the subscription.
pub(crate) fn open_with(customer: &Customer, id: SubscriptionId) -> impl Iterator<Item = &Invoice> {
    customer
        .open
        .iter()
        .filter_map(|(_, ordinal)| customer.invoices.at(*ordinal))
        .filter(move |invoice| has_line_of(customer, invoice, id))
}

fn has_line_of(customer: &Customer, invoice: &Invoice, id: SubscriptionId) -> bool {
    use schemas::event::LineSource;
    invoice.lines.iter().any(|line| match line.source {
        LineSource::Cycle { subscription, .. } => subscription == id,
        LineSource::Charge(charge) => {
            customer.charges.get(&charge).is_some_and(|found| found.subscription == Some(id))
        }
        LineSource::Invoice => false,
    })
}

/// What follows when the events of a command have settled what was open: subscriptions that
/// waited for a payment begin, and changes that waited for one take effect.
pub(crate) fn settled(
    context: &Context<'_>,
    customer: &Customer,
    events: &mut Vec<Event>,
) -> Result<(), Rejection> {
    let waits = |subscription: &Subscription| {
        subscription.activation_expires.is_some()
            || subscription.scheduled.iter().any(|due| due.at == ScheduledFor::Paid)
    };
    let begins = |event: &Event| {
        if let Event::Subscription(SubscriptionEvent::SubscriptionCreated(created)) = event {
            created.activation_expires.is_some()
        } else {
            false
        }
    };
    if !customer.subscriptions.values().any(waits) && !events.iter().any(begins) {
        return Ok(());
    }
    let mut after = customer.clone();
    for event in events.iter() {
        after.evolve(event);
    }
    let now = context.stamp.recorded_at;
    let migrations = migrations(context.book, customer.currency);
    let advance = Advance { rules: &customer.rules, migrations: &migrations };
    for subscription in after.subscriptions.values().filter(|found| waits(found)) {
        let id = subscription.id;
        let billed = subscription
            .items
            .iter()
            .any(|item| item.cycles.iter().any(|cycle| !cycle.lines.is_empty()));
        if owes(&after, id) || !billed {
            continue;
        }
        let mut copy = subscription.clone();
        if subscription.activation_expires.is_some() {
            let activated = SubscriptionActivated { subscription: id, at: now }.into();
            copy.evolve(&activated);
            events.push(activated.into());
        }
        let at = customer.rules.moment(now)?;
        // Cycles up to the change exist before it: a new anchor leaves no time between.
        if copy.scheduled.iter().any(|due| due.at == ScheduledFor::Paid) {
            let made = advance.through(&mut copy, customer.rules.date(at)?)?;
            events.extend(made.into_iter().map(Event::from));
        }
        while let Some(due) = copy.scheduled.iter().find(|due| due.at == ScheduledFor::Paid) {
            let due = due.clone();
            for event in advance.scheduled(&copy, at, &due)? {
                copy.evolve(&event);
                events.push(event.into());
            }
        }
    }
    Ok(())
}
