//! Who said what holds of an item, and what a word that is said for an earlier day leaves of it.
//!
//! # Shape
//!
//! A word holds from its day until the next word of a command on the same thing. What nobody told
//! (a migration, a phase that was agreed before) gives way to another plan; what was told later
//! (a price of one's own, an add-on) is told again, of the plan that is there now.

use std::collections::BTreeMap;

use schemas::terms::Recurrence;

use crate::book::Version;
use crate::civil::Instant;
use crate::customer::Refused;
use crate::item::{Item, Terms};
use crate::passing::View;
use crate::subscription::Subscription;

/// Who says what holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    /// The start, or another plan.
    Plan,
    /// A command on the item itself.
    Command,
    Ramp,
    RampOver,
    Edge,
}

/// A price of one's own goes along to the price of the same id.
pub(crate) fn goes_along(old: &Terms, new: &mut Terms) {
    if old.own {
        (new.rate, new.own) = (old.rate.clone(), true);
    }
}

type Step = (Instant, Option<Terms>, Voice);

/// Takes out what is said after an instant; edges that were taken there can be taken again.
fn silence(item: &mut Item, at: Instant) -> Vec<Step> {
    let later = item.terms.split_off(&(at + 1));
    let voices = item.voices.split_off(&(at + 1));
    let said = later.into_iter().zip(voices);
    said.map(|((from, terms), (_, voice))| (from, terms, voice)).collect()
}

fn untake(item: &mut Item, at: Instant) {
    item.migrated.retain(|(taken, _)| *taken != at);
    item.left_leads.remove(&at);
}

/// An item has ended: nothing that was said for later matters.
pub(crate) fn nothing_more(item: &mut Item, at: Instant) {
    for (from, _, voice) in silence(item, at) {
        if voice == Voice::Edge {
            untake(item, from);
        }
    }
}

/// Later words on an item whose plan is another from an instant on.
pub(crate) fn tell_again(item: &mut Item, at: Instant, keeps_phases: bool) {
    let mut now = item.terms_at(at).cloned();
    let mut told_then = false;
    for (from, then, voice) in silence(item, at) {
        told_then |= voice == Voice::Plan;
        if told_then {
            item.say(from, then, voice);
            continue;
        }
        match (voice, then, &mut now) {
            (Voice::Edge, ..) => untake(item, from),
            (Voice::Command, None, now) => {
                *now = None;
                item.say(from, None, voice);
            }
            (Voice::Command, Some(then), Some(now)) if then.price == now.price => {
                goes_along(&then, now);
                item.say(from, Some(now.clone()), voice);
            }
            (Voice::Ramp, Some(then), Some(now)) if keeps_phases => {
                let mut terms = now.clone();
                if then.own {
                    (terms.rate, terms.own) = (then.rate.clone(), true);
                }
                item.say(from, Some(terms), voice);
            }
            (Voice::RampOver, Some(_), Some(now)) if keeps_phases => {
                item.say(from, Some(now.clone()), voice);
            }
            (Voice::Plan | Voice::Command | Voice::Ramp | Voice::RampOver, ..) => {}
        }
    }
}

/// Later words on an item that has a price of its own from an instant on.
pub(crate) fn holds_on(item: &mut Item, at: Instant) {
    let Some(own) = item.terms_at(at).cloned() else { return };
    let (mut another, mut in_phase) = (false, false);
    for (from, mut then, voice) in silence(item, at) {
        match voice {
            Voice::Plan | Voice::Command => another = true,
            Voice::Ramp => in_phase = then.as_ref().is_some_and(|then| then.own),
            Voice::RampOver => in_phase = false,
            Voice::Edge => {}
        }
        if let Some(then) = then.as_mut().filter(|_| !another && !in_phase) {
            (then.rate, then.own) = (own.rate.clone(), true);
        }
        item.say(from, then, voice);
    }
}

/// When somebody told of the plan after an instant.
pub(crate) fn next_plan(of: &Subscription, at: Instant) -> Option<Instant> {
    let told = of.items.iter().flat_map(|item| item.voices.range(at + 1..));
    told.filter(|(_, voice)| **voice == Voice::Plan).map(|(from, _)| *from).min()
}

