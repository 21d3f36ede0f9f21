//! Which commands about a subscription are legal now: those that a decision would not refuse
//! because of where the subscription is.

use schemas::command::{
    ApplyDiscount, CancelSubscription, ChangePlan, ChangeQuantity, ChangeSubscription, EndTrial,
    InvoiceNow, PauseSubscription, ResumeSubscription, SetRenewal, UncancelSubscription,
    WithdrawChange,
};
use schemas::ids::{CommandId, DiscountId};
use schemas::terms::{
    CancelCredit, ChangeTime, DiscountDuration, DiscountTarget, DiscountValue, Renewal, Settle,
};
use schemas::{Command, Decimal, Rejection, Timestamp};
use uuid::Uuid;

use crate::context::Stamp;
use crate::ledger::{Customer, Ledger};
use crate::subscription::books::Books as _;
use crate::subscription::state::Subscription;

/// The names of the commands that are legal now.
pub(super) fn commands(
    ledger: &Ledger,
    customer: &Customer,
    subscription: &Subscription,
    now: Timestamp,
) -> Vec<String> {
    let command_id = CommandId::new(Uuid::nil());
    let stamp = Stamp { command_id, recorded_at: now, effective_at: now };
    let legal = |command: &Command| match ledger.decide(command, &stamp) {
        Ok(_) => true,
        Err(rejection) => !is_about_its_state(&rejection),
    };
    let tried = candidates(customer, subscription, now);
    let mut names: Vec<String> = tried
        .iter()
        .filter(|command| legal(command))
        .map(|command| command.kind().name.to_owned())
        .collect();
    if customer.owes(subscription.id) {
        names.push("payment.record".to_owned());
    }
    names
}

/// Each command with what suits the subscription as it is.
fn candidates(customer: &Customer, subscription: &Subscription, now: Timestamp) -> Vec<Command> {
    let (customer, id, when) = (customer.id(), subscription.id, ChangeTime::Now);
    let terms = subscription.plan_terms(now);
    let quantity = subscription.items.first().map_or(Decimal::ONE, |item| item.quantity_at(now));
    let (none, proration) = (CancelCredit::None, Some(Settle::Next));
    let change = subscription.scheduled.first().map_or(0, |change| change.change);
    let mut all: Vec<Command> = Vec::new();
    if let Some(terms) = terms {
        let (plan, version) = (terms.plan, Some(terms.version));
        let change = ChangePlan {
            customer,
            subscription: id,
            plan,
            version,
            map: None,
            keep_prices: None,
            keep_scheduled: None,
            when,
            proration,
        };
        all.push(change.into());
    }
    all.push(ChangeQuantity { customer, subscription: id, quantity, when, proration }.into());
    all.push(same_quantity(customer, id, quantity).into());
    all.push(WithdrawChange { customer, subscription: id, change }.into());
    all.push(
        PauseSubscription { customer, subscription: id, when, credit: None, resume_on: None }
            .into(),
    );
    all.push(ResumeSubscription { customer, subscription: id, when, proration }.into());
    all.push(SetRenewal { customer, subscription: id, renewal: Renewal::Renew }.into());
    let (credit, waive_fee) = (Some(none), Some(true));
    all.push(CancelSubscription { customer, subscription: id, when, credit, waive_fee }.into());
    all.push(EndTrial { customer, subscription: id, invoice: None }.into());
    all.push(UncancelSubscription { customer, subscription: id }.into());
    all.push(discount(customer, id).into());
    all.push(InvoiceNow { customer, through: None, ahead: None, invoice: None }.into());
    all
}

fn same_quantity(
    customer: schemas::ids::CustomerId,
    subscription: schemas::ids::SubscriptionId,
    quantity: Decimal,
) -> ChangeSubscription {
    ChangeSubscription {
        customer,
        subscription,
        plan: None,
        version: None,
        quantity: Some(quantity),
        items: None,
        anchor: None,
        map: None,
        keep_prices: None,
        keep_scheduled: None,
        when: ChangeTime::Now,
        proration: None,
    }
}

fn discount(
    customer: schemas::ids::CustomerId,
    subscription: schemas::ids::SubscriptionId,
) -> ApplyDiscount {
    ApplyDiscount {
        customer,
        discount: DiscountId::new(Uuid::nil()),
        on: DiscountTarget::Subscription(subscription),
        value: DiscountValue::Percent(Decimal::ONE),
        duration: DiscountDuration::Once,
    }
}

/// The rejection says where the subscription is, not what the command asks.
const fn is_about_its_state(rejection: &Rejection) -> bool {
    matches!(
        rejection,
        Rejection::SubscriptionCanceled { .. }
            | Rejection::CancellationScheduled { .. }
            | Rejection::NotCanceled { .. }
            | Rejection::BeyondEnd { .. }
            | Rejection::NotTrialing { .. }
            | Rejection::BeforeSubscriptionStart { .. }
            | Rejection::AlreadyPaused { .. }
            | Rejection::NotPaused { .. }
            | Rejection::NotActiveYet { .. }
            | Rejection::UnknownChange { .. }
            | Rejection::NoTerm { .. }
            | Rejection::NothingToInvoice { .. }
            | Rejection::CustomerParked { .. }
            | Rejection::TooManyCycles { .. }
    )
}
