//! What a change of plan, items or anchor does to a subscription at an instant, now or later.
//!
//! # Shape
//!
//! [`Advance::change`] collects what becomes of each item ([`Draft`]), drops what changes
//! nothing, cuts the cycles that are laid anew, and says in one event what is other from then on.
//! It prices nothing: what the change costs follows when somebody bills.

use schemas::command::{ItemRequest, PriceMapping};
use schemas::event::{
    Calendar, ChangeAgreed, CycleCut, ItemChange, ItemNamed, ItemTerms, PlanVersionDefined,
    PricesMapped, SubscriptionEvent, TermsChange,
};
use schemas::terms::{Anchor, Settle, TrialAnchor, TrialOnChange};
use schemas::text::Code;
use schemas::{Decimal, Rejection, Timestamp};

use super::advance::Advance;
use super::calendar;
use super::create::days_after;
use super::item::Item;
use super::mapping::{Old, is_there, map};
use super::names::item_named;
use super::state::Subscription;
use super::terms::{add_on, check_quantity, own_rate};
use crate::catalog::terms::item_terms;
use crate::mistakes::{Mistake, makes};

mod events;
mod follow;
mod later;

/// A change that asks for nothing: its difference waits for the next invoice.
const NOTHING: ChangeAgreed = ChangeAgreed {
    plan: None,
    quantity: None,
    items: Vec::new(),
    anchor: None,
    map: Vec::new(),
    keep_prices: false,
    keep_scheduled: false,
    settle: Settle::Next,
    names: Vec::new(),
    billed_ahead: Vec::new(),
};

const NOT_THERE: Rejection = Rejection::InvalidItems { why: "an item is named that is not there" };

/// One item as it will be.
#[derive(Debug, Clone)]
struct Edit {
    item: u16,
    add_on: bool,
    /// None where it ends.
    terms: Option<ItemTerms>,
    quantity: Decimal,
    /// From where its cycles are computed.
    calendar: Calendar,
    is_new: bool,
    asked: Asked,
}

/// What the command says of one item itself.
#[derive(Debug, Clone, Copy, Default)]
struct Asked {
    rate: bool,
    quantity: bool,
}

/// Every item that lives at the instant, as the change leaves it.
struct Draft<'a> {
    advance: Advance<'a>,
    subscription: &'a Subscription,
    at: Timestamp,
    edits: Vec<Edit>,
    trial_end: Option<Timestamp>,
    prices: Option<PricesMapped>,
    /// Another plan, or the same one anew.
    to_plan: Option<&'a PlanVersionDefined>,
    /// Other cycles of items that begin later.
    relaid: Vec<(u16, Calendar)>,
    /// What a scheduled change has called the items that there were.
    names: &'a [ItemNamed],
}

impl Advance<'_> {
    /// The events of a change at an instant; `number` is that of a scheduled one. None where it
    /// changes nothing, and was not scheduled.
    ///
    /// # Errors
    /// What it names is not there, or is no good; [`Rejection::BeyondEnd`].
    pub(crate) fn change(
        self,
        subscription: &Subscription,
        at: Timestamp,
        change: &ChangeAgreed,
        number: Option<u32>,
    ) -> Result<Vec<SubscriptionEvent>, Rejection> {
        let known = subscription.known_end(self.rules).filter(|known| known.at <= at);
        if let Some(known) = known {
            let (at, end) = (self.rules.date(at)?, self.rules.date(known.at)?);
            return Err(Rejection::BeyondEnd { subscription: subscription.id, at, end });
        }
        let mut draft = Draft::of(self, subscription, at);
        if number.is_some() {
            draft.names = &change.names;
        }
        if let Some(plan) = change.plan {
            let version = self.catalog.version(plan.plan, plan.version);
            let version = version.ok_or(Rejection::UnknownPlan { plan: plan.plan })?;
            draft.put_plan(version, change, number.is_some())?;
        }
        if let Some(quantity) = change.quantity {
            check_quantity(quantity)?;
            // A change that was scheduled for the instant at which a migration begins something
            // comes before that.
            let begins = |edit: &Edit| {
                let item = subscription.item(edit.item).filter(|_| number.is_some());
                item.is_some_and(|item| item.began() == at && item.migrates_at(at))
            };
            let items = draft.edits.iter().map(|edit| edit.item);
            let since: Vec<u16> = items.filter(|item| draft.came_since(*item)).collect();
            let meant = |edit: &Edit| !begins(edit) && !since.contains(&edit.item);
            let of_plan = draft.edits.iter_mut().filter(|edit| !edit.add_on && meant(edit));
            of_plan.filter(|edit| edit.terms.is_some()).for_each(|edit| {
                (edit.quantity, edit.asked.quantity) = (quantity, true);
            });
        }
        for (index, request) in change.items.iter().enumerate() {
            if change.items[..index].iter().any(|found| found.price == request.price) {
                return Err(Rejection::InvalidItems { why: "a price is named twice" });
            }
            draft.request(request)?;
        }
        if let Some(anchor) = change.anchor {
            draft.put_anchor(anchor)?;
        }
        draft.events(change, number)
    }
}

