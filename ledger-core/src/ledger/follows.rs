//! What follows from a decision in the same commit: subscriptions ask for their first payment and
//! begin with it, changes that wait for a payment take effect.

use schemas::command::InvoiceRequest;
use schemas::event::{
    Event, InvoiceFinalized, PaymentAwaited, ScheduledFor, SubscriptionActivated, SubscriptionEvent,
};
use schemas::ids::SubscriptionId;
use schemas::terms::{ActivationStart, Settle};
use schemas::{Rejection, Timestamp};

use super::bill::{bill, present, sweep};
use super::customer::Customer;
use super::draft::{Draft, UpTo};
use super::early_end::{charge_early_ends, take_fees_back};
use crate::billing::invoice::Wanted;
use crate::billing::lines::Scope;
use crate::billing::moving;
use crate::billing::waiting::bills_again;
use crate::context::Context;
use crate::shared::Shared;
use crate::spans::just_before;
use crate::subscription::advance::Advance;
use crate::subscription::books::Books as _;
use crate::subscription::ending::never_begins;
use crate::subscription::state::Subscription;

const HOUR_MICROS: i64 = 3_600_000_000;

/// Whether something of the customer waits for a payment.
pub(super) fn waits(customer: &Customer) -> bool {
    customer.agreements.asking().any(|subscription| {
        let wants = subscription.activation.is_some() && subscription.ending.is_none();
        wants || subscription.scheduled.iter().any(|due| due.at == ScheduledFor::Paid)
    })
}

/// Lets follow what a decision brought about.
///
/// # Errors
/// What advancing and billing refuse.
pub(super) fn follow(context: &Context<'_>, draft: &mut Draft) -> Result<(), Rejection> {
    take_fees_back(draft);
    loop {
        // Also of an end that had come, and that a payment was the first to find.
        charge_early_ends(draft);
        // What follows from a payment may be billed, and then paid from credit in turn; each time
        // less waits for a payment.
        sweep(context, draft)?;
        let before = draft.events.len();
        ask(context, draft)?;
        begin_paid(context, draft)?;
        change_paid(context, draft)?;
        if draft.events.len() == before {
            return Ok(());
        }
    }
}

/// Subscriptions that want a first payment wait for it from their first invoice above zero on; if
/// that was voided, nothing asks for a payment any more.
fn ask(context: &Context<'_>, draft: &mut Draft) -> Result<(), Rejection> {
    let now = context.stamp.recorded_at;
    let rules = &draft.customer.profile.rules;
    let mut events: Vec<PaymentAwaited> = Vec::new();
    for subscription in draft.customer.agreements.asking() {
        let Some(activation) = subscription.activation else { continue };
        if subscription.ending.is_some() {
            continue;
        }
        let id = subscription.id();
        if let Some((invoice, expires)) = activation.asked {
            // Who ended while it waited never began, whatever becomes of the invoice after that.
            let ended = subscription.ends_by(now, rules);
            if !ended && draft.customer.invoice(invoice).is_some_and(|invoice| invoice.voided) {
                events.push(PaymentAwaited { subscription: id, invoice: None, expires });
            }
            continue;
        }
        let asks = |event: &Event| {
            let invoice = event.get::<InvoiceFinalized>()?;
            let found = draft.customer.invoice(invoice.invoice)?;
            let asks = invoice.totals.total.is_positive()
                && !found.voided
                && draft.customer.asks(invoice.invoice, id);
            asks.then_some(invoice.invoice)
        };
        if let Some(invoice) = draft.events.iter().find_map(asks) {
            let hours = i64::from(activation.agreed.expires_after_hours);
            let expires = Timestamp::from_micros(now.micros() + hours * HOUR_MICROS);
            let expires = expires.ok_or(OUT_OF_RANGE)?;
            events.push(PaymentAwaited { subscription: id, invoice: Some(invoice), expires });
        }
    }
    draft.extend(events.into_iter().map(SubscriptionEvent::from));
    Ok(())
}

const OUT_OF_RANGE: schemas::time::TimeError =
    schemas::time::TimeError::OutOfRange { what: "the end of a wait" };

/// What is paid begins: with its first cycle, or by the policy with the payment.
fn begin_paid(context: &Context<'_>, draft: &mut Draft) -> Result<(), Rejection> {
    let customer = &draft.customer;
    // Who has ended meanwhile does not begin, whether a run has told or not.
    let (now, effective) = (context.stamp.recorded_at, context.stamp.effective_at);
    let rules = &customer.profile.rules;
    let lives = |of: &Subscription| of.ending.is_none() && !of.ends_by(now, rules);
    let paid = customer.agreements.asking().filter_map(|subscription| {
        let activation = subscription.activation.filter(|_| lives(subscription))?;
        let (invoice, expires) = activation.asked?;
        let invoice = customer.invoice(invoice).filter(|invoice| !invoice.voided)?;
        let hours = i64::from(activation.agreed.expires_after_hours);
        let asked = Timestamp::from_micros(expires.micros() - hours * HOUR_MICROS)?;
        (invoice.open() <= activation.agreed.tolerance).then_some((
            subscription.id(),
            invoice.id,
            asked,
        ))
    });
    for (id, invoice, asked) in paid.collect::<Vec<_>>() {
        let account = draft.customer.account();
        let moved = match account.profile.rules.policies.activation_start {
            ActivationStart::FirstCycle => None,
            ActivationStart::WithPayment => {
                moving::with_payment(context, account, id, (invoice, effective.max(asked)))?
            }
        };
        let moved = moved.map(Box::new);
        draft.push(SubscriptionActivated { subscription: id, at: now, moved }.into());
    }
    Ok(())
}

