//! Whether a subscription gives access at an instant, until when, and why, and what it grants.
//!
//! *Paid through.* Access follows what is billed and paid of the time that it is asked about.
//! Time that is billed in advance and paid for gives access to its end. Time on an open invoice
//! gives access until the last day to pay is over; what is added to it and not billed yet changes
//! nothing. Time of which no invoice asks for anything, because nothing is billed yet or it costs
//! nothing, gives access, unless something else of the subscription is overdue.

use schemas::view::{AccessReason, SubscriptionAccess, SubscriptionState};
use schemas::{Rejection, Timestamp};

use super::grants;
use super::subscription::Shown;
use crate::settlement::state::Invoice;
use crate::subscription::item::Item;

/// What is known of the time that is asked about.
enum Standing {
    PaidUntil(Timestamp),
    PayableUntil(Timestamp),
    Unpaid,
    NotBilled,
}

pub(super) fn access(shown: &Shown<'_>) -> Result<SubscriptionAccess, Rejection> {
    let state = shown.state();
    let known_end = shown.known_end();
    let pause = shown.as_is.next_pause(shown.at);
    let known_end = match (known_end, pause) {
        (Some(end), Some(pause)) => Some(end.min(pause)),
        (end, pause) => end.or(pause),
    };
    let ended = |until: Option<Timestamp>| match (until, known_end) {
        (Some(until), Some(end)) => Some(until.min(end)),
        (until, end) => until.or(end),
    };
    let (access, until, reason) = match state {
        SubscriptionState::Pending => (false, None, AccessReason::Pending),
        SubscriptionState::Trialing => (true, ended(shown.then.trial_end), AccessReason::Trial),
        SubscriptionState::Paused => (false, None, AccessReason::Paused),
        SubscriptionState::Suspended => (false, None, AccessReason::Unpaid),
        SubscriptionState::Canceled | SubscriptionState::Expired => {
            (false, None, AccessReason::Ended)
        }
        SubscriptionState::Active | SubscriptionState::PastDue => match standing(shown)? {
            Standing::PaidUntil(end) => (true, ended(Some(end)), AccessReason::Paid),
            Standing::PayableUntil(end) => {
                (true, ended(Some(end)), AccessReason::WithinPaymentTerms)
            }
            Standing::Unpaid => (false, None, AccessReason::Unpaid),
            Standing::NotBilled => (true, ended(None), AccessReason::NotBilled),
        },
    };
    Ok(SubscriptionAccess {
        subscription: shown.as_is.id,
        payer: shown.customer.id(),
        state,
        access,
        until,
        reason,
        paid_through: paid_through(shown),
        grants: if access { grants::of_subscription(shown)? } else { Vec::new() },
    })
}

fn standing(shown: &Shown<'_>) -> Result<Standing, Rejection> {
    let mut payable: Option<Timestamp> = None;
    let mut paid: Option<Timestamp> = None;
    for item in shown.living() {
        if let Some(invoice) = shown.unpaid_for(item) {
            if shown.is_overdue(invoice) {
                return Ok(Standing::Unpaid);
            }
            let end = shown.payment_ends(invoice)?;
            payable = Some(payable.map_or(end, |before| before.min(end)));
        } else if let Some(end) = paid_until(shown, item) {
            paid = Some(paid.map_or(end, |before| before.min(end)));
        }
    }
    let overdue = shown.open().any(|invoice| shown.is_overdue(invoice));
    Ok(match (payable, paid) {
        (Some(end), _) => Standing::PayableUntil(end),
        (None, Some(end)) => Standing::PaidUntil(end),
        (None, None) if overdue => Standing::Unpaid,
        (None, None) => Standing::NotBilled,
    })
}

fn settled(invoice: &Invoice) -> bool {
    !invoice.open().is_positive()
}

/// The end of the paid time that the instant lies in.
fn paid_until(shown: &Shown<'_>, item: &Item) -> Option<Timestamp> {
    shown.billed_until(item, |invoice, line| settled(invoice) && !line.gross.is_zero())
}

/// The end of the last paid time that begins at or before the instant, over all living items.
fn paid_through(shown: &Shown<'_>) -> Option<Timestamp> {
    let last = |item: &Item| shown.billed_last(item, |invoice, _| settled(invoice));
    let through = shown.living().map(last).min().flatten();
    through.filter(|end| *end < Timestamp::MAX)
}
