//! Migrations: a cycle that begins takes the newest version that edges lead to.
//!
//! # Shape
//!
//! Each item of the plan takes edges when its own cycles begin, and each edge once. A cycle is told
//! its version when it begins, or with the bill that comes before that: what holds then leads on.
//! The plan's first item takes the add-ons along, and begins
//! what is new.

use schemas::Decimal;
use schemas::terms::{BillingTiming, Recurrence};
use schemas::text::Code;

use crate::book::{Book, Edge, Told, Version, recurrence};
use crate::calendar::Cycle;
use crate::change::{base_calendar, calendar_beside, start_item};
use crate::civil::Instant;
use crate::item::Terms;
use crate::passing::View;
use crate::subscription::Subscription;
use crate::voices::Voice;

/// Whether an edge holds where a cycle is told its version.
fn holds(view: &View<'_>, edge: &Edge, of: &Subscription, number: usize, cycle: &Cycle) -> bool {
    let billed = view.customer.first_billed(of.id, number, cycle.id);
    let billed = billed.filter(|billed| billed.at <= cycle.start);
    // Another plan is a cycle told anew.
    let anew = of.items[number].replanned.iter().filter(|(from, _)| *from <= cycle.start);
    let anew = anew.map(|(_, told)| *told).max();
    if let Some(told) = anew.filter(|told| billed.is_some_and(|billed| billed.number < *told)) {
        let stood = edge.made.number < told && edge.made.at <= cycle.start;
        let gone = |gone: &Told| gone.number < told && gone.at <= cycle.start;
        return stood && !edge.gone.as_ref().is_some_and(gone);
    }
    match billed {
        Some(billed) => edge.made < billed && edge.gone.is_none_or(|gone| billed < gone),
        None => edge.made.at <= cycle.start && edge.gone.is_none_or(|gone| cycle.start < gone.at),
    }
}

/// The edges that a cycle takes, by place, in the order in which they lead on.
fn path(view: &View<'_>, of: &Subscription, number: usize, cycle: &Cycle) -> Vec<usize> {
    let item = &of.items[number];
    let mut found: Vec<usize> = Vec::new();
    // What was quoted begins as it was quoted.
    let as_quoted = item.replanned.iter().all(|(from, _)| *from > cycle.start);
    if of.quoted && as_quoted && cycle.start <= of.trial_end.unwrap_or(of.start) {
        return found;
    }
    // Nor does what was asked for before it began.
    if item.asked.contains(&cycle.id) {
        return found;
    }
    let Some(terms) = item.terms_at(cycle.start) else { return found };
    let mut version = terms.version;
    loop {
        let mut edges = view.book.edges_from(terms.plan, version);
        let Some((place, edge)) = edges.find(|(_, edge)| holds(view, edge, of, number, cycle))
        else {
            return found;
        };
        let taken =
            item.migrated.iter().any(|(_, taken)| *taken == place) || found.contains(&place);
        let to = view.book.version(terms.plan, edge.to).expect("it was there when it was made");
        if taken
            || view.clock.day(cycle.start) < edge.on
            || !to.has_currency(view.customer.currency)
        {
            return found;
        }
        found.push(place);
        version = edge.to;
    }
}

/// When an item next takes one, up to an instant.
pub(crate) fn next(
    view: &View<'_>,
    of: &Subscription,
    number: usize,
    to: Instant,
) -> Option<Instant> {
    let item = &of.items[number];
    // Most plans are never migrated.
    let may = |terms: &Terms| view.book.edges.iter().any(|edge| edge.plan == terms.plan);
    if item.add_on || !item.terms.values().flatten().any(may) {
        return None;
    }
    let cycles = item.cycles(view.rules, view.clock, to + 1);
    let takes = |cycle: &&Cycle| !path(view, of, number, cycle).is_empty();
    cycles.iter().find(takes).map(|cycle| cycle.start)
}

/// What a price becomes by edges, one after another.
pub(crate) fn becomes(book: &Book, path: &[usize], price: &Code) -> Option<Code> {
    path.iter()
        .try_fold(price.clone(), |price, edge| book.edges[*edge].becomes.get(&price).cloned())
}

