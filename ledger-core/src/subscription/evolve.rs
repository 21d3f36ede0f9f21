//! Folds what was agreed. No rule lives here.

use schemas::event::{
    ChangeScheduled, EventAt, ItemChange, ItemStarted, LaterTerms, PaymentAwaited, RampAgreed,
    ScheduledChangeWithdrawn, ScheduledFor, SubscriptionActivated, SubscriptionCanceled,
    SubscriptionChanged, SubscriptionEvent, SubscriptionMigrated, SubscriptionMoved,
    SubscriptionPaused, SubscriptionResumed, Term, TermsChange,
};
use schemas::ids::{QuoteId, SubscriptionId};
use schemas::terms::{CancelCredit, Renewal, Settle};

use schemas::{Span, Timestamp};

use super::agreements::{Agreements, Discount, Quote};
use super::item::{Changed, Frozen, Item};
use super::phases::Phases;
use super::state::{Ending, Migrated, Pause, Subscription, is_end};
use super::steps::Word;
use crate::mistakes::{Mistake, makes};
use crate::shared::Shared;
use crate::unmade::Unmade;

/// Folds an event that was decided just now into what it was decided on; it has `before` events
/// of its commit before it.
///
/// # Panics
/// When the event does not fit: the decision that made it is wrong.
pub(crate) fn try_out(subscription: &mut Subscription, event: &SubscriptionEvent, before: usize) {
    let index = u32::try_from(before).expect("a commit has at most as many events as bytes");
    let folded = subscription.evolve(event, EventAt::here(index));
    folded.expect("a decision names what is there");
}

impl Agreements {
    /// Folds one event in.
    ///
    /// # Errors
    /// [`Unmade`] when it names what was never made.
    pub(crate) fn evolve(
        &mut self,
        event: &SubscriptionEvent,
        made: EventAt,
    ) -> Result<(), Unmade> {
        use SubscriptionEvent as E;
        match event {
            E::SubscriptionCreated(created) => {
                let subscription = Shared::new(Subscription::new(created, made));
                self.subscriptions.insert(created.subscription, subscription);
                self.note(created.subscription);
                return Ok(());
            }
            E::QuoteCreated(created) => {
                let quote = Quote { created: created.clone(), closed: false };
                Shared::make_mut(&mut self.quotes).insert(created.quote, quote);
                return Ok(());
            }
            E::QuoteAccepted(accepted) => return self.close(accepted.quote),
            E::QuoteVoided(voided) => return self.close(voided.quote),
            E::DiscountApplied(applied) => {
                Shared::make_mut(&mut self.coupons).extend(applied.coupon);
                let discount = Discount { applied: applied.clone(), removed: false, made };
                Shared::make_mut(&mut self.discounts).push(discount);
                return Ok(());
            }
            E::DiscountRemoved(removed) => {
                let mut discounts = Shared::make_mut(&mut self.discounts).iter_mut();
                let found = discounts.find(|found| found.applied.discount == removed.discount);
                found.ok_or_else(|| Unmade::named(removed.discount))?.removed = true;
                return Ok(());
            }
            E::SubscriptionRelocated(moved) => return self.relocate(moved),
            E::CycleOpened(_)
            | E::CycleCut(_)
            | E::PaymentAwaited(_)
            | E::SubscriptionActivated(_)
            | E::SubscriptionChanged(_)
            | E::RampAgreed(_)
            | E::SubscriptionMigrated(_)
            | E::ChangeScheduled(_)
            | E::ScheduledChangeWithdrawn(_)
            | E::SubscriptionPaused(_)
            | E::SubscriptionResumed(_)
            | E::SubscriptionCanceled(_)
            | E::CancellationUndone(_)
            | E::TermRenewed(_)
            | E::RenewalSet(_) => {}
        }
        let id = event.subject().expect("what is about no subscription has returned");
        self.subscription_mut(id)?.evolve(event, made)?;
        self.note(id);
        Ok(())
    }

