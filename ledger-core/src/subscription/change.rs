//! Decisions that change plan, items or anchor.

use schemas::command::{ChangePlan, ChangeQuantity, ChangeSubscription, ItemRequest};
use schemas::event::SubscriptionEvent;
use schemas::event::{
    ChangeScheduled, Event, ItemChange, PlanVersionDefined, ScheduledChange,
    ScheduledChangeWithdrawn, ScheduledFor, ScheduledItems, TermsChange,
};
use schemas::terms::{Anchor, ChangeTime, InvoiceTiming, Settle, TrialOnChange};
use schemas::{Decimal, Rejection, Timestamp};

use super::advance::kept;
use super::calendar;
use super::case::{Case, Decided};
use super::create::days_after;
use super::item::{Item, same_price};
use super::schedule::{changing, schedule, time_of, withdrawn};
use super::state::Subscription;
use super::terms::{Wanted, add_on, check_quantity, own_rate, resolve};

/// Moves a subscription to another plan or version, quantities as they are.
pub(super) fn plan(case: &Case<'_>, command: &ChangePlan) -> Result<Decided, Rejection> {
    let command = ChangeSubscription {
        customer: command.customer,
        subscription: command.subscription,
        plan: Some(command.plan),
        version: command.version,
        quantity: None,
        items: None,
        anchor: None,
        when: command.when,
        proration: command.proration,
    };
    change(case, &command)
}

/// Gives all items of the plan another quantity.
pub(super) fn quantity(case: &Case<'_>, command: &ChangeQuantity) -> Result<Decided, Rejection> {
    let command = ChangeSubscription {
        customer: command.customer,
        subscription: command.subscription,
        plan: None,
        version: None,
        quantity: Some(command.quantity),
        items: None,
        anchor: None,
        when: command.when,
        proration: command.proration,
    };
    change(case, &command)
}

/// Changes plan, items or anchor now, or schedules that.
pub(super) fn change(case: &Case<'_>, command: &ChangeSubscription) -> Result<Decided, Rejection> {
    check(command)?;
    let version = match command.plan {
        Some(plan) => Some(case.context.catalog.on_sale(plan, command.version)?),
        None => None,
    };
    let longer = version.is_some_and(|version| other_length(case, command, version));
    let whole = command.when == ChangeTime::Now && (command.anchor.is_some() || longer);
    let found = changing(case, command.subscription, whole)?;
    let (at, subscription, mut events) = (found.at, found.subscription, found.events);
    let subscription = subscription.as_ref();
    if subscription.activation_expires.is_some() {
        return Err(Rejection::NotActiveYet { subscription: subscription.id });
    }
    let settle = case.profile.rules.settle(command.proration);
    let items = Target { case, subscription, at }.changes(command, version)?;
    let changes = ScheduledItems { items, anchor: command.anchor, settle };
    let due = time_of(case, subscription, at, command.when)?;
    let to_plan = command.plan.is_some();
    events.extend(withdrawn(subscription, |known| replaces(&changes, to_plan, due, known)));
    if let Some(due) = due {
        events.push(schedule(subscription, 0, due, ScheduledChange::Items(changes))?);
        return Ok(events.into());
    }
    let changes = ScheduledItems { items: real(changes.items, subscription, at)?, ..changes };
    if changes.items.is_empty() && changes.anchor.is_none() {
        return Ok(events.into());
    }
    let trial = recounted(case, subscription, at, version)?;
    let made = case.advance().items(subscription, at, &changes, None, trial)?;
    let later = move_later_steps(case, subscription, &made, |known| {
        replaces(&changes, to_plan, None, known)
    })?;
    events.extend(made.into_iter().map(Event::from));
    events.extend(later);
    let invoice = match settle {
        Settle::Now => InvoiceTiming::Now,
        Settle::Next | Settle::None => InvoiceTiming::Next,
    };
    Ok(Decided::billed(events, subscription.id, invoice))
}

fn check(command: &ChangeSubscription) -> Result<(), Rejection> {
    let nothing = command.plan.is_none()
        && command.quantity.is_none()
        && command.anchor.is_none()
        && command.items.as_ref().is_none_or(Vec::is_empty);
    if nothing {
        return Err(Rejection::NothingToChange);
    }
    if let Some(quantity) = command.quantity {
        check_quantity(quantity)?;
    }
    if let Some(Anchor::Day(day)) = command.anchor
        && !(1..=31).contains(&day)
    {
        return Err(Rejection::InvalidAnchor { why: "the day of the month is out of range" });
    }
    Ok(())
}

/// Whether a plan has cycles of another length than the subscription has.
fn other_length(
    case: &Case<'_>,
    command: &ChangeSubscription,
    version: &PlanVersionDefined,
) -> bool {
    let Some(found) = case.agreements.subscription(command.subscription) else { return false };
    let lengths = version.prices.iter().map(|price| price.every.unwrap_or(version.every));
    found.items.iter().any(|item| lengths.clone().any(|every| every != item.calendar.every))
}

