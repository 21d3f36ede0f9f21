//! What decisions about agreements ask of what was billed and paid.

use schemas::Timestamp;
use schemas::ids::SubscriptionId;

use super::state::Subscription;
use crate::catalog::state::Catalog;

/// What was invoiced of a customer's subscriptions, as these ask for it.
pub(crate) trait Invoiced {
    /// The end of the last cycle of an item of which a line charges time.
    fn charged_until(&self, subscription: &Subscription, item: u16) -> Option<Timestamp>;

    /// The end of the last cycle of an item that a line was ever for.
    fn invoiced_until(&self, subscription: &Subscription, item: u16) -> Option<Timestamp>;
}

/// What the rooms behind this one say of a customer's subscriptions.
pub(crate) trait Books {
    /// Whether something is open that has a line of the subscription.
    fn owes(&self, subscription: SubscriptionId) -> bool;

    /// The first cycle of an item of which nothing is billed, and of none after it.
    fn first_unbilled(&self, subscription: SubscriptionId, item: u16) -> u32;

    /// Whether a subscription that wants a first payment waits for it at an instant: an invoice
    /// asks for it, or the one that bills what is due will.
    fn waits(&self, catalog: &Catalog, subscription: &Subscription, now: Timestamp) -> bool;

    /// What was invoiced.
    fn invoiced(&self) -> &dyn Invoiced;
}
