//! The first cycle from a day on takes the terms of the plan's other version.

use schemas::Rejection;
use schemas::Span;
use schemas::event::{ItemChange, SubscriptionChanged, SubscriptionEvent, TermsChange};
use schemas::terms::Settle;

use super::advance::Advance;
use super::item::Item;
use super::state::Subscription;

/// What a cycle that opens takes of migrations.
///
/// # Errors
/// A date that cannot be computed.
pub(super) fn taken(
    advance: Advance<'_>,
    subscription: &Subscription,
    item: &Item,
    span: Span,
) -> Result<Vec<SubscriptionEvent>, Rejection> {
    let start = advance.rules.date(span.start())?;
    let moved = |terms| advance.catalog.migrated(terms, start, advance.currency);
    let Some(terms) = item.terms_at(span.start()).and_then(moved) else { return Ok(Vec::new()) };
    let change = ItemChange {
        item: item.number,
        add_on: item.add_on,
        terms: TermsChange::Set(Box::new(terms)),
        quantity: None,
        calendar: None,
        left_alone_until: None,
    };
    Ok(vec![
        SubscriptionChanged {
            subscription: subscription.id,
            from: span.start(),
            items: vec![change],
            settle: Settle::Next,
            change: None,
            trial_end: None,
            prices: None,
            ramp_withdrawn_from: None,
        }
        .into(),
    ])
}
