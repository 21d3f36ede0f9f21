//! Changes of plan, items and quantities: what was there at the same instant.

use schemas::Decimal;
use schemas::command::{ChangeSubscription, ItemRequest, PriceMapping};
use schemas::event::{
    CycleCut, ItemTerms, ScheduledChangeWithdrawn, SubscriptionChanged, TermsChange,
};
use schemas::ids::{CustomerId, SubscriptionId};
use schemas::terms::{ChangeTime, Settle};
use schemas::view::SubscriptionItem;

use super::agreed;
use super::step::{Done, Past, Stays, Step};

/// Takes a change back: withdraws it while it is scheduled, else changes back as of its instant.
pub(super) fn back(
    customer: CustomerId,
    subscription: SubscriptionId,
    proration: Option<Settle>,
    done: &Done<'_>,
    past: &Past<'_>,
) -> Result<Vec<Step>, Stays> {
    let gone = done.events.iter().filter_map(|event| event.get::<ScheduledChangeWithdrawn>());
    if gone.clone().any(|gone| gone.subscription == subscription) {
        return Err(Stays::because(
            "it took the place of what was scheduled; change the subscription back with \
             subscription.change, and schedule that anew",
        ));
    }
    let changed = done.events.iter().filter_map(|event| event.get::<SubscriptionChanged>());
    // One with a number was scheduled before and came about meanwhile.
    let mut own = changed.filter(|changed| changed.change.is_none());
    let Some(changed) = own.next() else {
        return Ok(agreed::unscheduled(customer, subscription, done));
    };
    if changed.items.is_empty() && changed.trial_end.is_none() {
        // It said again what was so.
        return Ok(Vec::new());
    }
    reversible(changed, done)?;
    let at = done.effective_at;
    let view = past.ledger.subscription_view(customer, subscription, changed.from, at)?;
    let living: Vec<(&SubscriptionItem, &ItemTerms)> =
        view.items.iter().filter_map(|item| Some((item, item.terms.as_ref()?))).collect();
    let was = |item: u16| living.iter().find(|(found, _)| found.item == item).copied();
    let plan = living.iter().find(|(item, _)| !item.add_on).map(|(_, terms)| *terms);
    // The terms of the plan come back with the plan alone, also where only a price was another.
    let retold = changed.items.iter().any(|change| match &change.terms {
        TermsChange::Set(terms) => was(change.item).is_some_and(|(_, before)| {
            (before.plan, before.version) != (terms.plan, terms.version)
                || (terms.own_rate && !before.own_rate)
        }),
        TermsChange::Keep | TermsChange::Remove => false,
    });
    let other = changed.prices.is_some() || retold;
    let mut items = Vec::new();
    if other {
        items.extend(living.iter().map(|(item, terms)| whole(item.quantity, terms)));
    } else {
        for change in &changed.items {
            match (was(change.item), &change.terms) {
                (None, TermsChange::Set(terms)) => items.push(removed(terms)),
                (None, TermsChange::Keep | TermsChange::Remove) => {}
                (Some((item, terms)), _) => items.push(whole(item.quantity, terms)),
            }
        }
    }
    let began = changed.items.iter().filter_map(|change| match &change.terms {
        TermsChange::Set(terms) if change.add_on && was(change.item).is_none() => Some(terms),
        TermsChange::Set(_) | TermsChange::Keep | TermsChange::Remove => None,
    });
    let map = other.then(|| mapped_back(changed));
    let command = ChangeSubscription {
        customer,
        subscription,
        plan: plan.filter(|_| other).map(|terms| terms.plan),
        version: plan.filter(|_| other).map(|terms| terms.version),
        quantity: None,
        items: Some(items),
        anchor: None,
        map: map.map(|map| with_ended(map, began)).filter(|map| !map.is_empty()),
        keep_prices: None,
        keep_scheduled: other.then_some(true),
        when: ChangeTime::Now,
        proration,
    };
    Ok(vec![Step::of(command).since(at)])
}

/// Nothing was cut or withdrawn that no command puts together again.
fn reversible(changed: &SubscriptionChanged, done: &Done<'_>) -> Result<(), Stays> {
    let cut = done.events.iter().any(|event| event.get::<CycleCut>().is_some());
    if cut {
        return Err(Stays::because(
            "it cut a cycle, and cycles that were laid anew are not looked behind; change the \
             subscription back from now on, with subscription.change",
        ));
    }
    if changed.trial_end.is_some() {
        return Err(Stays::because(
            "it moved the end of the trial; give a discount with discount.apply or credit with \
             credit.grant for the days",
        ));
    }
    if changed.anchor.is_some() {
        return Err(Stays::because(
            "it set another anchor before a cycle began; set that back with subscription.change",
        ));
    }
    if changed.ramp_withdrawn_from.is_some() {
        return Err(Stays::because(
            "it withdrew phases of a ramp; cancel the subscription with subscription.cancel, and \
             create another with them, with subscription.create",
        ));
    }
    if !changed.later.is_empty() {
        return Err(Stays::because(
            "it put other terms in the place of those that held later; change the subscription \
             back from now on, with subscription.change",
        ));
    }
    Ok(())
}

/// An item as it was, with a price of its own if it had one.
fn whole(quantity: Decimal, terms: &ItemTerms) -> ItemRequest {
    let rate = terms.own_rate.then(|| terms.rate.clone());
    ItemRequest { price: terms.price.clone(), quantity: Some(quantity), rate, remove: None }
}

fn removed(terms: &ItemTerms) -> ItemRequest {
    let (quantity, rate) = (None, None);
    ItemRequest { price: terms.price.clone(), quantity, rate, remove: Some(true) }
}

/// Which price takes the place of which on the way back.
fn mapped_back(changed: &SubscriptionChanged) -> Vec<PriceMapping> {
    let Some(prices) = &changed.prices else { return Vec::new() };
    let back = prices.mapped.iter().filter_map(|mapping| {
        let from = mapping.to.clone()?;
        Some(PriceMapping { from, to: Some(mapping.from.clone()) })
    });
    let started = prices.started.iter().cloned().map(|from| PriceMapping { from, to: None });
    back.chain(started).collect()
}

/// Add-ons that began with the change end with its undoing.
fn with_ended<'a>(
    mut map: Vec<PriceMapping>,
    began: impl Iterator<Item = &'a Box<ItemTerms>>,
) -> Vec<PriceMapping> {
    for terms in began {
        if map.iter().all(|mapping| mapping.from != terms.price) {
            map.push(PriceMapping { from: terms.price.clone(), to: None });
        }
    }
    map
}
