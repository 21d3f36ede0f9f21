//! Changes of plan, quantity, price, add-ons and anchor, in one step.
//!
//! # Shape
//!
//! [`apply`] writes steps into the timelines of items at an instant. It prices nothing: what the
//! change costs follows when somebody bills. `proration: none` leaves a mark on the time that is
//! invoiced, which any later change takes off again.

use std::collections::BTreeMap;

use schemas::Decimal;
use schemas::command::{ChangeSubscription, ItemRequest};
use schemas::terms::{Anchor, Every, FirstBoundary, Recurrence, Settle};

use crate::book::{Version, recurrence};
use crate::calendar::Calendar;
use crate::civil::Instant;
use crate::customer::Refused;
use crate::item::{Item, Terms};
use crate::left_alone::{is_billed_too, mark};
use crate::mapping::put_plan;
use crate::passing::{View, settle};
use crate::subscription::{Named, Subscription};
use crate::voices::{Voice, goes_with_the_plan, holds_on, nothing_more};

/// What a change wrote into.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    pub(crate) items: Vec<usize>,
    /// Cycles of these begin anew.
    pub(crate) restarted: Vec<usize>,
    /// What was said of which, be it so already or not.
    pub(crate) told: BTreeMap<usize, Told>,
}

/// What a change says of an item.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Told {
    pub(crate) terms: bool,
    pub(crate) quantity: bool,
}

/// When a change was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    Now,
    /// The scheduled change of this number.
    Before(u32),
}

/// Changes a subscription from an instant on; a refusal leaves it as it was.
pub(crate) fn apply(
    view: &View<'_>,
    of: &mut Subscription,
    change: &ChangeSubscription,
    (at, asked): (Instant, Asked),
) -> Result<Touched, Refused> {
    if at < of.start {
        return Err("before the subscription starts");
    }
    if of.known_end().is_some_and(|(end, _)| end <= at) {
        return Err("beyond the end");
    }
    if of.laid_anew().is_some_and(|from| at < from) {
        return Err("before cycles were laid anew");
    }
    let mut next = of.clone();
    let mut touched = Touched::default();
    let meant = match asked {
        Asked::Now => None,
        Asked::Before(number) => Some(of.meant.get(&number).cloned().unwrap_or_default()),
    };
    if let Some(plan) = change.plan {
        let version = match (change.version, asked) {
            // What was agreed takes effect, also where the plan was retired meanwhile.
            (Some(version), Asked::Before(_)) => view.book.version(plan, version)?,
            (version, Asked::Before(_) | Asked::Now) => {
                view.book.on_sale(plan, version, view.customer.currency)?
            }
        };
        put_plan(view, &mut next, (version, change), (at, meant.as_deref()), &mut touched)?;
        for place in (0..of.items.len()).filter(|place| of.items[*place].lives_at(at)) {
            touched.told.entry(place).or_default().terms = true;
        }
    }
    if let Some(quantity) = change.quantity {
        if quantity.is_negative() {
            return Err("a negative quantity");
        }
        for place in next.plan_items(at) {
            // What a migration has begun since is not meant.
            if crate::mapping::came_since(&next, place, meant.as_deref()) {
                continue;
            }
            put_quantity(&mut next.items[place], at, quantity);
            touched.items.push(place);
            touched.told.entry(place).or_default().quantity = true;
        }
    }
    for request in change.items.iter().flatten() {
        let to_plan = change.plan.is_some();
        let place = item_request(view, &mut next, (request, to_plan, meant.as_deref()), at)?;
        touched.items.push(place);
        let told = touched.told.entry(place).or_default();
        told.quantity |= request.quantity.is_some();
        told.terms |= request.rate.is_some() || request.remove == Some(true);
    }
    if let Some(anchor) = change.anchor {
        put_anchor(view, &mut next, anchor, at, &mut touched)?;
    }
    touched.items.sort_unstable();
    touched.items.dedup();
    let number = match asked {
        Asked::Now => None,
        Asked::Before(number) => Some(number),
    };
    let how = settle(view.rules, change.proration);
    let stays = of.stays.get(&number.unwrap_or(0)).is_some_and(|stays| !stays.is_empty());
    if !differs(of, &next, at) && change.anchor.is_some() {
        // Cycles that are laid anew later begin on its days.
        of.anchor = change.anchor;
    }
    if !differs(of, &next, at) && stays && number.is_some() {
        say_again(of, change, at);
        let mut next = of.clone();
        mark(view, of, &mut next, &Touched::default(), (how, number), at);
        *of = next;
        return Ok(Touched::default());
    }
    if !differs(of, &next, at) {
        // What changes nothing is no change; but it was told, and holds until something else is.
        say_again(of, change, at);
        if let (Some(number), true) = (number, how != Settle::None) {
            for (place, told) in touched.told {
                is_billed_too(view, &mut of.items[place], (number, told), at);
            }
        }
        return Ok(Touched::default());
    }
    touched.items.retain(|place| {
        of.items.get(*place).is_none_or(|old| is_other(old, &next.items[*place], at))
    });
    if !touched.restarted.is_empty() {
        let trialing = |of: &Subscription| {
            of.trial_end.is_some_and(|end| at < end && of.origin(view.rules) == end)
        };
        // Where a trial is over before its time, what was told for its end stays on that day.
        if !trialing(of) || trialing(&next) {
            let old = of.told_end(view.rules, view.clock, at);
            next.cycles_moved(view.rules, view.clock, (old, at));
        }
    }
    mark(view, of, &mut next, &touched, (how, number), at);
    *of = next;
    Ok(touched)
}

