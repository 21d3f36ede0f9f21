//! Whether the invoice that would be made now asks for something of a subscription.

use schemas::event::{ChargeAdded, LineSource};
use schemas::ids::SubscriptionId;
use schemas::{Rejection, Timestamp};

use super::Account;
use super::draft::LineDraft;
use super::lines::{Drafts, Scope, drafts};
use crate::catalog::state::Catalog;
use crate::subscription::advance::{Advance, Horizon};
use crate::subscription::state::Subscription;

/// Whether an invoice of all that is due at an instant is above zero, and what it bills of a
/// subscription, too: after discounts, on a copy for which the time has passed.
///
/// # Errors
/// What advancing and billing refuse.
pub(super) fn would_ask(
    account: Account<'_>,
    catalog: &Catalog,
    id: SubscriptionId,
    now: Timestamp,
) -> Result<bool, Rejection> {
    let horizon = Horizon::present(now, account.rules())?;
    let (mut agreements, mut billing) = (account.agreements.clone(), account.billing.clone());
    let billed = account.agreements.subscriptions().filter(|found| !found.waits());
    for known in billed.map(Subscription::id) {
        let (rules, currency) = (account.rules(), account.profile.currency);
        let advance = Advance { rules, catalog, currency, invoiced: account.billing };
        let Some(subscription) = agreements.drafted(known) else { continue };
        let mut made = advance.through(subscription, horizon, 0)?;
        made.extend(advance.ahead(subscription, horizon, 0)?);
        for event in made {
            billing.evolve_agreed(&event, false).expect("a decision names what is there");
        }
    }
    let then = Account { agreements: &agreements, billing: &billing, ..account };
    let Drafts { lines, .. } = drafts(then, catalog, Scope::All, horizon, false)?;
    let sum = |lines: &mut dyn Iterator<Item = &LineDraft>| -> i128 {
        lines.map(|line| i128::from(line.net().0)).sum()
    };
    let of_it = |line: &&LineDraft| match line.source {
        LineSource::Cycle { subscription, .. } => subscription == id,
        LineSource::Charge(charge) => {
            let is_it =
                |added: &ChargeAdded| added.charge == charge && added.subscription == Some(id);
            billing.pending().any(|pending| is_it(&pending.added))
        }
        LineSource::Invoice => false,
    };
    Ok(sum(&mut lines.iter()) > 0 && sum(&mut lines.iter().filter(of_it)) > 0)
}