    fn subscription_mut(&mut self, id: SubscriptionId) -> Result<&mut Subscription, Unmade> {
        let found = self.subscriptions.get_mut(id);
        found.map(Shared::make_mut).ok_or_else(|| Unmade::named(id))
    }

    fn close(&mut self, id: QuoteId) -> Result<(), Unmade> {
        let quote = Shared::make_mut(&mut self.quotes).get_mut(&id);
        quote.ok_or_else(|| Unmade::named(id))?.closed = true;
        Ok(())
    }
}

/// So many changes that could not be are remembered.
const MOST_LEFT_OUT: usize = 20;

impl Subscription {
    /// Folds in an event about this subscription.
    ///
    /// # Errors
    /// [`Unmade`] when it names what was never made.
    pub(crate) fn evolve(
        &mut self,
        event: &SubscriptionEvent,
        made: EventAt,
    ) -> Result<(), Unmade> {
        use SubscriptionEvent as E;
        match event {
            E::PaymentAwaited(awaited) => self.fold_wait(awaited)?,
            E::SubscriptionActivated(activated) => self.fold_activation(activated)?,
            E::CycleOpened(opened) => {
                let after = self.changes;
                self.known_item(opened.item)?.open(opened, made, after)?;
            }
            E::CycleCut(cut) => {
                let id = self.id;
                let unknown =
                    || Unmade::of(format!("cycle {} of item {} of", cut.cycle, cut.item), id);
                let cycle = self.known_item(cut.item)?.cycle_mut(cut.cycle);
                cycle.ok_or_else(unknown)?.end = cut.end;
            }
            E::SubscriptionChanged(changed) => self.fold_change(changed, made)?,
            E::RampAgreed(ramp) => self.fold_ramp(ramp, made)?,
            E::SubscriptionMigrated(migrated) => self.fold_migration(migrated, made)?,
            E::ChangeScheduled(scheduled) => self.fold_scheduled(scheduled)?,
            E::ScheduledChangeWithdrawn(withdrawn) => self.fold_withdrawn(withdrawn)?,
            E::SubscriptionPaused(paused) => self.fold_pause(paused, made)?,
            E::SubscriptionResumed(resumed) => self.fold_resumption(resumed, made)?,
            E::SubscriptionCanceled(canceled) => self.fold_end(canceled, made)?,
            E::CancellationUndone(_) => {
                if let Some(ending) = self.ending.take() {
                    self.items.iter_mut().for_each(|item| item.thaw_cycles(ending.at));
                }
                let aside = std::mem::take(&mut self.aside);
                for due in aside.into_iter().filter(|_| !makes(Mistake::UncancelForgets)) {
                    self.wait_for(due);
                }
                self.changed = made;
            }
            E::TermRenewed(renewed) => self.term = renewed.term,
            E::RenewalSet(set) => {
                let term = self.term.ok_or_else(|| Unmade::of("a term of", self.id))?;
                if term.renewal == Renewal::Cancel && set.renewal != Renewal::Cancel {
                    self.items.iter_mut().for_each(|item| item.thaw_cycles(term.span.end()));
                }
                self.term = Some(Term { renewal: set.renewal, ..term });
            }
            E::SubscriptionCreated(_)
            | E::SubscriptionRelocated(_)
            | E::QuoteCreated(_)
            | E::QuoteAccepted(_)
            | E::QuoteVoided(_)
            | E::DiscountApplied(_)
            | E::DiscountRemoved(_) => return Err(Unmade::of("the customer's side of", self.id)),
        }
        Ok(())
    }

    fn known_item(&mut self, number: u16) -> Result<&mut Item, Unmade> {
        let id = self.id;
        self.item_mut(number).ok_or_else(|| Unmade::of(format!("item {number} of"), id))
    }

