//! What is given back for time of a line.
//!
//! # Shape
//!
//! [`give_back`] has a row for each rule of `credit_basis`. All credits of a line together never
//! exceed it. A line of which an amount was credited before gives back a share of what is left.

use schemas::terms::{CreditBasis, CreditDiscount, LineKind, RatioRule};

use crate::civil::{Instant, Stretch};
use crate::customer::{At, Line, Taken};
use crate::item::Item;
use crate::measure::{cost, part, part_cost, units};
use crate::number::Exact;
use crate::passing::View;
use crate::price::{minor, whole};
use crate::subscription::Subscription;

/// The credit for a stretch of a line's time, as a line of its own.
pub(crate) fn give_back(
    view: &View<'_>,
    of: &Subscription,
    (at, line): (At, &Line),
    time: Stretch,
) -> Line {
    let (gross, discounts) = amounts(view, of, line, time);
    let mut credit = Line {
        kind: LineKind::ProrationCredit,
        gross: -gross,
        discounts: discounts.into_iter().map(negative).collect(),
        credits: Some(at),
        time,
        live: Vec::new(),
        stands: false,
        returned: Vec::new(),
        credited_units: units(view.clock, time),
        credited: 0,
        credited_gross: 0,
        noted: 0,
        by_notes: 0,
        ..line.clone()
    };
    let over = -credit.net() - line.left();
    if over > 0 {
        credit.gross += over;
    }
    credit
}

fn negative(taken: Taken) -> Taken {
    Taken { amount: -taken.amount, ..taken }
}

/// Gross and discounts that come back, positive.
fn amounts(view: &View<'_>, of: &Subscription, line: &Line, time: Stretch) -> (i128, Vec<Taken>) {
    let counted = |of: Stretch| units(view.clock, of);
    let (gone, length) = (counted(time), counted(line.time).max(1));
    let every = line.price.as_ref().map(|price| price.terms.every).expect("a line of a cycle");
    let fraction = |of: Stretch| part(view.rules, view.clock, of, line.full, every);
    let share_of_line = || {
        let all = fraction(line.time);
        if all.is_zero() { Exact::ONE } else { fraction(time).over(all) }
    };
    // A discount comes back with the part of its line that does.
    let of_gross = |gross: i128| {
        if line.gross == 0 { Exact::ZERO } else { Exact::new(gross, line.gross) }
    };
    // What makes up a least price that holds has no price of its own: it comes back as a share.
    let tops_up = line.kind == LineKind::MinimumTrueUp && view.rules.minimum_holds();
    if tops_up && view.rules.of.credit_basis != CreditBasis::WholeFee && line.noted == 0 {
        return cumulative(line, gone, length);
    }
    if line.noted != 0 && view.rules.of.credit_basis == CreditBasis::BilledShare {
        let live: i128 = line.live.iter().map(|live| counted(*live)).sum();
        let left = Exact::new(line.left() * gone, live.max(1)).rounded();
        return (left, Vec::new());
    }
    match view.rules.of.credit_basis {
        CreditBasis::BilledShare if view.rules.of.ratio == RatioRule::Exact => {
            cumulative(line, gone, length)
        }
        CreditBasis::BilledShare | CreditBasis::LastBilledPrice => {
            let gross = priced(view, line, line.whole, time).min(line.gross_left());
            (gross, shares(view, line, (gross, of_gross(gross))))
        }
        CreditBasis::CurrentPrice => {
            // At its start the line's own price was the one in force.
            let whole =
                if time.0 <= line.time.0 { line.whole } else { in_force(view, of, line, time.0) };
            let gross = priced(view, line, whole, time).min(line.gross_left());
            (gross, shares(view, line, (gross, of_gross(gross))))
        }
        CreditBasis::BilledAmount => {
            let whole = Exact::whole(line.gross);
            let stretches = (time, line.time);
            let gross = part_cost(view.rules, view.clock, whole, share_of_line(), stretches);
            let gross = gross.rounded().min(line.gross_left());
            (gross, shares(view, line, (gross, of_gross(gross))))
        }
        CreditBasis::WholeFee => {
            let left = line.left();
            let gross = (line.gross - line.net() + left).min(line.gross_left());
            (gross, if gross == 0 { Vec::new() } else { line.discounts.clone() })
        }
    }
}

/// The difference of two rounded cumulative amounts: the parts of a line add up to it.
fn cumulative(line: &Line, gone: i128, length: i128) -> (i128, Vec<Taken>) {
    let (before, after) = (line.credited_units, line.credited_units + gone);
    let share = |amount: i128| {
        let up_to = |units: i128| Exact::new(amount * units, length).rounded();
        up_to(after) - up_to(before)
    };
    // Each discount is the difference that it made to what comes back.
    let mut rest = line.gross;
    let mut discounts = Vec::new();
    for taken in &line.discounts {
        let amount = share(rest) - share(rest - taken.amount);
        discounts.push(Taken { amount, ..*taken });
        rest -= taken.amount;
    }
    (share(line.gross), discounts)
}

/// The time at a price, as it is charged.
fn priced(view: &View<'_>, line: &Line, whole: Exact, time: Stretch) -> i128 {
    let every = line.price.as_ref().map(|price| price.terms.every).expect("a line of a cycle");
    cost(view.rules, view.clock, whole, (time, line.full), every).rounded()
}

/// What a whole cycle cost just before an end or a pause, or the last change up to an instant.
fn in_force(view: &View<'_>, of: &Subscription, line: &Line, at: Instant) -> Exact {
    let item = line.cycle().map(|cycle| &of.items[cycle.item]);
    let told = |item: &Item| {
        let all = item.terms.keys().chain(item.quantities.keys());
        all.copied().filter(|from| line.time.0 < *from && *from <= at).max()
    };
    let goes = of.known_end().is_some_and(|(end, _)| end <= at)
        || of.paused_time().iter().any(|pause| pause.0 <= at && at < pause.1);
    let price = item.and_then(|item| {
        let before = if goes { at } else { told(item)? };
        item.price_at(view.rules, before - 1)
    });
    price.map_or(line.whole, |price| {
        let currency = view.customer.currency;
        let of_price = whole(&price.terms.rate, price.quantity, currency);
        if line.kind != LineKind::MinimumTrueUp {
            return of_price;
        }
        let least = price.terms.minimum.map(|least| minor(Exact::decimal(least), currency));
        let short = least.map(|least| least.minus(of_price));
        short.filter(|short| Exact::ZERO < *short).unwrap_or(Exact::ZERO)
    })
}

/// The share that the line had of each discount; or all of a fixed amount.
///
/// Together they are never more than what comes back.
fn shares(view: &View<'_>, line: &Line, (gross, share): (i128, Exact)) -> Vec<Taken> {
    let amount = |taken: &Taken| {
        let of = match (view.rules.of.credit_discount, taken.budget) {
            (CreditDiscount::WholeDiscount, Some(budget)) => Exact::whole(budget),
            // With all of the line comes all that was taken off it.
            (CreditDiscount::WholeDiscount | CreditDiscount::ItemShare, _)
                if share == Exact::ONE =>
            {
                Exact::whole(taken.amount)
            }
            (CreditDiscount::WholeDiscount | CreditDiscount::ItemShare, _) => taken.exact,
        };
        of.times(share).rounded()
    };
    let mut left = gross.max(0);
    let bounded = |taken: &Taken| {
        let amount = amount(taken).clamp(0, left);
        left -= amount;
        Taken { amount, ..*taken }
    };
    line.discounts.iter().map(bounded).collect()
}
