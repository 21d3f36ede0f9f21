//! Which item of the old plan becomes which of the new one.
//!
//! # Shape
//!
//! Equal price ids first; else the only recurring price to the only recurring price; what has no
//! counterpart is refused. Quantities, discounts and add-ons go along, prices of one's own do
//! not. An add-on that the new plan has takes its price and interval there; another one ends.

use schemas::command::{ChangeSubscription, PriceMapping};
use schemas::terms::{PriceDefinition, Recurrence, TrialAnchor, TrialOnChange};
use schemas::text::Code;

use crate::book::Version;
use crate::calendar::Calendar;
use crate::change::{Touched, base_calendar, calendar_beside, start_item};
use crate::civil::Instant;
use crate::customer::Refused;
use crate::item::{Item, Terms};
use crate::passing::View;
use crate::subscription::{Named, Subscription};
use crate::voices::{Voice, born_later, goes_along, next_plan, tell_again};

/// Pairs of an item's place and a price, items without a price, and prices without an item.
type Mapped<'a> = (Vec<(usize, &'a PriceDefinition)>, Vec<usize>, Vec<&'a PriceDefinition>);

fn map<'a>(
    of: &Subscription,
    version: &'a Version,
    (at, meant): (Instant, Option<&[Named]>),
    told: &[PriceMapping],
) -> Result<Mapped<'a>, Refused> {
    let (since, old): (Vec<usize>, Vec<usize>) =
        of.plan_items(at).into_iter().partition(|place| came_since(of, *place, meant));
    let new: Vec<&PriceDefinition> = version.of_kind(Recurrence::Recurring).collect();
    let price_of = |place: usize| of.name_of((place, at), meant.unwrap_or_default());
    let (mut pairs, mut ended) = (Vec::new(), Vec::new());
    for place in &old {
        let Some(price) = price_of(*place) else { continue };
        let named = |price: &Code| new.iter().find(|new| new.price == *price).copied();
        // What was scheduled means it as it was called then, and a map may call it so.
        let called = of.items[*place].called(at);
        let other = |name: &Code| {
            let mut all = old.iter().chain(&since);
            all.any(|place| price_of(*place).as_ref() == Some(name))
        };
        let is = |name: &Code| *name == price || (called.contains(name) && !other(name));
        if let Some(mapping) = told.iter().find(|mapping| is(&mapping.from)) {
            let same_id = named(&mapping.from).is_some();
            if same_id && mapping.to.as_ref() != Some(&mapping.from) {
                return Err("a price of the same id is there");
            }
            match &mapping.to {
                None => ended.push(*place),
                Some(to) => pairs.push((*place, named(to).ok_or("no such new price")?)),
            }
            continue;
        }
        let only = if old.len() == 1 && new.len() == 1 { new.first().copied() } else { None };
        // Unless another one is called so now.
        let mut before = called.iter().filter(|name| meant.is_some() && !other(name));
        let by_id = named(&price).or_else(|| before.find_map(named));
        let found = by_id.or(only).ok_or("a price has no counterpart in the new plan")?;
        pairs.push((*place, found));
    }
    // What a migration has begun since the change was told is in it where it is called the same.
    for place in since {
        let Some(name) = price_of(place) else { continue };
        let mapped = told.iter().find(|mapping| mapping.from == name);
        let to = mapped.map_or(Some(&name), |mapping| mapping.to.as_ref());
        let free = !old.iter().any(|place| price_of(*place).as_ref() == Some(&name));
        match new.iter().find(|new| Some(&new.price) == to && free).copied() {
            Some(price) => pairs.push((place, price)),
            None => ended.push(place),
        }
    }
    let begins = |new: &&&PriceDefinition| !pairs.iter().any(|(_, of)| of.price == new.price);
    let started = new.iter().filter(begins).copied().collect();
    Ok((pairs, ended, started))
}

/// A migration has begun it since a change was told.
pub(crate) fn came_since(of: &Subscription, place: usize, meant: Option<&[Named]>) -> bool {
    let first = of.items[place].voices.first_key_value();
    let migrated = first.is_some_and(|(_, voice)| *voice == Voice::Edge);
    migrated && meant.is_some_and(|meant| meant.iter().all(|known| known.place != place))
}