/// An item takes every edge that leads on.
pub(crate) fn take(view: &View<'_>, of: &mut Subscription, number: usize, at: Instant) {
    let cycle = of.items[number].cycle_at(view.rules, view.clock, at).expect("it begins here");
    let path = path(view, of, number, &cycle);
    let old = of.items[number].terms_at(at).cloned().expect("it takes an edge");
    let last = *path.last().expect("it takes one");
    let to = view.book.version(old.plan, view.book.edges[last].to).expect("it was checked");
    let leads = of.plan_items(at).first() == Some(&number);
    of.items[number].migrated.extend(path.iter().map(|edge| (at, *edge)));
    let lead = |of: &Terms| if of.timing == BillingTiming::InAdvance { of.lead } else { 0 };
    of.items[number].left_leads.insert(at, lead(&old));
    if to.number == old.version {
        // Back where it began.
        return;
    }
    if leads {
        // An add-on that was told to begin behind a migration that is taken for an earlier day.
        for place in 0..of.items.len() {
            follow(view, of, place, ((old.plan, old.version), to, &path), at);
        }
    }
    for place in 0..of.items.len() {
        let item = &of.items[place];
        let same =
            item.terms_at(at).is_some_and(|t| (t.plan, t.version) == (old.plan, old.version));
        if place == number || (leads && item.add_on && same) {
            let left = item.terms_at(at).map_or(0, lead);
            of.items[place].left_leads.insert(at, left);
            change(view, of, place, (to, &path), at);
        }
    }
    if leads {
        begin(view, of, (old.version, to), &path, at);
    }
}

/// What begins later as an add-on of the version that is left is one of the new version.
fn follow(
    view: &View<'_>,
    of: &mut Subscription,
    place: usize,
    (old, to, path): ((schemas::ids::PlanId, u32), &Version, &[usize]),
    at: Instant,
) {
    let item = &mut of.items[place];
    let (began, first) = item.terms.first_key_value().expect("it began");
    let same = first.as_ref().is_some_and(|first| (first.plan, first.version) == old);
    if !item.add_on || *began <= at || !same {
        return;
    }
    let told = item.voices.iter().find(|(_, voice)| **voice == Voice::Plan);
    let until = told.map_or(Instant::MAX, |(from, _)| *from);
    for (_, terms) in item.terms.range_mut(at + 1..until) {
        *terms = terms.take().and_then(|then| new_terms(view, (to, path), &then));
    }
}

/// The terms of the new version in the place of others; none if the price ends.
fn new_terms(view: &View<'_>, (to, path): (&Version, &[usize]), old: &Terms) -> Option<Terms> {
    let name = becomes(view.book, path, &old.price)?;
    let price = to.price(&name).expect("it was checked when the edge was made");
    let mut new = to.terms(price, view.customer.currency).expect("all of it has the currency");
    if old.own {
        (new.rate, new.own) = (old.rate.clone(), true);
    }
    Some(new)
}

/// One item has the new version: its terms, those of later phases, and its cycles.
fn change(
    view: &View<'_>,
    of: &mut Subscription,
    place: usize,
    to: (&Version, &[usize]),
    at: Instant,
) {
    let origin = of.origin(view.rules);
    let item = &mut of.items[place];
    let old = item.terms_at(at).cloned().expect("it lives");
    let new = new_terms(view, to, &old);
    // What was told of another plan stays as it was told.
    let told = item.voices.range(at + 1..).find(|(_, voice)| **voice == Voice::Plan);
    let until = told.map_or(Instant::MAX, |(from, _)| *from);
    let later: Vec<Instant> = item.terms.range(at + 1..until).map(|(from, _)| *from).collect();
    for from in later {
        let then = item.terms.get(&from).cloned().flatten();
        if new.is_some() {
            let then = then.and_then(|then| new_terms(view, to, &then));
            item.terms.insert(from, then);
        } else {
            item.terms.remove(&from);
            item.voices.remove(&from);
        }
    }
    let every = new.as_ref().map(|new| new.every);
    item.say(at, new, Voice::Edge);
    if let Some(every) = every.filter(|every| *every != item.last_calendar().every) {
        let next =
            item.last_calendar().of_other_length(view.rules, view.clock, (at, origin), every);
        item.lay(next);
    }
}

