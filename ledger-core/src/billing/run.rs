//! Billing one customer: bring its subscriptions up to date, then compare every cycle.

use schemas::event::{
    CycleOpened, Event, LineSource, PlanChanged, QuantityChanged, ScheduledChange,
    SubscriptionCanceled,
};
use schemas::fraction::Fraction;
use schemas::ids::{ChargeId, SubscriptionId};
use schemas::terms::{CancelCredit, LineKind};
use schemas::{Date, Minor, Rejection};

use super::credit::credit;
use super::draft::LineDraft;
use super::{discount, pieces};
use crate::customer::state::Customer;
use crate::subscription::state::Subscription;

/// The most lines of one invoice, and the most cycles opened by one command.
pub(crate) const MAX_LINES: usize = 1_000;

/// What to bill.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scope {
    /// Every subscription, and all pending charges.
    All,
    /// What one subscription needs, and nothing else.
    Subscription(SubscriptionId),
    /// One pending charge.
    Charge(ChargeId),
}

/// What billing found.
#[derive(Debug, Default)]
pub(crate) struct Billed {
    /// Cycles opened and scheduled changes that took effect.
    pub(crate) events: Vec<Event>,
    /// The lines of the invoice; none if there is nothing to bill.
    pub(crate) lines: Vec<LineDraft>,
}

/// Bills what is due up to and on `through`.
pub(crate) fn bill(customer: &Customer, scope: Scope, through: Date) -> Result<Billed, Rejection> {
    let mut billed = Billed::default();
    for subscription in customer.subscriptions.values() {
        let wanted = match scope {
            Scope::All => true,
            Scope::Subscription(id) => id == subscription.id,
            Scope::Charge(_) => false,
        };
        if wanted {
            bill_subscription(customer, subscription, through, &mut billed)?;
        }
    }
    for charge in &customer.pending {
        let wanted = match scope {
            Scope::All => true,
            Scope::Subscription(_) => false,
            Scope::Charge(id) => id == charge.charge,
        };
        if wanted {
            billed.lines.push(one_off(charge));
        }
    }
    discount::take_off(customer, &mut billed.lines)?;
    if billed.lines.len() > MAX_LINES {
        return Err(Rejection::TooMany { what: "lines on one invoice", limit: MAX_LINES });
    }
    Ok(billed)
}

fn bill_subscription(
    customer: &Customer,
    subscription: &Subscription,
    through: Date,
    billed: &mut Billed,
) -> Result<(), Rejection> {
    let mut subscription = subscription.clone();
    billed.events.extend(catch_up(&mut subscription, through)?);
    let mut charges = Vec::new();
    for cycle in &subscription.cycles {
        let found = pieces::compare(customer, &subscription, cycle, through)?;
        let mut before: Option<(schemas::event::LineRef, i32, i64)> = None;
        for (at, days) in found.credits {
            let Some(line) = customer.line(at) else { continue };
            // Two pieces of one line in one invoice: the second starts where the first ended.
            let (credited, left) = match before {
                Some((same, credited, left)) if same == at => (credited, left),
                Some(_) | None => (line.credited_days, line.left().0),
            };
            let draft = credit(at, line, days, credited, Minor(left))?;
            before = Some((at, credited + days.days(), left + draft.net().0));
            billed.lines.push(draft);
        }
        charges.extend(found.charges);
    }
    billed.lines.extend(charges);
    Ok(())
}

/// Opens every cycle that starts up to and on `through`, and lets scheduled changes take effect
/// on their day.
pub(crate) fn catch_up(
    subscription: &mut Subscription,
    through: Date,
) -> Result<Vec<Event>, Rejection> {
    let mut events = Vec::new();
    loop {
        if events.len() > MAX_LINES {
            let subscription = subscription.id;
            return Err(Rejection::TooManyCycles { subscription, limit: MAX_LINES });
        }
        let period = subscription.next_period()?;
        let next = period.start();
        let due = subscription.scheduled.iter().find(|due| due.at <= next && due.at <= through);
        if let Some(event) = due.map(|due| take_effect(subscription, due.at, &due.change)) {
            subscription.evolve(&event);
            events.push(event);
            continue;
        }
        let ended = subscription.ending.is_some_and(|ending| ending.on <= next);
        if ended || next > through {
            return Ok(events);
        }
        let denominator = u32::try_from(period.days()).map_err(|_| too_long())?;
        let event: Event = CycleOpened {
            subscription: subscription.id,
            cycle: subscription.next_cycle(),
            period,
            denominator,
        }
        .into();
        subscription.evolve(&event);
        events.push(event);
    }
}

fn too_long() -> Rejection {
    Rejection::Time(schemas::time::TimeError::OutOfRange { what: "the length of the cycle" })
}

fn take_effect(subscription: &Subscription, at: Date, change: &ScheduledChange) -> Event {
    let id = subscription.id;
    match change {
        ScheduledChange::Plan(terms) => PlanChanged {
            subscription: id,
            from: at,
            terms: terms.clone(),
            new_anchor: terms.every != subscription.every(),
        }
        .into(),
        ScheduledChange::Quantity(quantity) => {
            QuantityChanged { subscription: id, from: at, quantity: *quantity }.into()
        }
        ScheduledChange::Cancel => {
            SubscriptionCanceled { subscription: id, end: at, credit: CancelCredit::None }.into()
        }
    }
}

fn one_off(charge: &schemas::event::ChargeAdded) -> LineDraft {
    LineDraft {
        kind: LineKind::OneOff,
        description: charge.description.clone(),
        source: LineSource::Charge(charge.charge),
        plan: None,
        service: charge.service,
        quantity: charge.quantity,
        unit_price: charge.unit_price,
        ratio: Fraction::ONE,
        exact: charge.exact,
        rounding: Vec::new(),
        gross: charge.gross,
        discounts: Vec::new(),
        credits: None,
    }
}
