//! What one customer is billed: every cycle of its subscriptions compared, and its charges.

use schemas::event::{ChargeAdded, LineOrigin, LineSource};
use schemas::fraction::Fraction;
use schemas::ids::{ChargeId, SubscriptionId};
use schemas::terms::{ChangeBilling, CreditBasis, CreditDocument, LineKind};
use schemas::{Minor, Rejection, Timestamp};

use super::ahead::Ahead;
use super::credit::{Before, credit};
use super::draft::LineDraft;
use super::pieces::{Comparison, Gone};
use super::place::Place;
use super::state::{LineAt, Pending};
use super::{Account, charge, discount, proration, residue, waiting};
use crate::catalog::state::Catalog;
use crate::mistakes::{Mistake, makes};
use crate::subscription::advance::Horizon;
use crate::subscription::state::Subscription;

/// The most lines of one invoice.
pub(crate) const MAX_LINES: usize = 250_000;

/// What to bill.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scope {
    /// Every subscription, and all pending charges.
    All,
    /// What one subscription needs, its setup fees, and nothing else.
    Subscription(SubscriptionId),
    /// One pending charge.
    Charge(ChargeId),
    /// Cycles of a subscription that were billed and will not begin.
    WontBegin(SubscriptionId),
}

impl Scope {
    /// Whether a subscription is billed.
    pub(crate) fn has(self, id: SubscriptionId) -> bool {
        match self {
            Self::All => true,
            Self::Subscription(wanted) | Self::WontBegin(wanted) => wanted == id,
            Self::Charge(_) => false,
        }
    }

    fn has_charge(self, charge: &ChargeAdded) -> bool {
        match self {
            Self::All => true,
            Self::Subscription(id) => charge.subscription == Some(id),
            Self::Charge(id) => id == charge.charge,
            Self::WontBegin(_) => false,
        }
    }
}

/// What is billed: lines of one invoice, and credits that leave as notes.
#[derive(Debug, Default)]
pub(crate) struct Drafts {
    pub(crate) lines: Vec<LineDraft>,
    pub(crate) notes: Vec<LineDraft>,
}

/// The lines that are due of these subscriptions and of charges; none if there is nothing to bill.
/// The subscriptions were brought up to the horizon before. A `run` bills only for a reason: see
/// [`waiting`].
///
/// # Errors
/// [`Rejection::TooMany`] lines for one invoice; amounts or dates that cannot be reckoned.
pub(crate) fn drafts(
    account: Account<'_>,
    catalog: &Catalog,
    (scope, of): (Scope, &[SubscriptionId]),
    horizon: Horizon,
    run: bool,
) -> Result<Drafts, Rejection> {
    let mut lines = Vec::new();
    let mut reason = false;
    for subscription in account.agreements.some(of) {
        let waits = subscription.waits() && subscription.ending.is_none();
        if waits && !matches!(scope, Scope::WontBegin(_)) {
            // Nothing is billed while it waits for its first payment.
            continue;
        }
        let before = lines.len();
        let due = bill_subscription(account, catalog, subscription, (scope, horizon), &mut lines)?;
        let owed = subscription.ending.is_some()
            || account.billing.owes_a_bill(subscription.id)
            || account.rules().policies.change_billing == ChangeBilling::AtOnce;
        reason |= due || (owed && lines[before..].iter().any(is_worth));
    }
    let charges = account.billing.pending().filter(|charge| {
        scope.has_charge(&charge.added) && has_begun(account, charge, horizon.now)
    });
    for charge in charges {
        reason |= is_reason(account, charge, horizon.now)
            || account.rules().policies.change_billing == ChangeBilling::AtOnce;
        lines.push(one_off(account, charge));
    }
    if lines.is_empty() || (run && !reason && !waiting::is_over(account, horizon)?) {
        return Ok(Drafts::default());
    }
    residue::settle(account, residue::Of::Gross, &mut lines)?;
    discount::take_off(account, account.rules().date(horizon.now)?, &mut lines)?;
    residue::settle(account, residue::Of::Net, &mut lines)?;
    charge::top_up(&mut lines)?;
    if lines.len() > MAX_LINES {
        return Err(Rejection::TooMany {
            what: "lines on one invoice",
            limit: MAX_LINES,
            way: "bill through an earlier date; what is due on one day has to fit on one invoice",
        });
    }
    Ok(leave(account, lines))
}

/// A charge of a subscription that has not begun is billed once that has.
pub(crate) fn has_begun(account: Account<'_>, charge: &Pending, now: Timestamp) -> bool {
    let early = makes(Mistake::SetUpBeforeItsStart);
    of(account, charge).is_none_or(|of| of.start <= now || early) && !never_begins(account, charge)
}

/// A charge is a reason for an invoice: it was voided to be billed again, or it is a setup fee, due
/// when its subscription begins. One with a trial waits for the first cycle.
pub(crate) fn is_reason(account: Account<'_>, charge: &Pending, now: Timestamp) -> bool {
    let set_up = of(account, charge).filter(|_| charge.added.price.is_some());
    let begun = |of: &Subscription| of.trial_end.is_none_or(|end| end <= now);
    charge.is_due() || set_up.is_some_and(begun)
}