impl<'a> Draft<'a> {
    fn of(advance: Advance<'a>, subscription: &'a Subscription, at: Timestamp) -> Self {
        let edit = |item: &Item| {
            Some(Edit {
                item: item.number,
                add_on: item.add_on,
                terms: Some(item.terms_at(at)?.clone()),
                quantity: item.quantity_at(at),
                calendar: item.calendar,
                is_new: false,
                asked: Asked::default(),
            })
        };
        let edits = subscription.items.iter().filter_map(edit).collect();
        Self {
            advance,
            subscription,
            at,
            edits,
            trial_end: None,
            prices: None,
            to_plan: None,
            relaid: Vec::new(),
            names: &[],
        }
    }

    /// The id of an item's price: for a scheduled change as it was when that was told, unless
    /// another plan has come between.
    fn name<'e>(&'e self, edit: &'e Edit) -> Option<&'e Code> {
        let now = edit.terms.as_ref()?;
        let told = self.names.iter().find(|named| named.item == edit.item);
        Some(told.filter(|told| told.plan == now.plan).map_or(&now.price, |told| &told.price))
    }

    /// A migration has begun it since the change was told.
    fn came_since(&self, item: u16) -> bool {
        let known = self.subscription.item(item);
        let began = known.is_some_and(|item| item.migrates_at(item.began()));
        began && !self.names.is_empty() && !self.names.iter().any(|named| named.item == item)
    }

    fn origin(&self) -> Timestamp {
        self.subscription.origin(self.advance.rules)
    }

    /// The instant from which cycles of an item can be laid anew: not before its first.
    fn from(&self, item: u16) -> Timestamp {
        let first = self.subscription.item(item).map(Item::first_start);
        first.map_or(self.at, |first| first.max(self.at))
    }

    /// The items of another plan take the places of those of this one.
    fn put_plan(
        &mut self,
        version: &'a PlanVersionDefined,
        told: &ChangeAgreed,
        scheduled: bool,
    ) -> Result<(), Rejection> {
        let named = |edit: &Edit| Some((edit.item, self.name(edit)?.clone(), edit.add_on));
        let prices: Vec<(u16, Code, bool)> = self.edits.iter().filter_map(named).collect();
        let called = |item: u16| {
            let known = self.subscription.item(item);
            known.map_or_else(Vec::new, |item| item.called(self.at))
        };
        let old = prices.iter().map(|(item, price, add_on)| {
            let (item, called) = (*item, called(*item));
            Old { item, price, add_on: *add_on, called, since: self.came_since(item) }
        });
        let old: Vec<Old<'_>> = old.collect();
        // What a map says of a price that has ended since is of no account.
        let there = |mapping: &&PriceMapping| !scheduled || is_there(&old, &mapping.from);
        let told_map: Vec<PriceMapping> = told.map.iter().filter(there).cloned().collect();
        let found = map(self.subscription.id, (&old, scheduled), version, &told_map)?;
        let same = |edit: &Edit| {
            edit.terms
                .as_ref()
                .is_some_and(|now| (now.plan, now.version) == (version.plan, version.version))
        };
        let other_plan = !self.edits.iter().filter(|edit| !edit.add_on).all(same);
        let mut said = PricesMapped::default();
        let currency = self.advance.currency;
        for (item, price) in found.items {
            let Some(at) = self.edits.iter().position(|edit| edit.item == item) else { continue };
            let Some(before) = self.edits[at].terms.clone() else { continue };
            let Some(price) = price else {
                said.ended.push(before.price);
                self.edits[at].terms = None;
                continue;
            };
            let mut terms = item_terms(version, price, currency)?;
            let named = old.iter().find(|old| old.item == item).map(|old| old.price);
            if told.keep_prices && before.own_rate && named == Some(&terms.price) {
                (terms.rate, terms.own_rate) = (before.rate, true);
            }
            let to = Some(terms.price.clone());
            said.mapped.push(PriceMapping { from: before.price, to });
            if self.edits[at].add_on && makes(Mistake::AddOnKeepsItsPrice) {
                continue;
            }
            self.put_terms(at, terms)?;
        }
        for price in found.started {
            let terms = item_terms(version, price, currency)?;
            said.started.push(terms.price.clone());
            self.begin(terms, Decimal::ONE, false)?;
        }
        if other_plan {
            self.count_trial_anew(version)?;
        }
        (self.prices, self.to_plan) = (Some(said), Some(version));
        Ok(())
    }

