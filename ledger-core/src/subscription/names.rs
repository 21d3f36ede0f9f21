//! Which items a scheduled change means.
//!
//! # Shape
//!
//! A change names items by the ids of their prices. Migrations may give these other ids before its
//! time comes, and may give their ids to others: so a change keeps which items it found.

use schemas::Timestamp;
use schemas::event::{ChangeAgreed, ItemNamed};
use schemas::text::Code;

use super::state::Subscription;

/// The items of a subscription, by the ids of their prices at an instant. What begins until then
/// may get another number.
pub(super) fn names_at(
    subscription: &Subscription,
    then: &Subscription,
    at: Timestamp,
) -> Vec<ItemNamed> {
    let named = |number: u16| {
        let terms = then.item(number)?.terms_at(at)?;
        Some(ItemNamed { item: number, plan: terms.plan, price: terms.price.clone() })
    };
    subscription.items.iter().filter_map(|item| named(item.number)).collect()
}

/// The item that a price named.
pub(super) fn item_named(names: &[ItemNamed], price: &Code) -> Option<u16> {
    names.iter().find(|named| named.price == *price).map(|named| named.item)
}

/// Whether a price of a change and one of another change name the same.
pub(super) fn same_item(
    (of, price): (&ChangeAgreed, &Code),
    (of_other, other): (&ChangeAgreed, &Code),
) -> bool {
    match (item_named(&of.names, price), item_named(&of_other.names, other)) {
        (Some(item), Some(other)) => item == other,
        // What is to begin has no number yet.
        (None, Some(_) | None) | (Some(_), None) => price == other,
    }
}
