//! What holds later of an item, as events told it: phases that are withdrawn, quantities that hold
//! again where a ramp ends, terms that a change for an earlier day makes others.

use schemas::Timestamp;
use schemas::event::{ItemChange, LaterTerms};
use schemas::ids::SubscriptionId;

use crate::watch::Account;

impl Account {
    /// Phases of a ramp from an instant on are no more.
    pub(crate) fn forget_phases(&mut self, subscription: SubscriptionId, from: Timestamp) {
        let ramp = std::mem::take(&mut self.subscription_mut(subscription).ramp);
        let (gone, stay): (Vec<_>, Vec<_>) = ramp.into_iter().partition(|at| from <= *at);
        self.subscription_mut(subscription).ramp = stay;
        let items = self.items.iter_mut().filter(|((of, _), _)| *of == subscription);
        for (_, item) in items {
            item.terms.retain(|at, _| !gone.contains(at));
            // Unless a command has said so, too.
            item.quantities.retain(|at, _| !gone.contains(at) || item.asked.contains_key(at));
            item.ramp_ends = None;
        }
    }

    /// Other terms hold later.
    pub(crate) fn later(
        &mut self,
        subscription: SubscriptionId,
        from: Timestamp,
        later: &[LaterTerms],
    ) {
        for later in later {
            let item = self.item_mut(subscription, later.item);
            item.terms.retain(|at, _| *at <= from);
            let steps = later.steps.iter();
            item.terms.extend(steps.map(|(at, terms)| (*at, terms.as_deref().cloned())));
        }
    }

    /// A command's quantity holds again where the ramp ends.
    pub(crate) fn asks_for(
        &mut self,
        subscription: SubscriptionId,
        from: Timestamp,
        change: &ItemChange,
    ) {
        let item = self.item_mut(subscription, change.item);
        item.asked.extend(change.quantity.map(|quantity| (from, quantity)));
        if let (Some(_), Some(end)) = (change.quantity, item.ramp_ends)
            && let Some((_, last)) = item.asked.range(..end).next_back()
        {
            item.quantities.insert(end, *last);
        }
    }
}