    /// An item has other terms, and other cycles if these are of another length.
    fn put_terms(&mut self, at: usize, terms: ItemTerms) -> Result<(), Rejection> {
        let rules = self.advance.rules;
        let (origin, before) = (self.origin(), self.edits[at].calendar);
        if before.every != terms.every {
            let from = self.from(self.edits[at].item);
            self.edits[at].calendar =
                calendar::relengthened(from, origin, terms.every, &before, rules)?;
        }
        self.edits[at].terms = Some(terms);
        Ok(())
    }

    /// An item begins beside the others.
    fn begin(
        &mut self,
        terms: ItemTerms,
        quantity: Decimal,
        add_on: bool,
    ) -> Result<(), Rejection> {
        let first = self.edits.iter().find(|edit| !edit.add_on && edit.terms.is_some());
        let base = first.or(self.edits.first()).map(|edit| edit.calendar);
        let rules = self.advance.rules;
        let calendar = match base {
            Some(base) => calendar::beside(self.at, terms.every, &base, rules)?,
            None => calendar::calendar(self.at, terms.every, None, rules)?,
        };
        let others = self.edits.iter().filter(|edit| edit.is_new).count();
        let item = self.subscription.new_item(others)?;
        self.edits.push(Edit {
            item,
            add_on,
            terms: Some(terms),
            quantity,
            calendar,
            is_new: true,
            asked: Asked { rate: false, quantity: true },
        });
        Ok(())
    }

    /// Where the policy says so, a trial that runs gets the new plan's length.
    fn count_trial_anew(&mut self, version: &PlanVersionDefined) -> Result<(), Rejection> {
        let rules = self.advance.rules;
        let runs = self.subscription.trial_end.is_some_and(|end| self.at < end);
        match rules.policies.trial_on_change {
            TrialOnChange::Keep => return Ok(()),
            TrialOnChange::CountFromStart if !runs => return Ok(()),
            TrialOnChange::CountFromStart => {}
        }
        let start = self.subscription.start;
        let end = match version.trial_days {
            0 => self.at,
            days => days_after(start, days, rules)?.max(self.at),
        };
        self.end_trial(end)
    }

    /// The trial ends at another instant; cycles that begin with its end move with it.
    fn end_trial(&mut self, end: Timestamp) -> Result<(), Rejection> {
        let rules = self.advance.rules;
        self.trial_end = Some(end);
        if rules.policies.trial_anchor == TrialAnchor::SubscriptionStart {
            return Ok(());
        }
        let anchor = self.subscription.anchor;
        for edit in &mut self.edits {
            let Some(terms) = &edit.terms else { continue };
            edit.calendar = calendar::calendar(end, terms.every, anchor, rules)?;
        }
        // What began later has its cycles beside them.
        let at = self.at;
        for item in self.subscription.items.iter().filter(|item| at < item.began()) {
            let every = item.calendar.every;
            self.relaid.push((item.number, calendar::calendar(end, every, anchor, rules)?));
        }
        Ok(())
    }