/// What the new version has beside begins with one unit.
fn begin(
    view: &View<'_>,
    of: &mut Subscription,
    (from, to): (u32, &Version),
    path: &[usize],
    at: Instant,
) {
    let before = view.book.version(to.plan, from).expect("the item had it");
    let taken: Vec<Code> = before
        .of_kind(Recurrence::Recurring)
        .filter_map(|price| becomes(view.book, path, &price.price))
        .collect();
    for price in to.prices.iter().filter(|price| recurrence(price) == Recurrence::Recurring) {
        let there = of.plan_items(at).into_iter().any(|place| {
            let terms = of.items[place].terms_at(at);
            terms.is_some_and(|terms| terms.price == price.price && terms.version != from)
        });
        if there || taken.contains(&price.price) {
            continue;
        }
        let terms = to.terms(price, view.customer.currency).expect("all of it has the currency");
        let calendar = calendar_beside(view, &base_calendar(of, at), at, terms.every);
        // It is of this plan, and not of the next one that is known.
        let next = crate::voices::next_plan(of, at);
        let place = start_item(of, terms, Decimal::ONE, calendar, at);
        of.items[place].voices.insert(at, Voice::Edge);
        of.items[place].by_edge = true;
        if let Some(next) = next {
            of.items[place].say(next, None, Voice::Plan);
        }
    }
}

#[cfg(test)]
mod told {
    use schemas::terms::Profile;

    use crate::story::{MONTH, Story, add_on, flat, item};

    const OURS: Profile = Profile::Billfold1;

    #[test]
    fn a_map_moves_what_ids_do_not_and_a_withdrawn_migration_moves_nobody_more() {
        let mut story = Story::under(OURS);
        story.on("2024-01-01");
        story.plan("p", MONTH, vec![flat("fee", "10.00")]);
        story.plan("p", MONTH, vec![flat("base", "20.00"), flat("support", "5.00")]);
        story.subscribe("s", "p", |c| c.version = Some(1));
        story.run();
        assert!(story.migrate("p", 1, 2, "2024-02-01").is_err(), "nothing maps");
        assert!(story.migrate_by("p", (1, 2), "2024-02-01", &[("fee", "")]).is_err());
        story.migrate_by("p", (1, 2), "2024-02-01", &[("fee", "base")]).expect("it maps");
        story.on("2024-02-01");
        story.run();
        story.withdraw_migration("p", 1).expect("it stands");
        assert!(story.withdraw_migration("p", 1).is_err());
        story.subscribe("late", "p", |c| c.version = Some(1));
        story.run();
        story.on("2024-03-01");
        story.run();
        assert_eq!(story.totals(), [10_00, 25_00, 10_00, 35_00]);
    }

    #[test]
    fn several_migrations_are_one_step_and_each_is_taken_once() {
        let mut story = Story::under(OURS);
        story.on("2024-01-01");
        for amount in ["10.00", "20.00", "30.00"] {
            story.plan("p", MONTH, vec![flat("fee", amount)]);
        }
        story.subscribe("s", "p", |c| c.version = Some(1));
        story.run();
        story.migrate("p", 1, 2, "2024-02-01").expect("it maps");
        story.migrate("p", 2, 3, "2024-02-01").expect("it maps");
        story.migrate("p", 3, 1, "2024-03-01").expect("it maps");
        for month in 2..5 {
            story.on(&format!("2024-{month:02}-01"));
            story.run();
        }
        // Made anew, it is another migration.
        story.migrate("p", 1, 2, "2024-05-01").expect("it maps");
        story.on("2024-05-01");
        story.run();
        assert_eq!(story.totals(), [10_00, 30_00, 10_00, 10_00, 20_00]);
    }

    #[test]
    fn add_ons_go_along_and_those_that_the_version_lacks_end() {
        let mut story = Story::under(OURS);
        story.on("2024-01-01");
        let old = vec![flat("fee", "10.00"), add_on("logs", "3.00"), add_on("chat", "4.00")];
        story.plan("p", MONTH, old);
        story.plan("p", MONTH, vec![flat("fee", "12.00"), add_on("logs", "5.00")]);
        story.subscribe("s", "p", |c| {
            c.version = Some(1);
            let with = schemas::command::SubscriptionTerms {
                items: Some(vec![item("logs"), item("chat")]),
                ..Default::default()
            };
            c.with = Some(with);
        });
        story.run();
        story.migrate("p", 1, 2, "2024-02-01").expect("the fee maps");
        story.on("2024-02-01");
        story.run();
        assert_eq!(story.totals(), [17_00, 17_00]);
    }
}