    /// A scheduled change has happened, or will not.
    fn take_off(&mut self, change: Option<u32>) -> Result<(), Unmade> {
        let Some(number) = change else { return Ok(()) };
        let place = self.scheduled.iter().position(|due| due.change == number);
        let place = place.ok_or_else(|| Unmade::of(format!("change {number} of"), self.id))?;
        self.scheduled.remove(place);
        Ok(())
    }

    fn fold_scheduled(&mut self, scheduled: &ChangeScheduled) -> Result<(), Unmade> {
        self.changes = self.changes.max(scheduled.change);
        for number in &scheduled.sets_aside {
            let aside = self.change(*number).cloned();
            self.take_off(Some(*number))?;
            self.aside.extend(aside);
        }
        self.wait_for(scheduled.clone());
        Ok(())
    }

    fn fold_withdrawn(&mut self, withdrawn: &ScheduledChangeWithdrawn) -> Result<(), Unmade> {
        let ends = self.change(withdrawn.change).filter(|due| is_end(due));
        if let Some(ScheduledFor::At(at)) = ends.map(|due| due.at) {
            self.items.iter_mut().for_each(|item| item.thaw_cycles(at));
        }
        if let Some(why) = &withdrawn.why {
            let mut known = self.scheduled.iter().chain(&self.aside);
            let due = known.find(|due| due.change == withdrawn.change).cloned();
            let gone = self.left_out.len().saturating_sub(MOST_LEFT_OUT - 1);
            self.left_out.drain(..gone);
            self.left_out.extend(due.map(|due| (due, why.clone())));
        }
        // A scheduled end may have put it aside.
        match self.aside.iter().position(|due| due.change == withdrawn.change) {
            Some(place) => {
                self.aside.remove(place);
            }
            None => self.take_off(Some(withdrawn.change))?,
        }
        for number in &withdrawn.restores {
            let place = self.aside.iter().position(|due| due.change == *number);
            let place = place.ok_or_else(|| Unmade::of(format!("change {number} of"), self.id))?;
            let due = self.aside.remove(place);
            self.wait_for(due);
        }
        Ok(())
    }

    /// What waits for one thing happens in the order in which it was told.
    fn wait_for(&mut self, due: ChangeScheduled) {
        let place = self.scheduled.partition_point(|known| known.change < due.change);
        self.scheduled.insert(place, due);
    }

    fn fold_wait(&mut self, awaited: &PaymentAwaited) -> Result<(), Unmade> {
        let id = self.id;
        let waiting = self.activation.as_mut();
        let waiting = waiting.ok_or_else(|| Unmade::of("an activation of", id))?;
        waiting.asked = awaited.invoice.map(|invoice| (invoice, awaited.expires));
        Ok(())
    }

    fn fold_activation(&mut self, activated: &SubscriptionActivated) -> Result<(), Unmade> {
        self.activation = None;
        match &activated.moved {
            None => Ok(()),
            Some(moved) => self.fold_move(moved),
        }
    }

    /// It begins elsewhere, and so does all that was agreed for later.
    fn fold_move(&mut self, moved: &SubscriptionMoved) -> Result<(), Unmade> {
        self.start = moved.start;
        self.term = moved.term;
        self.least_term = moved.least_term;
        let to = |at: Timestamp| {
            let found = moved.steps.iter().find(|(from, _)| *from == at);
            found.map_or(at, |(_, to)| *to)
        };
        for item in &moved.items {
            self.known_item(item.item)?.relocate(to, item.calendar, &item.cycles);
        }
        Ok(())
    }

