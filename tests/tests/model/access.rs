//! Where a subscription stands, and whether it gives access.
//!
//! # Shape
//!
//! Worked out from timelines and invoices when somebody asks: who is in a trial, has paid for the
//! present, is not billed for it yet, or may still pay for it, has access.

use schemas::view::SubscriptionState;

use crate::civil::{Instant, day_of_seller};
use crate::customer::{Customer, Invoice};
use crate::subscription::{Place, Subscription};

/// Open, after its due date.
fn is_late(invoice: &Invoice, now: Instant) -> bool {
    invoice.open() > 0 && invoice.due < day_of_seller(now)
}

/// The word for where it stands.
pub(crate) fn state(customer: &Customer, of: &Subscription, now: Instant) -> SubscriptionState {
    let mut invoices = customer.invoices.iter();
    match of.place(now) {
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

/// It gives access: it runs, and the present is not on an invoice that is late.
pub(crate) fn has_access(customer: &Customer, of: &Subscription, now: Instant) -> bool {
    match of.place(now) {
        Place::Pending | Place::Paused | Place::Canceled | Place::Expired => return false,
        Place::Trialing => return true,
        Place::Active => {}
    }
    let unpaid = |invoice: &Invoice| {
        !invoice.voided
            && is_late(invoice, now)
            && invoice.lines.iter().any(|line| {
                let covers = line.live.iter().any(|(from, to)| *from <= now && now < *to);
                covers && line.cycle().is_some_and(|cycle| cycle.subscription == of.id)
            })
    };
    !customer.invoices.iter().any(unpaid)
}