/// Whether a change takes the place of a scheduled one: a plan of any scheduled plan, and else
/// what is scheduled for the same time of the same item, or for the anchor at the same time.
fn replaces(
    changes: &ScheduledItems,
    to_plan: bool,
    due: Option<ScheduledFor>,
    known: &ChangeScheduled,
) -> bool {
    let ScheduledChange::Items(scheduled) = &known.what else { return false };
    let terms = |item: &ItemChange| item.terms != TermsChange::Keep;
    if to_plan && scheduled.items.iter().any(|theirs| terms(theirs) && !theirs.add_on) {
        return true;
    }
    let same_item = |ours: &ItemChange| {
        scheduled.items.iter().any(|theirs| {
            ours.item == theirs.item
                && ((terms(ours) && terms(theirs))
                    || (ours.quantity.is_some() && theirs.quantity.is_some()))
        })
    };
    due == Some(known.at)
        && (changes.items.iter().any(same_item)
            || (changes.anchor.is_some() && scheduled.anchor.is_some()))
}

/// The subscription that is changed, and when.
struct Target<'a> {
    case: &'a Case<'a>,
    subscription: &'a Subscription,
    at: Timestamp,
}

impl Target<'_> {
    fn changes(
        &self,
        command: &ChangeSubscription,
        version: Option<&PlanVersionDefined>,
    ) -> Result<Vec<ItemChange>, Rejection> {
        let requests = command.items.as_deref().unwrap_or_default();
        if let Some(version) = version {
            return self.to_plan(command.quantity, version, requests);
        }
        let mut changes = Vec::new();
        if let Some(quantity) = command.quantity {
            let items = self.living().filter(|item| !item.add_on);
            changes.extend(items.map(|item| ItemChange { quantity: Some(quantity), ..kept(item) }));
        }
        for (index, request) in requests.iter().enumerate() {
            if requests[..index].iter().any(|found| found.price == request.price) {
                return Err(Rejection::InvalidItems { why: "a price is named twice" });
            }
            let change = self.request(request, &changes)?;
            changes.retain(|found: &ItemChange| found.item != change.item);
            changes.push(change);
        }
        changes.sort_by_key(|change| change.item);
        Ok(changes)
    }

    fn living(&self) -> impl Iterator<Item = &Item> {
        let at = self.at;
        self.subscription.items.iter().filter(move |item| item.terms_at(at).is_some())
    }

    /// The items of another plan take the places of the items of this one, in their order.
    fn to_plan(
        &self,
        quantity: Option<Decimal>,
        version: &PlanVersionDefined,
        requests: &[ItemRequest],
    ) -> Result<Vec<ItemChange>, Rejection> {
        let base = quantity.unwrap_or(Decimal::ONE);
        let resolved = resolve(self.case.profile.currency, version, base, requests)?;
        let asked = |wanted: &Wanted| {
            let found = requests.iter().find(|found| found.price == wanted.terms.price);
            found.and_then(|found| found.quantity).or(quantity)
        };
        let mut old = self.living().filter(|item| !item.add_on);
        let mut changes = Vec::new();
        let mut others = 0;
        let mut begin = |wanted: Wanted, quantity: Decimal| {
            let change = begun(self.subscription.new_item(others)?, wanted, quantity);
            others += 1;
            Ok::<_, Rejection>(change)
        };
        let (add_ons, plan): (Vec<_>, Vec<_>) =
            resolved.items.into_iter().partition(|wanted| wanted.add_on);
        for wanted in plan {
            let asked = asked(&wanted);
            match old.next() {
                Some(item) => changes.push(ItemChange {
                    terms: TermsChange::Set(Box::new(wanted.terms)),
                    quantity: asked,
                    ..kept(item)
                }),
                None => changes.push(begin(wanted, asked.unwrap_or(Decimal::ONE))?),
            }
        }
        changes.extend(old.map(|item| ItemChange { terms: TermsChange::Remove, ..kept(item) }));
        for wanted in add_ons {
            let quantity = wanted.quantity;
            let same = |item: &&Item| {
                let terms = item.terms_at(self.at);
                item.add_on && terms.is_some_and(|terms| terms.price == wanted.terms.price)
            };
            match self.living().find(same) {
                Some(item) => changes.push(ItemChange {
                    terms: TermsChange::Set(Box::new(wanted.terms)),
                    quantity: Some(quantity),
                    ..kept(item)
                }),
                None => changes.push(begin(wanted, quantity)?),
            }
        }
        changes.sort_by_key(|change| change.item);
        Ok(changes)
    }

    fn is_new(&self, change: &ItemChange) -> bool {
        self.subscription.item(change.item).is_none()
    }

    /// What a request changes of one item, or the add-on that it begins after others.
    fn request(
        &self,
        request: &ItemRequest,
        others: &[ItemChange],
    ) -> Result<ItemChange, Rejection> {
        if let Some(quantity) = request.quantity {
            check_quantity(quantity)?;
        }
        let named =
            |item: &&Item| item.terms_at(self.at).is_some_and(|terms| terms.price == request.price);
        let Some(item) = self.living().find(named) else { return self.added(request, others) };
        if request.remove == Some(true) {
            if !item.add_on {
                return Err(Rejection::InvalidItems { why: "a price of the plan is removed" });
            }
            return Ok(ItemChange { terms: TermsChange::Remove, ..kept(item) });
        }
        let mut change = ItemChange { quantity: request.quantity, ..kept(item) };
        if let (Some(terms), Some(_)) = (item.terms_at(self.at), &request.rate) {
            let mut terms = terms.clone();
            own_rate(&mut terms, Some(request))?;
            change.terms = TermsChange::Set(Box::new(terms));
        }
        Ok(change)
    }

    fn added(&self, request: &ItemRequest, others: &[ItemChange]) -> Result<ItemChange, Rejection> {
        let terms = self.subscription.plan_terms(self.at);
        let plan = terms.map(|terms| (terms.plan, terms.version));
        let version =
            plan.and_then(|(plan, version)| self.case.context.catalog.version(plan, version));
        let wanted = match version {
            Some(version) => add_on(self.case.profile.currency, version, request)?,
            None => None,
        };
        let (Some(wanted), None | Some(false)) = (wanted, request.remove) else {
            return Err(Rejection::InvalidItems { why: "an item is named that is not there" });
        };
        let quantity = wanted.quantity;
        let others = others.iter().filter(|found| self.is_new(found)).count();
        let number = self.subscription.new_item(others)?;
        Ok(begun(number, wanted, quantity))
    }
}