/// A setup fee of a subscription that ended where it would have begun is not billed.
pub(crate) fn never_begins(account: Account<'_>, charge: &Pending) -> bool {
    let of = of(account, charge).filter(|_| !charge.added.early_termination);
    of.is_some_and(Subscription::never_begins)
}

/// The subscription that a charge is of, if it is of one.
fn of<'a>(account: Account<'a>, charge: &Pending) -> Option<&'a Subscription> {
    charge.added.subscription.and_then(|id| account.agreements.subscription(id))
}

/// Something is charged or given back with it.
fn is_worth(line: &LineDraft) -> bool {
    line.credits.is_none() || !line.gross.is_zero()
}

/// Which credits leave as notes. Credits of nothing stand on an invoice that is issued anyway.
fn leave(account: Account<'_>, lines: Vec<LineDraft>) -> Drafts {
    let policies = account.rules().policies;
    let is_credit = |line: &LineDraft| line.credits.is_some();
    let total: i64 = lines.iter().filter(|line| !line.alone).map(|line| line.net().0).sum();
    let (notes, lines): (Vec<_>, Vec<_>) =
        lines.into_iter().partition(|line| match policies.credit_document {
            CreditDocument::InvoiceLine => false,
            CreditDocument::CreditNote => {
                is_credit(line) && policies.credit_basis != CreditBasis::WholeFee
            }
            CreditDocument::NoteWhenAlone => is_credit(line) && (line.alone || total < 0),
        });
    let notes: Vec<_> = notes.into_iter().filter(is_worth).collect();
    let lines = if lines.iter().any(is_worth) { lines } else { Vec::new() };
    Drafts { lines, notes }
}

/// What one subscription is billed; whether there is a reason for it.
fn bill_subscription(
    account: Account<'_>,
    catalog: &Catalog,
    subscription: &Subscription,
    (scope, horizon): (Scope, Horizon),
    lines: &mut Vec<LineDraft>,
) -> Result<bool, Rejection> {
    let wont_begin = matches!(scope, Scope::WontBegin(_));
    let ahead = Ahead::of(account, catalog, subscription, horizon.now)?;
    let now_paused = subscription.pause_spans();
    let mut reason = false;
    for item in &subscription.items {
        let first = lines.len();
        let mut credits = Vec::new();
        let unsettled = account.billing.unsettled(subscription.id, item.number);
        account.billing.need(subscription.id, item.number, unsettled);
        for number in unsettled {
            let cycle = item.cycle(*number).expect("what was billed of a cycle was opened");
            // What has not begun is billed as it will be then.
            let (place, cycle) = ahead.place(account, (subscription, &now_paused), item, cycle);
            let compared = Comparison::of(place, cycle);
            if wont_begin && subscription.begins(cycle.start, account.rules()) {
                continue;
            }
            reason |= compared.gone.iter().any(|gone| compared.is_again(gone.time));
            credit_all(place, &compared.gone, &mut credits)?;
            if !wont_begin {
                reason |= compared.charge(catalog, horizon, lines)?;
            }
        }
        // What is given back of an item stands before what it costs.
        lines.splice(first..first, credits);
    }
    Ok(reason)
}

/// Credits pieces of lines; of two pieces of one line the second starts where the first ended.
fn credit_all(
    place: Place<'_>,
    gone: &[Gone],
    lines: &mut Vec<LineDraft>,
) -> Result<(), Rejection> {
    let mut last: Option<(LineAt, Before)> = None;
    for Gone { line: at, time, alone } in gone {
        let line = place.account.billing.line(*at);
        let priced =
            line.priced.as_ref().expect("what is gone is time of a cycle, which is priced");
        let measured = |span| proration::measure(span, place.rules());
        let before = match last {
            Some((same, before)) if same == *at => before,
            Some(_) | None => Before {
                time: line.credited_time,
                live: line.live.iter().map(|span| measured(*span)).sum::<Result<i64, _>>()?,
                left: line.left(),
                gross_left: Minor(line.gross.0 - line.credited_gross.0),
            },
        };
        let draft = credit(place, *at, (line, priced), (*time, *alone), before)?;
        let credited = measured(*time)?;
        let left = Minor(before.left.0 + draft.net().0);
        let gross_left = Minor(before.gross_left.0 + draft.gross.0);
        let (time, live) = (before.time + credited, before.live - credited);
        last = Some((*at, Before { time, live, left, gross_left }));
        lines.push(draft);
    }
    Ok(())
}

fn one_off(account: Account<'_>, pending: &Pending) -> LineDraft {
    let charge = &pending.added;
    let subscription = charge.subscription.and_then(|id| account.agreements.subscription(id));
    LineDraft {
        kind: LineKind::OneOff,
        description: charge.description.clone(),
        source: LineSource::Charge(charge.charge),
        plan: None,
        service: charge.service,
        quantity: charge.quantity,
        unit_price: charge.unit_price,
        tiers: Vec::new(),
        pricing: None,
        rest: None,
        ratio: Fraction::ONE,
        exact: charge.exact,
        rounding: Vec::new(),
        gross: charge.gross,
        discounts: Vec::new(),
        phase: None,
        credits: None,
        alone: false,
        dimensions: subscription.map_or_else(Vec::new, |found| found.dimensions.clone()),
        origin: LineOrigin { charge: Some(pending.made), ..LineOrigin::default() },
    }
}
