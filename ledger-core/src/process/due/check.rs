//! In builds of tests: nothing was forgotten of what was not touched.
//!
//! What was found of a subscription is believed until an event touches it. Here it is found anew
//! after each command, with every cycle that there ever was, and has to be the same.

use schemas::Rejection;
use schemas::event::CycleSettled;
use schemas::ids::SubscriptionId;

use super::{Day, SubscriptionDue, day_of};
use crate::billing::Account;
use crate::billing::waiting::unsettled_by_now;
use crate::context::Context;
use crate::mistakes::any_is_made;

/// Finds anew what is known of subscriptions that were not touched.
///
/// # Panics
/// When something else is found.
pub(super) fn untouched(account: Account<'_>, context: &Context<'_>) {
    let profile = account.profile;
    if any_is_made() || profile.parked.is_some() || profile.erased.is_some() {
        return;
    }
    for subscription in account.agreements.subscriptions() {
        let id = subscription.id();
        let wrong = unsettled_by_now(account, subscription, context.stamp.recorded_at);
        assert_eq!(wrong, Ok::<_, Rejection>(Vec::<CycleSettled>::new()), "settled of {id}");
        let known = account.billing.days.of(id);
        let today = account.rules().date(context.stamp.recorded_at);
        // What is due may have come, and shows only once a run has let it.
        let is_due = known.on.is_some_and(|on| today.is_ok_and(|today| on <= today));
        if !account.billing.days.is_touched(id) && !is_due {
            let found = day_of(account, context, id);
            assert_eq!(found.as_ref().map(as_known), Ok((id, known)), "untouched");
        }
    }
}

fn as_known(due: &SubscriptionDue) -> (SubscriptionId, Day) {
    (due.subscription, Day { on: due.on, differs: due.differs })
}