/// Changes that waited for a payment take effect, when nothing is open any more that has a line of
/// the subscription; what they bill at once is billed.
fn change_paid(context: &Context<'_>, draft: &mut Draft) -> Result<(), Rejection> {
    let now = context.stamp.recorded_at;
    let is_due = |subscription: &&Subscription| {
        let waits = |due: &schemas::event::ChangeScheduled| due.at == ScheduledFor::Paid;
        // What was voided to be billed again is owed, though nothing asks for it now.
        subscription.scheduled.iter().any(waits)
            && !draft.customer.owes(subscription.id())
            && !bills_again(draft.customer.account(), subscription, now)
    };
    let paid = draft.customer.agreements.asking().find(is_due).map(Subscription::id);
    let Some(id) = paid else { return Ok(()) };
    let profile = Shared::clone(&draft.customer.profile);
    let rules = &profile.rules;
    // Cycles up to the change exist before it: a new anchor leaves no time between.
    let horizon = present(context, &draft.customer)?;
    draft.advance(context, id, horizon, UpTo::Present)?;
    let Some(subscription) = draft.customer.subscription_of(id) else { return Ok(()) };
    let waiting = subscription.scheduled.iter().find(|due| due.at == ScheduledFor::Paid);
    let Some(due) = waiting else { return Ok(()) };
    let at = match due.what {
        // What has not begun ends where it would have.
        schemas::event::ScheduledChange::Cancel(_) => rules.ending(now)?.max(subscription.start),
        schemas::event::ScheduledChange::Items(_)
        | schemas::event::ScheduledChange::Pause(_)
        | schemas::event::ScheduledChange::Resume(_) => rules.moment(now)?,
    };
    let events = {
        let advance = Advance {
            rules,
            catalog: context.catalog,
            currency: profile.currency,
            invoiced: &draft.customer.billing,
            looks_ahead: false,
        };
        advance.scheduled(subscription, at, due)
    };
    let events = told_now(events, rules.moment(now)?);
    let scope = events.iter().find_map(|event| billed_with(event, id));
    // What was voided without being paid has not begun, though nothing is open any more.
    let ends = matches!(due.what, schemas::event::ScheduledChange::Cancel(_));
    let waits = ends && draft.customer.waits(context.catalog, subscription, just_before(at));
    draft.extend(events);
    let ended = draft.customer.subscription_of(id).filter(|_| waits);
    if let Some((of, ending)) = ended.and_then(|of| Some((of, of.ending?))) {
        draft.push(never_begins(of, ending.reason).into());
    }
    if let Some(scope) = scope {
        let request = InvoiceRequest::default();
        bill(context, draft, scope, horizon, Wanted { request: &request, run: None })?;
    }
    Ok(())
}

/// An end that a payment lets come is told with it: what has begun by then had begun.
fn told_now(mut events: Vec<SubscriptionEvent>, now: Timestamp) -> Vec<SubscriptionEvent> {
    for event in &mut events {
        if let SubscriptionEvent::SubscriptionCanceled(canceled) = event {
            canceled.begun = canceled.begun.max(now);
        }
    }
    events
}

/// What of a subscription is billed with something that a payment let happen.
fn billed_with(event: &SubscriptionEvent, id: SubscriptionId) -> Option<Scope> {
    let settle = if let SubscriptionEvent::SubscriptionChanged(changed) = event {
        // A change that changes nothing bills nothing.
        if changed.items.is_empty() && changed.trial_end.is_none() {
            return None;
        }
        changed.settle
    } else if let SubscriptionEvent::SubscriptionPaused(paused) = event {
        paused.settle
    } else if let SubscriptionEvent::SubscriptionResumed(resumed) = event {
        resumed.settle
    } else if let SubscriptionEvent::SubscriptionCanceled(canceled) = event {
        return Some(match canceled.credit {
            schemas::terms::CancelCredit::None => Scope::WontBegin(id),
            schemas::terms::CancelCredit::Prorated | schemas::terms::CancelCredit::Full => {
                Scope::Subscription(id)
            }
        });
    } else {
        return None;
    };
    (settle == Settle::Now).then_some(Scope::Subscription(id))
}
