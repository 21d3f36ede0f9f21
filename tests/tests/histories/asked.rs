//! What was decided is what was asked for: times, prices and quantities follow from commands.

use schemas::command::ItemRequest;
use schemas::command::{CancelSubscription, SubscriptionCommand};
use schemas::event::SubscriptionEvent;
use schemas::event::{ItemTerms, SubscriptionChanged};
use schemas::ids::{CustomerId, PlanId};
use schemas::terms::{CancelCredit, CancelDefault, ChangeTime, Proration};
use schemas::{Command, Commit, Decimal, Event};

use crate::watch::{Account, Broken, Watch, check};

const LAW: &str = "what is decided is what was asked";

/// Compares the command of a commit with its events.
pub(crate) fn check_commit(
    watch: &mut Watch,
    customer: CustomerId,
    commit: &Commit,
    found: &mut Vec<Broken>,
) {
    let before = found.len();
    let Some(account) = watch.accounts.get(&customer) else { return };
    let seen = if let Command::Subscription(SubscriptionCommand::CreateSubscription(command)) =
        &commit.command
    {
        let items = command.with.as_ref().and_then(|with| with.items.as_ref());
        let ramped = command.with.as_ref().is_some_and(|with| with.ramp.is_some());
        let quantity = command.quantity.unwrap_or(Decimal::ONE);
        !ramped && created(watch, account, commit, command.plan, quantity, items, found)
    } else if let Command::Subscription(SubscriptionCommand::ChangeQuantity(command)) =
        &commit.command
    {
        command.when == ChangeTime::Now
            && quantity_changed(account, commit, command.quantity, found)
    } else if let Command::Subscription(SubscriptionCommand::ChangePlan(command)) = &commit.command
    {
        command.when == ChangeTime::Now && plan_changed(watch, account, commit, command.plan, found)
    } else if let Command::Subscription(SubscriptionCommand::CancelSubscription(command)) =
        &commit.command
    {
        command.when == ChangeTime::Now && canceled(watch, account, commit, command, found)
    } else {
        false
    };
    if seen {
        watch.look(LAW);
    }
    debug_assert!(found.len() >= before, "findings are only added");
}

/// The rate of a price in a version, or one of the subscription's own.
fn has_its_rate(watch: &Watch, terms: &ItemTerms, requests: Option<&Vec<ItemRequest>>) -> bool {
    let own = requests.into_iter().flatten().find(|request| request.price == terms.price);
    if let Some(rate) = own.and_then(|request| request.rate.as_ref()) {
        return *rate == terms.rate;
    }
    let versions = watch.plans.get(&terms.plan).map(Vec::as_slice).unwrap_or_default();
    let version = usize::try_from(terms.version).ok().and_then(|n| versions.get(n - 1));
    let price = version.and_then(|v| v.prices.iter().find(|found| found.price == terms.price));
    let amount = price.and_then(|p| p.amounts.iter().find(|a| a.currency == terms.currency));
    terms.own_rate || amount.is_some_and(|amount| amount.rate == terms.rate)
}

fn created(
    watch: &Watch,
    account: &Account,
    commit: &Commit,
    plan: PlanId,
    quantity: Decimal,
    requests: Option<&Vec<ItemRequest>>,
    found: &mut Vec<Broken>,
) -> bool {
    let created = commit.events.iter().find_map(|event| {
        if let Event::Subscription(SubscriptionEvent::SubscriptionCreated(created)) = event {
            Some(created)
        } else {
            None
        }
    });
    let Some(created) = created else { return false };
    let start = account.local.moment(commit.effective_at);
    check(found, LAW, created.start == start, || format!("{} for {start}", created.start));
    for item in &created.items {
        let asked = requests.into_iter().flatten().find(|r| r.price == item.terms.price);
        let wanted = asked.and_then(|request| request.quantity).unwrap_or(if item.add_on {
            Decimal::ONE
        } else {
            quantity
        });
        let right = item.terms.plan == plan
            && item.quantity == wanted
            && has_its_rate(watch, &item.terms, requests);
        check(found, LAW, right, || format!("{item:?}"));
    }
    true
}

/// The change that a command made itself; others only bring the subscription up to date.
fn changed(commit: &Commit) -> Option<&SubscriptionChanged> {
    commit.events.iter().rev().find_map(|event| {
        if let Event::Subscription(SubscriptionEvent::SubscriptionChanged(changed)) = event {
            Some(changed).filter(|changed| changed.change.is_none())
        } else {
            None
        }
    })
}

fn quantity_changed(
    account: &Account,
    commit: &Commit,
    quantity: Decimal,
    found: &mut Vec<Broken>,
) -> bool {
    let Some(changed) = changed(commit) else { return false };
    let made = changed.items.iter().any(|item| item.quantity.is_some());
    if made {
        let right = changed.from == account.local.moment(commit.effective_at)
            && changed.items.iter().all(|item| item.quantity == Some(quantity));
        check(found, LAW, right, || format!("{changed:?}"));
    }
    made
}

fn plan_changed(
    watch: &Watch,
    account: &Account,
    commit: &Commit,
    plan: PlanId,
    found: &mut Vec<Broken>,
) -> bool {
    use schemas::event::TermsChange;
    let Some(changed) = changed(commit) else { return false };
    if changed.from != account.local.moment(commit.effective_at) {
        // What was scheduled and is no change of plan.
        return false;
    }
    for item in &changed.items {
        if let TermsChange::Set(terms) = &item.terms {
            let right = terms.plan == plan && has_its_rate(watch, terms, None);
            check(found, LAW, right, || format!("{terms:?}"));
        }
    }
    true
}

fn canceled(
    watch: &Watch,
    account: &Account,
    commit: &Commit,
    command: &CancelSubscription,
    found: &mut Vec<Broken>,
) -> bool {
    let canceled = commit.events.iter().rev().find_map(|event| {
        if let Event::Subscription(SubscriptionEvent::SubscriptionCanceled(canceled)) = event {
            // What comes back may have paid for others that end with that.
            Some(canceled).filter(|canceled| canceled.subscription == command.subscription)
        } else {
            None
        }
    });
    let Some(canceled) = canceled else { return false };
    if canceled.fee_waived && canceled.credit == CancelCredit::None {
        // What was never paid ends where it would have begun.
        return true;
    }
    let moment = account.local.moment(commit.effective_at);
    let inclusive = watch.policies().proration == Proration::ByDayInclusive;
    let end = canceled.end;
    let right = if inclusive {
        account.local.day(end) == account.local.day(moment) + 1
    } else {
        end == moment
    };
    let asked = command.credit.unwrap_or(match watch.policies().cancel_default {
        CancelDefault::Credit => CancelCredit::Prorated,
        CancelDefault::Keep => CancelCredit::None,
    });
    check(found, LAW, right && canceled.credit == asked, || format!("{canceled:?}"));
    true
}
