//! `subscriptions.get`, `subscriptions.list`, `customers.access`, `customers.parked`.

use ledger_core::{Claims, Ledger};
use schemas::event::CustomerParked;
use schemas::ids::{CustomerId, SubscriptionId};
use schemas::query::{CustomersAccess, CustomersParked, SubscriptionsGet, SubscriptionsList};
use schemas::view::{
    AccessReason, CustomerAccess, Page, ParkedCustomer, Subscription, SubscriptionAccess,
};
use schemas::wire::Reply;
use schemas::{Problem, Rejection, Timestamp};

use super::{Asked, cursor, needed, page_size};
use crate::copies::Excerpt;

pub(super) async fn get(asked: &Asked<'_>, question: SubscriptionsGet) -> Result<Reply, Problem> {
    let customer = needed(question.customer, "/customer")?;
    let subscription = needed(question.subscription, "/subscription")?;
    let excerpt = asked.copy(customer).await?;
    asked
        .reckon(excerpt, move |copy| {
            let at = question.at.unwrap_or(copy.now);
            copy.ledger.subscription_view(customer, subscription, at, copy.now)
        })
        .await
}

pub(super) async fn list(asked: &Asked<'_>, question: SubscriptionsList) -> Result<Reply, Problem> {
    let customer = needed(question.customer, "/customer")?;
    let limit = page_size(question.limit)?;
    let after: Option<SubscriptionId> = cursor(question.after.as_deref())?;
    let excerpt = asked.copy(customer).await?;
    let (position, time) = (asked.position(&excerpt), excerpt.recorded_at);
    let page = asked.reckoned(excerpt, move |copy| {
        let at = question.at.unwrap_or(copy.now);
        page_of(copy, customer, at, after, limit)
    });
    let (data, has_more) =
        page.await?.map_err(|rejection| Problem::rejection(&rejection, position.clone()))?;
    let next = data.last().filter(|_| has_more).map(|last| last.subscription.to_string());
    Ok(Reply::json(&Page { data, has_more, next, position, time }))
}

fn page_of(
    excerpt: &Excerpt,
    customer: CustomerId,
    at: Timestamp,
    after: Option<SubscriptionId>,
    limit: usize,
) -> Result<(Vec<Subscription>, bool), Rejection> {
    let all = excerpt.ledger.subscriptions_of(customer)?;
    let from =
        after.and_then(|after| all.iter().position(|id| *id == after)).map_or(0, |at| at + 1);
    let rest = &all[from..];
    let shown = rest.iter().take(limit);
    let shown = shown.map(|id| excerpt.ledger.subscription_view(customer, *id, at, excerpt.now));
    Ok((shown.collect::<Result<_, _>>()?, rest.len() > limit))
}

/// Who is parked. The list is as long as the trouble, so it is copied whole.
pub(super) async fn parked(asked: &Asked<'_>, question: CustomersParked) -> Result<Reply, Problem> {
    let limit = page_size(question.limit)?;
    let after: Option<CustomerId> = cursor(question.after.as_deref())?;
    let excerpt = asked.copy_with(None, Claims::default()).await?;
    let (position, time) = (asked.position(&excerpt), excerpt.recorded_at);
    let mut rest = excerpt.ledger.parked().filter(|(id, _)| after.is_none_or(|after| after < *id));
    let shown = rest.by_ref().take(limit);
    let document = |(customer, parked): (CustomerId, &CustomerParked)| {
        let CustomerParked { process, run, reason, detail } = parked.clone();
        ParkedCustomer { customer, process, run, reason, detail }
    };
    let data: Vec<_> = shown.map(document).collect();
    let has_more = rest.next().is_some();
    let next = data.last().filter(|_| has_more).map(|last| last.customer.to_string());
    Ok(Reply::json(&Page { data, has_more, next, position, time }))
}

pub(super) async fn access(asked: &Asked<'_>, question: CustomersAccess) -> Result<Reply, Problem> {
    let customer = needed(question.customer, "/customer")?;
    let excerpt = asked.copy(customer).await?;
    let at = question.at.unwrap_or(excerpt.now);
    // What the parent pays is on the parent's stream.
    let paid = match excerpt.ledger.parent_of(customer) {
        Some(payer) => {
            let copy = asked.copy(payer).await?;
            asked.reckoned(copy, move |copy| copy.ledger.access_of(payer, customer, at)).await?
        }
        None => Ok(Vec::new()),
    };
    asked
        .reckon(excerpt, move |copy| {
            let mut all = copy.ledger.access_of(customer, customer, at)?;
            all.extend(paid.clone()?);
            if let Some(wanted) = question.subscription {
                all.retain(|found| found.subscription == wanted);
                if all.is_empty() {
                    return Err(Rejection::UnknownSubscription { subscription: wanted });
                }
            }
            summed_up(customer, at, all)
        })
        .await
}

/// What several subscriptions say together.
fn summed_up(
    customer: CustomerId,
    at: Timestamp,
    subscriptions: Vec<SubscriptionAccess>,
) -> Result<CustomerAccess, Rejection> {
    let longest = subscriptions
        .iter()
        .filter(|found| found.access)
        .max_by_key(|found| found.until.unwrap_or(Timestamp::MAX));
    let reason = longest.or(subscriptions.last()).map_or(AccessReason::None, |found| found.reason);
    Ok(CustomerAccess {
        customer,
        at,
        access: longest.is_some(),
        until: longest.and_then(|found| found.until),
        reason,
        grants: Ledger::granted_together(&subscriptions)?,
        subscriptions,
    })
}
