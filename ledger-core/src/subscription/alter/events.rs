//! What a draft of a change comes to: the events that say what is other from its instant on.

use schemas::Rejection;
use schemas::event::{
    BilledAhead, ChangeAgreed, ItemChange, LaterTerms, SubscriptionChanged, SubscriptionEvent,
    TermsChange,
};
use schemas::terms::{BillingTiming, NoneScope, Settle};

use super::{Draft, Edit, cut_away, unchanged};
use crate::mistakes::{Mistake, makes};
use crate::spans::just_before;
use crate::subscription::item::{Item, same_price};

impl Draft<'_> {
    /// What is other from the instant on, as events.
    pub(super) fn events(
        self,
        change: &ChangeAgreed,
        number: Option<u32>,
    ) -> Result<Vec<SubscriptionEvent>, Rejection> {
        let mut items: Vec<ItemChange> =
            self.edits.iter().filter_map(|edit| self.changed(edit)).collect();
        items.extend(self.relaid.iter().filter_map(|(item, calendar)| {
            let add_on = self.subscription.item(*item)?.add_on;
            Some(ItemChange { calendar: Some(*calendar), ..unchanged(*item, add_on) })
        }));
        let repeats: Vec<ItemChange> =
            self.edits.iter().filter_map(|edit| self.repeated(edit)).collect();
        let nothing = items.is_empty() && self.trial_end.is_none();
        // Cycles that are laid anew later begin on its days.
        let remembers = change.anchor.is_some() && change.anchor != self.subscription.anchor;
        if nothing && number.is_none() && repeats.is_empty() && !remembers {
            return Ok(Vec::new());
        }
        let restarted: Vec<&Item> = items
            .iter()
            .filter(|change| change.calendar.is_some())
            .filter_map(|change| self.subscription.item(change.item))
            .collect();
        let mut events: Vec<SubscriptionEvent> =
            restarted.iter().flat_map(|item| cut_away(self.subscription, item, self.at)).collect();
        let moves = !restarted.is_empty();
        let mut billed_ahead = Vec::new();
        if change.settle == Settle::None && !makes(Mistake::NoneIsSettled) {
            billed_ahead.clone_from(&change.billed_ahead);
            self.leave_alone(&mut items, moves, number);
            if moves && !self.advance.looks_ahead {
                self.was_billed_ahead(&items, number, &mut billed_ahead)?;
            }
        }
        let withdraws = self.to_plan.is_some() && !nothing && !change.keep_scheduled;
        let mut later = if nothing { Vec::new() } else { self.later(!withdraws)? };
        if change.settle == Settle::None && !makes(Mistake::NoneIsSettled) {
            self.leave_later_alone(&items, &mut later);
            self.leave_what_gave_way_alone(&mut items, &later, &billed_ahead);
        }
        let mut prices = self.prices.clone();
        if let Some(said) = &mut prices {
            said.ended.extend(self.ended_later(&later));
        }
        events.push(
            SubscriptionChanged {
                subscription: self.subscription.id,
                from: self.at,
                items,
                settle: change.settle,
                change: number,
                trial_end: self.trial_end,
                anchor: change.anchor,
                prices,
                ramp_withdrawn_from: self
                    .next_phase()
                    .filter(|_| withdraws && !makes(Mistake::RampStepSurvives)),
                later,
                repeats,
                billed_ahead,
            }
            .into(),
        );
        if self.to_plan.is_some() && !nothing {
            self.take_migrations(&mut events)?;
        }
        if moves {
            self.follow_cycles(&mut events)?;
        }
        Ok(events)
    }

    /// What is still scheduled has no effect on cycles that are cut: what was billed of them with
    /// it stays.
    fn was_billed_ahead(
        &self,
        items: &[ItemChange],
        number: Option<u32>,
        billed_ahead: &mut Vec<BilledAhead>,
    ) -> Result<(), Rejection> {
        let restarts =
            |item: u16| items.iter().any(|change| change.item == item && change.calendar.is_some());
        let Some(until) = items.iter().filter_map(|change| change.left_alone_until).max() else {
            return Ok(());
        };
        let mut then = self.subscription.clone();
        then.scheduled.retain(|due| Some(due.change) != number);
        let all = self.advance.billed_ahead(&then, just_before(until), |_| true)?;
        for told in all {
            if restarts(told.change.item) && !billed_ahead.contains(&told) {
                billed_ahead.push(told);
            }
        }
        Ok(())
    }

    /// What was billed ahead of other items with changes that gave way stays, too.
    fn leave_what_gave_way_alone(
        &self,
        items: &mut Vec<ItemChange>,
        later: &[LaterTerms],
        billed_ahead: &[BilledAhead],
    ) {
        for told in billed_ahead.iter().map(|told| &told.change) {
            let known = items.iter().any(|change| change.item == told.item)
                || later.iter().any(|later| later.item == told.item);
            let until = self.advance.invoiced.charged_until(self.subscription, told.item);
            if let Some(until) = until.filter(|until| !known && self.at < *until) {
                let left_alone_until = Some(until);
                let bare = unchanged(told.item, told.add_on);
                items.push(ItemChange { left_alone_until, ..bare });
            }
        }
        items.sort_by_key(|change| change.item);
    }

    /// What becomes of an item, if anything does.
    fn changed(&self, edit: &Edit) -> Option<ItemChange> {
        let bare = unchanged(edit.item, edit.add_on);
        let Some(item) = self.subscription.item(edit.item).filter(|_| !edit.is_new) else {
            let terms = TermsChange::Set(Box::new(edit.terms.clone()?));
            let (quantity, calendar) = (Some(edit.quantity), Some(edit.calendar));
            return Some(ItemChange { terms, quantity, calendar, ..bare });
        };
        let terms = match (&edit.terms, item.terms_at(self.at)) {
            (None, _) => TermsChange::Remove,
            (Some(terms), Some(now)) if same_price(terms, now) && terms == now => TermsChange::Keep,
            (Some(terms), _) => TermsChange::Set(Box::new(terms.clone())),
        };
        let quantity = Some(edit.quantity).filter(|wanted| *wanted != item.quantity_at(self.at));
        let calendar = Some(edit.calendar).filter(|wanted| *wanted != item.calendar);
        let other = terms != TermsChange::Keep || quantity.is_some() || calendar.is_some();
        other.then_some(ItemChange { terms, quantity, calendar, ..bare })
    }

    /// What the command says of an item that is so already.
    fn repeated(&self, edit: &Edit) -> Option<ItemChange> {
        let item = self.subscription.item(edit.item).filter(|_| !edit.is_new)?;
        let (terms, now) = (edit.terms.as_ref()?, item.terms_at(self.at)?);
        let told = edit.asked.rate || self.to_plan.is_some();
        let repeats = told && same_price(terms, now) && terms == now;
        let terms =
            if repeats { TermsChange::Set(Box::new(terms.clone())) } else { TermsChange::Keep };
        let quantity = Some(edit.quantity)
            .filter(|wanted| edit.asked.quantity && *wanted == item.quantity_at(self.at));
        let other = terms != TermsChange::Keep || quantity.is_some();
        other.then_some(ItemChange { terms, quantity, ..unchanged(edit.item, edit.add_on) })
    }

    /// What is invoiced of the items stays as it is.
    fn leave_alone(&self, items: &mut [ItemChange], moves: bool, number: Option<u32>) {
        let (invoiced, subscription) = (self.advance.invoiced, self.subscription);
        let of_plan = subscription
            .items
            .iter()
            .filter(|item| !item.add_on && item.terms_at(self.at).is_some());
        let plan = of_plan.filter_map(|item| {
            let until = invoiced.charged_until(subscription, item.number)?;
            // What was billed ahead when it was scheduled already is to be billed of it, too.
            let since = number.and_then(|number| item.opened_after(number));
            Some(since.map_or(until, |since| until.min(since)))
        });
        let plan = plan.max();
        let scope = self.advance.rules.policies.none_scope;
        for change in items {
            let is_new = subscription.item(change.item).is_none();
            let arrears = match &change.terms {
                TermsChange::Set(terms) => terms.timing == BillingTiming::InArrears,
                TermsChange::Keep | TermsChange::Remove => false,
            };
            // Of what begins in arrears nothing is invoiced.
            if is_new && arrears {
                continue;
            }
            let until = match (is_new, scope) {
                (false, _) => invoiced.charged_until(subscription, change.item),
                // With cycles laid anew it begins in the first of these.
                (true, NoneScope::FirstUnbilledCycle) => plan.filter(|_| !moves),
                (true, NoneScope::BilledLines) => None,
            };
            // With cycles laid anew nothing is forfeited of what was not to be used.
            let end = self.subscription.known_end(self.advance.rules).map(|known| known.at);
            let until = match end.filter(|_| !is_new && change.calendar.is_some()) {
                Some(end) => until.map(|until| until.min(end)),
                None => until,
            };
            change.left_alone_until = until.filter(|until| self.at < *until);
        }
    }
}
