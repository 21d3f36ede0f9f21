//! What has not begun is billed as it will be then.

use std::collections::BTreeMap;

use schemas::{Rejection, Span, Timestamp};

use super::Account;
use crate::catalog::state::Catalog;
use crate::subscription::advance::Advance;
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
        let advance = Advance { rules, catalog, currency, invoiced: account.billing };
        let mut then = BTreeMap::new();
        for item in &subscription.items {
            let ahead = item.cycles.iter().rev().map(|cycle| cycle.start);
            for start in ahead.take_while(|start| now < *start) {
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

    /// As it will be when a cycle begins, if that will be other than now.
    pub(crate) fn at(&self, start: Timestamp) -> Option<(&Subscription, &Vec<Span>)> {
        self.then.get(&start).map(|(seen, pauses)| (seen, pauses))
    }
}