/// Whether a change changes anything.
fn differs(before: &Subscription, after: &Subscription, at: Instant) -> bool {
    let mut items = before.items.iter().zip(&after.items);
    before.items.len() != after.items.len()
        || before.trial_end != after.trial_end
        || items.any(|(old, new)| is_other(old, new, at))
}

fn is_other(old: &Item, new: &Item, at: Instant) -> bool {
    old.terms_at(at) != new.terms_at(at)
        || old.quantity_at(at) != new.quantity_at(at)
        || old.calendars != new.calendars
}

/// What was told is so already.
fn say_again(of: &mut Subscription, change: &ChangeSubscription, at: Instant) {
    if change.plan.is_some() {
        for item in of.items.iter_mut().filter(|item| item.lives_at(at)) {
            let terms = item.terms_at(at).cloned();
            item.say(at, terms, Voice::Plan);
        }
    }
    if let Some(quantity) = change.quantity {
        for place in of.plan_items(at) {
            of.items[place].ask_for(at, quantity);
        }
    }
    for request in change.items.iter().flatten() {
        let Some(place) = of.item_of(&request.price, at) else { continue };
        let item = &mut of.items[place];
        if let Some(quantity) = request.quantity {
            item.ask_for(at, quantity);
        }
        if request.rate.is_some() && change.plan.is_none() {
            let terms = item.terms_at(at).cloned();
            item.say(at, terms, Voice::Command);
        }
    }
}

/// A quantity from an instant on, also where it is the same.
fn put_quantity(item: &mut Item, at: Instant, quantity: Decimal) {
    item.ask_for(at, quantity);
}

/// One price gets another quantity or rate; an add-on begins or ends.
fn item_request(
    view: &View<'_>,
    of: &mut Subscription,
    (request, to_plan, meant): (&ItemRequest, bool, Option<&[Named]>),
    at: Instant,
) -> Result<usize, Refused> {
    if request.quantity.is_some_and(Decimal::is_negative) {
        return Err("a negative quantity");
    }
    // What was scheduled means the item that had the price, whatever it has become.
    let told = meant.filter(|_| !to_plan).unwrap_or_default();
    let known = told.iter().find(|named| named.name == request.price).map(|named| named.place);
    if known.is_some_and(|place| !of.items[place].lives_at(at)) {
        return Err("what was meant has ended");
    }
    let called_so = |place: &usize| {
        let terms = of.items[*place].terms_at(at);
        terms.is_some_and(|terms| terms.price == request.price)
            && told.iter().all(|named| named.place != *place)
    };
    let place = known.or_else(|| (0..of.items.len()).find(called_so));
    let Some(place) = place else {
        if request.remove == Some(true) {
            return Err("what is not there cannot be removed");
        }
        let version = version_at(view, of, at)?;
        let price = version.price(&request.price).ok_or("unknown price")?;
        if recurrence(price) != Recurrence::AddOn {
            return Err("no add-on");
        }
        let mut terms = version.terms(price, view.customer.currency).ok_or("no such currency")?;
        own_rate(&mut terms, request);
        let base = base_calendar(of, at);
        let calendar = calendar_beside(view, &base, at, terms.every);
        let quantity = request.quantity.unwrap_or(Decimal::ONE);
        let place = start_item(of, terms, quantity, calendar, at);
        of.items[place].add_on = true;
        of.items[place].voices.insert(at, Voice::Command);
        goes_with_the_plan(view, of, place, at)?;
        return Ok(place);
    };
    let item = &mut of.items[place];
    if request.remove == Some(true) {
        if !item.add_on {
            return Err("only add-ons can be removed");
        }
        item.say(at, None, Voice::Command);
        nothing_more(item, at);
        return Ok(place);
    }
    if let Some(quantity) = request.quantity {
        put_quantity(item, at, quantity);
    }
    if request.rate.is_some() {
        let mut terms = item.terms_at(at).cloned().expect("it is there");
        own_rate(&mut terms, request);
        // With another plan it was said with that.
        let voice = match item.voices.get(&at) {
            Some(Voice::Plan) if to_plan => Voice::Plan,
            Some(_) | None => Voice::Command,
        };
        item.say(at, Some(terms), voice);
        holds_on(item, at);
    }
    Ok(place)
}

