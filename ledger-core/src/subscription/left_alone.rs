//! What a change without proration leaves as it is invoiced.

use std::collections::BTreeMap;

use schemas::event::{EventAt, ItemChange, ScheduledFor, SubscriptionChanged};
use schemas::terms::Renewal;
use schemas::{Span, Timestamp};

use super::item::{Changed, Frozen};
use super::state::{Subscription, is_end};

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
        let left = of_items.chain(later).filter_map(|(number, until, restarted)| {
            let span = Span::new(changed.from, until?)?;
            let phases = self.phases.as_ref();
            let item = self.item(number).map(|item| item.to_freeze(span, phases, after));
            let mut left = item.unwrap_or_else(|| Frozen::of_nothing(span, made, after));
            if restarted {
                self.out_of_service().into_iter().for_each(|time| left.out_of_service(time));
            }
            for told in &changed.billed_ahead {
                let of_item = |change: &&ItemChange| change.item == number;
                let change = told.items.iter().find(of_item);
                if let Some((change, item)) = change.zip(self.item(number)) {
                    let by = Changed::by(told.from, change);
                    left.was_billed_ahead(&by, (made, item.next_change(told.from)));
                }
            }
            Some((number, left))
        });
        left.collect()
    }

    /// Time in which nothing is used, as far as it is known.
    fn out_of_service(&self) -> Vec<Span> {
        let scheduled = self.scheduled.iter().filter(|due| is_end(due));
        let scheduled = scheduled.filter_map(|due| match due.at {
            ScheduledFor::At(at) => Some(at),
            ScheduledFor::Paid => None,
        });
        let term = self.term.filter(|term| term.renewal == Renewal::Cancel);
        let ends = scheduled.chain(term.map(|term| term.span.end()));
        let beyond = ends.filter_map(|end| Span::new(end, Timestamp::MAX));
        self.known_pauses().into_iter().chain(beyond).collect()
    }
}