/// The subscription has another plan from an instant on.
pub(crate) fn put_plan(
    view: &View<'_>,
    of: &mut Subscription,
    (version, told): (&Version, &ChangeSubscription),
    (at, meant): (Instant, Option<&[Named]>),
    touched: &mut Touched,
) -> Result<(), Refused> {
    let same = |place: usize| {
        let terms = of.items[place].terms_at(at);
        terms.is_some_and(|t| (t.plan, t.version) == (version.plan, version.number))
    };
    let other_plan = !of.plan_items(at).into_iter().all(same);
    let mapping = told.map.as_deref().unwrap_or_default();
    let told_names = meant.unwrap_or_default();
    let (pairs, ended, started) = map(of, version, (at, meant), mapping)?;
    let currency = view.customer.currency;
    let terms_of = |price: &PriceDefinition| version.terms(price, currency).ok_or("no currency");
    let keeps =
        Keeps { prices: told.keep_prices == Some(true), phases: told.keep_scheduled == Some(true) };
    let names: Vec<Option<Code>> =
        (0..of.items.len()).map(|place| of.name_of((place, at), told_names)).collect();
    for (place, price) in pairs {
        let keeps = keeps.of(names[place].as_ref() == Some(&price.price));
        put_terms(view, of, (place, terms_of(price)?, keeps), at, touched);
    }
    let next = next_plan(of, at);
    for place in ended {
        of.items[place].say(at, None, Voice::Plan);
        touched.items.push(place);
    }
    for price in started {
        let terms = terms_of(price)?;
        let base = base_calendar(of, at);
        let calendar = calendar_beside(view, &base, at, terms.every);
        let place = start_item(of, terms, schemas::Decimal::ONE, calendar, at);
        if let Some(next) = next {
            // It is of this plan, and not of the next one.
            of.items[place].say(next, None, Voice::Plan);
        }
        touched.items.push(place);
    }
    for (place, name) in names.iter().enumerate() {
        let item = &of.items[place];
        if !item.add_on {
            continue;
        }
        let Some(now) = item.terms_at(at) else { continue };
        let called = if meant.is_some() { item.called(at) } else { Vec::new() };
        let named =
            |name: &Code| version.of_kind(Recurrence::AddOn).find(|price| price.price == *name);
        let price =
            named(name.as_ref().unwrap_or(&now.price)).or_else(|| called.iter().find_map(named));
        if let Some(price) = price {
            let keeps = keeps.of(name.as_ref() == Some(&price.price));
            put_terms(view, of, (place, terms_of(price)?, keeps), at, touched);
        } else {
            of.items[place].say(at, None, Voice::Plan);
            touched.items.push(place);
        }
    }
    for item in &mut of.items {
        if !keeps.phases {
            forget_ramp(item, at);
        }
        if item.voices.first_key_value().is_some_and(|(began, _)| *began <= at) {
            tell_again(item, at, keeps.phases);
        }
        item.replanned.push((at, view.book.commands));
    }
    born_later(view, of, version, (at, next.unwrap_or(Instant::MAX)))?;
    if other_plan {
        count_trial_anew(view, of, version, at);
    }
    Ok(())
}

/// What goes along to another plan beside what does anyway.
#[derive(Debug, Clone, Copy)]
struct Keeps {
    prices: bool,
    phases: bool,
}

impl Keeps {
    /// Prices of one's own go to the price that has the same name.
    const fn of(self, same_name: bool) -> Self {
        Self { prices: self.prices && same_name, ..self }
    }
}

/// An item has other terms, and other cycles if these are of another length.
fn put_terms(
    view: &View<'_>,
    of: &mut Subscription,
    (place, mut terms, keeps): (usize, Terms, Keeps),
    at: Instant,
    touched: &mut Touched,
) {
    let origin = of.origin(view.rules);
    let item = &mut of.items[place];
    touched.items.push(place);
    if let Some(old) = item.terms_at(at).filter(|_| keeps.prices) {
        goes_along(old, &mut terms);
    }
    let every = terms.every;
    item.say(at, Some(terms), Voice::Plan);
    if every != item.last_calendar().every {
        let from = at.max(item.first_start());
        let calendar =
            item.last_calendar().of_other_length(view.rules, view.clock, (from, origin), every);
        item.lay(calendar);
        touched.restarted.push(place);
    }
}

/// Later phases of a ramp are withdrawn; the discount of the running one ends with it.
fn forget_ramp(item: &mut Item, at: Instant) {
    let later: Vec<Instant> = item.ramp.iter().copied().filter(|from| *from > at).collect();
    let had_percent = item.percents.range(..=at).next_back().is_some_and(|(_, p)| p.is_some());
    for from in &later {
        if item.voices.get(from).is_some_and(|voice| matches!(voice, Voice::Ramp | Voice::RampOver))
        {
            item.terms.remove(from);
            item.voices.remove(from);
        }
        // Unless a command has said so, too, or has begun it then.
        let began = item.terms.first_key_value().is_some_and(|(began, _)| began == from);
        if !item.told.contains_key(from) && !began {
            item.quantities.remove(from);
        }
        item.percents.remove(from);
    }
    if !later.is_empty() {
        item.back_at = None;
    }
    if let (Some(end), true) = (later.iter().min(), had_percent) {
        item.percents.insert(*end, None);
    }
    item.ramp.retain(|from| *from <= at);
}

/// Where the policy says so, a trial that runs gets the new plan's length.
fn count_trial_anew(view: &View<'_>, of: &mut Subscription, version: &Version, at: Instant) {
    if view.rules.of.trial_on_change == TrialOnChange::Keep
        || of.trial_end.is_none_or(|end| end <= at)
    {
        return;
    }
    let end = view.clock.days_later(of.start, version.trial).max(at);
    of.trial_end = Some(end);
    let anchor = of.anchor.unwrap_or(view.rules.default_anchor());
    if view.rules.of.trial_anchor == TrialAnchor::TrialEnd {
        for item in &mut of.items {
            let Some(every) = item.last_terms().map(|terms| terms.every) else { continue };
            item.lay(Calendar::anchored(view.rules, view.clock, anchor, (end, end), every));
        }
    }
}
