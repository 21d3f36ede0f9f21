//! An item of a subscription, as billing looks at it.

use schemas::{Date, Span};

use super::Account;
use super::state::CycleBill;
use crate::customer::rules::Rules;
use crate::subscription::advance::opens_on;
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

    /// The first day on which a cycle that is not opened yet is billed; none if nothing of it is.
    pub(crate) fn next_due(&self, span: Span) -> Option<Date> {
        let Some(living) = self.subscription.living(span.start(), span.end()) else {
            let trial = self.subscription.trial_end.is_some_and(|end| span.end() <= end);
            return self.rules().date(span.end()).ok().filter(|_| trial);
        };
        let ahead = self.item.bills_ahead(living, self.pauses, self.rules());
        if ahead {
            opens_on(self.item, span, self.rules()).ok()
        } else {
            self.rules().date(living.end()).ok()
        }
    }
}