    /// One price gets another quantity or rate; an add-on begins or ends. A scheduled change means
    /// the item that had the price, whatever it has become.
    fn request(&mut self, request: &ItemRequest) -> Result<(), Rejection> {
        if let Some(quantity) = request.quantity {
            check_quantity(quantity)?;
        }
        // With another plan, prices of that are meant.
        let names = if self.to_plan.is_some() { &[] } else { self.names };
        let meant = item_named(names, &request.price);
        let is_meant = |edit: &Edit| match (meant, &edit.terms) {
            (_, None) => false,
            (Some(item), Some(_)) => edit.item == item,
            // What is called so now was called otherwise when it was told, or was not there.
            (None, Some(terms)) => {
                terms.price == request.price && !names.iter().any(|named| named.item == edit.item)
            }
        };
        let Some(at) = self.edits.iter().position(is_meant) else {
            // What it meant has ended: nothing begins in its place.
            if meant.is_some() {
                return Err(NOT_THERE);
            }
            return self.added(request);
        };
        let edit = &mut self.edits[at];
        if request.remove == Some(true) {
            if !edit.add_on {
                return Err(Rejection::InvalidItems { why: "a price of the plan is removed" });
            }
            edit.terms = None;
            return Ok(());
        }
        if let Some(quantity) = request.quantity {
            (edit.quantity, edit.asked.quantity) = (quantity, true);
        }
        if let (Some(terms), Some(_)) = (&mut edit.terms, &request.rate) {
            own_rate(terms, Some(request))?;
            edit.asked.rate = true;
        }
        Ok(())
    }

    fn added(&mut self, request: &ItemRequest) -> Result<(), Rejection> {
        let mut of_plan = self.edits.iter().filter(|edit| !edit.add_on);
        let terms = of_plan.find_map(|edit| edit.terms.as_ref());
        let version =
            terms.and_then(|terms| self.advance.catalog.version(terms.plan, terms.version));
        let wanted = match version {
            Some(version) => add_on(self.advance.currency, version, request)?,
            None => None,
        };
        let (Some(wanted), None | Some(false)) = (wanted, request.remove) else {
            return Err(NOT_THERE);
        };
        self.begin(wanted.terms, wanted.quantity, true)
    }

    /// Cycles of all items begin on other days.
    fn put_anchor(&mut self, anchor: Anchor) -> Result<(), Rejection> {
        if let Anchor::Day(day) = anchor
            && !(1..=31).contains(&day)
        {
            return Err(Rejection::InvalidAnchor { why: "the day of the month is out of range" });
        }
        let (rules, origin) = (self.advance.rules, self.origin());
        for at in 0..self.edits.len() {
            let Some(every) = self.edits[at].terms.as_ref().map(|terms| terms.every) else {
                continue;
            };
            let from = self.from(self.edits[at].item);
            let moved = calendar::moved(from, origin, every, anchor, rules)?;
            // Where it is anchored there already, no cycle is cut.
            if !calendar::agrees(&self.edits[at].calendar, &moved, rules)? {
                self.edits[at].calendar = moved;
            }
        }
        // What began later has its cycles on the same days.
        let at = self.at;
        for item in self.subscription.items.iter().filter(|item| at < item.began()) {
            let every = item.calendar.every;
            let moved = calendar::moved(item.first_start(), origin, every, anchor, rules)?;
            if !calendar::agrees(&item.calendar, &moved, rules)? {
                self.relaid.push((item.number, moved));
            }
        }
        Ok(())
    }
}

impl Advance<'_> {
    /// A trial ends now.
    ///
    /// # Errors
    /// A date that cannot be computed.
    pub(crate) fn end_trial(
        self,
        subscription: &Subscription,
        at: Timestamp,
    ) -> Result<Vec<SubscriptionEvent>, Rejection> {
        let mut draft = Draft::of(self, subscription, at);
        draft.end_trial(at)?;
        draft.events(&NOTHING, None)
    }
}

const fn unchanged(item: u16, add_on: bool) -> ItemChange {
    ItemChange {
        item,
        add_on,
        terms: TermsChange::Keep,
        quantity: None,
        calendar: None,
        left_alone_until: None,
    }
}

/// Ends every cycle of an item that runs at an instant or was opened for later.
pub(super) fn cut_away(
    subscription: &Subscription,
    item: &Item,
    at: Timestamp,
) -> Vec<SubscriptionEvent> {
    let later = item.cycles.iter().filter(|cycle| at < cycle.end && cycle.start < cycle.end);
    later
        .map(|cycle| {
            let (subscription, item, end) = (subscription.id, item.number, at.max(cycle.start));
            CycleCut { subscription, item, cycle: cycle.index, end }.into()
        })
        .collect()
}
