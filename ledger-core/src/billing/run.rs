//! Billing one customer: bring its subscriptions up to date, then compare every cycle.

use schemas::event::{Event, LineRef, LineSource};
use schemas::fraction::Fraction;
use schemas::ids::{ChargeId, SubscriptionId};
use schemas::terms::LineKind;
use schemas::{Date, Minor, Rejection};

use super::credit::{Before, credit};
use super::draft::LineDraft;
use super::pieces::{self, Place};
use super::{discount, proration};
use crate::customer::state::Customer;
use crate::subscription::advance::Advance;
use crate::subscription::state::Subscription;

/// The most lines of one invoice, and the most cycles opened by one command.
pub(crate) const MAX_LINES: usize = 1_000;

/// What to bill.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scope {
    /// Every subscription, and all pending charges.
    All,
    /// What one subscription needs, its setup fees, and nothing else.
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
pub(crate) fn bill(
    customer: &Customer,
    advance: Advance<'_>,
    scope: Scope,
    through: Date,
) -> Result<Billed, Rejection> {
    let mut billed = Billed::default();
    let mut copies = Vec::new();
    for subscription in customer.subscriptions.values() {
        let wanted = match scope {
            Scope::All => true,
            Scope::Subscription(id) => id == subscription.id,
            Scope::Charge(_) => false,
        };
        if wanted {
            let mut copy = subscription.clone();
            let made = advance.through(&mut copy, through)?;
            billed.events.extend(made.into_iter().map(Event::from));
            bill_subscription(customer, &copy, through, &mut billed.lines)?;
            copies.push(copy);
        }
    }
    for charge in &customer.pending {
        let wanted = match scope {
            Scope::All => true,
            Scope::Subscription(id) => charge.subscription == Some(id),
            Scope::Charge(id) => id == charge.charge,
        };
        if wanted {
            billed.lines.push(one_off(customer, charge));
        }
    }
    discount::take_off(customer, &copies, &mut billed.lines)?;
    if billed.lines.len() > MAX_LINES {
        return Err(Rejection::TooMany { what: "lines on one invoice", limit: MAX_LINES });
    }
    Ok(billed)
}

fn bill_subscription(
    customer: &Customer,
    subscription: &Subscription,
    through: Date,
    lines: &mut Vec<LineDraft>,
) -> Result<(), Rejection> {
    let pauses = subscription.pause_spans();
    for item in &subscription.items {
        let place = Place { customer, subscription, item, pauses: &pauses };
        let mut charges = Vec::new();
        for cycle in &item.cycles {
            let found = pieces::compare(place, cycle, through)?;
            let mut last: Option<(LineRef, Before)> = None;
            for (at, piece) in found.credits {
                let Some(line) = customer.line(at) else { continue };
                let Some(pricing) = &line.priced else { continue };
                // Two pieces of one line in one invoice: the second starts where the first ended.
                let before = match last {
                    Some((same, before)) if same == at => before,
                    Some(_) | None => Before {
                        time: line.credited_time,
                        left: line.left(),
                        gross_left: Minor(line.gross.0 - line.credited_gross.0),
                    },
                };
                let draft = credit(place, at, line, pricing, piece, before)?;
                let time = before.time + proration::measure(piece, place.rules())?;
                let left = Minor(before.left.0 + draft.net().0);
                let gross_left = Minor(before.gross_left.0 + draft.gross.0);
                last = Some((at, Before { time, left, gross_left }));
                lines.push(draft);
            }
            charges.extend(found.charges);
        }
        lines.extend(charges);
    }
    Ok(())
}

fn one_off(customer: &Customer, charge: &schemas::event::ChargeAdded) -> LineDraft {
    let subscription = charge.subscription.and_then(|id| customer.subscriptions.get(&id));
    LineDraft {
        kind: LineKind::OneOff,
        description: charge.description.clone(),
        source: LineSource::Charge(charge.charge),
        plan: None,
        service: charge.service,
        quantity: charge.quantity,
        unit_price: charge.unit_price,
        tiers: Vec::new(),
        pricing: None,
        ratio: Fraction::ONE,
        exact: charge.exact,
        rounding: Vec::new(),
        gross: charge.gross,
        discounts: Vec::new(),
        credits: None,
        dimensions: subscription.map(|found| found.dimensions.clone()).unwrap_or_default(),
    }
}
