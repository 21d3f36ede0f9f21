//! A change's credit and charge, rounded apart, do not always add up to the change.
//!
//! # Shape
//!
//! 10.00 more for 16 of 30 days costs 5.33; a credit of 5.33 and a charge of 10.67 make 5.34.
//! Where the policy credits shares of what was billed, the charge carries the difference. Lines
//! are matched where credits and charges of a cycle are for the same time. What percentages leave
//! of the change adds up in the same way.

use schemas::terms::{CreditBasis, DiscountStacking, LineKind, RatioRule};

use crate::civil::Stretch;
use crate::customer::{CycleOf, Line};
use crate::measure::part;
use crate::number::Exact;
use crate::passing::View;
use crate::stretches::joined;

/// The exact price of a line's time.
fn exact(view: &View<'_>, line: &Line) -> Exact {
    let every = line.price.as_ref().map(|price| price.terms.every).expect("a line of a cycle");
    line.whole.times(part(view.rules, view.clock, line.time, line.full, every))
}

/// Before discounts, or what they leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layer {
    Price,
    Left,
}

/// What percentages leave of a line; none where a fixed amount was taken off. A credit gives back
/// what the line had that it credits.
fn left(view: &View<'_>, line: &Line) -> Option<Exact> {
    let had = line.credits.map_or(line, |at| view.customer.line(at));
    let price = exact(view, line);
    let mut left = price;
    for taken in &had.discounts {
        let of = match view.rules.of.discount_stacking {
            DiscountStacking::Sequential => left,
            DiscountStacking::Stacked => price,
        };
        left = left.minus(of.times(taken.percent?));
    }
    Some(left)
}

/// The last charge of each changed cycle carries what rounding apart has made of the change.
pub(crate) fn settle_up(
    view: &View<'_>,
    credits: &[(Line, bool)],
    lines: &mut [Line],
    layer: Layer,
) {
    let shares = view.rules.of.credit_basis == CreditBasis::BilledShare
        && view.rules.of.ratio == RatioRule::Exact;
    if !shares {
        return;
    }
    let tops_up = |line: &Line| line.kind == LineKind::MinimumTrueUp;
    let plain = |line: &Line| {
        let credits_top = line.credits.is_some_and(|at| tops_up(view.customer.line(at)));
        !tops_up(line) && !credits_top && line.cycle().is_some()
    };
    let cycles: Vec<_> =
        lines.iter().filter(|l| plain(l)).filter_map(|l| l.cycle()).copied().collect();
    for cycle in cycles {
        // It may have been cut since.
        let same = |of: &CycleOf| {
            (of.subscription, of.item, of.id) == (cycle.subscription, cycle.item, cycle.id)
        };
        let of_cycle = |line: &Line| line.cycle().is_some_and(same) && plain(line);
        let back: Vec<&Line> = credits
            .iter()
            .filter(|(line, alone)| !alone && of_cycle(line))
            .map(|(line, _)| line)
            .collect();
        let places: Vec<usize> = (0..lines.len()).filter(|at| of_cycle(&lines[*at])).collect();
        let time = |of: &mut dyn Iterator<Item = Stretch>| joined(of.collect());
        let same = time(&mut back.iter().map(|line| line.time))
            == time(&mut places.iter().map(|at| lines[*at].time));
        let noted = back.iter().any(|line| line.discounts.is_empty() && line.gross == 0);
        // What a note has taken off is no share of a price.
        let by_note =
            |line: &&Line| line.credits.is_some_and(|at| view.customer.line(at).noted != 0);
        if back.is_empty() || !same || noted || back.iter().any(by_note) {
            continue;
        }
        let most = (i128::try_from(back.len() + places.len()).expect("few lines") + 1) / 2;
        let unrounded = |line: &Line| match layer {
            Layer::Price => Some(exact(view, line)),
            Layer::Left => left(view, line),
        };
        let all = |of: Vec<&Line>| -> Option<Exact> {
            let each: Option<Vec<Exact>> = of.into_iter().map(unrounded).collect();
            Some(each?.into_iter().fold(Exact::ZERO, Exact::plus))
        };
        let charges: Vec<&Line> = places.iter().map(|at| &lines[*at]).collect();
        let (Some(credited), Some(charged)) = (all(back.clone()), all(charges.clone())) else {
            continue;
        };
        let should = charged.minus(credited).rounded();
        let amount = |line: &&Line| match layer {
            Layer::Price => line.gross,
            Layer::Left => line.net(),
        };
        let does: i128 = charges.iter().chain(&back).map(amount).sum();
        let Some(last) = places.last() else { continue };
        if layer == Layer::Left {
            let off = should - does;
            let line = &mut lines[*last];
            let net = line.net();
            let carries = off != 0 && off.abs() <= most;
            if !carries {
                continue;
            }
            match line.discounts.last_mut() {
                Some(taken) if taken.amount - off >= 0 && net + off >= 0 => taken.amount -= off,
                Some(_) => {}
                // Where nothing is taken off it, the price carries it.
                None => line.gross = (line.gross + off).max(0),
            }
            continue;
        }
        // More than half a minor unit for each is no rounding: it was credited in part before.
        if (should - does).abs() <= most && lines[*last].gross + should - does >= 0 {
            lines[*last].gross += should - does;
        }
    }
}
