//! Where a subscription stands, and whether it gives access.
//!
//! # Shape
//!
//! Worked out from timelines and invoices when somebody asks: who is in a trial, has paid for the
//! present, is not billed for it yet, or may still pay for it, has access. With it come the
//! features of the plan, by its first price, and of every price that is there.

use std::collections::BTreeMap;

use schemas::terms::{Grant, GrantScope};
use schemas::view::SubscriptionState;

use crate::activation::waits;
use crate::book::Book;
use crate::civil::{Instant, day_of_seller};
use crate::customer::{Customer, Invoice};
use crate::number::Exact;
use crate::subscription::{Place, Subscription};

/// Open, after its due date.
fn is_late(invoice: &Invoice, now: Instant) -> bool {
    invoice.open() > 0 && invoice.due < day_of_seller(now)
}

/// Where it is.
pub(crate) fn place(
    (book, customer): (&Book, &Customer),
    of: &Subscription,
    now: Instant,
) -> Place {
    of.place(now, waits(book, customer, of, now))
}

/// The word for where it stands.
pub(crate) fn state(
    (book, customer): (&Book, &Customer),
    of: &Subscription,
    now: Instant,
) -> SubscriptionState {
    let mut invoices = customer.invoices.iter();
    match place((book, customer), of, now) {
        Place::Pending => SubscriptionState::Pending,
        Place::Trialing => SubscriptionState::Trialing,
        Place::Active if invoices.any(|i| is_late(i, now) && i.has(customer, of.id)) => {
            SubscriptionState::PastDue
        }
        Place::Active => SubscriptionState::Active,
        Place::Paused => SubscriptionState::Paused,
        Place::Canceled => SubscriptionState::Canceled,
        Place::Expired => SubscriptionState::Expired,
    }
}

/// It gives access: it runs, and the present is not on an invoice that is late; where the present
/// is on none, nothing else of it is late.
pub(crate) fn has_access(
    (book, customer): (&Book, &Customer),
    of: &Subscription,
    now: Instant,
) -> bool {
    match place((book, customer), of, now) {
        Place::Pending | Place::Paused | Place::Canceled | Place::Expired => return false,
        Place::Trialing => return true,
        Place::Active => {}
    }
    let has_present = |invoice: &&Invoice| {
        !invoice.voided
            && invoice.lines.iter().any(|line| {
                let covers = line.live.iter().any(|(from, to)| *from <= now && now < *to);
                // What was taken away is no part of the present, also where its credit still waits.
                let lives = |item: usize| of.items.get(item).is_some_and(|item| item.lives_at(now));
                let cycle = line.cycle().filter(|cycle| cycle.subscription == of.id);
                // What costs nothing asks for nothing.
                covers && line.gross != 0 && cycle.is_some_and(|cycle| lives(cycle.item))
            })
    };
    let present: Vec<&Invoice> = customer.invoices.iter().filter(has_present).collect();
    // A bill that was given up is as good as paid.
    let given_up = of
        .items
        .iter()
        .filter(|item| item.lives_at(now))
        .any(|item| item.waived.iter().any(|(_, (from, to))| *from <= now && now < *to));
    if present.is_empty() && !given_up {
        let mut invoices = customer.invoices.iter();
        return !invoices.any(|invoice| is_late(invoice, now) && invoice.has(customer, of.id));
    }
    !present.iter().any(|invoice| is_late(invoice, now))
}

/// How much of each feature there is: so many, or no limit.
pub(crate) type Granted = BTreeMap<String, Option<Exact>>;

/// What a subscription grants; nothing without access.
pub(crate) fn granted(
    (book, customer): (&Book, &Customer),
    of: &Subscription,
    now: Instant,
) -> Granted {
    let mut all = Granted::new();
    if !has_access((book, customer), of, now) {
        return all;
    }
    let first = of.plan_items(now).first().copied();
    for (place, item) in of.items.iter().enumerate() {
        let Some(terms) = item.terms_at(now) else { continue };
        let units = Exact::decimal(item.quantity_at(now));
        let by_plan = if first == Some(place) { &terms.of_plan[..] } else { &[] };
        for grant in by_plan.iter().chain(&terms.grants) {
            let more = how_many(grant, units);
            let known = all.entry(grant.feature.to_string()).or_insert(Some(Exact::ZERO));
            *known = known.zip(more).map(|(known, more)| known.plus(more));
        }
    }
    all
}

fn how_many(grant: &Grant, units: Exact) -> Option<Exact> {
    let limit = grant.limit?;
    let amount = Exact::decimal(limit.amount);
    Some(match limit.per.unwrap_or(GrantScope::Subscription) {
        GrantScope::Subscription => amount,
        GrantScope::Unit => amount.times(units),
    })
}
