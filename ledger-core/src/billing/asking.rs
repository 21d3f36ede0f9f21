//! Whether an invoice of a subscription that would be made now asks for something.

use schemas::ids::SubscriptionId;
use schemas::{Rejection, Timestamp};

use super::Account;
use super::lines::{Drafts, Scope, drafts};
use crate::catalog::state::Catalog;
use crate::subscription::advance::{Advance, Horizon};

/// Whether all that is due of a subscription at an instant is above zero, after discounts: found
/// on a copy for which the time has passed.
///
/// # Errors
/// What advancing and billing refuse.
pub(super) fn would_ask(
    account: Account<'_>,
    catalog: &Catalog,
    id: SubscriptionId,
    now: Timestamp,
) -> Result<bool, Rejection> {
    let (rules, currency) = (account.rules(), account.profile.currency);
    let horizon = Horizon::present(now, rules)?;
    let (mut agreements, mut billing) = (account.agreements.clone(), account.billing.clone());
    let advance = Advance { rules, catalog, currency, invoiced: account.billing };
    if let Some(subscription) = agreements.drafted(id) {
        let mut made = advance.through(subscription, horizon, 0)?;
        made.extend(advance.ahead(subscription, horizon, made.len())?);
        for event in made {
            billing.evolve_agreed(&event, false).expect("a decision names what is there");
        }
    }
    let then = Account { agreements: &agreements, billing: &billing, ..account };
    let Drafts { lines, .. } = drafts(then, catalog, Scope::Subscription(id), horizon, false)?;
    Ok(lines.iter().map(|line| i128::from(line.net().0)).sum::<i128>() > 0)
}
