//! What has not begun is billed as it will be then.

use std::collections::BTreeMap;

use schemas::{Rejection, Span, Timestamp};

use super::Account;
use super::place::Place;
use crate::catalog::state::Catalog;
use crate::subscription::advance::Advance;
use crate::subscription::item::{Cycle, Item};
use crate::subscription::state::Subscription;

/// A subscription as it will be when cycles begin that are billed ahead.
pub(crate) struct Ahead {
    /// By the start of a cycle, with the pauses that there are then; nothing where nothing will be
    /// other by then.
    then: BTreeMap<Timestamp, (Subscription, Vec<Span>)>,
}

impl Ahead {
    /// # Errors
    /// What advancing refuses.
    pub(crate) fn of(
        account: Account<'_>,
        catalog: &Catalog,
        subscription: &Subscription,
        now: Timestamp,
    ) -> Result<Self, Rejection> {
        let (rules, currency) = (account.rules(), account.profile.currency);
        let invoiced = account.billing;
        let advance = Advance { rules, catalog, currency, invoiced, looks_ahead: false };
        let mut then = BTreeMap::new();
        for item in &subscription.items {
            // Behind cycles that a change has cut away there may be one that has begun.
            let ahead = item.cycles.iter().rev().take_while(|cycle| now < cycle.full.end());
            for start in ahead.map(|cycle| cycle.start).filter(|start| now < *start) {
                if then.contains_key(&start) || subscription.is_settled_until(start) {
                    continue;
                }
                let seen = advance.projected(subscription, start)?;
                let pauses = seen.pause_spans();
                then.insert(start, (seen, pauses));
            }
        }
        Ok(Self { then })
    }

    /// A cycle of an item with the subscription as it will be when the cycle begins, or as it is.
    pub(crate) fn place<'a>(
        &'a self,
        account: Account<'a>,
        (subscription, pauses): (&'a Subscription, &'a [Span]),
        item: &'a Item,
        cycle: &'a Cycle,
    ) -> (Place<'a>, &'a Cycle) {
        let now = (Place { account, subscription, item, pauses }, cycle);
        let Some((then, pauses)) = self.then.get(&cycle.start) else { return now };
        // Nothing ever takes an item away, nor a cycle that was opened: but what lays cycles anew
        // leaves nothing of it.
        let item = then.item(item.number).expect("what will be has every item that is");
        let cycle = item.cycle(cycle.index).expect("what will be has every cycle that is");
        (Place { account, subscription: then, item, pauses }, cycle)
    }
}
