//! Changes of plan, items and anchor that were scheduled take effect.

use schemas::event::{
    ChangeAgreed, ChangeScheduled, ScheduledChange, ScheduledChangeWithdrawn, SubscriptionEvent,
};
use schemas::{Rejection, Timestamp};

use super::{Advance, is_over, reason};
use crate::subscription::state::Subscription;

impl Advance<'_> {
    /// What a migration does at the instant of a scheduled change that can only come after it: it
    /// names what the migration brings.
    pub(super) fn migrated_before(
        self,
        subscription: &Subscription,
        at: Timestamp,
        due: &ChangeScheduled,
    ) -> Result<Option<Vec<SubscriptionEvent>>, Rejection> {
        let ScheduledChange::Items(items) = &due.what else { return Ok(None) };
        if !self.may_migrate(subscription)
            || self.change(subscription, at, items, Some(due.change)).is_ok()
        {
            return Ok(None);
        }
        for item in &subscription.items {
            let (span, _) = item.next_period(self.rules)?;
            if span.start() != at || is_over(subscription, item, span) {
                continue;
            }
            let migrated = self.migrate(subscription, item, at)?;
            if !migrated.is_empty() {
                return Ok(Some(migrated));
            }
        }
        Ok(None)
    }

    /// What was scheduled of items. What cannot be of it any more is left out, and told with the
    /// reason; where nothing can be, the change is withdrawn.
    pub(super) fn items_changed(
        self,
        subscription: &Subscription,
        at: Timestamp,
        due: &ChangeScheduled,
        items: &ChangeAgreed,
    ) -> Vec<SubscriptionEvent> {
        let change = |items: &ChangeAgreed| self.change(subscription, at, items, Some(due.change));
        let rejection = match change(items) {
            Ok(events) => return events,
            Err(rejection) => rejection,
        };
        let mut events: Vec<SubscriptionEvent> = vec![
            ScheduledChangeWithdrawn {
                subscription: subscription.id,
                change: due.change,
                restores: Vec::new(),
                why: Some(reason(&rejection)),
            }
            .into(),
        ];
        let mut left = items.clone();
        left.items.retain(|item| {
            change(&ChangeAgreed { items: vec![item.clone()], ..items.clone() }).is_ok()
        });
        let says_something = left.plan.is_some()
            || left.quantity.is_some()
            || left.anchor.is_some()
            || !left.items.is_empty();
        if says_something
            && left.items.len() < items.items.len()
            && let Ok(made) = change(&left)
        {
            let what = ScheduledChange::Items(Box::new(left));
            events.push(ChangeScheduled { what, ..due.clone() }.into());
            events.extend(made);
        }
        events
    }
}
