//! What one customer is billed: every cycle of its subscriptions compared, and its charges.

use schemas::event::{ChargeAdded, LineOrigin, LineSource};
use schemas::fraction::Fraction;
use schemas::ids::{ChargeId, SubscriptionId};
use schemas::terms::LineKind;
use schemas::{Date, Minor, Rejection, Span};

use super::credit::{Before, credit};
use super::draft::LineDraft;
use super::pieces;
use super::place::Place;
use super::state::{LineAt, Pending};
use super::{Account, discount, proration};
use crate::catalog::state::Catalog;
use crate::subscription::state::Subscription;

/// The most lines of one invoice or credit note.
pub(crate) const MAX_LINES: usize = 1_000;

/// What to bill.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scope {
    /// Every subscription, and all pending charges.
    All,
    /// What one subscription needs, its setup fees, and nothing else.
    Subscription(SubscriptionId),
    /// One pending charge.
    Charge(ChargeId),
}

impl Scope {
    /// Whether a subscription is billed.
    pub(crate) fn has(self, id: SubscriptionId) -> bool {
        match self {
            Self::All => true,
            Self::Subscription(wanted) => wanted == id,
            Self::Charge(_) => false,
        }
    }

    fn has_charge(self, charge: &ChargeAdded) -> bool {
        match self {
            Self::All => true,
            Self::Subscription(id) => charge.subscription == Some(id),
            Self::Charge(id) => id == charge.charge,
        }
    }
}

/// The lines that are due up to and on `through`; none if there is nothing to bill. The
/// subscriptions were brought up to that day before.
///
/// # Errors
/// [`Rejection::TooMany`] lines for one invoice; amounts or dates that cannot be reckoned.
pub(super) fn lines(
    account: Account<'_>,
    catalog: &Catalog,
    scope: Scope,
    through: Date,
) -> Result<Vec<LineDraft>, Rejection> {
    let mut lines = Vec::new();
    for subscription in account.agreements.subscriptions().filter(|found| scope.has(found.id)) {
        bill_subscription(account, catalog, subscription, through, &mut lines)?;
    }
    let charges = account.billing.pending().filter(|charge| scope.has_charge(&charge.added));
    lines.extend(charges.map(|charge| one_off(account, charge)));
    discount::take_off(account, &mut lines)?;
    if lines.len() > MAX_LINES {
        return Err(Rejection::TooMany {
            what: "lines on one invoice",
            limit: MAX_LINES,
            way: "bill through an earlier date; what is due on one day has to fit on one invoice",
        });
    }
    Ok(lines)
}

fn bill_subscription(
    account: Account<'_>,
    catalog: &Catalog,
    subscription: &Subscription,
    through: Date,
    lines: &mut Vec<LineDraft>,
) -> Result<(), Rejection> {
    let pauses = subscription.pause_spans();
    for item in &subscription.items {
        let place = Place { account, subscription, item, pauses: &pauses };
        let (first, mut credits) = (lines.len(), Vec::new());
        for cycle in item.cycles.iter() {
            let credited = pieces::compare(place, catalog, cycle, through, lines)?;
            credit_all(place, credited, &mut credits)?;
        }
        // What is given back of an item stands before what it costs.
        lines.splice(first..first, credits);
    }
    Ok(())
}

/// Credits pieces of lines; of two pieces of one line the second starts where the first ended.
fn credit_all(
    place: Place<'_>,
    credits: Vec<(LineAt, Span)>,
    lines: &mut Vec<LineDraft>,
) -> Result<(), Rejection> {
    let mut last: Option<(LineAt, Before)> = None;
    for (at, piece) in credits {
        let line = place.account.billing.line(at);
        let Some(priced) = &line.priced else { continue };
        let before = match last {
            Some((same, before)) if same == at => before,
            Some(_) | None => Before {
                time: line.credited_time,
                left: line.left(),
                gross_left: Minor(line.gross.0 - line.credited_gross.0),
            },
        };
        let draft = credit(place, at, (line, priced), piece, before)?;
        let time = before.time + proration::measure(piece, place.rules())?;
        let left = Minor(before.left.0 + draft.net().0);
        let gross_left = Minor(before.gross_left.0 + draft.gross.0);
        last = Some((at, Before { time, left, gross_left }));
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
        credits: None,
        dimensions: subscription.map_or_else(Vec::new, |found| found.dimensions.clone()),
        origin: LineOrigin { charge: Some(pending.made), ..LineOrigin::default() },
    }
}