    fn fold_change(&mut self, changed: &SubscriptionChanged, made: EventAt) -> Result<(), Unmade> {
        self.take_off(changed.change)?;
        if changed.trial_end.is_some() {
            self.trial_end = changed.trial_end;
        }
        if changed.anchor.is_some() {
            self.anchor = changed.anchor;
        }
        // As it is agreed before any of this: also phases that are withdrawn.
        let mut left = self.to_be_left_alone(changed, made);
        if let (Some(end), Some(phases)) = (changed.ramp_withdrawn_from, &mut self.phases) {
            phases.withdraw(changed.from, end);
            self.items.iter_mut().for_each(|item| item.forget_ramp(changed.from));
        }
        let by = if changed.prices.is_some() { Word::Plan } else { Word::Own };
        if changed.prices.is_some() && changed.change.is_some() {
            // What was scheduled comes before a migration of its instant, also where that was taken
            // ahead: it is taken again.
            let items: Vec<u16> = changed.items.iter().map(|change| change.item).collect();
            let again = |taken: &Migrated| taken.at == changed.from && items.contains(&taken.item);
            self.migrated.retain(|taken| !again(taken));
        }
        // What only says again what was quoted is no other plan.
        self.as_quoted &= changed.prices.is_none() || changed.items.is_empty();
        for change in &changed.items {
            let known = self.item(change.item).is_some();
            // Before cycles are laid anew: what was left alone of those that run is billed, too.
            let gave_way = changed.billed_ahead.iter().any(|told| told.change.item == change.item);
            let scheduled = changed.change.filter(|_| change.calendar.is_none());
            if known && changed.settle != Settle::None {
                let item = self.known_item(change.item)?;
                match change.calendar {
                    None => item.thaw(changed.from, scheduled),
                    // Nothing that was told later is of cycles that end here.
                    Some(_) => item.thaw_for_ever(changed.from),
                }
            }
            self.fold_item(change, changed.from, by, made)?;
            let item = self.known_item(change.item)?;
            if known {
                item.mark(changed.from);
            }
            match changed.settle {
                Settle::Now => {
                    item.settled.push(changed.from);
                }
                Settle::Next | Settle::None => {}
            }
            let freezes = left.remove(&change.item);
            let none = freezes.is_some();
            if let Some(frozen) = freezes {
                item.freeze(frozen, change.calendar.is_some() && known);
            }
            let told = if none { !gave_way } else { changed.settle != Settle::None };
            if let Some(number) = scheduled.filter(|_| told) {
                let now = Changed::by(changed.from, change);
                item.was_told_before((number, none), &now, made);
            }
        }
        for repeat in &changed.repeats {
            let item = self.known_item(repeat.item)?;
            item.put(changed.from, repeat, by, made);
            // What is so by what was told since was told before.
            if let Some(number) = changed.change.filter(|_| changed.settle != Settle::None) {
                let now = Changed::by(changed.from, repeat);
                item.was_told_before((number, false), &now, made);
            }
        }
        for later in &changed.later {
            self.fold_later(changed.from, later, made)?;
            let item = self.known_item(later.item)?;
            match left.remove(&later.item) {
                Some(left) => item.freeze(left, false),
                None if changed.settle != Settle::None => item.thaw(changed.from, None),
                None => {}
            }
        }
        self.changed = made;
        Ok(())
    }

    fn fold_item(
        &mut self,
        change: &ItemChange,
        from: Timestamp,
        by: Word,
        made: EventAt,
    ) -> Result<(), Unmade> {
        if let Some(item) = self.item_mut(change.item) {
            item.put(from, change, by, made);
            return Ok(());
        }
        // A new item begins.
        let (TermsChange::Set(terms), Some(calendar)) = (&change.terms, change.calendar) else {
            return Err(Unmade::of(format!("item {} of", change.item), self.id));
        };
        if usize::from(change.item) != self.items.len() {
            return Err(Unmade::of(format!("the item before item {} of", change.item), self.id));
        }
        let started = ItemStarted {
            item: change.item,
            add_on: change.add_on,
            terms: (**terms).clone(),
            quantity: change.quantity.unwrap_or(schemas::Decimal::ONE),
            calendar,
        };
        self.items.push(Item::new(&started, from, by, made));
        Ok(())
    }

