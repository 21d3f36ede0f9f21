//! An item of a subscription, as billing looks at it.

use schemas::Span;

use super::Account;
use super::state::CycleBill;
use crate::customer::rules::Rules;
use crate::subscription::item::{Cycle, Item};
use crate::subscription::state::Subscription;

/// An item of a subscription, as billing looks at it.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) account: Account<'a>,
    pub(crate) subscription: &'a Subscription,
    pub(crate) item: &'a Item,
    pub(crate) pauses: &'a [Span],
}

impl<'a> Place<'a> {
    pub(crate) fn rules(&self) -> &'a Rules {
        self.account.rules()
    }

    /// What was billed of a cycle of the item.
    pub(crate) fn bill(&self, cycle: &Cycle) -> &'a CycleBill {
        let billing = self.account.billing;
        let found = billing.cycle(self.subscription.id, self.item.number, cycle.index);
        found.expect("every cycle that was opened can be billed")
    }
}
