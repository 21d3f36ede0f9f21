//! Whether a subscription waits for its first payment, and whether an invoice of it that would be
//! made now asks for something.

use schemas::event::EventAt;
use schemas::ids::SubscriptionId;
use schemas::terms::LineKind;
use schemas::{Date, Rejection, Timestamp};

use super::Account;
use super::charge::whole_of;
use super::lines::{Drafts, Scope, drafts};
use super::pieces::{Comparison, ahead};
use super::place::Place;
use super::state::Pending;
use crate::catalog::state::Catalog;
use crate::shared::List;
use crate::subscription::advance::{Advance, Horizon};
use crate::subscription::item::Cycle;
use crate::subscription::state::Subscription;

/// Whether all that is due of a subscription at an instant is above zero, after discounts: found
/// on a copy for which the time has passed.
///
/// # Errors
/// What advancing and billing refuse.
fn would_ask(
    account: Account<'_>,
    catalog: &Catalog,
    id: SubscriptionId,
    now: Timestamp,
) -> Result<bool, Rejection> {
    let (rules, currency) = (account.rules(), account.profile.currency);
    let horizon = Horizon::present(now, rules)?;
    let (mut agreements, mut billing) = (account.agreements.clone(), account.billing.clone());
    let invoiced = account.billing;
    let advance = Advance { rules, catalog, currency, invoiced, looks_ahead: false };
    if let Some(subscription) = agreements.drafted(id) {
        let mut made = advance.through(subscription, horizon, 0)?;
        made.extend(advance.ahead(subscription, horizon, made.len())?);
        for event in made {
            billing
                .evolve_agreed(&event, false, EventAt::here(0))
                .expect("a decision names what is there");
        }
    }
    let then = Account { agreements: &agreements, billing: &billing, ..account };
    let Drafts { lines, .. } =
        drafts(then, catalog, (Scope::Subscription(id), &[id]), horizon, false)?;
    Ok(lines.iter().map(|line| i128::from(line.net().0)).sum::<i128>() > 0)
}

/// Whether a subscription that wants a first payment waits for it: an invoice asks for it, or the
/// one that bills what is due and not invoiced yet will.
pub(crate) fn for_payment(
    account: Account<'_>,
    catalog: &Catalog,
    subscription: &Subscription,
    now: Timestamp,
) -> bool {
    let Some(activation) = subscription.activation else { return false };
    let fee = |charge: &Pending| {
        let added = &charge.added;
        let own = added.subscription == Some(subscription.id()) && !added.early_termination;
        own && added.gross.is_positive()
    };
    if activation.asked.is_some() {
        return true;
    }
    let costs = (subscription.start <= now && account.billing.pending().any(fee))
        || costs_something(account, subscription, now);
    // Discounts may leave nothing of it. What cannot be billed costs what it says.
    costs && would_ask(account, catalog, subscription.id, now).unwrap_or(true)
}

/// Whether something above zero of a cycle is due that has begun.
fn costs_something(account: Account<'_>, subscription: &Subscription, now: Timestamp) -> bool {
    let rules = account.rules();
    let Ok(today) = rules.date(now) else { return false };
    let pauses = subscription.pause_spans();
    subscription.items.iter().any(|item| {
        let place = Place { account, subscription, item, pauses: &pauses };
        // Of what is settled nothing is missing.
        let unsettled = account.billing.unsettled(subscription.id, item.number);
        account.billing.need(subscription.id, item.number, unsettled);
        let mut opened = item.cycles.iter().filter(|cycle| cycle.start <= now);
        let known = account.billing.item(subscription.id, item.number).map_or(0, List::len);
        let known = u32::try_from(known).unwrap_or(u32::MAX);
        let misses = |cycle: &Cycle| {
            let is_open = unsettled.binary_search(&cycle.index).is_ok() || known <= cycle.index;
            is_open && misses(place, cycle, today)
        };
        if opened.any(misses) {
            return true;
        }
        let mut begun: Vec<Cycle> = Vec::new();
        let mut n = 0;
        while let Ok((span, full)) = item.period_ahead(n, rules)
            && span.start() <= now
        {
            let (index, made) = (item.next_cycle() + n, EventAt::here(0));
            let (start, end) = (span.start(), span.end());
            begun.push(Cycle { index, start, end, full, made, after: 0 });
            n += 1;
        }
        begun.iter().any(|cycle| costs(place, cycle, today))
    })
}

/// Whether something above zero of a cycle that was opened is due and not billed.
fn misses(place: Place<'_>, cycle: &Cycle, today: Date) -> bool {
    let billing = place.account.billing;
    if billing.cycle(place.subscription.id, place.item.number, cycle.index).is_none() {
        // It was opened in a preview of the present.
        return costs(place, cycle, today);
    }
    let compared = Comparison::of(place, cycle);
    compared.missing().is_ok_and(|all| {
        all.iter().any(|missing| {
            let (terms, units) = (missing.segment.terms, missing.segment.units());
            let whole = whole_of(terms, units, LineKind::Recurring, place.rules());
            missing.due <= today && whole.is_ok_and(|whole| whole.numerator() > 0)
        })
    })
}

/// Whether something above zero of a cycle is due that is not opened yet.
fn costs(place: Place<'_>, cycle: &Cycle, today: Date) -> bool {
    let Ok(charged) = ahead(place, cycle) else { return false };
    charged.iter().any(|(segment, due)| {
        let whole = whole_of(segment.terms, segment.units(), LineKind::Recurring, place.rules());
        *due <= today && whole.is_ok_and(|whole| whole.numerator() > 0)
    })
}
