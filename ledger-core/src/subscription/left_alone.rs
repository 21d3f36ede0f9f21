//! What a change without proration leaves as it is invoiced.

use std::collections::BTreeMap;

use schemas::event::{
    BilledAhead, EventAt, ItemChange, SegmentFrom, SubscriptionChanged, SubscriptionEvent,
};
use schemas::{Rejection, Span, Timestamp};

use super::advance::Advance;
use super::item::{Changed, Frozen};
use super::state::{Pause, Subscription};

impl Subscription {
    /// What a change leaves as it is invoiced, by item. Of what begins with it nothing is invoiced.
    pub(super) fn to_be_left_alone(
        &self,
        changed: &SubscriptionChanged,
        made: EventAt,
    ) -> BTreeMap<u16, Frozen> {
        let after = changed.change.unwrap_or(self.changes);
        let of_items = changed
            .items
            .iter()
            .map(|change| (change.item, change.left_alone_until, change.calendar.is_some()));
        let later = changed.later.iter().map(|later| (later.item, later.left_alone_until, false));
        let left = of_items.chain(later).filter_map(|(item, until, restarted)| {
            let span = Span::new(changed.from, until?)?;
            let phases = self.phases.as_ref();
            let known = self.item(item).map(|item| item.to_freeze(span, phases, after));
            let mut left = known.unwrap_or_else(|| Frozen::of_nothing(span, made, after));
            if restarted {
                let credited = self.pauses.iter().filter(|pause| !pause.kept);
                left = left.beside(credited.filter_map(Pause::span));
            }
            let of_item = |told: &&BilledAhead| told.change.item == item;
            for told in changed.billed_ahead.iter().filter(of_item) {
                let BilledAhead { from, change, nth, number } = told;
                let segment = SegmentFrom { at: *from, nth: *nth };
                left.was_billed_ahead(*number, &Changed::by(*from, change), (made, segment));
            }
            Some((item, left))
        });
        left.collect()
    }
}

impl Advance<'_> {
    /// What scheduled changes up to an instant would change of items that are billed beyond their
    /// time: of those of which that is asked.
    ///
    /// # Errors
    /// What advancing refuses.
    pub(super) fn billed_ahead(
        self,
        subscription: &Subscription,
        to: Timestamp,
        asked: impl Fn(u32) -> bool,
    ) -> Result<Vec<BilledAhead>, Rejection> {
        let is_billed = |item: u16, from| {
            let known = subscription.item(item).is_some();
            let until = self.invoiced.charged_until(subscription, item);
            known && until.is_some_and(|until| from < until)
        };
        let mut found: Vec<BilledAhead> = Vec::new();
        let ahead = Self { looks_ahead: true, ..self };
        let (then, events) = ahead.projection(subscription, to)?;
        for event in events {
            let SubscriptionEvent::SubscriptionChanged(changed) = event else { continue };
            let Some(number) = changed.change.filter(|number| asked(*number)) else { continue };
            // Where it leaves alone what was billed with others before, that is what stays.
            let known = changed.billed_ahead;
            let inherits = |item: u16| known.iter().any(|told| told.change.item == item);
            let from = changed.from;
            let own = changed.items.into_iter().filter(|change| {
                change.calendar.is_none() && !inherits(change.item) && is_billed(change.item, from)
            });
            let own = own.map(|change| {
                let last = then.item(change.item).and_then(|item| item.changes_at(from));
                let change = ItemChange { left_alone_until: None, ..change };
                BilledAhead { from, change, nth: last.unwrap_or(1), number }
            });
            let own: Vec<BilledAhead> = own.collect();
            for told in known.into_iter().chain(own) {
                if !found.contains(&told) {
                    found.push(told);
                }
            }
        }
        Ok(found)
    }
}