fn begun(item: u16, wanted: Wanted, quantity: Decimal) -> ItemChange {
    ItemChange {
        item,
        add_on: wanted.add_on,
        terms: TermsChange::Set(Box::new(wanted.terms)),
        quantity: Some(quantity),
        calendar: None,
    }
}

/// The changes that change something.
fn real(
    items: Vec<ItemChange>,
    subscription: &Subscription,
    at: Timestamp,
) -> Result<Vec<ItemChange>, Rejection> {
    let mut changes: Vec<ItemChange> = items
        .into_iter()
        .map(|change| {
            let Some(item) = subscription.item(change.item) else { return change };
            let quantity = change.quantity.filter(|wanted| *wanted != item.quantity_at(at));
            let terms = match (change.terms, item.terms_at(at)) {
                (TermsChange::Set(terms), Some(now)) if same_price(&terms, now) => {
                    TermsChange::Keep
                }
                (terms, _) => terms,
            };
            ItemChange { terms, quantity, ..change }
        })
        .filter(|change| change.terms != TermsChange::Keep || change.quantity.is_some())
        .collect();
    subscription.number_new(&mut changes, |found| subscription.item(found.item).is_none())?;
    Ok(changes)
}

/// The end of a trial that runs, where a change of plan counts it anew.
fn recounted(
    case: &Case<'_>,
    subscription: &Subscription,
    at: Timestamp,
    version: Option<&PlanVersionDefined>,
) -> Result<Option<Timestamp>, Rejection> {
    let runs = subscription.trial_end.is_some_and(|end| at < end);
    match (case.profile.rules.policies.trial_on_change, version) {
        (TrialOnChange::CountFromStart, Some(version)) if runs => {
            let days = version.trial_days;
            let end = if days == 0 {
                at
            } else {
                days_after(subscription.start, days, &case.profile.rules)?
            };
            Ok(Some(end.max(at)))
        }
        (TrialOnChange::CountFromStart | TrialOnChange::Keep, _) => Ok(None),
    }
}

/// What is scheduled for the end of a cycle that is cut waits for the end of the new one.
fn move_later_steps(
    case: &Case<'_>,
    subscription: &Subscription,
    made: &[SubscriptionEvent],
    is_replaced: impl Fn(&ChangeScheduled) -> bool,
) -> Result<Vec<Event>, Rejection> {
    let changed = made.iter().find_map(|event| {
        if let SubscriptionEvent::SubscriptionChanged(changed) = event {
            Some(changed)
        } else {
            None
        }
    });
    let with_calendar = changed.and_then(|changed| {
        changed.items.iter().find_map(|item| Some((item.item, item.calendar?)))
    });
    let Some((number, calendar)) = with_calendar else { return Ok(Vec::new()) };
    let Some(old_end) = subscription.item(number).and_then(|item| item.cycles.last()) else {
        return Ok(Vec::new());
    };
    let (first, _) = calendar::period(&calendar, 0, &case.profile.rules)?;
    let mut events = Vec::new();
    let waiting = subscription
        .scheduled
        .iter()
        .filter(|due| due.at == ScheduledFor::At(old_end.end) && !is_replaced(due));
    for (before, due) in waiting.enumerate() {
        let id = subscription.id;
        events.push(ScheduledChangeWithdrawn { subscription: id, change: due.change }.into());
        let at = ScheduledFor::At(first.end());
        events.push(schedule(subscription, before, at, due.what.clone())?);
    }
    Ok(events)
}