/// What began between a change of plan and the next one is of that plan, or did not begin.
pub(crate) fn born_later(
    view: &View<'_>,
    of: &mut Subscription,
    version: &Version,
    (at, until): (Instant, Instant),
) -> Result<(), Refused> {
    for item in &mut of.items {
        let (began, voice) =
            item.voices.first_key_value().map(|(b, v)| (*b, *v)).expect("it began");
        if began <= at || until <= began {
            continue;
        }
        let Some(was) = item.terms_at(began).cloned() else { continue };
        let of_id = version.of_kind(Recurrence::AddOn).find(|price| price.price == was.price);
        let terms = match of_id.filter(|_| voice == Voice::Command) {
            Some(price) => {
                let mut terms =
                    version.terms(price, view.customer.currency).ok_or("no currency")?;
                if terms.every != was.every {
                    return Err("its cycles were laid by the plan that is left");
                }
                goes_along(&was, &mut terms);
                Some(terms)
            }
            None => None,
        };
        if voice == Voice::Edge {
            untake(item, began);
        }
        item.say(began, terms, voice);
        tell_again(item, began, true);
    }
    Ok(())
}

/// An add-on that begins before what is known of the plan goes along with that.
pub(crate) fn goes_with_the_plan(
    view: &View<'_>,
    of: &mut Subscription,
    place: usize,
    at: Instant,
) -> Result<(), Refused> {
    let mut told: BTreeMap<Instant, (usize, Voice)> = BTreeMap::new();
    for (number, item) in of.items.iter().enumerate().filter(|(_, item)| !item.add_on) {
        for (from, voice) in item.voices.range(at + 1..) {
            let there = item.terms.get(from).is_some_and(Option::is_some);
            // Add-ons move with the cycle of the plan's first price.
            let leads = of.plan_items(*from).first() == Some(&number);
            if there && (*voice == Voice::Plan || (*voice == Voice::Edge && leads)) {
                told.entry(*from).or_insert((number, *voice));
            }
        }
    }
    // It was bought later, too: what was told then holds from there.
    let price = of.items[place].terms_at(at).map(|terms| terms.price.clone());
    let bought = of.items.iter().filter(|item| item.add_on).filter_map(|item| {
        let (began, first) = item.terms.first_key_value()?;
        let same = first.as_ref().map(|first| &first.price) == price.as_ref();
        (same && at < *began).then_some(*began)
    });
    let bought = bought.min();
    for (from, (number, voice)) in told {
        if bought.is_some_and(|bought| bought <= from) {
            break;
        }
        let plan = of.items[number].terms_at(from).cloned().expect("it is there");
        let Some(now) = of.items[place].terms_at(from).cloned() else { break };
        if (plan.plan, plan.version) == (now.plan, now.version) {
            continue;
        }
        let version = view.book.version(plan.plan, plan.version)?;
        let edges = of.items[number].migrated.iter().filter(|(taken, _)| *taken == from);
        let edges: Vec<usize> = edges.map(|(_, edge)| *edge).collect();
        let named = match voice {
            Voice::Edge => crate::migrate::becomes(view.book, &edges, &now.price),
            Voice::Plan | Voice::Command | Voice::Ramp | Voice::RampOver => Some(now.price.clone()),
        };
        let price = named.and_then(|named| {
            version.of_kind(Recurrence::AddOn).find(|price| price.price == named)
        });
        let Some(price) = price else {
            of.items[place].say(from, None, voice);
            break;
        };
        let mut terms = version.terms(price, view.customer.currency).ok_or("no currency")?;
        if terms.every != now.every {
            return Err("its cycles were laid by a later plan");
        }
        if voice == Voice::Edge && now.own {
            (terms.rate, terms.own) = (now.rate.clone(), true);
        }
        of.items[place].say(from, Some(terms), voice);
    }
    if let Some(bought) = bought.filter(|bought| of.items[place].lives_at(*bought)) {
        of.items[place].say(bought, None, Voice::Command);
    }
    Ok(())
}