    /// Other terms hold later; what a migration did there is undone, and can be done again.
    fn fold_later(
        &mut self,
        from: Timestamp,
        later: &LaterTerms,
        made: EventAt,
    ) -> Result<(), Unmade> {
        let number = later.item;
        let migrated: Vec<Timestamp> = self.migrated.iter().map(|taken| taken.at).collect();
        let migrates = |at| migrated.contains(&at);
        let undone = self.known_item(number)?.restate(from, &later.steps, migrates, made);
        self.migrated.retain(|taken| taken.item != number || !undone.contains(&taken.at));
        Ok(())
    }

    fn fold_ramp(&mut self, ramp: &RampAgreed, made: EventAt) -> Result<(), Unmade> {
        let start = self.start;
        let mut phases = self.phases.take().unwrap_or(Phases::new(ramp.discount, made));
        for step in &ramp.steps {
            phases.put(step.from, step.discount_percent);
            if start < step.from && !phases.later.contains(&step.from) {
                phases.later.push(step.from);
            }
            let by = if step.ends { Word::RampEnd } else { Word::Phase };
            for change in &step.items {
                self.fold_item(change, step.from, by, made)?;
            }
        }
        self.phases = Some(phases);
        Ok(())
    }

    fn fold_migration(
        &mut self,
        migrated: &SubscriptionMigrated,
        made: EventAt,
    ) -> Result<(), Unmade> {
        let (item, at, plan) =
            (self.known_item(migrated.item)?.number, migrated.from, migrated.plan);
        let taken = migrated.taken.iter().map(|taken| Migrated { item, at, plan, taken: *taken });
        self.migrated.extend(taken);
        for change in &migrated.items {
            self.fold_item(change, migrated.from, Word::Migration, made)?;
        }
        for later in &migrated.later {
            self.fold_later(migrated.from, later, made)?;
        }
        self.changed = made;
        Ok(())
    }

    fn fold_pause(&mut self, paused: &SubscriptionPaused, made: EventAt) -> Result<(), Unmade> {
        self.take_off(paused.change)?;
        let kept = paused.settle == Settle::None;
        for item in &mut self.items {
            if paused.settle == Settle::Now {
                item.settled.push(paused.from);
            }
            // What an item that is gone has forfeited is not given back.
            if !kept && item.terms_at(paused.from).is_some() {
                item.thaw(paused.from, None);
            }
        }
        self.pauses.push(Pause { from: paused.from, until: None, kept });
        self.pauses.sort_by_key(|pause| pause.from);
        self.changed = made;
        Ok(())
    }

    fn fold_resumption(
        &mut self,
        resumed: &SubscriptionResumed,
        made: EventAt,
    ) -> Result<(), Unmade> {
        self.take_off(resumed.change)?;
        // A pause that was scheduled and withdrawn leaves nothing to end.
        let mut pauses = self.pauses.iter_mut().rev();
        if let Some(pause) = pauses.find(|pause| pause.runs_at(resumed.from)) {
            pause.until = Some(resumed.from);
        }
        let after = resumed.change.unwrap_or(self.changes);
        for left in &resumed.left_alone {
            let item = self.known_item(left.item)?;
            if let Some(time) = Span::new(resumed.from, left.until) {
                item.freeze(Frozen::of_nothing(time, made, after), false);
            }
        }
        self.changed = made;
        Ok(())
    }

    fn fold_end(&mut self, canceled: &SubscriptionCanceled, made: EventAt) -> Result<(), Unmade> {
        self.take_off(canceled.change)?;
        self.aside.append(&mut self.scheduled);
        self.aside.sort_by_key(|due| due.change);
        let SubscriptionCanceled { end: at, credit, reason, begun, .. } = *canceled;
        if credit != CancelCredit::None {
            // What was left as it was invoiced is given back with the end.
            let living = self.items.iter_mut().filter(|item| item.terms_at(at).is_some());
            living.for_each(|item| item.thaw(at, None));
        }
        self.ending = Some(Ending { at, credit, reason, begun });
        self.changed = made;
        Ok(())
    }
}
