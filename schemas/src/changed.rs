//! What a commit did to prices and to what was scheduled, for the answer to its command.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::command::PriceMapping;
use crate::event::{
    ChangeScheduled, Event, PlanMigrationSet, PricesMapped, ScheduledChange,
    ScheduledChangeWithdrawn, SubscriptionChanged,
};
use crate::ids::{PlanId, SubscriptionId};
use crate::text::Code;
use crate::time::Timestamp;

/// A price whose place another one took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MappedPrice {
    /// The price that was there.
    pub from: Code,
    /// The one that took its place.
    pub to: Option<Code>,
}

/// What changed of one subscription, or will of those that a migration moves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Changed {
    /// Which subscription; none for a migration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subscription: Option<SubscriptionId>,
    /// The plan whose subscriptions a migration moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<PlanId>,
    /// Prices, and those that took their places.
    pub mapped: Vec<MappedPrice>,
    /// Prices that begin.
    pub started: Vec<Code>,
    /// Prices that end.
    pub ended: Vec<Code>,
    /// Numbers of the scheduled changes that do not come about.
    pub withdrawn: Vec<u32>,
    /// Phases of a ramp from then on do not hold any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp_withdrawn_from: Option<Timestamp>,
}

impl Changed {
    /// What the events of a commit did, in the order in which they name subscriptions.
    pub fn of<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for event in events {
            if let Some(changed) = event.get::<SubscriptionChanged>() {
                if changed.prices.is_some() || changed.ramp_withdrawn_from.is_some() {
                    let one = about(&mut all, changed.subscription);
                    changed.prices.iter().for_each(|prices| one.take(prices));
                    one.ramp_withdrawn_from = changed.ramp_withdrawn_from;
                }
            } else if let Some(gone) = event.get::<ScheduledChangeWithdrawn>() {
                about(&mut all, gone.subscription).withdrawn.push(gone.change);
            } else if let Some(again) = event.get::<ChangeScheduled>()
                && let ScheduledChange::Cancel(_) = again.what
            {
                // An end that puts other changes aside now is the same end.
                for one in all.iter_mut().filter(|one| one.subscription == Some(again.subscription))
                {
                    one.withdrawn.retain(|change| *change != again.change);
                }
            } else if let Some(set) = event.get::<PlanMigrationSet>() {
                let mut one = Self { plan: Some(set.plan), ..Self::default() };
                one.take(&set.prices);
                all.push(one);
            }
        }
        all.retain(|one| *one != Self { subscription: one.subscription, ..Self::default() });
        all
    }

    fn take(&mut self, prices: &PricesMapped) {
        let PricesMapped { mapped, started, ended } = prices;
        let mapped = mapped.iter().cloned();
        self.mapped.extend(mapped.map(|PriceMapping { from, to }| MappedPrice { from, to }));
        self.started.extend_from_slice(started);
        self.ended.extend_from_slice(ended);
    }
}

/// The one about a subscription.
fn about(all: &mut Vec<Changed>, subscription: SubscriptionId) -> &mut Changed {
    let known = all.iter().position(|one| one.subscription == Some(subscription));
    let at = known.unwrap_or_else(|| {
        all.push(Changed { subscription: Some(subscription), ..Changed::default() });
        all.len() - 1
    });
    &mut all[at]
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::event::{EndAgreed, ScheduledFor};
    use crate::terms::CancelCredit;

    #[test]
    fn what_several_events_say_of_a_subscription_is_one() {
        let subscription = SubscriptionId::new(Uuid::from_u128(1));
        let gone = |subscription, change| {
            Event::from(ScheduledChangeWithdrawn {
                subscription,
                change,
                restores: Vec::new(),
                why: None,
            })
        };
        let other = SubscriptionId::new(Uuid::from_u128(2));
        let events = [gone(subscription, 3), gone(other, 1), gone(subscription, 4)];
        let all = Changed::of(&events);
        let told: Vec<_> =
            all.iter().map(|one| (one.subscription, one.withdrawn.as_slice())).collect();
        assert_eq!(told, [(Some(subscription), &[3, 4][..]), (Some(other), &[1])]);
        assert_eq!(Changed::of(&[]), []);
    }

    #[test]
    fn an_end_that_is_scheduled_again_is_not_withdrawn() {
        let subscription = SubscriptionId::new(Uuid::from_u128(1));
        let gone = |change| {
            Event::from(ScheduledChangeWithdrawn {
                subscription,
                change,
                restores: Vec::new(),
                why: None,
            })
        };
        let end = EndAgreed { credit: CancelCredit::Full, waive_fee: false };
        let again = Event::from(ChangeScheduled {
            subscription,
            change: 2,
            at: ScheduledFor::Paid,
            what: ScheduledChange::Cancel(end),
            cycle_end: false,
            sets_aside: vec![1],
        });
        let all = Changed::of(&[gone(2), gone(3), again.clone()]);
        assert_eq!(all.iter().map(|one| one.withdrawn.as_slice()).collect::<Vec<_>>(), [&[3][..]]);
        assert_eq!(Changed::of(&[gone(2), again]), []);
    }
}