pub(crate) fn own_rate(terms: &mut Terms, request: &ItemRequest) {
    if let Some(rate) = &request.rate {
        (terms.rate, terms.own) = (rate.clone(), true);
    }
}

/// The plan version that a subscription has.
pub(crate) fn version_at<'a>(
    view: &View<'a>,
    of: &Subscription,
    at: Instant,
) -> Result<&'a Version, Refused> {
    let first = of.plan_items(at).first().copied().ok_or("it has no plan any more")?;
    let terms = of.items[first].terms_at(at).expect("it lives");
    view.book.version(terms.plan, terms.version)
}

/// The calendar that others of the subscription follow.
pub(crate) fn base_calendar(of: &Subscription, at: Instant) -> Calendar {
    let first = of.plan_items(at).first().copied().unwrap_or(0);
    of.items[first].last_calendar().clone()
}

/// The cycles of an item that begins beside others: on their boundaries.
pub(crate) fn calendar_beside(
    view: &View<'_>,
    base: &Calendar,
    at: Instant,
    every: Every,
) -> Calendar {
    let from = at.max(base.from);
    if every == base.every {
        return base.joined_at(view.clock, from);
    }
    base.beside(view.clock, from, every)
}

/// An item begins; gives its place.
pub(crate) fn start_item(
    of: &mut Subscription,
    terms: Terms,
    quantity: Decimal,
    calendar: Calendar,
    at: Instant,
) -> usize {
    let mut item = Item::new(at, terms, quantity, calendar);
    if let Some(first) = of.items.first() {
        // A phase's discount is off every line of it, as long as the phases hold.
        item.percents.clone_from(&first.percents);
        item.ramp.clone_from(&first.ramp);
    }
    of.items.push(item);
    of.items.len() - 1
}

/// Cycles of all items begin on other days.
fn put_anchor(
    view: &View<'_>,
    of: &mut Subscription,
    anchor: Anchor,
    at: Instant,
    touched: &mut Touched,
) -> Result<(), Refused> {
    if matches!(anchor, Anchor::Day(day) if !(1..=31).contains(&day)) {
        return Err("no day of a month");
    }
    let origin = of.origin(view.rules);
    // Where an anchor is changed, the next day is meant, also where a start has another rule.
    let mut rules = *view.rules;
    rules.of.first_boundary = FirstBoundary::NextAnchorDay;
    of.anchor = Some(anchor);
    for place in 0..of.items.len() {
        let item = &mut of.items[place];
        // What began later has its cycles on the same days.
        let (began, _) = item.terms.first_key_value().expect("it began");
        let Some(terms) = item.terms_at(at.max(*began)).cloned() else { continue };
        let from = at.max(item.first_start());
        let anchored = Calendar::anchored(&rules, view.clock, anchor, (from, origin), terms.every);
        if item.last_calendar().agrees(view.clock, &anchored) {
            continue;
        }
        item.lay(anchored);
        touched.items.push(place);
        touched.restarted.push(place);
    }
    Ok(())
}
